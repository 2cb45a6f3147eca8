//! What led to a verdict, and what comes of it: a label and a text each, for people.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::approve::grounds::{withheld, without_withheld};
use crate::approve::place::{Confinement, Disposition, Place, Placed};
use crate::evaluate::{Basis, heuristic, obeyed_files};
use crate::request::argv;
use crate::rules::model::Run;
use crate::rules::{Decision, RuleSet};

use super::explain::{Explanation, trust_reason};
use super::profile;

/// Bytes of one word that are shown.
pub(super) const WORD: usize = 256;

/// All of them, in the order in which people read them.
pub(super) fn of(explanation: &Explanation<'_>) -> Vec<(&'static str, String)> {
    let request = explanation.request;
    let mut facts = vec![("because", because(explanation))];
    facts.extend(reason(explanation).map(|reason| ("reason", argv::visible(reason))));
    let advice = without_withheld(&explanation.judgement.verdict.basis);
    facts.extend(advice.map(|advice| ("instead", advice)));
    facts.push(("runs", runs(explanation)));
    let lacking = explanation.lacking().into_iter();
    facts.extend(lacking.map(|lacking| ("without", lacking.to_string())));
    facts.push(("program", program(explanation)));
    facts.push(("trust", trust_reason(&request.program)));
    facts.extend(obeys(explanation).map(|obeys| ("obeys", obeys)));
    if explanation.rules.have_conditions_on_variables_of(request) {
        let known = match request.environment {
            Some(_) => "a rule asks for variables: those of codex-shell itself count here",
            None => "a rule asks for variables, which nobody knows here",
        };
        facts.push(("env", known.to_owned()));
    }
    if explanation.rules.is_broken() {
        let broken = "some files have errors, so a command that no rule matches prompts";
        facts.push(("rules", broken.to_owned()));
    }
    facts.extend(set_aside(explanation.rules.rules()).map(|said| ("rules", said)));
    facts
}

/// That there are no rules, or that some don't count.
pub(super) fn set_aside(rules: &RuleSet) -> Option<String> {
    match &rules.set_aside {
        Some(aside) => Some(aside.to_string()),
        None => (rules.files.is_empty()).then(|| "no rules files".to_owned()),
    }
}

/// The author's reason.
fn reason<'a>(explanation: &Explanation<'a>) -> Option<&'a str> {
    let rules = explanation.rules.rules();
    match explanation.judgement.verdict.basis {
        Basis::Rule(index) => rules.rule(index)?.justification,
        Basis::Default(index) => rules.defaults.get(index)?.justification.as_deref(),
        _ => None,
    }
}

/// What the directory may have to say, where that counts outside.
fn obeys(explanation: &Explanation<'_>) -> Option<String> {
    let verdict = &explanation.judgement.verdict;
    let outside = matches!(verdict.run, Run::Outside | Run::Unconfined);
    let files = obeyed_files(explanation.rules, explanation.request);
    if !outside || verdict.decision == Decision::Forbidden || files.is_empty() {
        return None;
    }
    let files = argv::visible(&files.join(", "));
    Some(format!("what the directory says it should do: {files}"))
}

pub(super) fn because(explanation: &Explanation<'_>) -> String {
    let rules = explanation.rules.rules();
    match &explanation.judgement.verdict.basis {
        Basis::Withheld { rule, .. } => {
            let rule = rules.rule(*rule);
            let place = rule.map_or_else(String::new, |rule| rules.place(rule.span));
            let why = withheld(&explanation.judgement.verdict.basis).unwrap_or_default();
            format!("the rule at {place} allows it, but {why}")
        }
        Basis::Rule(index) => {
            let span = rules.rule(*index).map(|rule| rule.span);
            let place = span.map_or_else(String::new, |span| rules.place(span));
            if let Some(command) = explanation.judgement.presumed() {
                let command = argv::bounded(command, WORD);
                return format!(
                    "the rule at {place} may be about {command}, of which not each word is known"
                );
            }
            let mut matches = explanation.judgement.trace.matches.iter();
            let inner = matches.find(|found| found.rule == *index);
            let inner = inner.and_then(|found| found.inner.as_ref());
            let inner =
                inner.map(|words| format!(" of {}, which it runs", argv::bounded(words, WORD)));
            format!("the rule at {place} says so{}", inner.unwrap_or_default())
        }
        Basis::Default(index) => {
            let span = rules.defaults.get(*index).map(|rule| rule.span);
            let place = span.map_or_else(String::new, |span| rules.place(span));
            let unmatched = unmatched(explanation);
            format!("{unmatched}, and the default at {place} says so")
        }
        Basis::Heuristic { code, reason } => {
            let name = heuristic::name_of(code);
            format!("{reason} ({code} {name})")
        }
        Basis::BrokenRules => format!("{}, and some rules can't be read", unmatched(explanation)),
        Basis::Unmatched => format!("{}, and nothing looks dangerous", unmatched(explanation)),
    }
}

fn unmatched(explanation: &Explanation<'_>) -> &'static str {
    if explanation.judgement.trace.discounted.is_empty() {
        "no rule matches"
    } else {
        "no rule that matches counts"
    }
}

pub(super) fn runs(explanation: &Explanation<'_>) -> String {
    let disposition = explanation.disposition();
    let Some(Placed {
        place, why_inside, ..
    }) = disposition.placed()
    else {
        return match disposition {
            Disposition::Nowhere(_) => profile::text(explanation),
            _ => "not at all".to_owned(),
        };
    };
    let mut runs = match place {
        Place::Out(Confinement::Judged | Confinement::Profile(_)) => profile::text(explanation),
        place => place.to_string(),
    };
    if let Disposition::Ask(_) = disposition {
        runs += ", if a person says yes";
    }
    if let Some(why) = why_inside {
        runs += "; not outside because ";
        runs += &argv::visible(why);
    }
    runs
}

/// `git -> /usr/bin/git -> /opt/git/bin/git`, each step once.
fn program(explanation: &Explanation<'_>) -> String {
    let program = &explanation.request.program;
    let mut steps: Vec<&OsStr> = vec![&program.asked];
    for path in [&program.path, &program.real].into_iter().flatten() {
        if steps.last() != Some(&path.as_os_str()) {
            steps.push(path.as_os_str());
        }
    }
    let steps: Vec<String> = steps.into_iter().map(one).collect();
    steps.join(" -> ")
}

/// A word as it is shown.
pub(super) fn one(word: &OsStr) -> String {
    if word.as_bytes().len() <= WORD {
        argv::word(word)
    } else {
        argv::bounded_word(word, WORD)
    }
}
