//! The `match` and `not_match` examples that rules carry, and whether they hold.

use super::codes;
use super::lexical::Whereabouts;
use super::matching;
use super::model::{Diagnostic, HostExecutable, PrefixRule, RuleExample, Span};

/// A command that a rule's author says it matches, or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Example {
    pub(super) words: Vec<String>,
    /// As it is shown in messages.
    pub(super) shown: String,
}

/// The examples of one call.
#[derive(Debug)]
pub(super) struct Examples {
    pub(super) matching: Vec<(Example, Span)>,
    pub(super) not_matching: Vec<(Example, Span)>,
}

impl Examples {
    pub(super) fn is_empty(&self) -> bool {
        self.matching.is_empty() && self.not_matching.is_empty()
    }

    /// Each of them, as the rules keep them.
    pub(super) fn said(&self) -> impl Iterator<Item = RuleExample> {
        let matching = self.matching.iter().map(|it| (it, true));
        let all = matching.chain(self.not_matching.iter().map(|it| (it, false)));
        all.map(|((example, span), matches)| RuleExample {
            words: example.words.clone(),
            span: *span,
            matches,
        })
    }

    /// Adds to `failures` each example that does not hold; `expected` says what of those that match.
    pub(super) fn check(
        &self,
        matches: impl Fn(&Example) -> bool,
        expected: &str,
        failures: &mut Vec<Diagnostic>,
    ) {
        for (example, span) in &self.not_matching {
            if matches(example) {
                let message = format!("expected example to not match rule: {}", example.shown);
                failures.push(codes::at(*span, codes::NOT_MATCH_FAILS, &message));
            }
        }
        for (example, span) in &self.matching {
            if !matches(example) {
                let message = format!("{expected}: {}", example.shown);
                failures.push(codes::at(*span, codes::MATCH_FAILS, &message));
            }
        }
    }
}

/// The examples of one call, and which rules they are about.
#[derive(Debug)]
pub(super) struct CallExamples {
    pub(super) first_rule: usize,
    pub(super) end_rule: usize,
    pub(super) examples: Examples,
}

impl CallExamples {
    /// Adds to `failures` each example that does not hold for the call's own rules. A path may
    /// match by its last component, whatever the evaluation of commands is told.
    pub(super) fn run(
        &self,
        rules: &[PrefixRule],
        hosts: &[HostExecutable],
        places: Whereabouts<'_>,
        failures: &mut Vec<Diagnostic>,
    ) {
        let rules = rules.get(self.first_rule..self.end_rule);
        let rules = rules.unwrap_or_default();
        let matches = |example: &Example| {
            !matching::find(rules, hosts, &example.words, Some(places)).is_empty()
        };
        let expected = "expected every example to match at least one rule";
        self.examples.check(matches, expected, failures);
    }
}
