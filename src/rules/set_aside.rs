//! A project's rules that were found and don't count.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What of a project was found and does not count, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// The directory of the project, in its text form.
    pub project: String,
    /// Why.
    pub reason: SetAsideReason,
    /// It has rules, or may have.
    pub rules: bool,
    /// It has settings, or may have.
    pub settings: bool,
}

/// Why a project does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetAsideReason {
    /// Nobody has trusted it.
    Untrusted,
    /// It has changed since somebody did: what restricts counts.
    Changed,
    /// It can't be read, for this reason.
    Unreadable(String),
}

impl SetAside {
    /// The same where its rules would not count in any case, as others were named.
    pub fn without_rules(&self) -> Option<Self> {
        self.settings.then(|| Self {
            rules: false,
            ..self.clone()
        })
    }
}

impl SetAsideReason {
    /// In one word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::Changed => "changed",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

/// In a sentence, with what to do.
impl fmt::Display for SetAside {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let project = &self.project;
        match &self.reason {
            SetAsideReason::Unreadable(error) => {
                write!(out, "what {project}/.codex says does not count: {error}")
            }
            SetAsideReason::Changed => write!(
                out,
                "{project}/.codex has changed since it was trusted, so what it restricts counts, and what \
                 it permits doesn't; `codex-shell trust {project}` shows the difference and asks"
            ),
            SetAsideReason::Untrusted => {
                let what = match (self.rules, self.settings) {
                    (true, false) => "rules",
                    (false, true) => "settings",
                    _ => "rules and settings",
                };
                write!(
                    out,
                    "{project}/.codex is not trusted, so its {what} don't count; \
                     `codex-shell trust {project}` shows them and asks"
                )
            }
        }
    }
}
