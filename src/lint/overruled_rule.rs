//! W103 overruled-rule.

use crate::rules::{Decision, RuleSet};

use super::coverage::{Coverage, pattern_text};
use super::finding::{Level, Related};
use super::{Report, lint};

lint! {
    /// A rule never counts, because a stricter rule matches everything that it matches. The
    /// strictest matching rule decides, whatever the order, the length and the file.
    ///
    /// ## Why it matters
    ///
    /// The author meant an exception, and there is none: the command is still asked about or
    /// refused.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["docker"], decision = "prompt", justification = "Reaches the daemon.")
    /// prefix_rule(pattern = ["docker", "ps"], decision = "allow")
    /// ```
    ///
    /// Make the strict rule as narrow as it is meant:
    ///
    /// ```python
    /// prefix_rule(
    ///     pattern = ["docker", ["run", "exec", "rm"]],
    ///     decision = "prompt",
    ///     justification = "Changes something.",
    /// )
    /// prefix_rule(pattern = ["docker", "ps"], decision = "allow")
    /// ```
    "W103", "overruled-rule", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    let coverage = Coverage::of(rules);
    for rule in &rules.prefix_rules {
        let stricter = coverage
            .covering(rule)
            .find(|(_, other)| other.decision > rule.decision);
        if let Some((_, strict)) = stricter {
            let message = format!(
                "`{}` is never {}: the stricter `{}` at {} matches it too",
                pattern_text(rule),
                outcome(rule.decision),
                pattern_text(strict),
                rules.place(strict.span)
            );
            let help = "the strictest rule decides; narrow that one, or delete this one";
            let related = Related {
                span: strict.span,
                label: "the stricter rule",
            };
            report.add_related(rule.span, message, Some(help.to_owned()), related);
        }
    }
}

fn outcome(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allowed",
        Decision::Prompt => "asked about",
        Decision::Forbidden => "refused",
    }
}
