//! The words of a shell's script as whoever looks for danger sees them: generously.
//!
//! What only running the script could tell stays in a word as text, except where it is plain what
//! it comes to: braces are multiplied out, and `$IFS` separates words.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::script::{Part, ScriptCommand, Unknown, Word};

/// How many words one may become.
const WORDS: usize = 64;

/// The words that `word` stands for, as far as that is plain.
pub(super) fn spelled(word: &Word) -> Vec<Vec<u8>> {
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

/// The words of `command` that are not known before it runs, each by what it is spelled as.
pub(super) fn unknown_words(command: &ScriptCommand) -> HashMap<Vec<u8>, &Word> {
    let mut found = HashMap::new();
    let words = command.words.iter();
    for word in words.filter(|word| word.unknown().is_some()) {
        for spelling in spelled(word) {
            found.entry(spelling).or_insert(word);
        }
    }
    found
}

/// The word as one of `unknown` has it: what is unknown in it is then still known to be.
pub(super) fn as_in(unknown: &HashMap<Vec<u8>, &Word>, word: &OsStr) -> Word {
    let known = unknown.get(word.as_bytes()).map(|&word| word.clone());
    known.unwrap_or_else(|| Word {
        parts: vec![Part::Known(word.as_bytes().to_vec())],
    })
}
