//! W122 lacking-profile.

use std::collections::BTreeSet;

use crate::models::is_near;
use crate::rules::RuleSet;
use crate::rules::model::Run;

use super::finding::Level;
use super::{Report, lint};

lint! {
    /// A rule runs commands in a profile that is not available.
    ///
    /// ## Why it matters
    ///
    /// The command is then refused instead of run. Perhaps the name is misspelt, the table is missing from
    /// the `codex-shell.toml` that applies here, or a directory in it does not exist on this machine.
    ///
    /// ## Example
    ///
    /// ```python
    /// command_rule(program = "make", run = profile("workspace-writ"))
    /// ```
    ///
    /// ```python
    /// command_rule(program = "make", run = profile("workspace-write"))
    /// ```
    "W122", "lacking-profile", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    let mut told = BTreeSet::new();
    for rule in &rules.command_rules {
        let Some(Run::Profile(asked)) = &rule.run else {
            continue;
        };
        // Alternative programs make several rules of one call.
        if !told.insert(rule.span) {
            continue;
        }
        if let Some(message) = report.sandboxes.lacking(asked) {
            let names = report.sandboxes.names().into_iter();
            let mut near = names.filter(|name| is_near(&asked.name, name));
            let help = near.next().map(|name| format!("did you mean `{name}`?"));
            report.add(rule.span, message, help);
        }
    }
}
