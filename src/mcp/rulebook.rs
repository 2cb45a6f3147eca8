//! The rules of a session: loaded again when a file has changed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::Places;
use crate::evaluate::IndexedRules;
use crate::report::diagnostics;
use crate::rules::{self, Origin, RuleSet};

/// The rules in force, and how the files looked when they were loaded.
#[derive(Debug)]
pub(super) struct Rulebook {
    /// Empty for the default places.
    places: Vec<PathBuf>,
    seen: Vec<Seen>,
    rules: Arc<IndexedRules>,
}

/// A file or directory, and what changes when it is written or replaced.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    path: PathBuf,
    state: Option<(u64, u64, u64, i64, i64)>,
}

impl Seen {
    fn of(path: PathBuf) -> Self {
        let state = fs::metadata(&path).ok();
        let state = state.map(|s| (s.dev(), s.ino(), s.size(), s.mtime(), s.mtime_nsec()));
        Self { path, state }
    }
}

impl Rulebook {
    /// Loads the rules.
    ///
    /// # Errors
    /// What is wrong with the files, a text for each.
    pub(super) fn load(places: Vec<PathBuf>) -> Result<Self, Vec<String>> {
        let (seen, set) = read(&places);
        if set.is_broken() {
            return Err(diagnostics::error_texts(&set).collect());
        }
        Ok(Self {
            places,
            seen,
            rules: Arc::new(IndexedRules::new(set)),
        })
    }

    /// The rules in force.
    pub(super) fn rules(&self) -> &Arc<IndexedRules> {
        &self.rules
    }

    /// Loads the rules again if a file has changed; says so, or what is wrong with them: then the
    /// old ones stay in force.
    pub(super) fn refresh(&mut self) -> Option<Result<String, String>> {
        if self.seen == look(&self.places) {
            return None;
        }
        let (seen, set) = read(&self.places);
        self.seen = seen;
        if set.is_broken() {
            let errors: Vec<String> = diagnostics::error_texts(&set).collect();
            let errors = errors.join("\n");
            return Some(Err(format!(
                "the rules have changed, but can't be loaded; the old ones stay in force:\n{errors}"
            )));
        }
        self.rules = Arc::new(IndexedRules::new(set));
        Some(Ok("the rules have changed and are in force".into()))
    }
}

fn read(places: &[PathBuf]) -> (Vec<Seen>, RuleSet) {
    // Looked at first: a change while loading is seen next time.
    let seen = look(places);
    let set = match places {
        [] => rules::load_layers(&defaults()),
        places => rules::load(places),
    };
    (seen, set)
}

fn look(places: &[PathBuf]) -> Vec<Seen> {
    let entries = |path: &PathBuf| with_entries(path);
    let paths: Vec<PathBuf> = match places {
        [] => {
            let defaults = defaults().into_iter();
            defaults.flat_map(|origin| entries(&origin.path)).collect()
        }
        places => places.iter().flat_map(entries).collect(),
    };
    paths.into_iter().map(Seen::of).collect()
}

/// The rules of the machine and of the user.
fn defaults() -> Vec<Origin> {
    Places::of_process(PathBuf::from("/")).rules()
}

/// A directory's entries too: one may be written without a change of the directory.
fn with_entries(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "rules"))
        .collect();
    paths.push(path.to_owned());
    paths.sort();
    paths
}
