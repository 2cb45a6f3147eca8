//! What led to a verdict, and what comes of it: a label and a text each, for people.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::PathBuf;

use crate::approve::grounds::{wanting, withheld, without_withheld};
use crate::approve::place::{Caller, Confinement, Disposition, Place, Placed};
use crate::config::{ProfileSettings, Settings, Source};
use crate::evaluate::{
    Basis, CommandSource, IndexedRules, Judgement, command_sources, heuristic, obeyed_files,
    readings,
};
use crate::models::Reading;
use crate::models::reading::REPOSITORY;
use crate::request::program::last_component;
use crate::request::{Request, Trust, argv};
use crate::rules::model::{NetworkRule, Run};
use crate::rules::{Decision, Layer, RuleSet};

use super::explain::{Explanation, trust_reason};
use super::{diagnostics, profile};

/// Bytes of one word that are shown.
pub(super) const WORD: usize = 256;

/// As many files are named.
const FILES: usize = 4;

/// As many words are looked at for options of a program that nobody knows.
const OPTIONS: usize = 32;

/// All of them, in the order in which people read them.
pub(super) fn of(explanation: &Explanation<'_>) -> Vec<(&'static str, String)> {
    let request = explanation.request;
    let mut facts = vec![("because", because(explanation))];
    facts.extend(reason(explanation).map(|reason| ("reason", argv::visible(reason))));
    facts.extend(instead(explanation).map(|advice| ("instead", advice)));
    let why_asked = explanation.why_asked();
    let is_asked_by_rule = explanation.judgement.verdict.decision == Decision::Prompt;
    let why_asked =
        why_asked.filter(|_| is_asked_by_rule && explanation.decision() == Decision::Prompt);
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
    facts.extend(network(explanation).map(|said| ("network", said)));
    let rules = explanation.rules.rules();
    let is_said = explanation.judgement.verdict.basis == Basis::BrokenRules;
    if let Some(error) = broken(rules).filter(|_| !is_said) {
        let broken = format!("{error}, so a command that no rule matches prompts");
        facts.push(("rules", broken));
    }
    let may_miss = !is_by_rule(explanation.judgement);
    let files = may_miss.then(|| files(rules)).flatten();
    facts.extend(set_aside(rules).or(files).map(|said| ("rules", said)));
    facts.extend(settings(explanation.settings).map(|said| ("settings", said)));
    facts
}

/// A rule about the network that names a host which the command does, and is about no command.
fn network(explanation: &Explanation<'_>) -> Option<String> {
    let rules = explanation.rules.rules();
    let is_named = |rule: &&NetworkRule| {
        let mut words = explanation.request.arguments().iter();
        words.any(|word| word.to_str().is_some_and(|word| word.contains(&rule.host)))
    };
    let rule = rules.network_rules.iter().find(is_named)?;
    let place = rules.place(rule.span);
    Some(format!(
        "the network_rule at {place} is Codex's alone; here there is a whole network, or none (--network)"
    ))
}

/// Whether a rule decides, or would if it counted.
pub(super) fn is_by_rule(judgement: &Judgement) -> bool {
    let basis = &judgement.verdict.basis;
    matches!(basis, Basis::Rule(_) | Basis::Withheld { .. })
        || !judgement.trace.discounted.is_empty()
}

/// The first error in the files.
fn broken(rules: &RuleSet) -> Option<String> {
    let mut errors = diagnostics::errors(rules);
    let place = argv::visible(&diagnostics::place(rules, errors.next()?));
    Some(match errors.count() {
        0 => format!("{place} can't be read"),
        more => format!("{place} and {more} more can't be read"),
    })
}

/// The files of rules that count, unless it is the one that was named.
pub(super) fn files(rules: &RuleSet) -> Option<String> {
    if let [only] = rules.files.as_slice()
        && only.layer == Layer::Given
    {
        return None;
    }
    let names: Vec<String> = rules
        .files
        .iter()
        .map(|file| argv::visible(&file.name))
        .collect();
    let shown = names.get(..FILES).unwrap_or(&names).join(", ");
    match names.len().saturating_sub(FILES) {
        0 => (!names.is_empty()).then_some(shown),
        more => Some(format!("{shown} and {more} more")),
    }
}

/// What files set of that which counts for a judgement, and where.
pub(super) fn settings(settings: &Settings) -> Option<String> {
    let profiles = settings.profiles.iter().flat_map(|(name, profile)| {
        let own = &profile.source;
        let ProfileSettings {
            mode,
            network,
            writable,
        } = &profile.value;
        let values = [
            ("mode", &mode.source),
            ("network", &network.source),
            ("writable", &writable.source),
        ];
        // What another file than the profile's has made stricter.
        let is_other = |source: &Source| source.file() != own.file();
        let values = values.into_iter().filter(move |(_, it)| is_other(it));
        let values = values.map(move |(key, it)| (format!("profiles.{name}.{key}"), it));
        std::iter::once((format!("profiles.{name}"), own)).chain(values)
    });
    let named = [
        ("sandbox", &settings.sandbox.source),
        ("network", &settings.network.source),
        ("writable", &settings.writable.source),
        ("ask", &settings.ask.source),
    ];
    let named = named
        .into_iter()
        .map(|(name, source)| (name.to_owned(), source));
    let said = named
        .chain(profiles)
        .filter(|(_, source)| matches!(source, Source::File(..)));
    let said: Vec<String> = said
        .map(|(name, source)| format!("{} at {source}", argv::visible(&name)))
        .collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// What a list of commands says of each beside [`because`]: not what all have in common, nor the file.
pub(super) fn listed(explanation: &Explanation<'_>) -> impl Iterator<Item = String> {
    let facts = of(explanation).into_iter();
    facts.filter_map(|(label, text)| match label {
        "because" | "program" | "trust" | "rules" | "settings" => None,
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

/// What to do where a rule lets the command out and it stays inside, or does not run, or where no rule decides.
fn instead(explanation: &Explanation<'_>) -> Option<String> {
    let Judgement { verdict, trace } = explanation.judgement;
    let rules = explanation.rules.rules();
    let is_alone = explanation.tree.within(explanation.node).next().is_none();
    if matches!(verdict.basis, Basis::Heuristic { .. }) && trace.discounted.is_empty() && is_alone {
        let advice = "a rule that allows it decides in place of that; with `run = \"inside\"` it stays in the sandbox";
        return Some(advice.to_owned());
    }
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
    if verdict.decision == Decision::Forbidden {
        return None;
    }
    if outside {
        let files = obeyed_files(rules, request, explanation.tree, explanation.node).join(", ");
        let obeys = || {
            format!(
                "what the directory says it should do: {}",
                argv::visible(&files)
            )
        };
        return (!files.is_empty()).then(|| ("obeys", obeys()));
    }
    let names = looked_for(&readings(rules, request));
    let (last, before) = names.split_last()?;
    let there = said_by(rules, request, &names);
    let files = match (there.is_empty(), before) {
        (false, _) => there.join(", ") + " says",
        (true, []) => format!("{last} says once it is there"),
        (true, before) => format!("{} or {last} says once it is there", before.join(", ")),
    };
    let files = argv::visible(&files);
    let starts = format!("what {files}: each program is judged when that starts it");
    Some(("starts", starts))
}

/// The files that are there and say what `request` starts: those that its words name, else those of these `names`,
/// of each the nearest.
fn said_by(rules: &IndexedRules, request: &Request, names: &[String]) -> Vec<String> {
    let sources = command_sources(rules, request);
    let is_sought = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str);
        names
            .iter()
            .any(|sought| name == Some(sought) || path.ends_with(sought))
    };
    let (mut named, mut found) = (Vec::new(), Vec::new());
    for source in sources {
        match source {
            CommandSource::File(path) if is_sought(&path) => found.push(path),
            CommandSource::File(path) | CommandSource::FileIfThere(path) => named.push(path),
            CommandSource::Keys | CommandSource::Descriptor(_) => {}
        }
    }
    named.retain(|path| path.is_file());
    found.retain(|path| path.is_file());
    found.sort_by_key(|path| Reverse(path.components().count()));
    let mut said = if named.is_empty() { found } else { named };
    let mut seen = HashSet::new();
    said.retain(|path| seen.insert(path.file_name().map(OsStr::to_owned)));
    let short = |path: &PathBuf| {
        let own = path.strip_prefix(&*request.cwd).unwrap_or(path);
        own.display().to_string()
    };
    said.iter().take(FILES).map(short).collect()
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
            return match let_out(explanation) {
                Some(rule) => format!("{rule} lets out what starts it and all that comes of that"),
                None => "what starts it was let out with all that comes of that".to_owned(),
            };
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
        Basis::BrokenRules => {
            let error = broken(rules).unwrap_or_default();
            format!("{}, and {error}", unmatched(explanation))
        }
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
            Disposition::Uninherited(_) => match let_out(explanation) {
                Some(rule) => format!("not at all; {rule} lets out what starts it"),
                None => "not at all".to_owned(),
            },
            _ => "not at all".to_owned(),
        };
    };
    let mut runs = match place {
        Place::Out(Confinement::Judged | Confinement::Profile(_)) => profile::text(explanation),
        place => place.to_string(),
    };
    if let Some(rules) = placed_by(explanation) {
        runs += ", by ";
        runs += &rules;
    }
    if let (Place::Stay(Caller::Outside | Caller::Profile(_)), Some(rule)) =
        (place, let_out(explanation))
    {
        runs += ", which ";
        runs += &rule;
        runs += " lets out";
    }
    if let Disposition::Ask(_) = disposition {
        runs += ", if a person says yes";
    }
    if let Place::Out(_) = place {
        let rules = explanation.rules.rules();
        for (rule, why) in &explanation.judgement.trace.kept_inside {
            let span = rules.rule(*rule).map(|rule| rule.span);
            let at = span.map_or_else(String::new, |span| rules.place(span));
            let why = argv::visible(why);
            let _ = write!(runs, "; not by the rule at {at}, because {why}");
        }
    }
    if let Some(why) = why_inside {
        runs += "; not outside because ";
        runs += &argv::visible(why);
    }
    runs
}

/// The rules that say where it runs, if those are others than the one that decides whether.
fn placed_by(explanation: &Explanation<'_>) -> Option<String> {
    let Explanation { judgement, .. } = explanation;
    let Basis::Rule(decides) = judgement.verdict.basis else {
        return None;
    };
    let mut places = judgement.placed_by(explanation.rules.rules());
    if judgement.verdict.profiles.len() < 2 {
        if places.contains(&decides) {
            return None;
        }
        places.truncate(1);
    }
    named(explanation, &places)
}

/// The rules of these numbers.
fn named(explanation: &Explanation<'_>, numbers: &[usize]) -> Option<String> {
    let rules = explanation.rules.rules();
    let spans = numbers.iter().filter_map(|number| rules.rule(*number));
    let places: Vec<String> = spans.map(|rule| rules.place(rule.span)).collect();
    let noun = if places.len() == 1 { "rule" } else { "rules" };
    (!places.is_empty()).then(|| format!("the {noun} at {}", places.join(" and ")))
}

/// The rule that lets out what starts it, and what it says of where that runs.
fn let_out(explanation: &Explanation<'_>) -> Option<String> {
    let number = explanation.let_out_by.first()?;
    let rule = named(explanation, &[*number])?;
    let said = match explanation.rules.rules().run_of(*number) {
        Run::Unconfined => ", by `run = \"unconfined\"`,",
        _ => "",
    };
    Some(rule + said)
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
