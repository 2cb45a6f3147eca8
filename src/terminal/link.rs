//! What keeper and supervisor say to each other about the terminal.

use serde::{Deserialize, Serialize};

/// From the keeper: whose the command's terminal is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TerminalOrder {
    /// The command's. Otherwise it is in the background, where reading stops it.
    pub(super) foreground: bool,
    /// It is to go on if it was stopped.
    pub(super) go_on: bool,
}

/// The order was carried out.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Done;

/// From the supervisor, one question at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum QuestionMessage {
    /// Put this question.
    Put {
        /// What it says.
        text: String,
        /// Whether a yes may be for the session.
        for_session: bool,
    },
    /// Nobody wants to know any more. An answer comes all the same.
    Withdrawn,
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TerminalAnswer {
    /// Yes, once.
    Yes,
    /// Yes, and don't ask again in this session.
    Session,
    /// No.
    No,
    /// It was withdrawn.
    Withdrawn,
    /// It could not be put: the terminal is another's at the moment.
    Background,
    /// It could not be put: the terminal is gone.
    Gone,
}
