//! W111 repeated-alternative.

use std::collections::BTreeSet;

use crate::rules::RuleSet;
use crate::rules::model::Span;

use super::finding::Level;
use super::{Report, lint};

lint! {
    /// A list of alternatives contains the same word twice.
    ///
    /// ## Why it matters
    ///
    /// The second one does nothing. Usually another word was meant.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["docker", ["ps", "images", "ps"]], decision = "allow")
    /// ```
    ///
    /// ```python
    /// prefix_rule(pattern = ["docker", ["ps", "images", "port"]], decision = "allow")
    /// ```
    "W111", "repeated-alternative", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    // Alternative programs make one rule each, all with the span of their call.
    let mut programs: BTreeSet<(Span, &str, &[Vec<String>])> = BTreeSet::new();
    for rule in &rules.prefix_rules {
        if !programs.insert((rule.span, &rule.program, &rule.rest)) {
            add(report, rule.span, &rule.program);
        }
        for alternatives in &rule.rest {
            let mut seen = BTreeSet::new();
            for word in alternatives.iter().filter(|word| !seen.insert(*word)) {
                add(report, rule.span, word);
            }
        }
    }
}

fn add(report: &mut Report, span: Span, word: &str) {
    let help = "delete one of them, or write the word that was meant".to_owned();
    report.add(span, format!("`{word}` is listed twice"), Some(help));
}
