//! What a person is asked: the command, where it would run, and why it needs a yes.

use std::ffi::OsString;
use std::path::Path;

use serde::Serialize;

use super::{Permit, Place, Refusal};
use crate::evaluate::{Basis, IndexedRules, Judgement, Placement};
use crate::request::{Request, argv};
use crate::rules::{Decision, RuleSet};

/// The longest form of a command in a question or a refusal, in bytes.
const COMMAND_LIMIT: usize = 2000;
/// The longest justification, path or reason that is shown, in bytes.
const TEXT_LIMIT: usize = 1000;

/// The longest name of a variable that is shown, in bytes.
const NAME_LIMIT: usize = 60;
/// As many variables are named.
const NAMES: usize = 10;

/// A request that waits for a person's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    request: Request,
    place: Place,
    text: Text,
}

/// The question in words. Every field is printable: escaped, and bounded with both ends shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    /// The argument vector, quoted as for a shell.
    pub command: String,
    /// The file that would run.
    pub program: String,
    /// The working directory.
    pub directory: String,
    /// Where it would run.
    pub placement: Placement,
    /// The sandbox of its own that it would have there, as the rules say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The rule's `FILE:LINE`, the heuristic's code, or a few words.
    pub because: String,
    /// The rule's justification, or the heuristic's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// The variables that the program would not get outside.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropped_variables: Vec<String>,
    /// A rule says that somebody is to be asked; otherwise no rule says anything.
    #[serde(skip)]
    pub by_rule: bool,
}

impl Question {
    pub(super) fn new(rules: &RuleSet, judgement: &Judgement, request: Request) -> Self {
        let place = Place::of(&judgement.verdict);
        let profiles = place.profiles.iter().map(ToString::to_string);
        let profiles: Vec<String> = profiles.map(|text| printable(&text)).collect();
        let (because, justification) = why(rules, judgement);
        let by_rule = matches!(judgement.verdict.basis, Basis::Rule(_));
        let file = request
            .program
            .real
            .as_deref()
            .or(request.program.path.as_deref());
        let text = Text {
            command: argv::bounded(&request.argv, COMMAND_LIMIT),
            program: printable_path(file.unwrap_or(Path::new(&request.program.asked))),
            directory: printable_path(&request.cwd),
            placement: place.placement,
            profile: (!profiles.is_empty()).then(|| profiles.join(" and ")),
            because,
            justification: justification.map(|text| printable(&text)),
            dropped_variables: Vec::new(),
            by_rule,
        };
        Self {
            request,
            place,
            text,
        }
    }

    /// The same with the variables that the program would not get, if it runs outside.
    #[must_use]
    pub fn without(mut self, names: &[OsString]) -> Self {
        if self.place.placement == Placement::Outside {
            let shown = names.iter().take(NAMES);
            let shown = shown.map(|name| argv::bounded(std::slice::from_ref(name), NAME_LIMIT));
            self.text.dropped_variables = shown.collect();
            let more = names.len().saturating_sub(NAMES);
            if more > 0 {
                self.text.dropped_variables.push(format!("and {more} more"));
            }
        }
        self
    }

    /// What is asked to run.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Gives the request back, unasked.
    pub fn into_request(self) -> Request {
        self.request
    }

    /// The question in words.
    pub fn text(&self) -> &Text {
        &self.text
    }

    pub(super) fn permitted(self) -> Permit {
        Permit {
            request: self.request,
            place: self.place,
        }
    }

    /// `codex-shell: denied: COMMAND (BECAUSE: HOW): JUSTIFICATION`.
    pub(super) fn refused(&self, how: &str) -> Refusal {
        let Text {
            command,
            because,
            justification,
            ..
        } = &self.text;
        let justification = justification
            .as_ref()
            .map(|j| format!(": {j}"))
            .unwrap_or_default();
        let how = printable(how);
        Refusal {
            message: format!("codex-shell: denied: {command} ({because}: {how}){justification}"),
        }
    }

    /// `codex-shell: denied: nobody decided about PROGRAM (BECAUSE): WHAT`: the fault is neither the
    /// command's nor the rule's.
    pub(super) fn undecided(&self, what: &str) -> Refusal {
        let Text {
            program, because, ..
        } = &self.text;
        let what = printable(what);
        Refusal {
            message: format!(
                "codex-shell: denied: nobody decided about {program} ({because}): {what}"
            ),
        }
    }
}

/// What decided: the rule's `FILE:LINE`, the heuristic's code, or a few words; and the rule's
/// justification or the heuristic's reason. Printable and bounded.
pub fn because(rules: &IndexedRules, judgement: &Judgement) -> (String, Option<String>) {
    let (because, justification) = why(rules.rules(), judgement);
    (because, justification.map(|text| printable(&text)))
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

/// Text from a rules file, on one line: control characters as escapes, both ends if it is long.
fn printable(text: &str) -> String {
    let line = text
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|l| !l.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    let mut shown = String::with_capacity(line.len());
    for c in line.chars() {
        if argv::is_visible(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    shorten(&shown)
}

fn shorten(text: &str) -> String {
    if text.len() <= TEXT_LIMIT {
        return text.into();
    }
    let characters: Vec<char> = text.chars().collect();
    let half = TEXT_LIMIT / 8;
    let head: String = characters.iter().take(half * 3).collect();
    let tail: String = characters.iter().rev().take(half).rev().collect();
    format!("{head} […] {tail}")
}

fn printable_path(path: &Path) -> String {
    argv::bounded(&[path.as_os_str().to_owned()], TEXT_LIMIT)
}
