//! Shells, and the script that one is given on its command line.

use super::command::Command;
use super::script::Simple;

/// What is taken for a shell, by name.
pub(super) const SHELLS: [&str; 16] = [
    "sh", "bash", "dash", "zsh", "ksh", "ash", "rbash", "mksh", "lksh", "ksh93", "pdksh", "yash",
    "hush", "posh", "fish", "rzsh",
];

/// Shells that start what they have no builtin for. What calls itself `sh` can be BusyBox.
const STARTING: [&str; 3] = ["bash", "dash", "zsh"];
/// Builtins that make builtins of other programs' names.
const TEACHING: [&str; 3] = ["enable", "zmodload", "builtin"];

/// Whether `shell`, of a request, starts each program of a script that has these `commands`.
pub(super) fn starts_all(shell: &Command<'_>, commands: &[Simple]) -> bool {
    let teaches = |simple: &Simple| {
        let mut words = simple.words.iter();
        words.any(|word| TEACHING.iter().any(|name| contains(word, name)))
    };
    (!shell.is_any(&SHELLS) || shell.is_any(&STARTING)) && !commands.iter().any(teaches)
}

fn contains(word: &[u8], name: &str) -> bool {
    word.windows(name.len()).any(|part| part == name.as_bytes())
}

/// The script in `sh -c SCRIPT` and its like; `None` when the command is no such thing.
pub(super) fn script<'a>(command: &Command<'a>) -> Option<&'a [u8]> {
    if !command.is_any(&SHELLS) {
        return None;
    }
    let mut has_script = false;
    let mut words = command.arguments.iter().copied();
    while let Some(word) = words.next() {
        match word {
            b"--" | b"-" => return words.next().filter(|_| has_script),
            b"--rcfile" | b"--init-file" => {
                words.next();
            }
            b"--command" => has_script = true,
            [b'-', b'-', ..] => {}
            [b'-' | b'+', cluster @ ..] => {
                has_script |= word.starts_with(b"-") && cluster.contains(&b'c');
                // Each `o` takes the name of an option from the words that follow.
                for _ in cluster.iter().filter(|letter| b"oO".contains(letter)) {
                    words.next();
                }
            }
            script => return has_script.then_some(script),
        }
    }
    None
}
