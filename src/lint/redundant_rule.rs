//! W102 redundant-rule.

use crate::rules::model::PrefixRule;
use crate::rules::{Decision, RuleSet};

use super::coverage::{Coverage, pattern_text, same_pattern};
use super::finding::{Level, Related};
use super::{Report, lint};

lint! {
    /// A rule changes nothing, because a wider rule with the same decision matches everything that
    /// it matches.
    ///
    /// A narrower rule that prompts or forbids with its own justification is not reported: it
    /// gives the better reason.
    ///
    /// ## Why it matters
    ///
    /// The narrow rule looks like the limit, but the real limit is wider. This is worst for
    /// rules that allow.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["docker", "image"], decision = "allow")
    /// prefix_rule(pattern = ["docker", "image", "ls"], decision = "allow")
    /// ```
    ///
    /// Decide which of the two is meant, and delete the other:
    ///
    /// ```python
    /// prefix_rule(pattern = ["docker", "image", "ls"], decision = "allow")
    /// ```
    "W102", "redundant-rule", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    let coverage = Coverage::of(rules);
    for rule in &rules.prefix_rules {
        let wider = coverage
            .covering(rule)
            .find(|(_, wide)| makes_useless(wide, rule));
        if let Some((_, wide)) = wider {
            let message = format!(
                "`{}` changes nothing: `{}` at {} already decides the same",
                pattern_text(rule),
                pattern_text(wide),
                rules.place(wide.span)
            );
            let help = "delete this rule, or narrow the wider one".to_owned();
            let related = Related {
                span: wide.span,
                label: "the wider rule",
            };
            report.add_related(rule.span, message, Some(help), related);
        }
    }
}

/// Whether `rule`, which `wide` covers, changes nothing beside it.
fn makes_useless(wide: &PrefixRule, rule: &PrefixRule) -> bool {
    wide.decision == rule.decision && !same_pattern(wide, rule) && !has_own_reason(rule, wide)
}

fn has_own_reason(rule: &PrefixRule, wide: &PrefixRule) -> bool {
    rule.decision != Decision::Allow
        && rule.justification.is_some()
        && rule.justification != wide.justification
}
