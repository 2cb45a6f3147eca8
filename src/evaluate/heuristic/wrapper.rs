//! Programs that run another, named by their own arguments.

use super::command::Command;

/// How to find the command in a wrapper's arguments.
struct Wrapper {
    names: &'static [&'static str],
    /// Short options that take a value, attached or as the next argument.
    short: &'static [u8],
    /// Long options whose value is the next argument unless attached with `=`.
    long: &'static [&'static str],
    /// How many operands come before the command.
    operands: usize,
    /// Whether `NAME=value` words may come before the command.
    assignments: bool,
}

const fn plain(names: &'static [&'static str], short: &'static [u8]) -> Wrapper {
    Wrapper {
        names,
        short,
        long: &[],
        operands: 0,
        assignments: false,
    }
}

static WRAPPERS: [Wrapper; 18] = [
    Wrapper {
        long: &[
            "--chdir",
            "--chroot",
            "--close-from",
            "--command-timeout",
            "--group",
            "--host",
            "--other-user",
            "--prompt",
            "--role",
            "--type",
            "--user",
        ],
        assignments: true,
        ..plain(&["sudo"], b"CDghpRrtTUu")
    },
    Wrapper {
        assignments: true,
        ..plain(&["doas"], b"aCu")
    },
    Wrapper {
        long: &["--unset", "--chdir", "--argv0", "--split-string"],
        assignments: true,
        ..plain(&["env"], b"aCuS")
    },
    plain(
        &[
            "nohup",
            "setsid",
            "busybox",
            "toybox",
            "coreutils",
            "builtin",
            "command",
            "setarch",
            "entr",
            "catchsegv",
        ],
        b"",
    ),
    plain(&["exec"], b"a"),
    Wrapper {
        long: &["--adjustment"],
        ..plain(&["nice"], b"n")
    },
    Wrapper {
        long: &["--class", "--classdata"],
        ..plain(&["ionice"], b"cn")
    },
    Wrapper {
        long: &["--kill-after", "--signal"],
        operands: 1,
        ..plain(&["timeout"], b"ks")
    },
    Wrapper {
        long: &["--input", "--output", "--error"],
        ..plain(&["stdbuf"], b"ioe")
    },
    Wrapper {
        long: &["--format", "--output"],
        ..plain(&["time"], b"fo")
    },
    Wrapper {
        long: &[
            "--arg-file",
            "--delimiter",
            "--max-args",
            "--max-chars",
            "--max-lines",
            "--max-procs",
            "--replace",
            "--process-slot-var",
        ],
        ..plain(&["xargs"], b"adEILnPs")
    },
    Wrapper {
        operands: 1,
        ..plain(&["chrt", "taskset"], b"TPD")
    },
    Wrapper {
        long: &["--userspec", "--groups"],
        operands: 1,
        ..plain(&["chroot"], b"")
    },
    Wrapper {
        long: &["--timeout", "--wait", "--conflict-exit-code"],
        operands: 1,
        ..plain(&["flock"], b"wEc")
    },
    plain(&["strace", "ltrace"], b"aEeIoOPpsSuX"),
    Wrapper {
        long: &["--target", "--setuid", "--setgid"],
        ..plain(&["nsenter"], b"tSG")
    },
    Wrapper {
        long: &["--setuid", "--setgid", "--root", "--wd"],
        ..plain(&["unshare"], b"SGRw")
    },
    Wrapper {
        long: &["--jobs", "--delay", "--timeout"],
        ..plain(&["parallel"], b"jnNLaI")
    },
];

/// The commands that `command` starts by what its own arguments say, without any shell.
pub(super) fn inner<'a>(command: &Command<'a>) -> Vec<Command<'a>> {
    let mut found: Vec<Command<'a>> = WRAPPERS
        .iter()
        .filter(|wrapper| command.is_any(wrapper.names))
        .filter_map(|wrapper| Command::of(after(wrapper, &command.arguments)))
        .collect();
    if command.is_any(&["find", "fd", "fdfind"]) {
        found.extend(executed(&command.arguments));
    }
    found
}

/// The scripts that `command` hands to a shell, or reads as one, by what its arguments say.
pub(super) fn scripts(command: &Command<'_>) -> Vec<Vec<u8>> {
    let arguments = &command.arguments;
    if command.is_any(&["eval", "watch"]) {
        let words: Vec<&[u8]> = arguments
            .iter()
            .copied()
            .skip_while(|word| word.starts_with(b"-"))
            .collect();
        return vec![words.join(&b' ')];
    }
    if command.is_any(&["trap"]) {
        let script = arguments.iter().find(|word| !word.starts_with(b"-"));
        return script.map(|script| script.to_vec()).into_iter().collect();
    }
    let option = |names: &[&[u8]]| {
        let value = arguments
            .iter()
            .position(|word| names.contains(word))
            .and_then(|at| arguments.get(at + 1..));
        value.unwrap_or_default()
    };
    if command.is_any(&["su", "runuser", "script", "flock"]) {
        let after = option(&[b"-c", b"--command"]);
        return after
            .first()
            .map(|script| script.to_vec())
            .into_iter()
            .collect();
    }
    if command.is_any(&["env"]) {
        // `-S` splits its value much as a shell would, and puts the rest behind it.
        let of_env = WRAPPERS.iter().find(|known| known.names.contains(&"env"));
        let command = of_env.map_or(0, |env| after(env, arguments).len());
        let own = arguments.get(..arguments.len().saturating_sub(command));
        let own = own.unwrap_or_default();
        let attached = own.iter().find_map(|word| {
            word.strip_prefix(b"--split-string=")
                .or_else(|| word.strip_prefix(b"-S").filter(|value| !value.is_empty()))
        });
        let names: [&[u8]; 4] = [b"-S", b"-vS", b"-iS", b"--split-string"];
        let at = own.iter().position(|word| names.contains(word));
        let apart = at
            .and_then(|at| arguments.get(at + 1..))
            .unwrap_or_default();
        let words: Vec<&[u8]> = attached.into_iter().chain(apart.iter().copied()).collect();
        if !words.is_empty() {
            return vec![words.join(&b' ')];
        }
    }
    Vec::new()
}

/// The words after a wrapper's own.
fn after<'b, 'a>(wrapper: &Wrapper, arguments: &'b [&'a [u8]]) -> &'b [&'a [u8]] {
    let mut operands = wrapper.operands;
    let mut rest = arguments;
    while let Some((word, following)) = rest.split_first() {
        let skipped = match *word {
            b"--" => {
                return following.get(operands..).unwrap_or_default();
            }
            [b'-', b'-', ..] => {
                1 + usize::from(wrapper.long.iter().any(|option| option.as_bytes() == *word))
            }
            [b'-', cluster @ ..] => 1 + usize::from(takes_next(wrapper.short, cluster)),
            word if wrapper.assignments && word.contains(&b'=') => 1,
            _ if operands > 0 => {
                operands -= 1;
                1
            }
            _ => return rest,
        };
        rest = rest.get(skipped..).unwrap_or_default();
    }
    rest
}

/// Whether the first option in `cluster` that takes a value takes it from the next argument.
fn takes_next(with_value: &[u8], cluster: &[u8]) -> bool {
    cluster
        .iter()
        .position(|letter| with_value.contains(letter))
        .is_some_and(|at| at + 1 == cluster.len())
}

/// What `find -exec` and its like start.
fn executed<'a>(arguments: &[&'a [u8]]) -> Vec<Command<'a>> {
    const ACTIONS: [&[u8]; 8] = [
        b"-exec",
        b"-execdir",
        b"-ok",
        b"-okdir",
        b"-x",
        b"-X",
        b"--exec",
        b"--exec-batch",
    ];
    let mut found = Vec::new();
    let mut words = arguments.iter().copied();
    while let Some(word) = words.next() {
        if ACTIONS.contains(&word) {
            let inner: Vec<&[u8]> = words
                .by_ref()
                .take_while(|word| !matches!(*word, b";" | b"+"))
                .collect();
            found.extend(Command::of(&inner));
        }
    }
    found
}
