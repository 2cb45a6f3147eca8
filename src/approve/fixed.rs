//! The answer is known beforehand: `--ask deny` and `--ask allow`.

use std::os::fd::BorrowedFd;

use super::{Answer, Approver, Question};

/// Gives the same answer to everything.
#[derive(Debug, Clone)]
pub struct FixedAnswer(
    /// The answer.
    pub Answer,
);

impl Approver for FixedAnswer {
    fn ask(&self, _question: &Question, _withdrawn: BorrowedFd<'_>) -> Answer {
        self.0.clone()
    }
}
