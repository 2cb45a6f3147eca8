//! An explanation for people: the decision first, then what led to it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use crate::approve::place::{Confinement, Disposition, Place, Placed};
use crate::evaluate::{Basis, NearMiss, heuristic};
use crate::request::argv;
use crate::rules::Decision;
use crate::rules::model::{Run, Said};

use super::explain::{Explanation, trust_reason};
use super::paint::{Ink, Paint, decision};
use super::{profile, reading, source_form};

/// Bytes of a command that are shown.
const COMMAND: usize = 4096;
/// Bytes of one word that are shown.
const WORD: usize = 256;
/// Columns of the labels of facts, unless one is longer.
const LABEL: usize = 8;
/// Columns of the words in the account of how a command is read.
const STEP: usize = 40;
/// Lines of a rule that are shown.
const LINES: usize = 12;

pub(super) fn text(explanation: &Explanation<'_>, colour: bool) -> String {
    let mut page = Page {
        explanation,
        paint: Paint { colour },
        out: String::new(),
        facts: Vec::new(),
    };
    page.verdict();
    page.facts();
    page.reading();
    page.matches();
    page.discounted();
    page.near_misses();
    page.out
}

struct Page<'a> {
    explanation: &'a Explanation<'a>,
    paint: Paint,
    out: String,
    /// Labels, and what is said of each.
    facts: Vec<(&'static str, String)>,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn heading(&mut self, heading: &str) {
        let heading = self.paint.ink(Ink::Bold, heading);
        self.line("");
        self.line(&heading);
    }

    fn verdict(&mut self) {
        let said = self.explanation.judgement.verdict.decision;
        let command = argv::bounded(&self.explanation.request.argv, COMMAND);
        let word = self.paint.ink(Ink::Said(said), decision(said));
        self.line(&format!("{word}  {command}"));
    }

    fn facts(&mut self) {
        self.fact("because", &because(self.explanation));
        let justification = match self.explanation.judgement.verdict.basis {
            Basis::Rule(index) => self.rule(index).and_then(|rule| rule.justification),
            Basis::Default(index) => {
                let rules = self.explanation.rules.rules();
                let rule = rules.defaults.get(index);
                rule.and_then(|rule| rule.justification.as_deref())
            }
            _ => None,
        };
        if let Some(justification) = justification {
            self.fact("reason", &argv::visible(justification));
        }
        self.fact("runs", &runs(self.explanation));
        let program = program(self.explanation);
        self.fact("program", &program);
        self.fact("trust", &trust_reason(&self.explanation.request.program));
        self.obeys();
        let request = self.explanation.request;
        if self
            .explanation
            .rules
            .have_conditions_on_variables_of(request)
        {
            let known = match request.environment {
                Some(_) => "a rule asks for variables: those of codex-shell itself count here",
                None => "a rule asks for variables, which nobody knows here",
            };
            self.fact("env", known);
        }
        if self.explanation.rules.is_broken() {
            self.fact(
                "rules",
                "some files have errors, so a command that no rule matches prompts",
            );
        } else if self.explanation.rules.rules().files.is_empty() {
            self.fact("rules", "no rules files");
        }
        self.line("");
        let facts = std::mem::take(&mut self.facts);
        let widest = facts.iter().map(|(label, _)| label.len()).max();
        let width = widest.unwrap_or_default().max(LABEL);
        for (label, text) in facts {
            let label = self.paint.ink(Ink::Dim, &format!("{label:<width$}"));
            self.line(&format!("  {label}  {text}"));
        }
    }

    /// What the directory may have to say, where that counts outside.
    fn obeys(&mut self) {
        let verdict = &self.explanation.judgement.verdict;
        let outside = matches!(verdict.run, Run::Outside | Run::Unconfined);
        let files = reading::obeyed(self.explanation.rules, self.explanation.request);
        if outside && verdict.decision != Decision::Forbidden && !files.is_empty() {
            let files = argv::visible(&files.join(", "));
            self.fact(
                "obeys",
                &format!("what the directory says it should do: {files}"),
            );
        }
    }

    fn fact(&mut self, label: &'static str, text: &str) {
        self.facts.push((label, text.to_owned()));
    }

    fn matches(&mut self) {
        let matches = &self.explanation.judgement.trace.matches;
        if !matches.is_empty() {
            self.heading("Rules that match");
        }
        for found in matches {
            let by_name = found.resolved_program.as_ref().map(|path| {
                let name = found.matched.first().map(|name| one(name));
                format!("as {}, for {}", name.unwrap_or_default(), one(path))
            });
            let inside = found.inner.as_ref().map(|words| {
                let words = argv::bounded(words, WORD);
                format!("for {words}, which it runs")
            });
            self.entry(found.rule, inside.or(by_name).as_deref());
        }
        self.on_trial();
    }

    fn on_trial(&mut self) {
        let trial = &self.explanation.judgement.trace.on_trial;
        if trial.is_empty() {
            return;
        }
        self.heading("Rules on trial, which act on nothing");
        for found in trial {
            self.entry(found.rule, None);
        }
    }

    fn reading(&mut self) {
        let steps = reading::account(self.explanation.rules, self.explanation.request);
        if steps.is_empty() {
            return;
        }
        self.heading("How it is read");
        let widest = steps.iter().map(|step| step.words.len()).max().unwrap_or(0);
        let width = widest.min(STEP);
        for step in steps {
            let meaning = self.paint.ink(Ink::Dim, &step.meaning);
            self.line(&format!("  {:<width$}  {meaning}", step.words));
        }
    }

    fn discounted(&mut self) {
        let discounted = &self.explanation.judgement.trace.discounted;
        if discounted.is_empty() {
            return;
        }
        self.heading("Rules that match but don't count");
        for (rule, reason) in discounted {
            self.entry(*rule, Some(reason));
        }
    }

    fn near_misses(&mut self) {
        let misses = self.explanation.near_misses;
        if misses.nearest.is_empty() {
            return;
        }
        self.heading("Near misses");
        for miss in &misses.nearest {
            self.place(miss.rule, Some(&parted(miss)));
        }
        match misses.others {
            0 => {}
            1 => self.line("  and 1 more rule on this program that doesn't match"),
            more => self.line(&format!(
                "  and {more} more rules on this program that don't match"
            )),
        }
    }

    fn rule(&self, index: usize) -> Option<Said<'_>> {
        self.explanation.rules.rules().rule(index)
    }

    /// One rule: what it says and where, with a note.
    fn place(&mut self, index: usize, note: Option<&str>) {
        let Some(rule) = self.rule(index) else {
            return;
        };
        let said = self.paint.ink(
            Ink::Said(rule.decision),
            &format!("{:<9}", decision(rule.decision)),
        );
        let rules = self.explanation.rules.rules();
        let place = source_form::place_and_layer(rules, rule.span);
        let note = note.map_or_else(String::new, |note| format!("  {note}"));
        self.line(&format!("  {said}  {place}{note}"));
    }

    /// One rule as [`Self::place`] has it, its text and, where that doesn't show it, its
    /// author's reason.
    fn entry(&mut self, index: usize, note: Option<&str>) {
        self.place(index, note);
        let Some(rule) = self.rule(index) else {
            return;
        };
        let source = source_form::of(self.explanation.rules.rules(), index);
        let mut lines: Vec<String> = source.lines().take(LINES).map(argv::visible).collect();
        let more = source.lines().count() - lines.len();
        if more > 0 {
            lines.push(format!("... {more} more lines"));
        }
        if let Some(reason) = rule.justification
            && !source.contains(reason)
        {
            let label = self.paint.ink(Ink::Dim, "reason");
            lines.push(format!("{label}  {}", argv::visible(reason)));
        }
        for line in lines {
            self.line(&format!("      {line}"));
        }
    }
}

pub(super) fn because(explanation: &Explanation<'_>) -> String {
    let rules = explanation.rules.rules();
    match &explanation.judgement.verdict.basis {
        Basis::Withheld { rule, variables } => {
            let place = explanation.rules.rules();
            let place = place
                .rule(*rule)
                .map_or_else(String::new, |said| place.place(said.span));
            let names: Vec<String> = variables.iter().map(|name| one(name)).collect();
            format!(
                "outside it would act without {}, which the rule at {place} does not pass",
                names.join(", ")
            )
        }
        Basis::Rule(index) => {
            let span = rules.rule(*index).map(|rule| rule.span);
            let place = span.map_or_else(String::new, |span| rules.place(span));
            format!("the rule at {place} says so")
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

fn parted(miss: &NearMiss) -> String {
    let mut wanted: Vec<String> = miss
        .wanted
        .iter()
        .map(|word| one(OsStr::new(word)))
        .collect();
    let more = wanted.len().saturating_sub(4);
    wanted.truncate(4);
    let mut wanted = wanted.join(" or ");
    if more > 0 {
        let _ = write!(wanted, " or {more} more");
    }
    let token = miss.token;
    match &miss.had {
        Some(had) if token == 0 => format!("is about {wanted}, not {}", one(had)),
        Some(had) => format!("wants {wanted} as word {token}, which is {}", one(had)),
        None => format!("wants {wanted} as word {token}, where the command ends"),
    }
}

fn one(word: &OsStr) -> String {
    if word.as_bytes().len() <= WORD {
        argv::word(word)
    } else {
        argv::bounded(&[word.to_owned()], WORD)
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::approve::place::Caller;
    use crate::config::Profiles;
    use crate::evaluate::{IndexedRules, NearMisses, judge};
    use crate::flow::Setting;
    use crate::request::{Program, Request, WorkingDirectory};
    use crate::rules::from_own_text;

    #[test]
    fn colour_only_when_asked() {
        let rules = from_own_text("x.rules", "prefix_rule([\"x\"], decision=\"forbidden\")\n");
        let rules = IndexedRules::new(rules);
        let request = Request {
            program: Program::named("x"),
            argv: vec!["x".into()],
            cwd: WorkingDirectory::new("/").unwrap(),
            environment: None,
            withheld: Vec::new(),
            interpreter: None,
            copy_of: None,
            followed: None,
            pins: Vec::new(),
        };
        let explanation = Explanation {
            rules: &rules,
            request: &request,
            judgement: &judge(&rules, &request),
            near_misses: NearMisses::none(),
            setting: &Setting {
                caller: Caller::Sandbox,
                startup: false,
                profiles: &Profiles::default(),
                inheritance: crate::approve::place::Inheritance::Free,
            },
        };
        assert!(text(&explanation, true).starts_with("\u{1b}[1;31mforbidden\u{1b}[0m  x\n"));
        assert!(text(&explanation, false).starts_with("forbidden  x\n"));
        assert!(!text(&explanation, false).contains('\u{1b}'));
    }
}
