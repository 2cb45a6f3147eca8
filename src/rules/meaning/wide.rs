//! Whether a command could mean something: for rules that restrict.

use std::ffi::OsStr;

use crate::models::{Phrasing, Plain};

use super::{Condition, Meaning, Subject};

impl Meaning {
    /// Whether `command` could mean this. What nobody knows counts as if it did.
    pub fn widely(&self, command: &Subject<'_>) -> bool {
        self.operands_of(command).is_some_and(|operands| {
            let mut conditions = self.conditions();
            conditions.all(|it| it.could_hold(self, command, &operands))
        })
    }

    /// The conditions that `command` can't meet; `None` if it has another subcommand.
    pub fn unmet<'m>(&'m self, command: &Subject<'_>) -> Option<Vec<Condition<'m>>> {
        let operands = self.operands_of(command)?;
        let conditions = self.conditions();
        let unmet = conditions.filter(|it| !it.could_hold(self, command, &operands));
        Some(unmet.collect())
    }

    /// The operands behind the subcommand; `None` if `command` has another one.
    pub fn operands_of<'a>(&self, command: &Subject<'a>) -> Option<Vec<&'a OsStr>> {
        let any_order = command.reading.is_in_any_order();
        let mut phrasings = command.phrased.phrasings();
        phrasings.find_map(|phrasing| operands(phrasing, &self.subcommand, any_order))
    }
}

/// The operands behind the subcommand `path`; `None` if the command has another one.
fn operands<'a>(
    phrasing: Phrasing<'_, 'a>,
    path: &[Vec<String>],
    any_order: bool,
) -> Option<Vec<&'a OsStr>> {
    let mut taken: Vec<usize> = Vec::new();
    let mut from = 0;
    for wanted in path {
        let is_one = |word: &Plain<'_>| wanted.iter().any(|it| word.is(OsStr::new(it)));
        let mut rest = phrasing.words().enumerate().skip(from);
        let stops = |word: &Plain<'_>| is_one(word) || !word.is_optional;
        let (at, word) = rest.find(|(at, word)| !taken.contains(at) && stops(word))?;
        if !is_one(word) {
            return None;
        }
        from = if any_order { 0 } else { at };
        taken.push(at);
    }
    let left = phrasing.words().enumerate();
    let left = left.filter(|(at, _)| !taken.contains(at));
    Some(left.map(|(_, word)| word.word).collect())
}
