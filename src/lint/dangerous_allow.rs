//! W113 dangerous-allow.

use std::ffi::OsString;

use crate::evaluate::{IndexedRules, heuristic};
use crate::request::Words;
use crate::rules::{Decision, RuleSet};

use super::finding::Level;
use super::{Report, lint};

lint! {
    /// A rule allows a command that a person would be asked about if there were no rule.
    ///
    /// ## Why it matters
    ///
    /// Without a rule, commands that are known to destroy work are asked about, and then run
    /// inside the sandbox. With this one they run outside, unasked, whatever arguments follow.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["rm", "-rf"], decision = "allow")
    /// ```
    ///
    /// Leave it without a rule; or allow the one command that is meant, as long as it is not
    /// dangerous itself:
    ///
    /// ```python
    /// prefix_rule(pattern = ["make", "-C", "/opt/site", "clean"], decision = "allow")
    /// ```
    "W113", "dangerous-allow", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    for rule in &rules.prefix_rules {
        if rule.decision != Decision::Allow {
            continue;
        }
        let danger = commands(&rule.program, &rule.rest).find_map(|words| {
            let danger = danger(&words)?;
            Some((words.join(" "), danger))
        });
        if let Some((command, danger)) = danger {
            let message = format!("allows `{command}`: {} ({})", danger.reason, danger.code);
            let help = "delete the rule, so that a person is asked".to_owned();
            report.add(rule.span, message, Some(help));
        }
    }
}

/// A program and the alternatives of each word as commands: each alternative once, with the first one at
/// every other place.
pub(super) fn commands<'a>(
    program: &'a str,
    rest: &'a [Vec<String>],
) -> impl Iterator<Item = Vec<&'a str>> {
    let words = rest.iter().filter_map(|words| words.first());
    let first: Vec<&str> = std::iter::once(program)
        .chain(words.map(String::as_str))
        .collect();
    let others = first.clone();
    let varied = rest.iter().enumerate().flat_map(move |(place, words)| {
        let others = others.clone();
        words.iter().skip(1).map(move |word| {
            let mut command = others.clone();
            if let Some(at) = command.get_mut(place + 1) {
                *at = word;
            }
            command
        })
    });
    std::iter::once(first).chain(varied)
}

fn danger(words: &[&str]) -> Option<heuristic::Danger> {
    let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
    let words = Words {
        asked: argv.first()?,
        path: None,
        real: None,
        argv: &argv,
    };
    heuristic::dangerous(
        &IndexedRules::default(),
        words,
        heuristic::Descendants::Unjudged,
    )
}
