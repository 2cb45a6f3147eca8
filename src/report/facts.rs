//! What led to a verdict, and what comes of it: a label and a text each, for people.

use std::ffi::OsStr;
use std::fmt::Write as _;

use crate::approve::grounds::{wanting, withheld, without_withheld};
use crate::approve::place::{Caller, Confinement, Disposition, Place, Placed};
use crate::evaluate::{Basis, Judgement, heuristic, obeyed_files, readings};
use crate::models::Reading;
use crate::models::reading::REPOSITORY;
use crate::request::program::last_component;
use crate::request::{Trust, argv};
use crate::rules::model::Run;
use crate::rules::{Decision, RuleSet};

use super::explain::{Explanation, trust_reason};
use super::profile;

/// Bytes of one word that are shown.
pub(super) const WORD: usize = 256;

/// As many words are looked at for options of a program that nobody knows.
const OPTIONS: usize = 32;

/// All of them, in the order in which people read them.
pub(super) fn of(explanation: &Explanation<'_>) -> Vec<(&'static str, String)> {
    let request = explanation.request;
    let mut facts = vec![("because", because(explanation))];
    facts.extend(reason(explanation).map(|reason| ("reason", argv::visible(reason))));
    facts.extend(instead(explanation).map(|advice| ("instead", advice)));
    let why_asked = explanation.why_asked();
    let is_by_rule = explanation.judgement.verdict.decision == Decision::Prompt;
    let why_asked = why_asked.filter(|_| is_by_rule && explanation.decision() == Decision::Prompt);
    facts.extend(why_asked.map(|why| ("besides", argv::visible(&why))));
    facts.push(("runs", runs(explanation)));
    let lacking = explanation.lacking().into_iter();
    facts.extend(lacking.map(|lacking| ("without", lacking.to_string())));
    facts.push(("program", program(explanation)));
    facts.push(("trust", trust_reason(&request.program)));
    facts.extend(obeys(explanation));
    facts.extend(unread(explanation).map(|unread| ("options", unread)));
    if explanation.rules.have_conditions_on_variables_of(request) {
        let known = match request.environment {
            Some(_) => {
                "a rule asks for variables: those of codex-shell, and what a script sets, count here"
            }
            None => "a rule asks for variables, which are not known here",
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

/// What a list of commands says of each beside [`because`]: not what all have in common, nor the file.
pub(super) fn listed(explanation: &Explanation<'_>) -> impl Iterator<Item = String> {
    let facts = of(explanation).into_iter();
    facts.filter_map(|(label, text)| match label {
        "because" | "program" | "trust" | "rules" => None,
        "runs" | "without" | "obeys" | "starts" => Some(format!("{label} {text}")),
        _ => Some(format!("{label}: {text}")),
    })
}

/// That there are no rules, or that some don't count.
pub(super) fn set_aside(rules: &RuleSet) -> Option<String> {
    match &rules.set_aside {
        Some(aside) => Some(aside.to_string()),
        None => (rules.files.is_empty()).then(|| "no rules files".to_owned()),
    }
}

/// What to do where a rule lets the command out and it stays inside, or does not run.
fn instead(explanation: &Explanation<'_>) -> Option<String> {
    let Judgement { verdict, trace } = explanation.judgement;
    let rules = explanation.rules.rules();
    without_withheld(rules, &verdict.basis).or_else(|| {
        let is_uncounted = verdict.decision == Decision::Allow && !trace.discounted.is_empty();
        let is_writable = matches!(explanation.request.program.trust, Trust::Writable { .. });
        let advice = "inside it needs no rule; to let it out, have it where the sandbox can't write, and name \
                      that path in the rule";
        (is_uncounted && is_writable).then(|| advice.to_owned())
    })
}

/// That nothing is known of the program's options, which a rule on it may be about, and how to say it.
fn unread(explanation: &Explanation<'_>) -> Option<String> {
    let request = explanation.request;
    let trace = &explanation.judgement.trace;
    let misses = explanation.near_misses;
    let is_decided = matches!(explanation.judgement.verdict.basis, Basis::Rule(_));
    let has_none =
        trace.discounted.is_empty() && misses.nearest.is_empty() && misses.others.is_empty();
    if is_decided || has_none || !readings(explanation.rules, request).is_empty() {
        return None;
    }
    let name = last_component(&request.program.asked).to_str()?;
    let (mut flags, mut valued) = (Vec::new(), Vec::new());
    let words = request.arguments().iter().map_while(|word| word.to_str());
    for word in words.take_while(|word| *word != "--").take(OPTIONS) {
        let (option, value) = word
            .split_once('=')
            .map_or((word, false), |(it, _)| (it, true));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !option.starts_with('-') || option.len() < 2 || !option.chars().all(plain) {
            continue;
        }
        let list = if value { &mut valued } else { &mut flags };
        if !list.contains(&option) {
            list.push(option);
        }
    }
    flags.retain(|option| !valued.contains(option));
    if flags.is_empty() && valued.is_empty() {
        return None;
    }
    let listed = [("flags", flags), ("options_with_value", valued)];
    let mut said = format!("program({name:?}");
    for (list, names) in listed.iter().filter(|(_, names)| !names.is_empty()) {
        let _ = write!(said, ", {list} = {names:?}");
    }
    Some(format!(
        "nothing is known of them; a rules file can say what they are: {}), with those that take the next word for \
         a value in options_with_value",
        argv::visible(&said)
    ))
}

/// The author's reason.
pub(super) fn reason<'a>(explanation: &Explanation<'a>) -> Option<&'a str> {
    let rules = explanation.rules.rules();
    match explanation.judgement.verdict.basis {
        Basis::Rule(index) => rules.rule(index)?.justification,
        Basis::Default(index) => rules.defaults.get(index)?.justification.as_deref(),
        _ => None,
    }
}

/// What the directory may have to say: outside nobody judges what comes of it, inside that is judged later.
fn obeys(explanation: &Explanation<'_>) -> Option<(&'static str, String)> {
    let (rules, request) = (explanation.rules, explanation.request);
    let verdict = &explanation.judgement.verdict;
    let outside = matches!(verdict.run, Run::Outside | Run::Unconfined);
    let files = if outside {
        obeyed_files(rules, request)
    } else {
        looked_for(&readings(rules, request))
    };
    if verdict.decision == Decision::Forbidden || files.is_empty() {
        return None;
    }
    let files = argv::visible(&files.join(", "));
    Some(if outside {
        let obeys = format!("what the directory says it should do: {files}");
        ("obeys", obeys)
    } else {
        let starts =
            format!("what files here say ({files}): each program is judged when it starts");
        ("starts", starts)
    })
}

/// Files that commands look for to be told what to start.
fn looked_for(readings: &[Reading<'_>]) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    let all = readings.iter().flat_map(Reading::obeyed);
    for file in all.filter(|file| *file != REPOSITORY && !file.contains('*')) {
        if !files.iter().any(|known| known == file) {
            files.push(file.to_owned());
        }
    }
    files
}

pub(super) fn because(explanation: &Explanation<'_>) -> String {
    let rules = explanation.rules.rules();
    match explanation.disposition() {
        Disposition::Nowhere { asked, .. } => {
            let place = wanting(rules, explanation.judgement, &asked);
            return format!("there is no such sandbox as the rule at {place} wants");
        }
        Disposition::Uninherited(why) => return argv::visible(&why),
        _ if explanation.setting.caller == Caller::Unjudged => {
            return "a rule lets out what starts it and all that comes of that".to_owned();
        }
        Disposition::Ask(Placed {
            why_asked: Some(why),
            ..
        }) if explanation.judgement.verdict.decision == Decision::Allow => {
            return argv::visible(&why);
        }
        _ => {}
    }
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

fn runs(explanation: &Explanation<'_>) -> String {
    let disposition = explanation.disposition();
    let Some(Placed {
        place, why_inside, ..
    }) = disposition.placed()
    else {
        return match disposition {
            Disposition::Nowhere { .. } => profile::text(explanation),
            _ => "not at all".to_owned(),
        };
    };
    let mut runs = match place {
        Place::Out(Confinement::Judged | Confinement::Profile(_)) => profile::text(explanation),
        place => place.to_string(),
    };
    if let Some(rule) = placed_by(explanation) {
        runs += ", by the rule at ";
        runs += &rule;
    }
    if let Disposition::Ask(_) = disposition {
        runs += ", if a person says yes";
    }
    if let Some(why) = why_inside {
        runs += "; not outside because ";
        runs += &argv::visible(why);
    }
    runs
}

/// The rule that says where it runs, if that is another one than decides whether.
fn placed_by(explanation: &Explanation<'_>) -> Option<String> {
    let rules = explanation.rules.rules();
    let Explanation { judgement, .. } = explanation;
    let Basis::Rule(decides) = judgement.verdict.basis else {
        return None;
    };
    let wants = |number| {
        let run = rules.command_rule(number).and_then(|rule| rule.run.clone());
        run.unwrap_or(Run::Outside) == judgement.verdict.run
    };
    let mut matches = judgement.trace.matches.iter();
    let places = matches.find(|found| found.inner.is_none() && wants(found.rule))?;
    let span = rules.rule(places.rule).map(|rule| rule.span)?;
    (!wants(decides)).then(|| rules.place(span))
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
    let steps: Vec<String> = steps.into_iter().map(argv::brief_word).collect();
    steps.join(" -> ")
}
