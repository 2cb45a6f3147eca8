//! What rules ask of places.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::rules::RuleSet;
use crate::rules::meaning::{Pattern, Variable};
use crate::rules::model::{CommandRule, ProgramName};

/// What rules ask of places.
#[derive(Debug, Default)]
pub(super) struct PathConditions {
    /// Some rule has a condition on a path.
    pub(super) any: bool,
    /// The places that rules name.
    pub(super) roots: Vec<PathBuf>,
    /// The variables on whose values rules have conditions.
    pub(super) variables: BTreeSet<String>,
    /// A rule names a program by its path, or by a pattern that may be one.
    pub(super) programs: bool,
}

impl PathConditions {
    pub(super) fn of(rules: &RuleSet) -> Self {
        let mut conditions = Self {
            programs: names_paths(rules),
            ..Self::default()
        };
        let rules = rules.command_rules.iter();
        for meaning in rules.flat_map(CommandRule::meanings) {
            for pattern in meaning.patterns() {
                conditions.any |= pattern.may_be_of_paths();
                if let Pattern::Under(root) = pattern {
                    conditions.roots.push(root.into());
                }
            }
            let names = meaning
                .environment
                .iter()
                .map(|Variable { name, .. }| name.clone());
            conditions.variables.extend(names);
        }
        conditions
    }
}

/// See [`PathConditions::programs`].
fn names_paths(rules: &RuleSet) -> bool {
    let prefixes = rules.prefix_rules.iter().map(|rule| Some(&*rule.program));
    let commands = rules.command_rules.iter().flat_map(|rule| &rule.programs);
    let mut names = prefixes.chain(commands.map(ProgramName::literal));
    names.any(|name| name.is_none_or(|name| name.contains('/')))
}
