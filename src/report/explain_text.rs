//! An explanation for people: the decision first, then what led to it.

use crate::evaluate::readings;
use crate::request::argv;
use crate::rules::model::RuleSummary;

use super::assumed::assumed;
use super::explain::Explanation;
use super::facts::{self, WORD};
use super::misses::{Missed, not_excepted, note};
use super::paint::{Ink, Paint, decision};
use super::{reading, source_form};

/// Bytes of a command that are shown.
const COMMAND: usize = 4096;
/// Columns of the labels of facts, unless one is longer.
const LABEL: usize = 8;
/// Columns of the words in the account of how a command is read.
const STEP: usize = 40;
/// Rules that are shown where none is near.
const OTHERS: usize = 5;
/// Lines of a rule that are shown.
const LINES: usize = 12;

impl Explanation<'_> {
    /// For people, with a final newline.
    pub fn text(&self, colour: bool) -> String {
        let mut page = Page {
            explanation: self,
            paint: Paint { colour },
            out: String::new(),
        };
        page.verdict();
        page.facts();
        page.reading();
        page.matches();
        page.discounted();
        page.near_misses();
        page.out
    }
}

struct Page<'a> {
    explanation: &'a Explanation<'a>,
    paint: Paint,
    out: String,
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
        let said = self.explanation.decision();
        let command = argv::bounded(&self.explanation.request.argv, COMMAND);
        let word = self.paint.ink(Ink::Said(said), decision(said));
        self.line(&format!("{word}  {command}"));
    }

    fn facts(&mut self) {
        self.line("");
        let facts = facts::of(self.explanation);
        let widest = facts.iter().map(|(label, _)| label.len()).max();
        let width = widest.unwrap_or_default().max(LABEL);
        for (label, text) in facts {
            let label = self.paint.ink(Ink::Dim, &format!("{label:<width$}"));
            self.line(&format!("  {label}  {text}"));
        }
    }

    fn matches(&mut self) {
        let matches = &self.explanation.judgement.trace.matches;
        if !matches.is_empty() {
            self.heading("Rules that match");
        }
        for found in matches {
            let by_name = found.resolved_program.as_ref().map(|path| {
                let name = found.matched.first().map(|name| argv::brief_word(name));
                format!(
                    "as {}, for {}",
                    name.unwrap_or_default(),
                    argv::brief_word(path)
                )
            });
            let inside = found.inner.as_ref().map(|words| {
                let words = argv::bounded(words, WORD);
                let doubt = if found.presumed {
                    ", of which not each word is known"
                } else {
                    ""
                };
                format!("for {words}, which it runs{doubt}")
            });
            self.entry(found.rule, inside.or(by_name).as_deref());
            for option in assumed(self.explanation, found) {
                let says = match &option.value {
                    Some(value) => format!("it is {value} here"),
                    None => "it is not known".to_owned(),
                };
                let label = self.paint.ink(Ink::Dim, "assumes");
                let name = option.name;
                self.line(&format!("      {label}  {name} is not given: {says}"));
            }
            self.unexcepted(found.rule);
        }
        self.on_trial();
    }

    /// Why the exceptions of a rule that matches don't hold.
    fn unexcepted(&mut self, rule: usize) {
        let all = self.explanation.near_misses.unexcepted.iter();
        let notes: Vec<String> = all.filter(|it| it.rule == rule).map(not_excepted).collect();
        let label = self.paint.ink(Ink::Dim, "unless");
        for note in notes.iter().take(OTHERS) {
            self.line(&format!("      {label}  {note}"));
        }
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
        let readings = readings(self.explanation.rules, self.explanation.request);
        let steps = reading::account(self.explanation, readings.first());
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
        let Some(told) = Missed::of(self.explanation, OTHERS) else {
            return;
        };
        self.heading(if told.is_near {
            "Near misses"
        } else {
            "Rules on this program that don't match"
        });
        for miss in told.shown {
            let note = note(miss, self.explanation);
            self.place(miss.rule, note.as_deref());
        }
        if let Some(more) = told.more(self.explanation.rules.rules()) {
            self.line(&format!("  {more}"));
        }
    }

    fn rule(&self, index: usize) -> Option<RuleSummary<'_>> {
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

#[cfg(test)]
mod tests {

    use super::*;
    use crate::act::environment::SessionEnvironment;
    use crate::config::{Profiles, Settings};
    use crate::confine::Mode;
    use crate::evaluate::{CommandTree, IndexedRules, NearMisses, judge};
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
            leading: Vec::new(),
            interpreter: None,
            copy_of: None,
            followed: None,
            pins: Vec::new(),
            aliases: Vec::new(),
        };
        let profiles = Profiles::default();
        let explanation = Explanation {
            rules: &rules,
            request: &request,
            judgement: &judge(&rules, &request),
            tree: &CommandTree::default(),
            node: None,
            near_misses: NearMisses::none(),
            session: &SessionEnvironment::new([], &[]),
            let_out_by: &[],
            settings: &Settings::default(),
            setting: &Setting::of_first(Mode::ReadOnly, &profiles),
        };
        assert!(
            explanation
                .text(true)
                .starts_with("\u{1b}[1;31mforbidden\u{1b}[0m  x\n")
        );
        assert!(explanation.text(false).starts_with("forbidden  x\n"));
        assert!(!explanation.text(false).contains('\u{1b}'));
    }
}
