//! Why somebody is asked, or nothing runs, in words.

use std::ffi::OsString;

use super::text::{NAME_LIMIT, NAMES, printable};
use crate::evaluate::{Basis, Judgement};
use crate::models::is_passable;
use crate::request::argv;
use crate::rules::model::{PrefixRule, Profile, Run};
use crate::rules::{Decision, RuleSet};

/// What decided, in words: printable and bounded.
#[derive(Debug, Clone)]
pub struct Grounds {
    /// The rule's `FILE:LINE`, the heuristic's code, or a few words.
    pub because: String,
    /// The rule's justification or the heuristic's reason.
    pub justification: Option<String>,
    /// How it forbids, if it does.
    pub(super) how: String,
    /// It was a rule.
    pub(super) by_rule: bool,
}

impl Grounds {
    /// Those of `judgement`, made by `rules`.
    pub fn of(rules: &RuleSet, judgement: &Judgement) -> Self {
        let (because, justification) = why(rules, judgement);
        Self {
            because,
            justification: justification.map(|text| printable(&text)),
            how: withheld(&judgement.verdict.basis).unwrap_or_else(|| "forbidden".to_owned()),
            by_rule: matches!(judgement.verdict.basis, Basis::Rule(_)),
        }
    }
}

/// Where the rule is that wants this sandbox of its own, as `FILE:LINE`.
pub fn wanting(rules: &RuleSet, judgement: &Judgement, asked: &Profile) -> String {
    let mut matched = judgement.trace.matches.iter().map(|found| found.rule);
    let asks = |number: usize| {
        let rule = rules.command_rule(number)?;
        matches!(&rule.run, Some(Run::Profile(wanted)) if wanted == asked).then_some(rule.span)
    };
    let span = matched.find_map(asks);
    span.map_or_else(|| "a rule".to_owned(), |span| printable(&rules.place(span)))
}

/// What a program would lose outside, or go by there, where that is why it does not run.
pub fn withheld(basis: &Basis) -> Option<String> {
    let Basis::Withheld {
        variables, leading, ..
    } = basis
    else {
        return None;
    };
    let s = |names: &[OsString]| if names.len() == 1 { "s" } else { "" };
    Some(if leading.is_empty() {
        let listed = names(variables);
        let s = s(variables);
        format!("outside it would be without {listed}, which say{s} what it acts on")
    } else {
        let listed = names(leading);
        let s = s(leading);
        format!("outside it would go by {listed}, which lead{s} to what the sandbox can write")
    })
}

fn names(variables: &[OsString]) -> String {
    let names = variables.iter().take(NAMES);
    let names = names.map(|name| argv::bounded_word(name, NAME_LIMIT));
    names.collect::<Vec<_>>().join(", ")
}

/// What to do about it.
pub fn without_withheld(rules: &RuleSet, basis: &Basis) -> Option<String> {
    let Basis::Withheld {
        rule,
        variables,
        leading,
    } = basis
    else {
        return None;
    };
    let inside = "keep the program inside by run = \"inside\"";
    Some(if !leading.is_empty() {
        format!(
            "name there what the sandbox can't write, have the rule ask by decision = \"prompt\", or {inside}"
        )
    } else if variables.iter().all(|it| is_passable(it)) {
        let listed = names(variables).replace(", ", "\", \"");
        let passing = format!("pass_env = [\"{listed}\"]");
        let place = rules.rule(*rule).map(|rule| rules.place(rule.span));
        let place = printable(&place.unwrap_or_default());
        let passed = if let Some(rule) = rules.prefix_rules.get(*rule) {
            let rule = as_command_rule(rule, &passing);
            format!("write the rule at {place} as {rule}")
        } else {
            format!("add {passing} to the rule at {place}")
        };
        format!(
            "{passed}, which takes no value that leads to what the sandbox can write, or {inside}"
        )
    } else {
        format!("start the command without it, or {inside}")
    })
}

/// A prefix rule that allows as a command rule with `more`, as it may be written.
fn as_command_rule(rule: &PrefixRule, more: &str) -> String {
    let program = printable(&format!("{:?}", rule.program));
    let is_plain = |word: &String| !word.starts_with('-');
    if !rule.rest.iter().flatten().all(is_plain) || rule.rest.len() > NAMES {
        return format!("command_rule(program = {program}, ..., {more})");
    }
    let place = |words: &Vec<String>| match words.as_slice() {
        [word] => format!("{word:?}"),
        words => format!("{words:?}"),
    };
    let places: Vec<String> = rule.rest.iter().map(place).collect();
    let subcommand = match places.as_slice() {
        [] => String::new(),
        places => format!("subcommand = [{}], ", printable(&places.join(", "))),
    };
    format!("command_rule(program = {program}, {subcommand}args = [rest()], {more})")
}

fn why(rules: &RuleSet, judgement: &Judgement) -> (String, Option<String>) {
    match &judgement.verdict.basis {
        Basis::Rule(index) => match rules.rule(*index) {
            Some(rule) => (
                printable(&rules.place(rule.span)),
                match judgement.presumed() {
                    Some(command) => {
                        let command = argv::bounded(command, NAME_LIMIT);
                        Some(format!(
                            "it may be about {command}, of which not each word is known"
                        ))
                    }
                    None => rule.justification.map(str::to_owned),
                },
            ),
            None => ("a rule".into(), None),
        },
        Basis::Withheld { rule, .. } => (
            rules.rule(*rule).map_or_else(
                || "a rule".into(),
                |rule| printable(&rules.place(rule.span)),
            ),
            without_withheld(rules, &judgement.verdict.basis),
        ),
        Basis::Default(index) => match rules.defaults.get(*index) {
            Some(rule) => (
                printable(&rules.place(rule.span)),
                rule.justification
                    .clone()
                    .or_else(|| Some("no rule matches".into())),
            ),
            None => ("a default".into(), None),
        },
        Basis::Heuristic { code, reason } => ((*code).into(), Some(reason.clone())),
        Basis::BrokenRules => (
            "no rule".into(),
            Some("a rules file is broken, and no other rule matches".into()),
        ),
        Basis::Unmatched => match judgement.verdict.decision {
            Decision::Allow => ("no rule".into(), None),
            Decision::Prompt | Decision::Forbidden => ("default".into(), None),
        },
    }
}
