//! What `codex-shell rules explain` says of a script: each command, then what it is made of.
//!
//! # The JSON document
//!
//! One object on one line. `schema` is that of [`super::explain`], as are RULE and WORD.
//!
//! | key | value |
//! | --- | --- |
//! | `schema` | the number 1 |
//! | `decision` | the strictest of all: `"allow"`, `"prompt"` or `"forbidden"` |
//! | `commands` | every command, each before those that it starts |
//! | `left_out` | how many of them are left out of this; not there where none is |
//! | `problems` | what could not be read: `line`, `column`, `message` |
//! | `set_aside` | the project whose rules don't count, as for one command |
//! | `errors` | what is wrong with rules files, as for one command |
//!
//! A command is `line`; `depth`, how many wrappers and scripts it is within; `kind`, one of
//! `"program"`, `"builtin"`, `"function"`, `"bare"` (assignments or redirections alone) and
//! `"unknown"`; `decision`; `text`, as it was read, with what is known of variables in
//! their place; `inside`, the substitutions and groups around it; `assignments`, names; `reads` and `writes`, the files that it is redirected from and to;
//! `unknown`, a list of `word` (its index), `source` and `reason`; `unsure`, what nobody knows of where it runs,
//! of `"directory"` and `"variables"`: rules that restrict count then as if it were as they ask; and `explanation`, the document
//! for one command, or null when nothing starts.

use std::cmp::Reverse;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use crate::act::environment::SessionEnvironment;
use crate::config::Settings;
use crate::evaluate::{
    Basis, CommandKind, IndexedRules, JudgedCommand, Judgement, NearMisses, Node, Unforeseen,
};
use crate::flow::PlacedScript;
use crate::request::{Request, argv};
use crate::rules::Decision;
use crate::script::{Enclosure, ScriptCommand, Word};

use super::explain::Explanation;
use super::facts::{self, because};
use super::misses::{Missed, MissesOfAll, not_excepted, note};
use super::paint::{Ink, Paint, decision};
use super::reading;

/// Bytes of a command that are shown.
const COMMAND: usize = 1024;
/// Rules of which it is said why they don't match, where none is near.
const OTHERS: usize = 1;

/// Everything that is said of one script.
#[derive(Debug, Clone, Copy)]
pub struct ScriptExplanation<'a> {
    /// The rules it was judged by.
    pub rules: &'a IndexedRules,
    /// The answer, and where each command runs.
    pub judgement: &'a PlacedScript<'a>,
    /// What is set, and where.
    pub settings: &'a Settings,
    /// The variables that programs outside would get some of.
    pub session: &'a SessionEnvironment,
    /// As many commands are told of: of more, those with the strictest decisions.
    pub most: usize,
}

impl ScriptExplanation<'_> {
    /// For people, with a final newline.
    pub fn text(&self, colour: bool) -> String {
        let paint = Paint { colour };
        let said = self.judgement.decision;
        let count = self.judgement.commands.len();
        let noun = if count == 1 { "command" } else { "commands" };
        let word = paint.ink(Ink::Said(said), decision(said));
        let mut lines = vec![format!("{word}  the strictest of {count} {noun}")];
        lines.extend(self.sources());
        if self.is_only_unknown() {
            let note = "what is asked here only can't be known yet; a run judges each program when it starts";
            lines.push(note.to_owned());
        }
        let told = self.told();
        let mut known = MissesOfAll::default();
        for command in &told {
            self.command(command, paint, &mut known, &mut lines);
        }
        if told.len() < count {
            lines.push(String::new());
            lines.push(format!(
                "  {} more commands are left out here; explain them on their own.",
                count - told.len()
            ));
        }
        if !self.judgement.problems().is_empty() {
            lines.push(String::new());
            lines.push(paint.ink(Ink::Bold, "Not understood"));
        }
        for problem in self.judgement.problems() {
            lines.push(format!(
                "  line {}, column {}: {}",
                problem.line, problem.column, problem.message
            ));
        }
        if !self.judgement.problems().is_empty() {
            lines.push("  There may be more commands, so a person is asked.".to_owned());
        }
        lines.push(String::new());
        lines.join("\n")
    }

    /// Whether a person is asked for nothing but what can't be known before a run.
    fn is_only_unknown(&self) -> bool {
        let said = |command: &JudgedCommand| {
            let judged = command.judgement.as_ref();
            judged.is_some_and(|it| it.verdict.decision > Decision::Allow)
        };
        let commands = self.judgement.commands.iter();
        let mut restricted = commands.filter(|it| it.decision > Decision::Allow);
        self.judgement.decision == Decision::Prompt
            && self.judgement.problems().is_empty()
            && restricted.all(|it| it.kind == CommandKind::Unknown && !said(it))
    }

    /// Which files of rules and settings count, where that may be asked.
    fn sources(&self) -> Vec<String> {
        let rules = self.rules.rules();
        let mut decided = self.judgement.commands.iter().filter_map(judged);
        let is_decided = decided.all(|(judgement, _)| facts::is_by_rule(judgement));
        let files = (!is_decided).then(|| facts::files(rules)).flatten();
        let aside = facts::set_aside(rules).or(files);
        let settings = facts::settings(self.settings);
        let settings = settings.map(|said| format!("settings: {said}"));
        aside
            .map(|said| format!("rules: {said}"))
            .into_iter()
            .chain(settings)
            .collect()
    }

    /// The commands that are told of, in their order.
    pub(super) fn told(&self) -> Vec<&JudgedCommand> {
        let mut told: Vec<_> = self.judgement.commands.iter().enumerate().collect();
        told.sort_by_key(|(_, command)| Reverse(command.decision));
        told.truncate(self.most);
        told.sort_by_key(|(place, _)| *place);
        told.into_iter().map(|(_, command)| command).collect()
    }

    fn command<'b>(
        &self,
        command: &'b JudgedCommand,
        paint: Paint,
        known: &mut MissesOfAll<'b>,
        lines: &mut Vec<String>,
    ) {
        let said = command.decision;
        let word = paint.ink(Ink::Said(said), &format!("{:<9}", decision(said)));
        let line = if command.depth == 0 {
            format!("{:>5}", command.line)
        } else {
            " ".repeat(5)
        };
        let line = paint.ink(Ink::Dim, &line);
        let indent = "  ".repeat(command.depth);
        lines.push(String::new());
        lines.push(format!(
            "{line}  {word}  {indent}{}",
            written(&command.command)
        ));
        for note in self.notes(command, known) {
            let note = paint.ink(Ink::Dim, &note);
            lines.push(format!("{:18}{indent}{note}", ""));
        }
    }

    fn notes<'b>(&self, command: &'b JudgedCommand, known: &mut MissesOfAll<'b>) -> Vec<String> {
        let mut notes = vec![self.reason(command)];
        if let Some(Unforeseen::Rule(rule)) = command.unforeseen
            && is_because(command)
            && !judged(command).is_some_and(|(it, _)| it.verdict.basis == Basis::Rule(rule))
        {
            notes.push(format!("besides: {}", self.may_be(rule)));
        }
        if let Some((judgement, request)) = judged(command) {
            if starts(command) {
                let misses = known.of(self.rules, request, &judgement.trace);
                self.of_program(command, judgement, request, &misses, &mut notes);
            } else if is_because(command) {
                let explanation = self.explanation(command, judgement, request, NearMisses::none());
                let reason = facts::reason(&explanation).map(argv::visible);
                notes.extend(reason.map(|reason| format!("reason: {reason}")));
            }
        }
        notes.extend(self.alias(command));
        for (index, word) in command.command.words.iter().enumerate() {
            if let Some(why) = word.unknown() {
                let source = shown(&word.recognised());
                notes.push(format!(
                    "word {index}, {source}, is unknown: {}",
                    why.name()
                ));
            }
        }
        for redirection in &command.command.redirections {
            let verb = if redirection.writes {
                "writes"
            } else {
                "reads"
            };
            notes.push(format!(
                "{verb} {}",
                shown(&redirection.target.recognised())
            ));
        }
        if let Some(place) = command
            .command
            .inside
            .iter()
            .rev()
            .find_map(|place| named(*place))
        {
            notes.push(place.to_owned());
        }
        notes
    }

    /// What is said of a program that starts, as the page for one command says it.
    fn of_program(
        &self,
        command: &JudgedCommand,
        judgement: &Judgement,
        request: &Request,
        misses: &NearMisses,
        notes: &mut Vec<String>,
    ) {
        let explanation = self.explanation(command, judgement, request, misses);
        let by_rule = matches!(judgement.verdict.basis, Basis::Rule(_));
        if command.decision > Decision::Allow && by_rule {
            let unsure = self.unsure(command).into_iter();
            notes.extend(unsure.map(|what| format!("its {what} can't be known here")));
        }
        if command.kind == CommandKind::Program {
            notes.extend(facts::listed(&explanation));
        }
        let node = self.judgement.tree.nodes().get(command.node);
        notes.extend(reading::line(self.rules, request, node));
        let rule = |number: usize| format!("the rule at {}", self.place(number));
        for (number, reason) in &judgement.trace.discounted {
            notes.push(format!("{} doesn't count: {reason}", rule(*number)));
        }
        for found in &judgement.trace.on_trial {
            notes.push(format!("{} matches, but is on trial", rule(found.rule)));
        }
        for it in &misses.unexcepted {
            notes.push(format!("{}: {}", rule(it.rule), not_excepted(it)));
        }
        let Some(told) = Missed::of(&explanation, OTHERS) else {
            return;
        };
        let label = if told.is_near {
            "near miss"
        } else {
            "no match"
        };
        for miss in told.shown {
            let note = note(miss, &explanation).unwrap_or_default();
            notes.push(format!("{label}: {} {note}", rule(miss.rule)));
        }
        notes.extend(told.more(self.rules.rules()));
    }

    /// That an alias makes it what it is, or would.
    fn alias(&self, command: &JudgedCommand) -> Option<String> {
        let tree = &self.judgement.tree;
        if tree
            .nodes()
            .get(command.node)
            .is_some_and(Node::is_by_alias)
        {
            return Some("what an alias of git's stands for".to_owned());
        }
        let name = command.command.words.first().and_then(Word::known)?;
        let shown = shown(&name);
        if command.kind == CommandKind::Unknown && tree.renames(&name) {
            Some(format!(
                "the script makes {shown} stand for something else, as by an alias"
            ))
        } else {
            let is_idle = command.kind == CommandKind::Program && tree.has_idle_alias(&name);
            is_idle.then(|| {
                format!(
                    "the script's alias {shown} does not count in bash; in another shell, it does"
                )
            })
        }
    }

    fn place(&self, rule: usize) -> String {
        let rule = self.rules.rules().rule(rule);
        let place = rule.map(|rule| self.rules.rules().place(rule.span));
        place.unwrap_or_default()
    }

    /// What nobody knows of where the command runs.
    pub(super) fn unsure(&self, command: &JudgedCommand) -> Vec<&'static str> {
        let node = self.judgement.tree.nodes().get(command.node);
        node.map(Node::unknown).unwrap_or_default()
    }

    fn reason(&self, command: &JudgedCommand) -> String {
        match judged(command).filter(|_| is_because(command)) {
            Some((judgement, request)) => {
                because(&self.explanation(command, judgement, request, NearMisses::none()))
            }
            None => match command.unforeseen {
                Some(Unforeseen::Rule(rule)) => self.may_be(rule),
                _ => otherwise(command).unwrap_or_default().to_owned(),
            },
        }
    }

    fn may_be(&self, rule: usize) -> String {
        let place = self.place(rule);
        format!("the rule at {place} may be about it: not each word is known before a run")
    }

    pub(super) fn explanation<'b>(
        &'b self,
        command: &JudgedCommand,
        judgement: &'b Judgement,
        request: &'b Request,
        near_misses: &'b NearMisses,
    ) -> Explanation<'b> {
        Explanation {
            rules: self.rules,
            request,
            judgement,
            tree: &self.judgement.tree,
            node: Some(command.node),
            near_misses,
            setting: self.judgement.setting(command),
            let_out_by: self.judgement.let_out_by(command),
            settings: self.settings,
            session: self.session,
        }
    }
}

/// Whether what the judge says of it is the reason for its decision.
fn is_because(command: &JudgedCommand) -> bool {
    otherwise(command).is_none() || command.decision == Decision::Forbidden
}

/// The reason that is none of the judge's.
fn otherwise(command: &JudgedCommand) -> Option<&'static str> {
    let is_restricted = command
        .judgement
        .as_ref()
        .is_some_and(|judged| judged.verdict.decision > Decision::Allow);
    match command.kind {
        CommandKind::Unknown if !is_restricted => Some(match command.unforeseen {
            Some(Unforeseen::Missing) => {
                "the file is not there yet, so nobody knows what it does; a run judges it then"
            }
            Some(Unforeseen::Anywhere) => {
                "nobody knows where the program is looked for, in which directory or by which PATH; a run judges \
                 what it finds"
            }
            Some(Unforeseen::Unread) => {
                "it runs commands that nobody has read, of a file or its input; a run judges each then"
            }
            Some(Unforeseen::Function) => {
                "no program of this name is there; it may be a function of what nobody has read, and a run \
                 judges what that starts"
            }
            Some(Unforeseen::Written) => "the script writes what it runs; a run judges that then",
            Some(Unforeseen::Rule(_)) | None => {
                "what runs can't be known before it does; a run judges each program then"
            }
        }),
        CommandKind::Bare => Some("no program starts"),
        CommandKind::Builtin if command.decision == Decision::Allow => {
            Some("the shell does this itself: no program starts")
        }
        CommandKind::Function if command.decision == Decision::Allow => {
            Some("a function of this script: its commands are judged where they stand")
        }
        _ => None,
    }
}

/// Whether a program starts, or may.
fn starts(command: &JudgedCommand) -> bool {
    matches!(command.kind, CommandKind::Program | CommandKind::Unknown)
}

fn judged(command: &JudgedCommand) -> Option<(&Judgement, &Request)> {
    command.judgement.as_ref().zip(command.request.as_ref())
}

/// The command on one line: known words as a shell reads them, unknown ones as they stand.
pub(super) fn written(command: &ScriptCommand) -> String {
    let mut words = Vec::new();
    for assignment in &command.assignments {
        let name = shown(&assignment.name);
        words.push(format!("{name}={}", word(&assignment.value)));
    }
    words.extend(command.words.iter().map(word));
    for redirection in &command.redirections {
        let sign = if redirection.writes { ">" } else { "<" };
        words.push(format!("{sign} {}", word(&redirection.target)));
    }
    let mut line = words.join(" ");
    if line.len() > COMMAND {
        let end = (0..=COMMAND).rev().find(|&at| line.is_char_boundary(at));
        line.truncate(end.unwrap_or_default());
        line.push_str(" ...");
    }
    line
}

fn word(word: &Word) -> String {
    match word.known() {
        Some(known) if known.is_empty() => "''".to_owned(),
        Some(known) => argv::word(&OsString::from_vec(known)),
        None => shown(&word.recognised()),
    }
}

/// Bytes of a script as text that a terminal only shows.
pub(super) fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => argv::visible(text),
        Err(_) => argv::word(OsStr::from_bytes(bytes)),
    }
}

/// What is worth saying about where a command stands.
fn named(place: Enclosure) -> Option<&'static str> {
    match place {
        Enclosure::Subshell | Enclosure::Group => None,
        Enclosure::Function => Some("in a function, run when that is called"),
        Enclosure::Substitution => Some("in a substitution: its output becomes words"),
        Enclosure::ProcessSubstitution => Some("behind a pipe, by process substitution"),
    }
}
