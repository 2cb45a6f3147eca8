//! One condition of a `command_rule`, where the subcommand agrees: what it wants, and what a command has instead.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::request::argv;
use crate::request::program::normalised;

use super::text::{GLOB, any_word, stars_hint, texts};
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

impl Condition<'_> {
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
