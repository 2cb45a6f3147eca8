//! What would come of a command, for whoever asks: of it alone, or of each that it starts.

use std::ffi::OsString;

use super::explain::Explanation;
use super::explain_script::ScriptExplanation;
use crate::config::Settings;
use crate::evaluate::{CommandTree, judge_in, near_misses};
use crate::flow::{Inquiry, PlacedScript, Setting};
use crate::request::{Request, argv};
use crate::rules::Decision;

/// What is said.
#[derive(Debug, Clone, Copy)]
pub enum Explained<'a> {
    /// Of one command.
    Command(Explanation<'a>),
    /// Of each command in a script, or that one starts.
    Script(ScriptExplanation<'a>),
}

impl Explained<'_> {
    /// For people, with a final newline.
    pub fn text(&self, colour: bool) -> String {
        match self {
            Self::Command(it) => it.text(colour),
            Self::Script(it) => it.text(colour),
        }
    }

    /// For programs, on one line.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn json(&self) -> serde_json::Result<String> {
        match self {
            Self::Command(it) => it.json(),
            Self::Script(it) => it.json(),
        }
    }

    /// What becomes of all of it.
    pub fn decision(&self) -> Decision {
        match self {
            Self::Command(it) => it.decision(),
            Self::Script(it) => it.judgement.decision,
        }
    }

    /// The same, where at most so many commands of a script are told of.
    #[must_use]
    pub fn of_at_most(self, most: usize) -> Self {
        match self {
            Self::Command(_) => self,
            Self::Script(it) => Self::Script(ScriptExplanation { most, ..it }),
        }
    }
}

/// Has `told` of what comes of `request`, which has these `words`.
pub fn command<T>(
    inquiry: &Inquiry<'_>,
    setting: &Setting<'_>,
    settings: &Settings,
    (request, words): (&Request, &[OsString]),
    told: impl FnOnce(Explained<'_>) -> T,
) -> T {
    let (rules, session) = (inquiry.rules(), inquiry.session());
    let within = inquiry.judge_script_in(argv::text(words).as_bytes(), setting);
    if within.reads_files() {
        return told(all(inquiry, settings, &within));
    }
    let tree = CommandTree::of(rules, request);
    let judgement = judge_in(rules, request, &tree);
    if inquiry.says_more(&within, &judgement, setting) {
        return told(all(inquiry, settings, &within));
    }
    told(Explained::Command(Explanation {
        rules,
        request,
        judgement: &judgement,
        tree: &tree,
        node: None,
        near_misses: &near_misses(rules, request, &judgement.trace),
        setting,
        let_out_by: &[],
        settings,
        session,
    }))
}

/// Has `told` of what comes of each command of a script.
pub fn script<T>(
    inquiry: &Inquiry<'_>,
    setting: &Setting<'_>,
    settings: &Settings,
    text: &[u8],
    told: impl FnOnce(Explained<'_>) -> T,
) -> T {
    told(all(
        inquiry,
        settings,
        &inquiry.judge_script_in(text, setting),
    ))
}

fn all<'a>(
    inquiry: &Inquiry<'a>,
    settings: &'a Settings,
    judgement: &'a PlacedScript<'a>,
) -> Explained<'a> {
    Explained::Script(ScriptExplanation {
        rules: inquiry.rules(),
        judgement,
        settings,
        session: inquiry.session(),
        most: usize::MAX,
    })
}
