//! What the owner of a run is told at once: each exec that did not simply run inside.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};

use crate::approve::place::{Disposition, Placed};
use crate::approve::{Answer, Grounds, Question};
use crate::evaluate::{IndexedRules, Judgement, Placement};
use crate::request::{Request, argv};

/// The longest form of a command, in bytes.
const COMMAND_LIMIT: usize = 2000;
/// The longest form of a variable's name, in bytes.
const NAME_LIMIT: usize = 100;
/// As many variables are named.
const NAMES: usize = 100;

/// Somebody who is told.
pub trait Watcher: Send + Sync + std::fmt::Debug {
    /// Called from the thread that answers the system calls, which waits for it.
    fn saw(&self, notable: Notable);
}

/// An exec that was refused, escalated or asked about. Every text is printable and bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notable {
    /// The argument vector, quoted as for a shell.
    pub command: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an exec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A rule forbids it, or wants it in a place that there is not.
    Forbidden {
        /// The rule's `FILE:LINE`.
        because: String,
        /// The rule's justification, or why there is no such place.
        justification: Option<String>,
    },
    /// A rule allows it, outside the sandbox.
    Allowed {
        /// The rule's `FILE:LINE`.
        because: String,
        /// The rule's justification.
        justification: Option<String>,
    },
    /// Somebody was asked.
    Answered {
        /// The rule's `FILE:LINE`, or the heuristic's code.
        because: String,
        /// The rule's justification, or the heuristic's reason.
        justification: Option<String>,
        /// Why not; `None` is a yes.
        refused: Option<String>,
        /// With a yes it runs outside.
        outside: bool,
    },
    /// It starts outside, without these variables.
    Dropped {
        /// Their names.
        variables: Vec<String>,
    },
}

impl Notable {
    fn new(request: &Request, outcome: Outcome) -> Self {
        Self {
            command: argv::bounded(&request.argv, COMMAND_LIMIT),
            outcome,
        }
    }

    /// A judgement, if it is final and not simply that the program runs inside.
    pub(super) fn judged(
        rules: &IndexedRules,
        request: &Request,
        judgement: &Judgement,
        disposition: &Disposition,
    ) -> Option<Self> {
        let Grounds {
            because,
            justification,
            ..
        } = Grounds::of(rules.rules(), judgement);
        let outcome = match disposition {
            Disposition::Forbid => Outcome::Forbidden {
                because,
                justification,
            },
            Disposition::Nowhere(reason) | Disposition::Uninherited(reason) => Outcome::Forbidden {
                because,
                justification: Some(argv::visible(reason)),
            },
            Disposition::Run(Placed { place, .. })
                if judgement.verdict.placement == Placement::Outside
                    && place.placement() == Placement::Outside =>
            {
                Outcome::Allowed {
                    because,
                    justification,
                }
            }
            Disposition::Run(_) | Disposition::Ask(_) => return None,
        };
        Some(Self::new(request, outcome))
    }

    /// The answer to a question.
    pub(super) fn answered(question: &Question, answer: &Answer) -> Self {
        let text = question.text();
        let outcome = Outcome::Answered {
            because: text.because.clone(),
            justification: text.justification.clone(),
            refused: match answer {
                Answer::Yes => None,
                Answer::No(why) | Answer::Senseless(why) => Some(why.clone()),
            },
            outside: text.placement == Placement::Outside,
        };
        Self::new(question.request(), outcome)
    }

    /// A program that starts outside, if it lacks variables.
    pub(super) fn dropped(request: &Request, names: &[OsString]) -> Option<Self> {
        let name = |name: &OsString| argv::bounded(std::slice::from_ref(name), NAME_LIMIT);
        let variables: Vec<String> = names.iter().take(NAMES).map(name).collect();
        (!variables.is_empty()).then(|| Self::new(request, Outcome::Dropped { variables }))
    }
}
