//! The conditions of a `command_rule` where the subcommand agrees, each with all that it means: whether a command
//! could meet it, whether it surely does, what it wants, and what a command has instead.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::models::model::Effect;
use crate::models::reading::Flag;
use crate::request::argv;
use crate::request::program::normalised;

use super::text::{GLOB, any, any_word, stars_hint, texts};
use super::{Circumstance, Meaning, OperandCondition, OptionValue, Pattern, Subject};

/// One condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition<'a> {
    /// One of these options is there.
    Flags(&'a [String]),
    /// This one is not.
    Without(&'a str),
    /// An option has a value.
    Value(&'a OptionValue),
    /// There is an operand of one of these forms, the one of this number first of all.
    Operand(usize, &'a [Pattern]),
    /// There is an operand that `rest(...)` takes.
    Rest(&'a [Pattern]),
    /// No other operand is there.
    Exact,
    /// Something around the command.
    Circumstance(Circumstance<'a>),
}

/// What of a rule doesn't hold; without a parameter, a word of the subcommand.
#[derive(Debug, Default)]
pub struct Miss {
    /// The parameter of `command_rule` that the condition stands in.
    pub parameter: Option<&'static str>,
    /// What it wants: any of these.
    pub wanted: Vec<String>,
    /// What the command has instead.
    pub had: Option<OsString>,
    /// That, in words that follow the rule.
    pub why: Option<String>,
}

impl Meaning {
    /// All that it has on the command's own words.
    pub(super) fn of_words(&self) -> impl Iterator<Item = Condition<'_>> {
        let operands = self.operands.as_ref();
        let places = operands.into_iter().flat_map(|it| &it.places).enumerate();
        let rest = operands.and_then(|it| it.rest.as_deref());
        let rest = rest.filter(|patterns| !patterns.is_empty());
        let flags = self.flags.iter().map(|group| Condition::Flags(group));
        let without = self.without.iter().map(|name| Condition::Without(name));
        flags
            .chain(without)
            .chain(self.options.iter().map(Condition::Value))
            .chain(self.exact.then_some(Condition::Exact))
            .chain(places.map(|(nth, patterns)| Condition::Operand(nth, patterns)))
            .chain(rest.map(Condition::Rest))
    }

    /// All that it has.
    pub(super) fn conditions(&self) -> impl Iterator<Item = Condition<'_>> {
        let circumstances = self.circumstances().map(Condition::Circumstance);
        self.of_words().chain(circumstances)
    }
}

/// Why a command does not surely meet a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmet<'a> {
    /// Of these options, none is there.
    Missing(&'a [String]),
    /// This option is there, which must not be.
    Excluded(&'a [u8]),
    /// This option is not there, whose value is named.
    NoValue(&'a str),
    /// The value of this option is not known.
    UnknownValue(&'a str),
    /// Another word, this one where it is known, can change what this option says.
    Overridden(&'a str, Option<&'a [u8]>),
    /// This option has this value.
    OtherValue(&'a str, &'a OsStr),
    /// This does not hold, if it is known whether it does.
    Circumstance(Circumstance<'a>, bool),
}

impl<'a> Condition<'a> {
    /// Whether `command` could meet it, with these operands behind the subcommand of `meaning`.
    pub(super) fn could_hold(
        &self,
        meaning: &Meaning,
        command: &Subject<'_>,
        operands: &[&OsStr],
    ) -> bool {
        let mut flags = command.reading.flags();
        match self {
            Self::Flags(names) => flags.any(|flag| names.iter().any(|name| flag.could_be(name))),
            Self::Without(name) => !flags.any(|flag| flag.is(name)),
            Self::Value(option) => could_have_value(command, option),
            Self::Exact => could_be_all(meaning.operands.as_ref(), operands.len(), command),
            Self::Operand(_, patterns) | Self::Rest(patterns) => {
                let mut words = operands.iter().copied().chain(flags.filter_map(path_value));
                words.any(|word| patterns.iter().any(|it| command.widely(it, word)))
            }
            Self::Circumstance(it) => it.holds(command, false).unwrap_or(true),
        }
    }

    /// Whether `command` surely meets it. Of operands that is asked with what else they are.
    pub(super) fn surely_holds(&self, command: &Subject<'a>) -> Result<(), Unmet<'a>> {
        let reading = command.reading;
        match *self {
            Self::Flags(names) if !names.iter().any(|name| reading.has(name)) => {
                Err(Unmet::Missing(names))
            }
            Self::Without(name) => match reading.flags().find(|flag| flag.is(name)) {
                Some(flag) => Err(Unmet::Excluded(&flag.written)),
                None => Ok(()),
            },
            Self::Value(option) => has_value(command, option),
            Self::Circumstance(it) => match it.holds(command, true) {
                Some(true) => Ok(()),
                known => Err(Unmet::Circumstance(it, known.is_some())),
            },
            Self::Flags(_) | Self::Operand(..) | Self::Rest(_) | Self::Exact => Ok(()),
        }
    }

    /// This one, of `meaning`, as `command` does not meet it.
    pub fn unmet(&self, meaning: &Meaning, command: &Subject<'_>) -> Miss {
        let (wanted, had) = (self.wanted(), self.had(meaning, command));
        let why = self.why(&wanted, had.as_deref(), command);
        Miss {
            parameter: Some(self.parameter()),
            wanted,
            had,
            why: Some(why),
        }
    }

    /// The parameter of `command_rule` that it stands in.
    fn parameter(&self) -> &'static str {
        match self {
            Self::Flags(_) => "flags",
            Self::Without(_) => "without",
            Self::Value(_) => "options",
            Self::Operand(..) | Self::Rest(_) => "args",
            Self::Exact => "exact",
            Self::Circumstance(it) => it.parameter(),
        }
    }

    fn wanted(&self) -> Vec<String> {
        match self {
            Self::Flags(names) => names.to_vec(),
            Self::Without(name) => vec![(*name).to_owned()],
            Self::Value(option) => texts(&option.values),
            Self::Operand(_, patterns) => texts(patterns),
            Self::Rest(patterns) => {
                let rest = OperandCondition {
                    places: Vec::new(),
                    rest: Some(patterns.to_vec()),
                };
                vec![rest.to_string()]
            }
            Self::Exact => Vec::new(),
            Self::Circumstance(it) => it.wanted(),
        }
    }

    fn had(&self, meaning: &Meaning, command: &Subject<'_>) -> Option<OsString> {
        let reading = command.reading;
        let places = meaning.operands.as_ref().map_or(0, |it| it.places.len());
        let operand = |nth: usize| meaning.operands_of(command)?.get(nth).copied();
        let word = match self {
            Self::Flags(_) => None,
            Self::Without(name) => {
                let written = reading.flags().find(|flag| flag.is(name));
                return written.map(|flag| OsStr::from_bytes(&flag.written).to_owned());
            }
            Self::Value(option) => reading.values(&option.name).into_iter().flatten().next(),
            Self::Operand(nth, _) => operand(*nth),
            Self::Rest(_) | Self::Exact => operand(places),
            Self::Circumstance(it) => it.had(command),
        };
        word.map(OsStr::to_owned)
    }

    fn why(&self, wanted: &[String], had: Option<&OsStr>, command: &Subject<'_>) -> String {
        let any = any_word(wanted);
        let instead = |is: &str, missing: &str| match had {
            Some(had) => format!("{is}{}", argv::brief_word(had)),
            None => missing.to_owned(),
        };
        let glob = stars_hint(wanted, GLOB);
        match self {
            Self::Flags(names) if names.iter().any(|name| command.reading.is_cluster(name)) => {
                format!("wants {any} among the options; all_of(...) names each of several letters")
            }
            Self::Flags(_) => format!("wants {any} among the options"),
            Self::Without(_) => format!("wants no {any}{}", instead(", which is here ", "")),
            Self::Value(option) => {
                let instead = instead(", which is ", ", which is not there");
                let name = argv::brief_word(OsStr::new(&option.name));
                format!("wants {any} for {name}{instead}{glob}")
            }
            Self::Operand(..) | Self::Rest(_) => {
                let instead = instead(", not ", ", which end before that");
                let place = place_hint(wanted, had, command.cwd);
                let any = argv::visible(&wanted.join(" or "));
                format!("wants {any} among the operands{instead}{place}{glob}")
            }
            Self::Exact => format!("wants nothing else to follow{}", instead(", as does ", "")),
            Self::Circumstance(it) => it.why(wanted, had),
        }
    }
}

/// As a reason why a rule doesn't count.
impl fmt::Display for Unmet<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |word: &[u8]| argv::brief_word(OsStr::from_bytes(word));
        match *self {
            Self::Missing([name]) => write!(out, "option `{name}`, which it wants, is not there"),
            Self::Missing(names) => {
                let names = any(names.iter().map(|name| format!("`{name}`")));
                write!(out, "it wants one of the options {names}")
            }
            Self::Excluded(option) => {
                write!(
                    out,
                    "option `{}`, which it excludes, is there",
                    bytes(option)
                )
            }
            Self::NoValue(name) => {
                write!(out, "option `{name}`, whose value it names, is not there")
            }
            Self::UnknownValue(name) => write!(out, "the value of option `{name}` is not known"),
            Self::Overridden(name, by) => {
                let word = by.map_or("another word".to_owned(), |by| format!("`{}`", bytes(by)));
                write!(out, "{word} can change what option `{name}` says")
            }
            Self::OtherValue(name, value) => {
                let value = argv::brief_word(value);
                write!(
                    out,
                    "option `{name}` has another value than it names: `{value}`"
                )
            }
            Self::Circumstance(condition, is_known) => condition.departs(is_known, out),
        }
    }
}

/// Which path a relative operand is, where a place is wanted.
fn place_hint(wanted: &[String], had: Option<&OsStr>, cwd: Option<&Path>) -> String {
    let is_place = |wanted: &String| wanted.contains("under(");
    let relative = had.map(Path::new).filter(|path| path.is_relative());
    match (relative, cwd) {
        (Some(path), Some(cwd)) if wanted.iter().any(is_place) => {
            let whole = normalised(&cwd.join(path));
            format!(", which is {}", argv::brief_word(whole.as_os_str()))
        }
        _ => String::new(),
    }
}

/// Whether an option could have a value that is wanted.
fn could_have_value(command: &Subject<'_>, option: &OptionValue) -> bool {
    let is_one = |value: &OsStr| {
        let mut wanted = option.values.iter();
        wanted.any(|pattern| command.widely(pattern, value))
    };
    let reading = command.reading;
    let could_be = |value: &OsStr| reading.could_say(&option.name, value).any(is_one);
    let values = reading.values(&option.name);
    values.into_iter().any(|value| value.is_none_or(could_be))
}

/// Whether an option has a value that is named, each time that it is there or, where that is known, by default.
fn has_value<'a>(command: &Subject<'a>, option: &'a OptionValue) -> Result<(), Unmet<'a>> {
    let reading = command.reading;
    let name = option.name.as_str();
    let values = reading.values(name);
    if values.is_empty() {
        return Err(Unmet::NoValue(name));
    }
    if values.contains(&None) && !reading.flags().any(|flag| flag.could_be(name)) {
        return Err(Unmet::NoValue(name));
    }
    let is_reset = reading.resets() && reading.default_values(name).is_empty();
    let overriding = reading.overriding(name);
    if is_reset || overriding.is_some() {
        return Err(Unmet::Overridden(name, overriding));
    }
    for value in values {
        let value = value.ok_or(Unmet::UnknownValue(name))?;
        let mut wanted = option.values.iter();
        if !wanted.any(|pattern| command.narrowly(pattern, value)) {
            return Err(Unmet::OtherValue(name, value));
        }
    }
    Ok(())
}

/// Whether the operands that are wanted could be all there are.
fn could_be_all(wanted: Option<&OperandCondition>, count: usize, command: &Subject<'_>) -> bool {
    let places = wanted.map_or(0, |wanted| wanted.places.len());
    let open = wanted.is_some_and(|wanted| wanted.rest.is_some());
    let doubts = command.reading.plain().filter(|(_, doubtful)| *doubtful);
    let possible = count.saturating_sub(doubts.count())..=count;
    possible.contains(&places) || (open && places <= count)
}

/// The value of an option if it could be a path that matters: it looks like one, or is written.
fn path_value<'a>(flag: &Flag<'a>) -> Option<&'a OsStr> {
    let looks =
        |value: &&OsStr| value.as_bytes().contains(&b'/') || flag.has_effect(Effect::Writes);
    flag.value.filter(looks)
}
