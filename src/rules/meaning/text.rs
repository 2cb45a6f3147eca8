//! Conditions as rules spell them, and as people are told of them.

use std::ffi::OsStr;
use std::fmt;

use crate::request::argv;

use super::{OperandCondition, Pattern, WantedValue};

/// Alternatives that are shown of several.
const SHOWN: usize = 4;
/// What takes a `*` for a pattern.
pub(super) const GLOB: &str = "; `glob(...)` takes a `*` for anything";

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

/// `A or B`, of many the first.
pub fn any_word(words: &[String]) -> String {
    any(words.iter().map(|word| argv::brief_word(OsStr::new(word))))
}

/// The same of words as they are to be shown.
pub(super) fn any(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<String> = words.collect();
    let more = words.len().saturating_sub(SHOWN);
    if more > 0 {
        words.truncate(SHOWN);
        words.push(format!("{more} more"));
    }
    words.join(" or ")
}

/// `hint`, where a word is wanted that looks like a pattern.
pub fn stars_hint(wanted: &[String], hint: &'static str) -> &'static str {
    let is_pattern = |word: &String| word.contains('*') && !word.ends_with(')');
    if wanted.iter().any(is_pattern) {
        hint
    } else {
        ""
    }
}

/// Patterns as rules have them, words without quotes.
pub(super) fn texts(patterns: &[Pattern]) -> Vec<String> {
    let text = |pattern: &Pattern| match pattern {
        Pattern::Literal(text) => text.clone(),
        pattern => pattern.to_string(),
    };
    patterns.iter().map(text).collect()
}
