//! An explanation for people: the decision first, then what led to it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

use crate::evaluate::{NearMiss, Parameter, Unexcepted, readings};
use crate::request::argv;
use crate::request::program::normalised;
use crate::rules::model::Said;

use super::explain::Explanation;
use super::facts::{self, WORD, one};
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

pub(super) fn text(explanation: &Explanation<'_>, colour: bool) -> String {
    let mut page = Page {
        explanation,
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
                let name = found.matched.first().map(|name| one(name));
                format!("as {}, for {}", name.unwrap_or_default(), one(path))
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
        let misses = self.explanation.near_misses;
        let mut others = misses.others.as_slice();
        if !misses.nearest.is_empty() {
            self.heading("Near misses");
            for miss in &misses.nearest {
                // Of some, no single thing keeps them from matching.
                let is_known = miss.condition.is_some() || !miss.wanted.is_empty();
                let note = is_known.then(|| parted(miss, &self.explanation.request.cwd));
                self.place(miss.rule, note.as_deref());
            }
        } else if self.explanation.judgement.trace.matches.is_empty() && !others.is_empty() {
            self.heading("Rules on this program that don't match");
            let (shown, left) = others.split_at(others.len().min(OTHERS));
            for miss in shown {
                // Of some, no single thing keeps them from matching.
                let is_known = miss.condition.is_some() || !miss.wanted.is_empty();
                let note = is_known.then(|| parted(miss, &self.explanation.request.cwd));
                self.place(miss.rule, note.as_deref());
            }
            others = left;
        } else {
            return;
        }
        match others.len() {
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

/// Why an exception doesn't hold, in words.
pub(super) fn not_excepted(it: &Unexcepted) -> String {
    format!(
        "{} doesn't hold: {}",
        argv::visible(&it.case),
        argv::visible(&it.why)
    )
}

/// What keeps a rule from matching a command that is started in `cwd`, in words.
pub(super) fn parted(miss: &NearMiss, cwd: &Path) -> String {
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
    if let Some(condition) = &miss.condition {
        return unmet(miss, condition, &wanted, cwd);
    }
    match &miss.had {
        Some(had) if token == 0 => {
            let hint = program_hint(miss);
            format!("is about {wanted}, not {}{hint}", one(had))
        }
        Some(had) => {
            let hint = stars_hint(miss, "; a prefix_rule takes a `*` as it stands");
            format!(
                "wants {wanted} as word {token}, which is {}{hint}",
                one(had)
            )
        }
        None => format!("wants {wanted} as word {token}, where the command ends"),
    }
}

/// What is to be done where a rule has more than a program for one.
fn program_hint(miss: &NearMiss) -> &'static str {
    let mut wanted = miss.wanted.iter();
    if wanted.any(|program| program.contains(char::is_whitespace)) {
        "; each word is a string of its own"
    } else {
        ""
    }
}

/// `hint`, where a word is wanted that looks like a pattern.
fn stars_hint(miss: &NearMiss, hint: &'static str) -> &'static str {
    let is_pattern = |word: &String| word.contains('*') && !word.ends_with(')');
    if miss.wanted.iter().any(is_pattern) {
        hint
    } else {
        ""
    }
}

/// Which path a relative operand is, where a place is wanted.
fn place_hint(miss: &NearMiss, cwd: &Path) -> String {
    let is_place = |wanted: &String| wanted.contains("under(");
    let relative = miss
        .had
        .as_deref()
        .map(Path::new)
        .filter(|path| path.is_relative());
    match relative.filter(|_| miss.wanted.iter().any(is_place)) {
        Some(path) => {
            let whole = normalised(&cwd.join(path));
            format!(", which is {}", one(whole.as_os_str()))
        }
        None => String::new(),
    }
}

fn unmet(miss: &NearMiss, condition: &Parameter, wanted: &str, cwd: &Path) -> String {
    let had = miss.had.as_deref();
    let instead = |is: &str, missing: &str| match had {
        Some(had) => format!("{is}{}", one(had)),
        None => missing.to_owned(),
    };
    match condition {
        Parameter::Flags => format!("wants {wanted} among the options"),
        Parameter::Letters => {
            format!("wants {wanted} among the options; all_of(...) names each of several letters")
        }
        Parameter::Without => format!("wants no {wanted}{}", instead(", which is here ", "")),
        Parameter::Options(name) => {
            let instead = instead(", which is ", ", which is not there");
            format!("wants {wanted} for {}{instead}", one(OsStr::new(name)))
        }
        Parameter::Args => {
            let instead = instead(", not ", ", which end before that");
            let hint = stars_hint(miss, "; `glob(...)` takes a `*` for anything");
            let place = place_hint(miss, cwd);
            format!(
                "wants {} among the operands{instead}{place}{hint}",
                argv::visible(&miss.wanted.join(" or "))
            )
        }
        Parameter::Exact => format!("wants nothing else to follow{}", instead(", as does ", "")),
        Parameter::Cwd => format!("wants the directory {wanted}{}", instead(", not ", "")),
        Parameter::Env(name) => {
            let wanted = match wanted {
                "" => "to be set".to_owned(),
                "''" => "not to be set".to_owned(),
                value => format!("to be {value}"),
            };
            let instead = instead(", which is ", ", which is not set");
            format!(
                "wants the variable {} {wanted}{instead}",
                one(OsStr::new(name))
            )
        }
        Parameter::Unless => {
            let case = argv::visible(&miss.wanted.join(" "));
            let by = instead(", which is met by ", "");
            format!("leaves it alone by its `unless`: {case}{by}")
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::act::environment::SessionEnvironment;
    use crate::approve::place::Caller;
    use crate::config::Profiles;
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
        let explanation = Explanation {
            rules: &rules,
            request: &request,
            judgement: &judge(&rules, &request),
            tree: &CommandTree::default(),
            node: None,
            near_misses: NearMisses::none(),
            session: &SessionEnvironment::new([], &[]),
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
