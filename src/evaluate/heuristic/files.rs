//! H011 and H012.

use super::command::{ExaminedCommand, cluster_has, is_long};
use super::define::heuristic;

heuristic! {
    /// `truncate` that shortens: to nothing, or by a number of bytes.
    ///
    /// ## Why it is dangerous
    ///
    /// What is cut off is gone, from every file that is named.
    ///
    /// ## Example
    ///
    /// ```sh
    /// truncate -s 0 data.db
    /// truncate --size=-100 log
    /// ```
    ///
    /// ## Instead
    ///
    /// Move the file away, or make a new one:
    ///
    /// ```sh
    /// mv data.db data.db.old
    /// truncate -s 1M image
    /// ```
    TRUNCATION, "H011", "truncation",
    "truncate cuts off what the files hold",
    Some(truncates)
}

heuristic! {
    /// `crontab -r`.
    ///
    /// ## Why it is dangerous
    ///
    /// Every scheduled job of the user is gone, without a question and without a copy. On the
    /// keyboard, `-r` is next to `-e`.
    ///
    /// ## Example
    ///
    /// ```sh
    /// crontab -r
    /// ```
    ///
    /// ## Instead
    ///
    /// Look, and let a person remove the line:
    ///
    /// ```sh
    /// crontab -l
    /// ```
    CRONTAB_REMOVAL, "H012", "crontab-removal",
    "this removes every scheduled job of the user",
    Some(removes_crontab)
}

fn truncates(command: &ExaminedCommand<'_>) -> bool {
    command.is_any(&["truncate"]) && size(command).is_some_and(shortens)
}

/// What follows `-s` or `--size`, attached or apart.
fn size<'a>(command: &ExaminedCommand<'a>) -> Option<&'a [u8]> {
    let mut words = command.options();
    while let Some(word) = words.next() {
        if is_long(word, "--size", "--s") {
            let at = word.iter().position(|&byte| byte == b'=');
            return match at {
                Some(at) => word.get(at + 1..),
                None => words.next(),
            };
        }
        if cluster_has(word, b"s") {
            let at = word.iter().position(|&byte| byte == b's');
            let attached = at.and_then(|at| word.get(at + 1..)).unwrap_or_default();
            return if attached.is_empty() {
                words.next()
            } else {
                Some(attached)
            };
        }
    }
    None
}

/// `0`, `-N` (by N bytes), `<N` (to at most N), `/N` (down to a multiple).
fn shortens(size: &[u8]) -> bool {
    let size = size.trim_ascii_start();
    let zero = size.first() == Some(&b'0') && size.iter().all(|byte| !(b'1'..=b'9').contains(byte));
    zero || matches!(size, [b'-' | b'<' | b'/', ..])
}

fn removes_crontab(command: &ExaminedCommand<'_>) -> bool {
    command.is_any(&["crontab"]) && command.options().any(|option| cluster_has(option, b"r"))
}
