//! W118 example-judged-otherwise.

use std::ffi::OsString;

use crate::evaluate::{IndexedRules, judge};
use crate::request::{Program, Request, WorkingDirectory};
use crate::rules::model::{PrefixRule, RuleExample};
use crate::rules::{RuleSet, matching};

use super::finding::Level;
use super::{Report, lint};

lint! {
    /// An example of a `prefix_rule` holds for its words as text, but is judged differently.
    ///
    /// ## Why it matters
    ///
    /// Whether a file loads is decided by its examples as Codex reads them: by the words at their
    /// places. What runs is judged by what words mean. A rule that restricts matches an option
    /// wherever it stands, and a rule that allows does not count for an option that it doesn't name.
    /// An example that says something else misleads whoever reads it. Programs go by their names
    /// here, whatever is installed.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(
    ///     pattern = ["git", "push", "--force"],
    ///     decision = "forbidden",
    ///     justification = "Overwrites other people's commits.",
    ///     match = ["git push --force"],
    ///     not_match = ["git push origin --force"],
    /// )
    /// ```
    ///
    /// Leave out what only Codex takes for another command:
    ///
    /// ```python
    /// prefix_rule(
    ///     pattern = ["git", "push", "--force"],
    ///     decision = "forbidden",
    ///     justification = "Overwrites other people's commits.",
    ///     match = ["git push --force"],
    ///     not_match = ["git push origin"],
    /// )
    /// ```
    "W118", "example-judged-otherwise", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    let mut index = None;
    // The rules of one call stand in a row.
    let of_one_call = |a: &PrefixRule, b: &PrefixRule| a.span == b.span && a.examples == b.examples;
    let mut first = 0;
    for call in rules.prefix_rules.chunk_by(of_one_call) {
        let numbers = first..first + call.len();
        first = numbers.end;
        for example in call.iter().take(1).flat_map(|rule| &rule.examples) {
            let index = index.get_or_insert_with(|| IndexedRules::new(rules.clone()));
            if let Some(message) = otherwise(index, &numbers, example) {
                let help = "examples are checked as text, and commands judged by their meaning";
                report.add(example.span, message, Some(help.to_owned()));
            }
        }
    }
}

/// How the example is judged, if that isn't what it says.
fn otherwise(
    index: &IndexedRules,
    rules: &std::ops::Range<usize>,
    example: &RuleExample,
) -> Option<String> {
    let (all, hosts) = (&index.rules().prefix_rules, &index.rules().host_executables);
    let call = all.get(rules.clone())?;
    let as_text = matching::find(call, hosts, &example.words, None);
    if as_text.is_empty() == example.matches {
        // It fails, which is an error.
        return None;
    }
    let argv: Vec<OsString> = example.words.iter().map(OsString::from).collect();
    let request = Request::new(
        Program::named(argv.first()?),
        argv,
        WorkingDirectory::new("/")?,
    );
    let trace = judge(index, &request).trace;
    let is_judged_so = trace
        .matches
        .iter()
        .any(|found| rules.contains(&found.rule));
    if is_judged_so == example.matches {
        return None;
    }
    let words = example.words.iter().map(String::as_str);
    let shown = shlex::try_join(words).unwrap_or_else(|_| example.words.join(" "));
    Some(if example.matches {
        let mut discounted = trace.discounted.into_iter();
        let why = discounted.find(|(rule, _)| rules.contains(rule));
        let why = why.map_or_else(String::new, |(_, why)| format!(": {why}"));
        format!("the rule matches `{shown}` as text, but doesn't count for it{why}")
    } else {
        format!("the rule doesn't match `{shown}` as text, but by its meaning it does")
    })
}
