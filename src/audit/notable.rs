//! What the owner of a run is told: what became of each exec that did not simply run inside.

use serde::{Deserialize, Serialize};

/// Somebody who is told.
pub trait Observer: Send + Sync + std::fmt::Debug {
    /// Called from the thread that answers the system calls, which waits for it.
    fn saw(&self, notable: Notable);
}

/// What became of an exec that was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It went on where its caller is, or was started outside.
    Ran,
    /// It was not let run: the rules say so, or who was asked.
    Refused(String),
    /// It could have run, and could not be started.
    Failed(String),
    /// Its process was killed: it had become something else than what was judged.
    Killed,
}

/// An exec that was refused, escalated or asked about, or that came to nothing. Every text is printable and
/// bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notable {
    /// The argument vector, quoted as for a shell.
    pub command: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The rule's `FILE:LINE`, or the heuristic's code.
    pub because: String,
    /// The rule's justification, or the heuristic's reason.
    pub justification: Option<String>,
    /// Somebody was asked.
    pub asked: bool,
    /// Where it runs if it does: outside the sandbox.
    pub outside: bool,
    /// The names of the variables that it did not get there.
    pub dropped_variables: Vec<String>,
}
