//! What a variable's value is, by the variable's name.

/// The form of a value, and what leads somewhere in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// It is known that nothing is run or loaded from where it leads.
    Harmless,
    /// Files or directories, with colons between them. What is relative means something in the working
    /// directory.
    Places,
    /// A command: its first word is a program.
    Command,
    /// Options of this program, behind these words.
    Options(&'static str, &'static [&'static str]),
    /// Nobody knows: what looks like a path may be one.
    Any,
}

/// The form of the value of `name`.
pub(super) fn form(name: &[u8]) -> Form {
    let upper = name.to_ascii_uppercase();
    let is = |list: &[&str]| list.iter().any(|listed| upper == listed.as_bytes());
    let ends = |list: &[&str]| list.iter().any(|end| upper.ends_with(end.as_bytes()));
    let options = OPTIONS.iter().find(|(names, _, _)| is(names));
    if is(HARMLESS) {
        Form::Harmless
    } else if let Some((_, program, before)) = options {
        Form::Options(program, before)
    } else if is(COMMANDS) || ends(COMMAND_ENDS) {
        Form::Command
    } else if is(PLACES) || ends(PLACE_ENDS) {
        Form::Places
    } else {
        Form::Any
    }
}

const HARMLESS: &[&str] = &[
    // The session's own and always passed on; what a home directory holds is protected otherwise.
    "HOME",
    // Set anew for each program.
    "PWD",
    "OLDPWD",
    // Places for files that a program makes itself.
    "TEMP",
    "TMP",
    "TMPDIR",
    "HISTFILE",
    // Texts.
    "INFOPATH",
    "MANPATH",
    // Tickets and cookies, and servers to talk to.
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "KRB5CCNAME",
    "SSH_AUTH_SOCK",
    "XAUTHORITY",
];

const PLACES: &[&str] = &[
    "BASH_ENV",
    "DOCKER_CONFIG",
    "ENV",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_WORK_TREE",
    "GOBIN",
    "GOCACHE",
    "GOENV",
    "GOROOT",
    "INPUTRC",
    "KUBECONFIG",
    "LD_AUDIT",
    "LD_PRELOAD",
    "LESSKEYIN",
    "MAILRC",
    "NETRC",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_CACHE",
    "NPM_CONFIG_GLOBALCONFIG",
    "NPM_CONFIG_PREFIX",
    "NPM_CONFIG_USERCONFIG",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "PERL5LIB",
    "PERLLIB",
    "PYTHONPYCACHEPREFIX",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "RUBYLIB",
    "SCREENRC",
    "SQLITE_HISTORY",
    "TERMCAP",
    "TERMINFO",
    "VIRTUAL_ENV",
    "WGETRC",
    "ZDOTDIR",
];

const PLACE_ENDS: &[&str] = &[
    "_DIR",
    "_DIRECTORIES",
    "_DIRECTORY",
    "_DIRS",
    "_FILE",
    "_FOLDER",
    "HOME",
    "PATH",
    "_ROOT",
];

const COMMANDS: &[&str] = &[
    "AR",
    "AS",
    "BROWSER",
    "CARGO",
    "CC",
    "CPP",
    "CXX",
    "EDITOR",
    "FC",
    "FCEDIT",
    "GIT_EXTERNAL_DIFF",
    "GIT_SSH",
    "LD",
    "LESSCLOSE",
    "LESSOPEN",
    "MAKE",
    "MANPAGER",
    "NM",
    "OBJCOPY",
    "PAGER",
    "PKG_CONFIG",
    "RANLIB",
    "RUSTC",
    "RUSTDOC",
    "SHELL",
    "STRIP",
    "SVN_SSH",
    "TERMINAL",
    "VISUAL",
];

const COMMAND_ENDS: &[&str] = &[
    "_ASKPASS",
    "_BROWSER",
    "_COMMAND",
    "_COMPILER",
    "_EDITOR",
    "_HELPER",
    "_LAUNCHER",
    "_LINKER",
    "_PAGER",
    "_RSH",
    "_RUNNER",
    "_SHELL",
    "_WRAPPER",
];

/// Names, the program and the words before its options.
type Row = (
    &'static [&'static str],
    &'static str,
    &'static [&'static str],
);

const OPTIONS: &[Row] = &[
    (&["NODE_OPTIONS", "NPM_CONFIG_NODE_OPTIONS"], "node", &[]),
    (
        &[
            "GRADLE_OPTS",
            "JAVA_OPTS",
            "JAVA_TOOL_OPTIONS",
            "JDK_JAVA_OPTIONS",
            "MAVEN_OPTS",
            "SBT_OPTS",
            "_JAVA_OPTIONS",
        ],
        "java",
        &[],
    ),
    (&["PERL5OPT"], "perl", &[]),
    (&["RUBYOPT"], "ruby", &[]),
    (&["GOFLAGS"], "go", &["build"]),
    (&["GREP_OPTIONS"], "grep", &[]),
    (&["LESS"], "less", &[]),
    (&["GNUMAKEFLAGS", "MAKEFLAGS"], "make", &[]),
    (&["TAR_OPTIONS"], "tar", &[]),
    (&["XZ_DEFAULTS", "XZ_OPT"], "xz", &[]),
];
