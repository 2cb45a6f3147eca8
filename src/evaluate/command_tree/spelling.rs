//! The words of a shell's script as whoever looks for danger sees them: generously.
//!
//! What only running the script could tell stays in a word as text, except where it is plain what
//! it comes to: braces are multiplied out, and `$IFS` separates words.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::script::{Enclosure, Part, ScriptCommand, Unknown, Word};

/// How many words one may become.
const WORDS: usize = 64;

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

/// Puts what a script is `given` in the place of `$0`, `$1`, `$@` and the like, unless something sets those.
pub(super) fn fill(commands: &mut [ScriptCommand], given: &[Word]) {
    let sets = |command: &ScriptCommand| {
        let mut words = command.words.iter().take(2).map(Word::recognised);
        words.any(|word| {
            matches!(
                word.as_slice(),
                b"set" | b"shift" | b"eval" | b"." | b"source"
            )
        })
    };
    if commands.iter().any(sets) {
        return;
    }
    for command in commands {
        // A function has its own.
        if command.inside.contains(&Enclosure::Function) {
            continue;
        }
        let words = std::mem::take(&mut command.words).into_iter();
        command.words = words.flat_map(|word| filled(word, given)).collect();
    }
}

/// The words that `word` becomes.
fn filled(word: Word, given: &[Word]) -> Vec<Word> {
    if let [Part::Unknown { source, splits, .. }] = word.parts.as_slice()
        && matches!(bare(source), b"@" | b"*")
        && *splits
    {
        let all = given.get(1..).unwrap_or_default();
        return all.iter().map(|value| split(value, *splits)).collect();
    }
    let nothing = Word::default();
    let mut parts = Vec::new();
    let mut vanishes = !word.parts.is_empty();
    for part in word.parts {
        let Part::Unknown { source, splits, .. } = &part else {
            vanishes = false;
            parts.push(part);
            continue;
        };
        let number = std::str::from_utf8(bare(source))
            .ok()
            .and_then(|it| it.parse().ok());
        let value = match number {
            Some(0) => given.first(),
            Some(number) => Some(given.get::<usize>(number).unwrap_or(&nothing)),
            None => None,
        };
        let Some(value) = value else {
            vanishes = false;
            parts.push(part);
            continue;
        };
        let value = split(value, *splits);
        vanishes &= *splits && value.parts.is_empty();
        parts.extend(value.parts);
    }
    if vanishes {
        Vec::new()
    } else {
        vec![Word { parts }]
    }
}

/// `value` as it stands where the shell `splits` it: what may become several words is unknown.
fn split(value: &Word, splits: bool) -> Word {
    let Some(bytes) = value.known().filter(|_| splits) else {
        return value.clone();
    };
    let is_plain = |byte: &u8| !byte.is_ascii_whitespace() && !b"*?[".contains(byte);
    if bytes.iter().all(is_plain) {
        return value.clone();
    }
    Word {
        parts: vec![Part::Unknown {
            why: Unknown::Variable,
            source: bytes,
            splits,
        }],
    }
}

/// The name in `$x` or `${x}`.
fn bare(source: &[u8]) -> &[u8] {
    let name = source.strip_prefix(b"$").unwrap_or_default();
    let braced = name.strip_prefix(b"{").and_then(|it| it.strip_suffix(b"}"));
    braced.unwrap_or(name)
}
