//! Why somebody is asked, or nothing runs, in words.

use std::ffi::OsString;

use super::question::{NAME_LIMIT, NAMES, printable};
use crate::evaluate::{Basis, Judgement};
use crate::models::is_passable;
use crate::request::argv;
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
            how: match &judgement.verdict.basis {
                Basis::Withheld {
                    variables, leading, ..
                } if leading.is_empty() => {
                    format!("outside it would act without {}", names(variables))
                }
                Basis::Withheld { leading, .. } => {
                    let leading = names(leading);
                    format!(
                        "outside it would go by {leading}, which leads to what the sandbox can write"
                    )
                }
                _ => "forbidden".to_owned(),
            },
            by_rule: matches!(judgement.verdict.basis, Basis::Rule(_)),
        }
    }
}

fn names(variables: &[OsString]) -> String {
    let names = variables.iter().take(NAMES);
    let names = names.map(|name| argv::bounded_word(name, NAME_LIMIT));
    names.collect::<Vec<_>>().join(", ")
}

fn why(rules: &RuleSet, judgement: &Judgement) -> (String, Option<String>) {
    match &judgement.verdict.basis {
        Basis::Rule(index) => match rules.rule(*index) {
            Some(rule) => (
                printable(&rules.place(rule.span)),
                rule.justification.map(str::to_owned),
            ),
            None => ("a rule".into(), None),
        },
        Basis::Withheld {
            rule,
            variables,
            leading,
        } => (
            rules.rule(*rule).map_or_else(
                || "a rule".into(),
                |rule| printable(&rules.place(rule.span)),
            ),
            (leading.is_empty() && variables.iter().all(|it| is_passable(it))).then(|| {
                let listed = names(variables).replace(", ", "\", \"");
                format!("command_rule(..., pass_env = [\"{listed}\"]) passes it")
            }),
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
