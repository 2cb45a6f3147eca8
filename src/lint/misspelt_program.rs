//! W117 misspelt-program.

use crate::models;
use crate::rules::RuleSet;
use crate::rules::model::Span;

use super::finding::Level;
use super::{Report, lint};

lint! {
    /// A rule is about an unknown program whose name is one letter away from that of a
    /// well-known one.
    ///
    /// ## Why it matters
    ///
    /// A rule about a program that doesn't exist matches nothing, and nobody is told. If the name
    /// is right after all, a `program(...)` in a rules file makes it known.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["kubctl", "delete"], decision = "forbidden", justification = "Ask first.")
    /// ```
    ///
    /// ```python
    /// prefix_rule(pattern = ["kubectl", "delete"], decision = "forbidden", justification = "Ask first.")
    /// ```
    "W117", "misspelt-program", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    for (name, span) in programs(rules) {
        let declared = rules
            .programs
            .iter()
            .flat_map(|program| &program.model.names);
        if declared
            .chain(rules.host_executables.iter().map(|host| &host.name))
            .any(|known| known == name)
        {
            continue;
        }
        if let Some(meant) = models::meant(name) {
            let message = format!("no program called `{name}` is known");
            report.add(span, message, Some(format!("did you mean `{meant}`?")));
        }
    }
}

/// Every name that a rule is about.
fn programs(rules: &RuleSet) -> impl Iterator<Item = (&str, Span)> {
    let prefix = rules.prefix_rules.iter();
    let prefix = prefix.map(|rule| (rule.program.as_str(), rule.span));
    let command = rules.command_rules.iter().flat_map(|rule| {
        let literal = rule.literal_programs();
        literal.map(|name| (name, rule.span))
    });
    prefix.chain(command)
}
