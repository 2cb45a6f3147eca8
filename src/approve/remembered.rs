//! Answers given for the whole session.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::Question;

/// The requests that were answered "yes, for this session". The key is the whole request: the same
/// words elsewhere, or of another file, are asked about again.
#[derive(Debug, Default)]
pub struct Remembered(Mutex<HashSet<Key>>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    file: Option<PathBuf>,
    argv: Vec<OsString>,
    directory: PathBuf,
    because: String,
}

impl Key {
    fn of(question: &Question) -> Self {
        let request = question.request();
        Self {
            file: request.program.real.clone(),
            argv: request.argv.clone(),
            directory: request.cwd.to_path_buf(),
            because: question.text().because.clone(),
        }
    }
}

impl Remembered {
    /// Remembers a yes.
    pub fn insert(&self, question: &Question) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(Key::of(question));
    }

    /// Whether this very request was answered for the session.
    pub fn contains(&self, question: &Question) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&Key::of(question))
    }
}
