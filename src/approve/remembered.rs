//! Answers given for the whole session.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::Question;
use super::question::Key;

/// The questions that were answered "yes, for this session". Whatever differs in anything that was
/// shown is asked about again.
#[derive(Debug, Default)]
pub struct Remembered(Mutex<HashSet<Key>>);

impl Remembered {
    /// Remembers a yes.
    pub fn insert(&self, question: &Question) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(question.key());
    }

    /// Whether this very question was answered for the session.
    pub fn contains(&self, question: &Question) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&question.key())
    }
}
