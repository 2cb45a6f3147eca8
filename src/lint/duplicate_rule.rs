//! W101 duplicate-rule.

use std::collections::HashMap;

use crate::rules::model::{NetworkRule, PrefixRule};
use crate::rules::{Decision, RuleSet};

use super::coverage::{Coverage, pattern_text, same_pattern};
use super::finding::{Level, Related};
use super::{Report, lint};

lint! {
    /// The same rule is written twice: the same pattern and the same decision, or the same host,
    /// protocol and decision. They may be in different files.
    ///
    /// ## Why it matters
    ///
    /// Nothing breaks. But someone who relaxes or deletes one of the two will think the job is
    /// done, while the other still applies.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", "push"], decision = "prompt", justification = "Publishes.")
    /// prefix_rule(pattern = ["git", "push"], decision = "prompt", justification = "Reaches others.")
    /// ```
    ///
    /// Keep one:
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", "push"], decision = "prompt", justification = "Publishes.")
    /// ```
    "W101", "duplicate-rule", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    let coverage = Coverage::of(rules);
    for (number, rule) in rules.prefix_rules.iter().enumerate() {
        let earlier = coverage
            .covering(rule)
            .find(|(other, first)| *other < number && is_duplicate(first, rule));
        if let Some((_, first)) = earlier {
            let message = format!(
                "the rule on `{}` is written twice, first at {}",
                pattern_text(rule),
                rules.place(first.span)
            );
            report.add_related(rule.span, message, Some(help()), related(first.span));
        }
    }
    network(rules, report);
}

/// A value listed twice in one call is `repeated-alternative`'s to report.
fn is_duplicate(first: &PrefixRule, rule: &PrefixRule) -> bool {
    first.span != rule.span && first.decision == rule.decision && same_pattern(first, rule)
}

fn network(rules: &RuleSet, report: &mut Report) {
    let mut seen: HashMap<(&str, &str, Decision), &NetworkRule> = HashMap::new();
    for rule in &rules.network_rules {
        let key = (rule.host.as_str(), rule.protocol.as_str(), rule.decision);
        let first = *seen.entry(key).or_insert(rule);
        if first.span != rule.span {
            let message = format!(
                "the rule on {} to {} is written twice, first at {}",
                rule.protocol,
                rule.host,
                rules.place(first.span)
            );
            report.add_related(rule.span, message, Some(help()), related(first.span));
        }
    }
}

fn help() -> String {
    "delete one of the two".to_owned()
}

fn related(span: crate::rules::model::Span) -> Related {
    Related {
        span,
        label: "the first one",
    }
}
