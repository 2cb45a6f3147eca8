//! Whether a command could mean something: for rules that restrict.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::models::model::Effect;
use crate::models::reading::Flag;
use crate::models::{Phrasing, Plain};

use super::{Condition, Meaning, OperandCondition, OptionValue, Pattern, Subject};

impl Meaning {
    /// Whether `command` could mean this. What nobody knows counts as if it did.
    pub fn widely(&self, command: &Subject<'_>) -> bool {
        let operands = self.operands_of(command);
        operands.is_some_and(|operands| {
            let mut conditions = self.conditions(command, &operands);
            conditions.all(|(_, is_met)| is_met)
        })
    }

    /// The conditions that `command` can't meet; `None` if it has another subcommand.
    pub fn unmet<'m>(&'m self, command: &Subject<'_>) -> Option<Vec<Condition<'m>>> {
        let operands = self.operands_of(command)?;
        let conditions = self.conditions(command, &operands);
        let unmet = conditions.filter(|(_, is_met)| !is_met);
        Some(unmet.map(|(condition, _)| condition).collect())
    }

    /// The operands behind the subcommand; `None` if `command` has another one.
    pub fn operands_of<'a>(&self, command: &Subject<'a>) -> Option<Vec<&'a OsStr>> {
        let any_order = command.reading.is_in_any_order();
        let mut phrasings = command.phrased.phrasings();
        phrasings.find_map(|phrasing| operands(phrasing, &self.subcommand, any_order))
    }

    /// Each condition, and whether `command` with these `operands` could meet it.
    fn conditions<'m, 'b>(
        &'m self,
        command: &'b Subject<'_>,
        operands: &'b [&OsStr],
    ) -> impl Iterator<Item = (Condition<'m>, bool)> {
        let reading = command.reading;
        let has = move |name: &String| reading.flags().any(|flag| flag.could_be(name));
        let flags = self.flags.iter();
        let flags = flags.map(move |group| (Condition::Flags(group), group.iter().any(has)));
        let without = self.without.iter().map(move |name| {
            let is_there = reading.flags().any(|flag| flag.is(name));
            (Condition::Without(name), !is_there)
        });
        let values = self.options.iter();
        let values =
            values.map(move |option| (Condition::Value(option), has_value(command, option)));
        let wanted = self.operands.as_ref();
        let exact = self.exact.then_some(Condition::Exact).into_iter();
        let exact = exact.map(move |exact| (exact, could_be_all(wanted, operands.len(), command)));
        let could_be = move |patterns: &[Pattern]| {
            let values = reading.flags().filter_map(path_value);
            let mut words = operands.iter().copied().chain(values);
            words.any(|word| patterns.iter().any(|it| command.widely(it, word)))
        };
        let places = wanted.into_iter().flat_map(|wanted| &wanted.places);
        let places = places.enumerate();
        let places = places
            .map(move |(nth, patterns)| (Condition::Operand(nth, patterns), could_be(patterns)));
        let rest = wanted.into_iter().flat_map(|wanted| &wanted.rest);
        let rest = rest.filter(|patterns| !patterns.is_empty());
        let rest = rest.map(move |patterns| (Condition::Rest(patterns), could_be(patterns)));
        let places = places.chain(rest);
        let circumstances = self.circumstances().map(move |it| {
            let is_met = it.holds(command, false).unwrap_or(true);
            (Condition::Circumstance(it), is_met)
        });
        flags
            .chain(without)
            .chain(values)
            .chain(exact)
            .chain(places)
            .chain(circumstances)
    }
}

/// Whether an option could have a value that is wanted.
fn has_value(command: &Subject<'_>, option: &OptionValue) -> bool {
    let is_one = |value: &OsStr| {
        let mut wanted = option.values.iter();
        wanted.any(|pattern| command.widely(pattern, value))
    };
    let reading = command.reading;
    let could_be = |value: &OsStr| reading.could_say(&option.name, value).any(is_one);
    let values = reading.values(&option.name);
    values.into_iter().any(|value| value.is_none_or(could_be))
}

/// Whether the operands that are wanted could be all there are.
fn could_be_all(wanted: Option<&OperandCondition>, count: usize, command: &Subject<'_>) -> bool {
    let places = wanted.map_or(0, |wanted| wanted.places.len());
    let open = wanted.is_some_and(|wanted| wanted.rest.is_some());
    let doubts = command.reading.plain().filter(|(_, doubtful)| *doubtful);
    let possible = count.saturating_sub(doubts.count())..=count;
    possible.contains(&places) || (open && places <= count)
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

/// The value of an option if it could be a path that matters: it looks like one, or is written.
fn path_value<'a>(flag: &Flag<'a>) -> Option<&'a OsStr> {
    let looks =
        |value: &&OsStr| value.as_bytes().contains(&b'/') || flag.has_effect(Effect::Writes);
    flag.value.filter(looks)
}
