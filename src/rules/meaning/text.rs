//! Conditions as rules spell them.

use std::fmt;

use super::{Meaning, OperandCondition, Pattern, WantedValue};

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

/// As the parameters of `command_rule` and `case` have it.
impl fmt::Display for Meaning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all: Vec<String> = Vec::new();
        if !self.subcommand.is_empty() {
            let words = self.subcommand.iter().map(|words| one_of(words));
            all.push(format!("subcommand = [{}]", joined(words)));
        }
        match self.flags.as_slice() {
            [] => {}
            [names] => all.push(format!("flags = {}", any_of(names))),
            groups => {
                let groups = groups.iter().map(|names| any_of(names));
                all.push(format!("flags = all_of({})", joined(groups)));
            }
        }
        if !self.without.is_empty() {
            all.push(format!("without = {}", one_of(&self.without)));
        }
        let options = self.options.iter();
        let options = options.map(|it| format!("{:?}: {}", it.name, one_of_these(&it.values)));
        let options: Vec<String> = options.collect();
        if !options.is_empty() {
            all.push(format!("options = {{{}}}", options.join(", ")));
        }
        let operands = self.operands.iter();
        all.extend(operands.map(|operands| format!("args = [{operands}]")));
        all.extend(self.exact.then(|| "exact = True".to_owned()));
        if !self.cwd.is_empty() {
            all.push(format!("cwd = {}", one_of_these(&self.cwd)));
        }
        let variables = self.environment.iter();
        let variables = variables.map(|it| format!("{:?}: {}", it.name, it.value));
        let variables: Vec<String> = variables.collect();
        if !variables.is_empty() {
            all.push(format!("env = {{{}}}", variables.join(", ")));
        }
        out.write_str(&all.join(", "))
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

fn one_of_these(patterns: &[Pattern]) -> String {
    match patterns {
        [pattern] => pattern.to_string(),
        patterns => format!("[{}]", list(patterns)),
    }
}

fn one_of(words: &[String]) -> String {
    match words {
        [word] => format!("{word:?}"),
        words => format!("[{}]", joined(words.iter().map(|word| format!("{word:?}")))),
    }
}

fn any_of(names: &[String]) -> String {
    match names {
        [name] => format!("{name:?}"),
        names => format!(
            "any_of({})",
            joined(names.iter().map(|name| format!("{name:?}")))
        ),
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
