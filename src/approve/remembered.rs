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
    /// Remembers a yes, if it can hold for more than this once.
    pub fn insert(&self, question: &Question) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(question.key());
    }

    /// Whether this very question was answered for the session.
    pub fn contains(&self, question: &Question) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        question.key().is_some_and(|key| known.contains(&key))
    }
}
