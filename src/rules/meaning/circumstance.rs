//! Conditions on what is around a command, each with all that it means: which variables it has, and where it is.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use crate::request::{Way, argv};

use super::text::{GLOB, any_word, stars_hint, texts};
use super::{Meaning, Pattern, Subject, Variable, WantedValue};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circumstance<'a> {
    /// The working directory is of one of these forms.
    Directory(&'a [Pattern]),
    /// A variable.
    Variable(&'a Variable),
}

impl Meaning {
    /// All that it has.
    pub(super) fn circumstances(&self) -> impl Iterator<Item = Circumstance<'_>> {
        let directory = Some(self.cwd.as_slice()).filter(|cwd| !cwd.is_empty());
        let directory = directory.map(Circumstance::Directory);
        directory
            .into_iter()
            .chain(self.environment.iter().map(Circumstance::Variable))
    }
}

impl Circumstance<'_> {
    /// Whether it is so: `surely`, or possibly. `None` if nobody knows.
    pub(super) fn holds(&self, command: &Subject<'_>, surely: bool) -> Option<bool> {
        match self {
            Self::Directory(wanted) => is_in(command, wanted, |way| !surely || !way.is_open),
            Self::Variable(wanted) => has_variable(command, wanted, |pattern, value| {
                if surely {
                    command.narrowly(pattern, value)
                } else {
                    command.widely(pattern, value)
                }
            }),
        }
    }

    pub(super) fn parameter(&self) -> &'static str {
        match self {
            Self::Directory(_) => "cwd",
            Self::Variable(_) => "env",
        }
    }

    pub(super) fn wanted(&self) -> Vec<String> {
        match self {
            Self::Directory(patterns) => texts(patterns),
            Self::Variable(Variable { value, .. }) => match value {
                WantedValue::Set => Vec::new(),
                WantedValue::Unset => vec![String::new()],
                WantedValue::Value(pattern) => texts(std::slice::from_ref(pattern)),
            },
        }
    }

    pub(super) fn had<'c>(&self, command: &Subject<'c>) -> Option<&'c OsStr> {
        match self {
            Self::Directory(_) => command.cwd.map(Path::as_os_str),
            Self::Variable(Variable { name, .. }) => {
                let mut set = command.environment.into_iter().flatten();
                let set = set.find(|(known, _)| *known == **name);
                set.map(|(_, value)| value.as_os_str())
            }
        }
    }

    /// Why it does not hold, in words that follow the rule.
    pub(super) fn why(&self, wanted: &[String], had: Option<&OsStr>) -> String {
        let any = any_word(wanted);
        let word = had.map(argv::brief_word);
        match self {
            Self::Directory(_) => {
                let is_below =
                    |wanted: &String| had.is_some_and(|had| Path::new(had).starts_with(wanted));
                let hint = if wanted.iter().any(is_below) {
                    "; `under(...)` takes what is below it as well"
                } else {
                    ""
                };
                let instead = word.map_or_else(String::new, |word| format!(", not {word}"));
                format!("wants the directory {any}{instead}{hint}")
            }
            Self::Variable(Variable { name, value }) => {
                let form = match value {
                    WantedValue::Set => "to be set".to_owned(),
                    WantedValue::Unset => "not to be set".to_owned(),
                    WantedValue::Value(_) => format!("to be {any}"),
                };
                let name = argv::brief_word(OsStr::new(name));
                let is = word.unwrap_or_else(|| "not set".to_owned());
                let glob = stars_hint(wanted, GLOB);
                format!("wants the variable {name} {form}, which is {is}{glob}")
            }
        }
    }

    /// Why a command does not surely say what a rule that permits does, in words.
    pub(super) fn departs(&self, is_known: bool, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(_) => out.write_str("the working directory is another one"),
            Self::Variable(_) if !is_known => out.write_str("the variables are not known"),
            Self::Variable(Variable { name, .. }) => {
                write!(out, "the variable {name} is not as it wants it")
            }
        }
    }
}

/// Whether a variable is as wanted, its value by `is_of_form`; `None` if nobody knows.
fn has_variable(
    command: &Subject<'_>,
    wanted: &Variable,
    is_of_form: impl Fn(&Pattern, &OsStr) -> bool,
) -> Option<bool> {
    let set = command.environment?;
    let mut values = set.iter().filter(|(name, _)| *name == *wanted.name);
    let value = values.next().map(|(_, value)| value.as_os_str());
    // Of two, some programs take the first and some the last.
    if values.next().is_some() {
        return None;
    }
    Some(match &wanted.value {
        WantedValue::Set => value.is_some(),
        WantedValue::Unset => value.is_none(),
        WantedValue::Value(pattern) => value.is_some_and(|value| is_of_form(pattern, value)),
    })
}

/// Whether the working directory is as wanted; `None` if nobody knows. The directory is the kernel's
/// word and has no links; a place that a rule names may have some.
fn is_in(command: &Subject<'_>, wanted: &[Pattern], counts: impl Fn(&Way) -> bool) -> Option<bool> {
    let cwd = command.cwd?;
    let is_one = |pattern: &Pattern| match pattern {
        Pattern::Under(root) => {
            let real = command.paths.way(Path::new(root)).filter(|way| counts(way));
            let real = real.and_then(|way| way.real.as_deref());
            cwd.starts_with(root) || real.is_some_and(|real| cwd.starts_with(real))
        }
        _ => command.narrowly(pattern, cwd.as_os_str()),
    };
    Some(wanted.iter().any(is_one))
}
