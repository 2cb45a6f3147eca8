//! H002.

use std::os::unix::ffi::OsStrExt as _;

use super::command::{ExaminedCommand, cluster_has, is_long};
use super::define::heuristic;
use crate::models::reading::Kind;

heuristic! {
    /// git commands that throw work away, here or on a server.
    ///
    /// `reset --hard`, `clean -f`, `checkout -f`, `checkout .` and `restore .` on everything, `switch
    /// --discard-changes`, `branch -D`, `rm -f`, `stash drop`, `stash clear`, `reflog expire`, `reflog delete`,
    /// `gc --prune=now`, `update-ref -d`, `filter-branch`, `filter-repo`, `worktree remove --force`, and `push`
    /// (or `send-pack`) that forces or deletes: `--force`, `--force-with-lease`, `--delete`, `--mirror`,
    /// `--prune`, `+ref`, `:ref`. Options of git itself, such as `-C DIR` or `-c KEY=VALUE`, are seen through.
    ///
    /// ## Why it is dangerous
    ///
    /// Changes that were never committed exist nowhere else. On a server it is other people's
    /// work, and without the reflog there is no way back here either.
    ///
    /// ## Example
    ///
    /// ```sh
    /// git reset --hard origin/main
    /// git -C app checkout -- .
    /// git push --force
    /// git send-pack --force origin main
    /// ```
    ///
    /// ## Instead
    ///
    /// Keep a copy, and say which files are meant:
    ///
    /// ```sh
    /// git stash push --include-untracked
    /// git restore src/main.rs
    /// git push origin main
    /// ```
    DESTRUCTIVE_GIT, "H002", "destructive-git",
    "this git command can discard work that nothing else holds",
    Some(is_destructive_git)
}

fn is_destructive_git(command: &ExaminedCommand<'_>) -> bool {
    if !command.is_any(&["git"]) {
        return false;
    }
    command.readings().any(|reading| {
        let mut parts = reading.parts.iter();
        let subcommand = parts.find_map(|part| match part.kind {
            Kind::Subcommand { word, .. } | Kind::Operand { word, .. } => Some((part.index, word)),
            _ => None,
        });
        subcommand.is_some_and(|(index, word)| {
            let behind = command.arguments.get(index + 1..);
            discards(word.as_bytes(), behind.unwrap_or_default())
        })
    })
}

fn discards(subcommand: &[u8], arguments: &[&[u8]]) -> bool {
    let has = |letters: &[u8], long: &[(&str, &str)]| {
        arguments
            .iter()
            .take_while(|argument| **argument != b"--")
            .any(|argument| {
                cluster_has(argument, letters)
                    || long
                        .iter()
                        .any(|(option, least)| is_long(argument, option, least))
            })
    };
    let force = ("--force", "--f");
    match subcommand {
        b"reset" => has(b"", &[("--hard", "--ha")]),
        b"clean" | b"rm" => has(b"f", &[force]),
        b"checkout" => has(b"f", &[force]) || names_everything(arguments),
        b"restore" => {
            let index_alone =
                has(b"S", &[("--staged", "--st")]) && !has(b"W", &[("--worktree", "--w")]);
            names_everything(arguments) && !index_alone
        }
        b"filter-branch" | b"filter-repo" => true,
        b"gc" => arguments
            .iter()
            .any(|argument| matches!(*argument, b"--prune=now" | b"--prune=all")),
        b"read-tree" => has(b"", &[("--reset", "--rese")]),
        b"update-ref" => has(b"d", &[]),
        b"worktree" => arguments.first() == Some(&&b"remove"[..]) && has(b"f", &[force]),
        b"switch" => has(b"f", &[force, ("--discard-changes", "--di")]),
        b"branch" => has(b"D", &[]) || (has(b"d", &[("--delete", "--d")]) && has(b"f", &[force])),
        b"stash" => matches!(arguments.first(), Some(&(b"drop" | b"clear"))),
        b"reflog" => matches!(arguments.first(), Some(&(b"expire" | b"delete"))),
        b"push" | b"send-pack" | b"http-push" => {
            arguments.iter().any(|argument| pushes_over(argument))
        }
        _ => false,
    }
}

/// Whether one of the paths is the whole tree.
fn names_everything(arguments: &[&[u8]]) -> bool {
    arguments
        .iter()
        .any(|argument| matches!(*argument, b"." | b"./" | b":/" | b":/." | b"*" | b":(top)"))
}

/// Whether an argument of `git push` overwrites or deletes something on the other side.
fn pushes_over(argument: &[u8]) -> bool {
    match argument {
        [b'+' | b':', _, ..] => true,
        [b'-', b'-', ..] => {
            argument.starts_with(b"--forc")
                || is_long(argument, "--force", "--fo")
                || is_long(argument, "--delete", "--de")
                || is_long(argument, "--mirror", "--m")
                || is_long(argument, "--prune", "--pru")
        }
        // What follows `o` in a cluster is its value.
        [b'-', cluster @ ..] => cluster
            .iter()
            .take_while(|&&letter| letter != b'o')
            .any(|letter| b"fd".contains(letter)),
        _ => false,
    }
}
