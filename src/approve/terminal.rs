//! Asks a person on the user's terminal, by the process that has it: never on standard input, which the
//! command may be reading.

use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};

use super::remembered::Remembered;
use super::wording::wording;
use super::{Answer, Approver, Question};
use crate::sys::{lock, pidfd};
use crate::terminal::{Given, TerminalAnswer};

/// `--ask terminal`.
#[derive(Debug)]
pub struct Terminal {
    given: Arc<Given>,
    /// One question at a time.
    remembered: Mutex<Remembered>,
}

impl Terminal {
    /// Asks whoever is at the terminal in whose place the command has `given`.
    pub fn new(given: Arc<Given>) -> Self {
        Self {
            given,
            remembered: Mutex::default(),
        }
    }
}

impl Approver for Terminal {
    fn ask(&self, question: &Question, withdrawn: BorrowedFd<'_>) -> Answer {
        let remembered = lock(&self.remembered);
        if remembered.contains(question) {
            return Answer::Yes;
        }
        let answer = if pidfd::number(withdrawn).is_ok_and(|pid| self.given.is_turn_of(pid)) {
            let text = question.text();
            let for_session = text.no_session.is_none();
            self.given.ask(wording(text, None), for_session, withdrawn)
        } else {
            Ok(TerminalAnswer::Background)
        };
        match answer {
            Ok(TerminalAnswer::Yes) => Answer::Yes,
            Ok(TerminalAnswer::Session) => {
                remembered.insert(question);
                Answer::Yes
            }
            Ok(TerminalAnswer::No) => Answer::No("declined".into()),
            Ok(TerminalAnswer::Withdrawn) => Answer::No("no longer wanted".into()),
            Ok(TerminalAnswer::Background) => {
                Answer::No("nobody could be asked: in the background".into())
            }
            Ok(TerminalAnswer::Gone) => {
                Answer::No("nobody could be asked: the terminal is gone".into())
            }
            Err(error) => Answer::No(format!("nobody could be asked: {error}")),
        }
    }
}
