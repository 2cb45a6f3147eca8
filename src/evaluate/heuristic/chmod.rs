//! H006 and H010.

use super::command::{ExaminedCommand, cluster_has, components, is_long};
use super::define::heuristic;

heuristic! {
    /// `chmod`, `chown`, `chgrp`, `setfacl` or `rm`, recursively, on a whole system or home
    /// directory: `/`, a directory directly below it (except `/tmp`), or somebody's home.
    ///
    /// ## Why it is dangerous
    ///
    /// The old modes and owners are recorded nowhere, and programs refuse to work with wrong
    /// ones. What `rm -r` removes there is gone.
    ///
    /// ## Example
    ///
    /// ```sh
    /// chmod -R 777 /
    /// chown -R me /usr
    /// rm -r ~
    /// ```
    ///
    /// ## Instead
    ///
    /// Name the directory of the project that needs it:
    ///
    /// ```sh
    /// chmod -R u+w build/output
    /// ```
    RECURSIVE_ON_ROOT, "H006", "recursive-on-root",
    "this changes a whole system or home directory",
    Some(is_recursive_on_root)
}

heuristic! {
    /// Setting the setuid bit with `chmod` or `install`, or capabilities with `setcap`.
    ///
    /// ## Why it is dangerous
    ///
    /// From then on, anybody who runs the program has its owner's rights, or the kernel's
    /// privileges, long after this session is over.
    ///
    /// ## Example
    ///
    /// ```sh
    /// chmod u+s tool
    /// install -m 4755 tool /usr/local/bin
    /// setcap cap_net_raw+ep tool
    /// ```
    ///
    /// ## Instead
    ///
    /// Run just the command that needs it as the other user, or use a group:
    ///
    /// ```sh
    /// chmod 750 tool
    /// ```
    LASTING_PRIVILEGE, "H010", "lasting-privilege",
    "this gives a program more rights than those who run it",
    Some(gives_privilege)
}

fn is_recursive_on_root(command: &ExaminedCommand<'_>) -> bool {
    let recursive = |option| {
        cluster_has(option, b"R")
            || is_long(option, "--recursive", "--rec")
            || (command.is_any(&["rm"])
                && (cluster_has(option, b"r") || is_long(option, "--recursive", "--r")))
    };
    command.is_any(&["chmod", "chown", "chgrp", "setfacl", "rm"])
        && command.options().any(recursive)
        && command.arguments.iter().any(|operand| is_root(operand))
}

fn gives_privilege(command: &ExaminedCommand<'_>) -> bool {
    if command.is_any(&["chmod"]) {
        let mode = command
            .arguments
            .iter()
            .find(|word| !word.starts_with(b"-"));
        return mode.is_some_and(|mode| sets_user(mode));
    }
    if command.is_any(&["install"]) {
        return install_mode(command).is_some_and(sets_user);
    }
    command.is_any(&["setcap"]) && command.arguments.iter().any(|word| word.contains(&b'+'))
}

/// The mode that `install` is told, attached or apart.
fn install_mode<'a>(command: &ExaminedCommand<'a>) -> Option<&'a [u8]> {
    let mut words = command.options();
    while let Some(word) = words.next() {
        let attached = word.strip_prefix(b"--mode=").or(word.strip_prefix(b"-m"));
        match attached {
            Some(b"") => return words.next(),
            Some(mode) => return Some(mode),
            None if word == b"--mode" => return words.next(),
            None => {}
        }
    }
    None
}

/// Whether a mode, octal or symbolic, has the setuid bit.
fn sets_user(mode: &[u8]) -> bool {
    let octal = std::str::from_utf8(mode).map(|text| u32::from_str_radix(text, 8));
    if let Ok(Ok(bits)) = octal {
        return bits & 0o4000 != 0;
    }
    mode.split(|&byte| byte == b',').any(clause_sets_user)
}

/// Whether one clause of a symbolic mode, such as `u+rws`, sets it.
fn clause_sets_user(clause: &[u8]) -> bool {
    let who_ends = clause.iter().position(|byte| b"+-=".contains(byte));
    let (who, rest) = clause.split_at(who_ends.unwrap_or(clause.len()));
    let user = who.is_empty() || who.iter().any(|byte| b"ua".contains(byte));
    let mut gives = false;
    let mut sets = false;
    for byte in rest {
        match byte {
            b'+' | b'=' => gives = true,
            b'-' => gives = false,
            b's' => sets |= gives,
            _ => {}
        }
    }
    user && sets
}

fn is_root(operand: &[u8]) -> bool {
    let (absolute, parts) = components(operand);
    match parts.as_slice() {
        [] => absolute,
        [home] if !absolute => home.starts_with(b"~") || matches!(*home, b"$HOME" | b"${HOME}"),
        [top] => absolute && *top != b"tmp",
        [homes, _] => absolute && matches!(*homes, b"home" | b"Users"),
        _ => false,
    }
}
