//! What a command means, as rules say it, and when a command does.
//!
//! A restriction asks [`wide`]: it holds wherever the command could mean it. A permission asks
//! `narrow`: it holds only where the command says that and nothing else.

mod circumstance;
mod condition;
pub mod departure;
mod expression;
pub mod glob;
mod narrow;
pub mod pattern;
mod text;
pub mod wide;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::models::{Phrased, Reading};

pub use circumstance::Circumstance;
pub use condition::{Condition, Miss};
pub use departure::Departure;
pub use expression::Expression;
pub use pattern::{ANY_WORD, Paths, Pattern};
use text::{any_of, joined, one_of, one_of_these};
pub use text::{any_word, stars_hint};

/// The conditions of a `command_rule` or of a `case`; each that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meaning {
    /// The words after the program's own options, each with its alternatives.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subcommand: Vec<Vec<String>>,
    /// Options that must be there: of each group, one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Vec<String>>,
    /// Options that must not be there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Options that must have a value of some form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionValue>,
    /// The operands behind the subcommand; `None` says nothing of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operands: Option<OperandCondition>,
    /// Nothing else may follow.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub exact: bool,
    /// The working directory; any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cwd: Vec<Pattern>,
    /// Variables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<Variable>,
}

impl Meaning {
    /// Every pattern in it.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let operands = self.operands.iter();
        let operands =
            operands.flat_map(|it| it.places.iter().flatten().chain(it.rest.iter().flatten()));
        let values = self.environment.iter().filter_map(|it| match &it.value {
            WantedValue::Value(pattern) => Some(pattern),
            WantedValue::Set | WantedValue::Unset => None,
        });
        let options = self.options.iter().flat_map(|it| &it.values);
        operands.chain(&self.cwd).chain(values).chain(options)
    }

    /// Whether it says anything beside subcommand and options without their values.
    pub fn says_more(&self) -> bool {
        let is_more =
            |it: Condition<'_>| !matches!(it, Condition::Flags(_) | Condition::Without(_));
        self.operands.is_some() || self.conditions().any(is_more)
    }
}

/// As the parameters of `command_rule` and `case` have it.
impl fmt::Display for Meaning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subcommand,
            flags,
            without,
            options,
            operands,
            exact,
            cwd,
            environment,
        } = self;
        let mut all: Vec<String> = Vec::new();
        if !subcommand.is_empty() {
            let words = subcommand.iter().map(|words| one_of(words));
            all.push(format!("subcommand = [{}]", joined(words)));
        }
        match flags.as_slice() {
            [] => {}
            [names] => all.push(format!("flags = {}", any_of(names))),
            groups => {
                let groups = groups.iter().map(|names| any_of(names));
                all.push(format!("flags = all_of({})", joined(groups)));
            }
        }
        if !without.is_empty() {
            all.push(format!("without = {}", one_of(without)));
        }
        let options = options.iter();
        let options = options.map(|it| format!("{:?}: {}", it.name, one_of_these(&it.values)));
        let options = joined(options);
        if !options.is_empty() {
            all.push(format!("options = {{{options}}}"));
        }
        let operands = operands.iter();
        all.extend(operands.map(|operands| format!("args = [{operands}]")));
        all.extend(exact.then(|| "exact = True".to_owned()));
        if !cwd.is_empty() {
            all.push(format!("cwd = {}", one_of_these(cwd)));
        }
        let variables = environment.iter();
        let variables = joined(variables.map(|it| format!("{:?}: {}", it.name, it.value)));
        if !variables.is_empty() {
            all.push(format!("env = {{{variables}}}"));
        }
        out.write_str(&all.join(", "))
    }
}

/// A condition on the value of an option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionValue {
    /// One of its names.
    pub name: String,
    /// What it must be; any of these.
    pub values: Vec<Pattern>,
}

/// What operands must be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperandCondition {
    /// One pattern, with its alternatives, for each.
    pub places: Vec<Vec<Pattern>>,
    /// Any number more, each of these; none: there may be no more; `Some([])`: whatever they are.
    pub rest: Option<Vec<Pattern>>,
}

/// A condition on a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it must be.
    pub value: WantedValue,
}

/// What a variable must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WantedValue {
    /// Set, whatever to.
    Set,
    /// Not set.
    Unset,
    /// Set to something of this form.
    Value(Pattern),
}

/// A command as conditions see it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its arguments, read by its model.
    pub reading: &'a Reading<'a>,
    /// The ways to say it.
    pub phrased: &'a Phrased<'a, 'a>,
    /// The working directory, absolute; `None` if nobody knows.
    pub cwd: Option<&'a Path>,
    /// The variables; `None` if nobody knows.
    pub environment: Option<&'a [(OsString, OsString)]>,
    /// Where paths lead.
    pub paths: Paths<'a>,
}

impl Subject<'_> {
    fn narrowly(&self, pattern: &Pattern, word: &OsStr) -> bool {
        pattern.narrowly(word, self.cwd, self.paths)
    }

    /// Whether a word could be of this form.
    pub fn widely(&self, pattern: &Pattern, word: &OsStr) -> bool {
        pattern.widely(word, self.cwd, self.paths)
    }
}
