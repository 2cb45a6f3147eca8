//! Answers given for the whole session.

use std::collections::HashSet;
use std::sync::Mutex;

use super::Question;
use super::question::Key;
use crate::sys::lock;

/// The questions that were answered "yes, for this session". Whatever differs in anything that was
/// shown is asked about again.
#[derive(Debug, Default)]
pub struct Remembered(Mutex<HashSet<Key>>);

impl Remembered {
    /// Remembers a yes, if it can hold for more than this once.
    pub fn insert(&self, question: &Question) {
        lock(&self.0).extend(question.key());
    }

    /// Whether this very question was answered for the session.
    pub fn contains(&self, question: &Question) -> bool {
        let known = lock(&self.0);
        question.key().is_some_and(|key| known.contains(&key))
    }
}
