//! Conditions as rules spell them.

use std::fmt;

use super::{OperandCondition, Pattern, WantedValue};

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => write!(out, "{text:?}"),
            Self::Glob(glob) => write!(out, "glob({:?})", String::from(glob.clone())),
            Self::Under(path) => write!(out, "under({path:?})"),
            Self::Regex(expression) => {
                write!(out, "regex({:?})", String::from(expression.clone()))
            }
        }
    }
}

impl fmt::Display for OperandCondition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.places.iter().map(|patterns| one_of_these(patterns));
        let rest = self.rest.iter();
        let rest = rest.map(|patterns| format!("rest({})", list(patterns)));
        out.write_str(&joined(places.chain(rest)))
    }
}

impl fmt::Display for WantedValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set => out.write_str("True"),
            Self::Unset => out.write_str("False"),
            Self::Value(pattern) => pattern.fmt(out),
        }
    }
}

/// Patterns, one behind the other.
pub(super) fn list(patterns: &[Pattern]) -> String {
    joined(patterns.iter().map(Pattern::to_string))
}

pub(super) fn one_of_these(patterns: &[Pattern]) -> String {
    match patterns {
        [pattern] => pattern.to_string(),
        patterns => format!("[{}]", list(patterns)),
    }
}

pub(super) fn one_of(words: &[String]) -> String {
    match words {
        [word] => format!("{word:?}"),
        words => format!("[{}]", joined(words.iter().map(|word| format!("{word:?}")))),
    }
}

pub(super) fn any_of(names: &[String]) -> String {
    match names {
        [name] => format!("{name:?}"),
        names => format!(
            "any_of({})",
            joined(names.iter().map(|name| format!("{name:?}")))
        ),
    }
}

pub(super) fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
