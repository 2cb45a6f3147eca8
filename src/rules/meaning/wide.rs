//! Whether a command could mean something: for rules that restrict.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::models::Plain;
use crate::models::model::Effect;
use crate::models::reading::Flag;

use super::{Meaning, Operands, OptionValue, Subject};

impl Meaning {
    /// Whether `command` could mean this. What nobody knows counts as if it did.
    pub fn widely(&self, command: &Subject<'_>) -> bool {
        let phrasings = command.reading.phrasings();
        let mut phrasings = phrasings.iter();
        let Some(operands) = phrasings.find_map(|words| operands(words, &self.subcommand)) else {
            return false;
        };
        let reading = command.reading;
        let found = |name: &String| reading.flags().any(|flag| flag.could_be(name));
        let certain = |name: &String| reading.flags().any(|flag| flag.is(name));
        self.flags.iter().all(|group| group.iter().any(found))
            && !self.without.iter().any(certain)
            && self.options.iter().all(|option| has(command, option))
            && self.operands_could_be(command, &operands)
            && command.is_in(&self.cwd, |_| true).unwrap_or(true)
            && self
                .environment
                .iter()
                .all(|wanted| command.variable(wanted, Subject::widely).unwrap_or(true))
    }

    fn operands_could_be(&self, command: &Subject<'_>, operands: &[&OsStr]) -> bool {
        let wanted = self.operands.as_ref();
        if self.exact && !could_be_all(wanted, operands.len(), command) {
            return false;
        }
        let Some(wanted) = wanted else { return true };
        let values = command.reading.flags().filter_map(path_value);
        let words: Vec<&OsStr> = operands.iter().copied().chain(values).collect();
        let some = |patterns: &Vec<super::Pattern>| {
            let mut pairs = patterns
                .iter()
                .flat_map(|p| words.iter().map(move |w| (p, w)));
            pairs.any(|(pattern, word)| command.widely(pattern, word))
        };
        let rest = wanted.rest.iter().filter(|patterns| !patterns.is_empty());
        wanted.places.iter().chain(rest).all(some)
    }
}

/// Whether an option could have a value that is wanted.
fn has(command: &Subject<'_>, option: &OptionValue) -> bool {
    let is_one = |value: &OsStr| {
        let mut wanted = option.values.iter();
        wanted.any(|pattern| command.widely(pattern, value))
    };
    let values = command.reading.values(&option.name);
    values.into_iter().any(|value| value.is_none_or(is_one))
}

/// Whether the operands that are wanted could be all there are.
fn could_be_all(wanted: Option<&Operands>, count: usize, command: &Subject<'_>) -> bool {
    let places = wanted.map_or(0, |wanted| wanted.places.len());
    let open = wanted.is_some_and(|wanted| wanted.rest.is_some());
    let doubts = command.reading.plain().filter(|(_, doubtful)| *doubtful);
    let possible = count.saturating_sub(doubts.count())..=count;
    possible.contains(&places) || (open && places <= count)
}

/// The operands behind the subcommand `path`; `None` if the command has another one.
fn operands<'a>(words: &[Plain<'a>], path: &[Vec<String>]) -> Option<Vec<&'a OsStr>> {
    let mut words = words.iter();
    let mut skipped = Vec::new();
    for wanted in path {
        loop {
            let word = words.next()?;
            if wanted.iter().any(|wanted| word.is(OsStr::new(wanted))) {
                break;
            }
            if !word.is_optional {
                return None;
            }
            skipped.push(word.word);
        }
    }
    skipped.extend(words.map(|word| word.word));
    Some(skipped)
}

/// The value of an option if it could be a path that matters: it looks like one, or is written.
fn path_value<'a>(flag: &Flag<'a>) -> Option<&'a OsStr> {
    let looks =
        |value: &&OsStr| value.as_bytes().contains(&b'/') || flag.has_effect(Effect::Writes);
    flag.value.filter(looks)
}
