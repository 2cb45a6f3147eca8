//! H015.

use super::command::{ExaminedCommand, cluster_has, is_long};
use super::define::heuristic;

heuristic! {
    /// Removing a package that the system depends on, or telling a package manager not to
    /// check: `apt purge libc6`, `--allow-remove-essential`, `dpkg --force-all`, `rpm -e
    /// --nodeps`, `pacman -Rdd`.
    ///
    /// ## Why it is dangerous
    ///
    /// Without its C library, its shell or its package manager, the system no longer starts,
    /// and can't put them back.
    ///
    /// ## Example
    ///
    /// ```sh
    /// apt-get purge --yes libc6
    /// rpm -e --nodeps openssl-libs
    /// ```
    ///
    /// ## Instead
    ///
    /// Remove what you installed, and let the package manager look after what it needs:
    ///
    /// ```sh
    /// apt-get remove ripgrep
    /// ```
    ESSENTIAL_REMOVAL, "H015", "essential-removal",
    "this can remove packages that the system depends on",
    Some(removes_essential)
}

/// What no system of its kind starts, or is mended, without.
const ESSENTIAL: [&[u8]; 17] = [
    b"apk-tools",
    b"apt",
    b"base-files",
    b"bash",
    b"busybox",
    b"coreutils",
    b"dnf",
    b"dpkg",
    b"glibc",
    b"libc-bin",
    b"libc6",
    b"musl",
    b"pacman",
    b"rpm",
    b"sudo",
    b"systemd",
    b"util-linux",
];

fn removes_essential(command: &ExaminedCommand<'_>) -> bool {
    let long = |option: &str| command.options().any(|word| is_long(word, option, option));
    if command.is_any(&["apt", "apt-get", "aptitude"]) {
        let forced = long("--allow-remove-essential") || long("--force-yes");
        return forced || (has_verb(command, &[b"remove", b"purge"]) && names_essential(command));
    }
    if command.is_any(&["dpkg"]) {
        let removes = command.options().any(|word| {
            matches!(word, b"-r" | b"-P") || is_long(word, "--remove", "--r") || word == b"--purge"
        });
        let forced = long("--force-all") || long("--force-remove-essential");
        return forced || (removes && names_essential(command));
    }
    if command.is_any(&["rpm"]) {
        let erases = command
            .options()
            .any(|word| cluster_has(word, b"e") || word == b"--erase");
        return erases && (long("--nodeps") || names_essential(command));
    }
    if command.is_any(&["pacman"]) {
        let removes = command
            .options()
            .any(|word| cluster_has(word, b"R") || word == b"--remove");
        let blind = command
            .options()
            .filter(|word| word.starts_with(b"-R"))
            .any(|word| word.split(|&letter| letter == b'd').count() > 2);
        return removes && (blind || long("--nodeps") || names_essential(command));
    }
    let verbs: &[&[u8]] = &[b"remove", b"erase", b"rm", b"del"];
    command.is_any(&["dnf", "dnf5", "yum", "microdnf", "zypper", "apk"])
        && has_verb(command, verbs)
        && names_essential(command)
}

fn has_verb(command: &ExaminedCommand<'_>, verbs: &[&[u8]]) -> bool {
    let mut words = command.arguments.iter();
    let verb = words.find(|word| !word.starts_with(b"-"));
    verb.is_some_and(|verb| verbs.contains(verb))
}

/// A package's name, without its architecture.
fn names_essential(command: &ExaminedCommand<'_>) -> bool {
    command.arguments.iter().any(|word| {
        let name = word.split(|&byte| byte == b':').next().unwrap_or(word);
        ESSENTIAL.contains(&name)
    })
}
