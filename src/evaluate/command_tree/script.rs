//! The commands of a shell's script as whoever looks for danger sees them: generously.
//!
//! What only running the script could tell stays in a word as text, except where it is plain what
//! it comes to: braces are multiplied out, and `$IFS` separates words.

use super::shell::Shell;
use super::surroundings::Surroundings;
use crate::script::{self, Dialect, Part, ScriptCommand, Stage, Unknown, Word};

/// How many words one may become.
const WORDS: usize = 64;

/// What a script holds.
#[derive(Debug, Default)]
pub(super) struct Commands {
    /// The commands, in order.
    pub(super) commands: Vec<Simple>,
    /// Whether there was more than is looked at.
    pub(super) limited: bool,
}

/// A command's words, quotes removed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    /// The program and its arguments; never empty.
    pub(super) words: Vec<Vec<u8>>,
    /// The pipelines that it is part of.
    pub(super) stages: Vec<Stage>,
    /// What it is given to read, where that is known.
    pub(super) input: Option<Vec<u8>>,
    /// The shell makes nothing else of these words.
    pub(super) is_literal: bool,
    /// Where it runs.
    pub(super) around: Surroundings,
}

/// Takes `script` apart, which a shell reads that is in these surroundings.
pub(super) fn commands(script: &[u8], around: &Surroundings) -> Commands {
    let script = script::parse(script, Dialect::Sh);
    let mut shell = Shell::new(&script, around.clone());
    let commands = script.commands.iter();
    let commands = commands.filter_map(|command| {
        let around = shell.enter(command);
        let input = shell.input(command);
        simple(command, input, around)
    });
    Commands {
        commands: commands.collect(),
        limited: script.limited,
    }
}

fn simple(command: &ScriptCommand, input: Option<Vec<u8>>, around: Surroundings) -> Option<Simple> {
    let words: Vec<Vec<u8>> = command.words.iter().flat_map(spelled).collect();
    (!words.is_empty()).then_some(Simple {
        words,
        is_literal: command.words.iter().all(|word| word.unknown().is_none()),
        stages: command.stages.clone(),
        input,
        around,
    })
}

/// The words that `word` stands for, as far as that is plain.
pub(in crate::evaluate) fn spelled(word: &Word) -> Vec<Vec<u8>> {
    if word.unknown() == Some(Unknown::Brace) {
        return multiplied(word.recognised());
    }
    let mut words = vec![Vec::new()];
    for part in &word.parts {
        match part {
            Part::Unknown {
                source,
                splits: true,
                ..
            } if is_separator(source) => {
                words.push(Vec::new());
            }
            Part::Unknown { source: bytes, .. } | Part::Known(bytes) => {
                if let Some(last) = words.last_mut() {
                    last.extend_from_slice(bytes);
                }
            }
        }
    }
    if words.len() > 1 {
        words.retain(|word| !word.is_empty());
    }
    words
}

/// Whether an expansion is the shell's own separator of words.
fn is_separator(source: &[u8]) -> bool {
    let name = source
        .strip_prefix(b"${")
        .or_else(|| source.strip_prefix(b"$"));
    name.and_then(|name| name.strip_prefix(b"IFS"))
        .is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_alphanumeric))
}

/// `a{b,c}d` as `abd`, `acd`.
fn multiplied(word: Vec<u8>) -> Vec<Vec<u8>> {
    let mut done = Vec::new();
    let mut pending = vec![word];
    while let Some(word) = pending.pop() {
        match one_brace(&word) {
            Some(choices) if done.len() + pending.len() + choices.len() <= WORDS => {
                pending.extend(choices.into_iter().rev());
            }
            _ => done.push(word),
        }
    }
    done
}

/// The words that the first innermost brace makes of `word`.
fn one_brace(word: &[u8]) -> Option<Vec<Vec<u8>>> {
    let close = word.iter().position(|&byte| byte == b'}')?;
    let open = word.get(..close)?.iter().rposition(|&byte| byte == b'{')?;
    let (before, after) = (word.get(..open)?, word.get(close + 1..)?);
    let choices = word.get(open + 1..close)?;
    choices.contains(&b',').then(|| {
        let choices = choices.split(|&byte| byte == b',');
        choices
            .map(|choice| [before, choice, after].concat())
            .collect()
    })
}
