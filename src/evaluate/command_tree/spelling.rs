//! The words of a shell's script as whoever looks for danger sees them: generously.
//!
//! What only running the script could tell stays in a word as text, except where it is plain what
//! it comes to: braces are multiplied out, and `$IFS` separates words.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::script::{Enclosure, ScriptCommand, Unknown, Word, WordPart};

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
            WordPart::Unknown {
                source,
                splits: true,
                ..
            } if is_separator(source) => {
                words.push(Vec::new());
            }
            WordPart::Unknown { source: bytes, .. } | WordPart::Known(bytes) => {
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
        parts: vec![WordPart::Known(word.as_bytes().to_vec())],
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
    let nothing = Word::default();
    let all = given.get(1..).unwrap_or_default();
    let value = |name: &[u8]| {
        let number: usize = std::str::from_utf8(name).ok()?.parse().ok()?;
        let value = given.get(number);
        value.or_else(|| (number > 0).then_some(&nothing)).cloned()
    };
    for command in commands {
        // A function has its own.
        if command.inside.contains(&Enclosure::Function) {
            continue;
        }
        let words = std::mem::take(&mut command.words).into_iter();
        let words = words.flat_map(|word| match word.parts.as_slice() {
            [WordPart::Unknown { source, splits, .. }]
                if *splits && matches!(bare(source), b"@" | b"*") =>
            {
                let each = all.iter().cloned().map(Some);
                each.flat_map(|it| filled(&word, &|_| it.clone())).collect()
            }
            _ => filled(&word, &value),
        });
        command.words = words.collect();
    }
}

/// The words that a shell makes of `word`, where `value` says what some variables hold.
pub(super) fn filled(word: &Word, value: &dyn Fn(&[u8]) -> Option<Word>) -> Vec<Word> {
    let held = |part: &WordPart| match part {
        WordPart::Unknown {
            source,
            splits,
            why,
        } => Some((value(bare(source))?, *splits && *why != Unknown::List)),
        WordPart::Known(_) => None,
    };
    if !word.parts.iter().any(|part| held(part).is_some()) {
        return vec![word.clone()];
    }
    let mut done = Vec::new();
    let mut last = Word::default();
    for part in &word.parts {
        match held(part) {
            None => last.parts.push(part.clone()),
            // It is there even if it is empty.
            Some((value, false)) if value.parts.is_empty() => {
                last.parts.push(WordPart::Known(Vec::new()));
            }
            Some((value, false)) => last.parts.extend(value.parts),
            Some((value, true)) => match value.known() {
                None => last.parts.extend(value.parts),
                Some(bytes) => {
                    for (nth, field) in bytes.split(|byte| b" \t\n".contains(byte)).enumerate() {
                        if nth > 0 && !last.parts.is_empty() {
                            done.push(std::mem::take(&mut last));
                        }
                        last.parts.extend(as_field(field));
                    }
                }
            },
        }
    }
    done.extend(Some(last).filter(|last| !last.parts.is_empty()));
    done
}

/// A part of a word that came of a variable: it may still be a pattern.
fn as_field(bytes: &[u8]) -> Option<WordPart> {
    let source = bytes.to_vec();
    if bytes.is_empty() {
        None
    } else if bytes.iter().any(|byte| b"*?[\\".contains(byte)) {
        Some(WordPart::Unknown {
            why: Unknown::Glob,
            source,
            splits: true,
        })
    } else {
        Some(WordPart::Known(source))
    }
}

/// The name in `$x` or `${x}`; nothing if it is anything else.
pub(super) fn bare(source: &[u8]) -> &[u8] {
    let name = source.strip_prefix(b"$").unwrap_or_default();
    let braced = name.strip_prefix(b"{").and_then(|it| it.strip_suffix(b"}"));
    braced.unwrap_or(name)
}
