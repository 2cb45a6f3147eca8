//! What variables of a script may stand for, as far as the script says it in words: `for x in a b`, `x=a`,
//! `read x <<< a`, `x=(a b)`. There may be other values, so these restrict and permit nothing.

use std::collections::BTreeMap;

use crate::script::{self, Dialect, Script, ScriptCommand, Word, WordPart};

use super::effects::{name, own_words, shows};
use super::spelling::{bare, filled};

/// So many values of one variable count, and so many commands with them in the place of one.
const MOST: usize = 16;
/// So many variables of one command count.
const VARIABLES: usize = 4;
/// A value is no longer, in bytes.
const LENGTH: usize = 4096;

/// The values of a script's variables.
#[derive(Debug, Default)]
pub(super) struct Values(BTreeMap<Vec<u8>, Vec<Vec<u8>>>);

impl Values {
    /// Those that the words of `script` say.
    pub(super) fn of(script: &Script) -> Self {
        let mut values = Self::default();
        for list in &script.lists {
            let known = list.values.iter().filter_map(Word::known);
            known.for_each(|value| values.add(&list.name, value));
        }
        let read = script.fed.iter().cloned();
        let shown = script
            .commands
            .iter()
            .filter_map(|it| shows(it, it.input.as_deref()));
        let read: Vec<Vec<u8>> = read.chain(shown).take(MOST).collect();
        for command in &script.commands {
            values.set_by(command, &read);
        }
        values
    }

    /// Adds what the command sets; where it says nothing of what it reads, that may be anything which loops are
    /// `fed` or others write.
    fn set_by(&mut self, command: &ScriptCommand, fed: &[Vec<u8>]) {
        for set in &command.assignments {
            self.assign(&set.name, &set.value);
        }
        let words = own_words(command);
        match name(command).as_slice() {
            b"export" | b"declare" | b"typeset" | b"local" | b"readonly" => {
                for word in words.iter().skip(1) {
                    let Some((name, value)) = assignment(word) else {
                        continue;
                    };
                    self.assign(&name, &value);
                }
            }
            b"read" | b"mapfile" | b"readarray" => {
                let texts = command.input.as_ref().map_or(fed, std::slice::from_ref);
                // Which of them has what depends on separators.
                for word in words.iter().skip(1).filter_map(Word::known) {
                    for text in texts {
                        let lines = text.split(|&byte| byte == b'\n');
                        let lines = lines.map(<[u8]>::trim_ascii);
                        let parts = text.split(u8::is_ascii_whitespace);
                        for value in lines.chain(parts).filter(|value| !value.is_empty()) {
                            self.add(&word, value.to_vec());
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn assign(&mut self, name: &[u8], value: &Word) {
        if let Some(value) = value.known() {
            self.add(name, value);
        } else if let Some(inner) = in_parentheses(&value.recognised()) {
            // Words of an array.
            let text = [b"x ", inner].concat();
            let parsed = script::parse(&text, Dialect::Bash);
            let words = parsed.commands.first().map_or(&[][..], |it| &it.words);
            let known = words.iter().skip(1).filter_map(Word::known);
            known.for_each(|value| self.add(name, value));
        }
    }

    fn add(&mut self, name: &[u8], value: Vec<u8>) {
        if value.len() > LENGTH {
            return;
        }
        let values = self.0.entry(name.to_vec()).or_default();
        if values.len() < MOST && !values.contains(&value) {
            values.push(value);
        }
    }

    /// The words of `command` with each value in the place of its variables.
    pub(super) fn in_place_of(&self, command: &ScriptCommand) -> Vec<Vec<Word>> {
        let mut names: Vec<&[u8]> = Vec::new();
        for part in command.words.iter().flat_map(|word| &word.parts) {
            let WordPart::Unknown { source, .. } = part else {
                continue;
            };
            let name = whole(bare(source));
            if self.0.contains_key(name) && !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            return Vec::new();
        }
        let mut all = vec![command.words.clone()];
        for name in names.into_iter().take(VARIABLES) {
            let values = self.0.get(name).map_or(&[][..], Vec::as_slice);
            let with = all.iter().flat_map(|words| {
                let with = |value: &Vec<u8>| {
                    let parts = vec![WordPart::Known(value.clone())];
                    let value = Word { parts };
                    let value = |it: &[u8]| (whole(it) == name).then(|| value.clone());
                    words.iter().flat_map(|word| filled(word, &value)).collect()
                };
                values.iter().map(with).collect::<Vec<Vec<Word>>>()
            });
            all = with.take(MOST).collect();
        }
        all
    }
}

/// `name=value`, where a command has it for an argument.
fn assignment(word: &Word) -> Option<(Vec<u8>, Word)> {
    let (first, rest) = word.parts.split_first()?;
    let WordPart::Known(first) = first else {
        return None;
    };
    let equals = first.iter().position(|&byte| byte == b'=')?;
    let (name, value) = first.split_at_checked(equals)?;
    let value = WordPart::Known(value.get(1..)?.to_vec());
    let parts = std::iter::once(value).chain(rest.iter().cloned()).collect();
    Some((name.to_vec(), Word { parts }))
}

fn in_parentheses(text: &[u8]) -> Option<&[u8]> {
    text.trim_ascii().strip_prefix(b"(")?.strip_suffix(b")")
}

/// The variable of which an expansion of this `name` shows one element, or all: `x[0]`.
fn whole(name: &[u8]) -> &[u8] {
    let element = name.strip_suffix(b"]");
    let element = element.and_then(|it| it.split(|&byte| byte == b'[').next());
    element.unwrap_or(name)
}
