//! What rules ask of places.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::rules::RuleSet;
use crate::rules::meaning::{Pattern, Variable};
use crate::rules::model::CommandRule;

/// What rules ask of places.
#[derive(Debug, Default)]
pub(super) struct PathConditions {
    /// Some rule has a condition on a path.
    pub(super) any: bool,
    /// The places that rules name.
    pub(super) roots: Vec<PathBuf>,
    /// The variables on whose values rules have conditions.
    pub(super) variables: BTreeSet<String>,
    /// A rule restricts a program, which a path may lead to.
    pub(super) programs: bool,
}

impl PathConditions {
    pub(super) fn of(rules: &RuleSet) -> Self {
        let mut conditions = Self {
            programs: rules.restricts(),
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
