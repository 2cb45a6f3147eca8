//! H001 and H009.

use super::command::{ExaminedCommand, cluster_has, components, is_long};
use super::define::heuristic;

heuristic! {
    /// `rm` told not to ask: `-f` alone or in a cluster, `--force` or what GNU takes for it, anywhere
    /// before `--`. A single file in or below the working directory that is named and isn't a directory is
    /// no reason to ask.
    ///
    /// ## Why it is dangerous
    ///
    /// What it removes is gone, and a wrong glob or an unset variable makes it remove far more
    /// than was meant.
    ///
    /// ## Example
    ///
    /// ```sh
    /// rm -rf "$BUILD"/*
    /// ```
    ///
    /// ## Instead
    ///
    /// Leave out `-f`, name the files, or have the tool that made them remove them:
    ///
    /// ```sh
    /// rm -r build
    /// rm -f build.log
    /// make clean
    /// ```
    FORCED_RM, "H001", "forced-rm",
    "rm with force removes files without asking and without a way back",
    Some(is_forced_rm)
}

heuristic! {
    /// Removing whatever a search finds: `find -delete`, `find -exec rm`, `fd -x rm`, and `rm`
    /// behind `xargs` or `parallel`.
    ///
    /// ## Why it is dangerous
    ///
    /// Nobody sees the list before it is gone, and one wrong condition makes it the whole tree.
    /// In `find -delete -name X` the order alone does that.
    ///
    /// ## Example
    ///
    /// ```sh
    /// find . -name '*.bak' -delete
    /// find . -type f | xargs rm
    /// ```
    ///
    /// ## Instead
    ///
    /// Look first, then remove what is named:
    ///
    /// ```sh
    /// find . -name '*.bak' -print
    /// rm a.bak b.bak
    /// ```
    FOUND_REMOVAL, "H009", "found-removal",
    "this removes whatever the search finds, unseen",
    Some(removes_found)
}

fn is_forced_rm(command: &ExaminedCommand<'_>) -> bool {
    is_forced(command) && !names_one_file(command)
}

fn is_forced(command: &ExaminedCommand<'_>) -> bool {
    let is_force = |option: &[u8]| cluster_has(option, b"f") || is_long(option, "--force", "--f");
    command.is_any(&["rm"]) && command.options().any(is_force)
}

/// Whether it is about directories.
fn is_of_directories(command: &ExaminedCommand<'_>) -> bool {
    command.options().any(|option| {
        cluster_has(option, b"rRd")
            || is_long(option, "--recursive", "--r")
            || is_long(option, "--dir", "--d")
    })
}

/// Whether one thing is all that it names, by a plain name that leads below the working directory, and directories
/// are left alone.
fn names_one_file(command: &ExaminedCommand<'_>) -> bool {
    if is_of_directories(command) {
        return false;
    }
    let options = command.options().count();
    let (before, behind) = command
        .arguments
        .split_at(options.min(command.arguments.len()));
    let mut named = before
        .iter()
        .filter(|word| !word.starts_with(b"-") || word.len() == 1)
        .chain(behind.iter().skip(1));
    let Some(only) = named.next() else {
        return false;
    };
    // What a shell or xargs would put in its place nobody knows.
    let is_plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+,:@=/ ".contains(byte) || *byte >= 0x80;
    let (is_absolute, _) = components(only);
    let climbs = only.split(|&byte| byte == b'/').any(|part| part == b"..");
    named.next().is_none() && !is_absolute && !climbs && only.iter().all(is_plain)
}

fn removes_found(command: &ExaminedCommand<'_>) -> bool {
    let finds = command.is_any(&["find", "gfind"]) && command.arguments.contains(&&b"-delete"[..]);
    // One that is asked about when it starts, whatever it is given, is not asked about twice.
    let is_asked = |inner: &ExaminedCommand<'_>| is_forced(inner) && is_of_directories(inner);
    let removes = |inner: &ExaminedCommand<'_>| inner.is_any(&["rm", "unlink"]) && !is_asked(inner);
    finds || command.feeds.iter().any(removes)
}
