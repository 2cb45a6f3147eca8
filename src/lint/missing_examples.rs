//! W106 missing-examples.

use crate::rules::model::Span;
use crate::rules::{Decision, RuleSet};

use super::coverage::{command_text, pattern_text};
use super::{Report, lint};

lint! {
    /// A rule that prompts or forbids has neither `match` nor `not_match` examples.
    ///
    /// ## Why it matters
    ///
    /// Patterns are positional, so it is easy to write one that matches nothing people type.
    /// Examples are checked whenever the file loads, and show the next reader what is meant.
    /// Generated files have none, so this lint is off by default.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(
    ///     pattern = ["git", "push", "--force"],
    ///     decision = "forbidden",
    ///     justification = "Overwrites other people's commits.",
    /// )
    /// ```
    ///
    /// Give one command that must match, and one that must not:
    ///
    /// ```python
    /// prefix_rule(
    ///     pattern = ["git", "push", "--force"],
    ///     decision = "forbidden",
    ///     justification = "Overwrites other people's commits.",
    ///     match = ["git push --force origin main"],
    ///     not_match = ["git push origin main"],
    /// )
    /// ```
    "W106", "missing-examples", None, check
}

fn check(rules: &RuleSet, report: &mut Report) {
    let mut last = None;
    for rule in &rules.prefix_rules {
        let bare = rule.examples.is_empty() && rule.decision != Decision::Allow;
        // Alternative programs make several rules of one call; one finding is enough.
        if bare && last != Some(rule.span) {
            last = Some(rule.span);
            add(report, rule.span, &pattern_text(rule));
        }
    }
    for rule in &rules.command_rules {
        if rule.examples == 0 && rule.decision != Decision::Allow {
            add(report, rule.span, &command_text(rule));
        }
    }
}

fn add(report: &mut Report, span: Span, what: &str) {
    let message = format!("the rule on `{what}` has no examples");
    let help = "add `match` and `not_match`; they are checked whenever the file loads";
    report.add(span, message, Some(help.to_owned()));
}
