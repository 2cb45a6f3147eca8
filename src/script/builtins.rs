//! What a shell does itself, without starting a program.

/// Builtins that run no other command and read no other script.
const BUILTINS: [&[u8]; 52] = [
    b":",
    b"[",
    b"alias",
    b"bg",
    b"bind",
    b"break",
    b"caller",
    b"cd",
    b"compgen",
    b"complete",
    b"compopt",
    b"continue",
    b"declare",
    b"dirs",
    b"disown",
    b"echo",
    b"enable",
    b"exit",
    b"export",
    b"false",
    b"fg",
    b"getopts",
    b"hash",
    b"help",
    b"history",
    b"jobs",
    b"kill",
    b"let",
    b"local",
    b"logout",
    b"mapfile",
    b"popd",
    b"printf",
    b"pushd",
    b"pwd",
    b"read",
    b"readarray",
    b"readonly",
    b"return",
    b"set",
    b"shift",
    b"shopt",
    b"suspend",
    b"test",
    b"times",
    b"trap",
    b"true",
    b"type",
    b"typeset",
    b"ulimit",
    b"umask",
    b"unset",
];

/// Builtins that run or read what their arguments name.
const RUNNING: [&[u8]; 4] = [b"builtin", b"command", b"eval", b"exec"];

/// Whether `name` is a builtin of every common shell or of bash.
pub fn is_builtin(name: &[u8]) -> bool {
    BUILTINS.contains(&name) || RUNNING.contains(&name) || name == b"wait"
}

/// Builtins that run nothing and leave the shell as it is, whatever their words are.
const INERT: [&[u8]; 6] = [b":", b"echo", b"exit", b"false", b"pwd", b"true"];

/// Whether `name` is a builtin that runs nothing and leaves the shell as it is, whatever its words are.
pub fn is_inert(name: &[u8]) -> bool {
    INERT.contains(&name)
}

/// Whether the builtin `name` reads another file, as a script or as code.
pub fn reads_file(name: &[u8]) -> bool {
    reads_script(name) || name == b"enable"
}

/// Whether the builtin `name` reads another file as a script.
pub fn reads_script(name: &[u8]) -> bool {
    matches!(name, b"." | b"source")
}
