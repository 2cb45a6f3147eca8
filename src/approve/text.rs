//! A question in words, as every way to ask shows it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::evaluate::Placement;
use crate::request::argv;

/// The longest path in a reason, in bytes.
const PATH_LIMIT: usize = 300;

/// Why a yes can't hold for the session, in a few words for people.
pub(super) type Uncovered = String;

/// The longest path or reason that is shown, in bytes; of a text, half as many characters.
pub(super) const TEXT_LIMIT: usize = 1000;
/// The longest name of a variable that is shown, in bytes.
pub(super) const NAME_LIMIT: usize = 60;
/// As many variables, or paths, are named.
pub(super) const NAMES: usize = 10;

/// The question in words. Every field is printable: escaped, and bounded with both ends shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Text {
    /// The argument vector, quoted as for a shell, with the path that was judged where the first word names another
    /// program or place.
    pub command: String,
    /// The file that would run.
    pub program: String,
    /// What the program is called, if that is the name of another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<String>,
    /// The working directory.
    pub directory: String,
    /// Whether it would run inside the sandbox of the session.
    pub placement: Placement,
    /// The separate sandbox that it would run in, as the rules say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Where it would run, in full.
    pub runs: String,
    /// Why inside, though the rule that asks would have it outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_inside: Option<String>,
    /// The rule's `FILE:LINE`, the heuristic's code, or a few words.
    pub because: String,
    /// The rule's justification, or the heuristic's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// The paths among its words that pass a link, each with where it leads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leads: Vec<String>,
    /// The file that it has as its standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The variables that the program would not get outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped_variables: Vec<String>,
    /// The variables that were set inside and that it would get by a rule, each with its value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_variables: Vec<String>,
    /// Why a yes can't hold for the session; such an answer is not offered then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_session: Option<String>,
}

impl Text {
    /// What it says beside the command and where that would run: a label and a text each, in the
    /// order in which people read them.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("program", self.program.clone())];
        facts.extend(self.called.iter().map(|name| ("called", name.clone())));
        facts.extend([
            ("directory", self.directory.clone()),
            ("asked by", self.because.clone()),
        ]);
        let mut add = |label, text: &Option<String>| {
            facts.extend(text.iter().map(|text| (label, text.clone())));
        };
        add("because", &self.justification);
        add("why inside", &self.why_inside);
        facts.extend(self.leads.iter().map(|lead| ("link", lead.clone())));
        facts.extend(self.input.iter().map(|file| ("input", file.clone())));
        let passed = self.passed_variables.iter();
        facts.extend(passed.map(|variable| ("with", variable.clone())));
        if !self.dropped_variables.is_empty() {
            facts.push(("without", self.dropped_variables.join(", ")));
        }
        let no_session = self.no_session.iter();
        facts.extend(no_session.map(|why| ("no session", why.clone())));
        facts
    }
}

/// A path as reasons show it.
pub(super) fn shown(path: &Path) -> String {
    argv::bounded_word(path, PATH_LIMIT)
}

/// In one line, escaped and bounded.
pub(super) fn printable(text: &str) -> String {
    argv::line(text, TEXT_LIMIT / 2)
}
