//! W105 missing-justification.

use crate::rules::model::Span;
use crate::rules::{Decision, RuleSet};

use super::coverage::{command_text, pattern_text};
use super::finding::Level;
use super::{Report, lint};

lint! {
    /// A rule that prompts or forbids does not say why.
    ///
    /// ## Why it matters
    ///
    /// The justification is what a person reads who is asked, and what is said where a program
    /// is refused. Without it, the person can only guess, and an agent just tries another way.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", "push", "--force"], decision = "forbidden")
    /// ```
    ///
    /// Say what is wrong with it, and what to do instead:
    ///
    /// ```python
    /// prefix_rule(
    ///     pattern = ["git", "push", "--force"],
    ///     decision = "forbidden",
    ///     justification = "Overwrites other people's commits. Use --force-with-lease.",
    /// )
    /// ```
    "W105", "missing-justification", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    let mut last = None;
    for rule in &rules.prefix_rules {
        let silent = rule.justification.is_none() && rule.decision != Decision::Allow;
        // Alternative programs make several rules of one call; one finding is enough.
        if silent && last != Some(rule.span) {
            last = Some(rule.span);
            add(report, rule.span, rule.decision, &pattern_text(rule));
        }
    }
    for rule in &rules.command_rules {
        if rule.justification.is_none() && rule.decision != Decision::Allow {
            add(report, rule.span, rule.decision, &command_text(rule));
        }
    }
    for rule in &rules.network_rules {
        if rule.justification.is_none() && rule.decision != Decision::Allow {
            add(report, rule.span, rule.decision, &rule.host);
        }
    }
}

fn add(report: &mut Report, span: Span, decision: Decision, what: &str) {
    let verb = if decision == Decision::Prompt {
        "asks about"
    } else {
        "refuses"
    };
    let message = format!("the rule {verb} `{what}` and does not say why");
    let help = "add `justification`: what is wrong with it, and what to do instead".to_owned();
    report.add(span, message, Some(help));
}
