//! What a call is: what it has in common with others, and what its processes are told of it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wanted::Wanted;
use crate::approve::Question;
use crate::audit::{Audit, ClientCall};
use crate::config::Profiles;
use crate::confine::LayerName;
use crate::evaluate::IndexedRules;
use crate::intercept::broker::Patched;
use crate::intercept::launcher::Command;
use crate::intercept::unattended::Unattended;

/// A call, ready to start.
#[derive(Debug)]
pub(super) struct Plan {
    /// What it has in common with other calls.
    pub(super) recipe: Recipe,
    /// The shell with its script.
    pub(super) command: Command,
    /// All else.
    pub(super) order: Order,
}

/// What the processes of a call are made by. Of all this, policy and rules alone can change in a
/// session.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    /// What the sandbox is to permit.
    pub(super) wanted: Wanted,
    /// Layers without which nothing starts.
    pub(super) require: Vec<LayerName>,
    /// The rules.
    pub(super) rules: Arc<IndexedRules>,
    /// The shell brings its execs, not the kernel.
    pub(super) patched: Option<Patched>,
    /// The sandboxes that rules name.
    pub(super) profiles: Profiles,
    /// Who answers by itself; else the server knows who does.
    pub(super) ask: Option<Unattended>,
    /// The records.
    pub(super) audit: Audit,
    /// Secrets of the server by which it knows a request again.
    pub(super) keys: Keys,
}

impl Recipe {
    /// Whether what was made by this one serves for `other`.
    pub(super) fn suits(&self, other: &Self) -> bool {
        self.wanted == other.wanted && Arc::ptr_eq(&self.rules, &other.rules)
    }
}

/// What a crew is told of its call; the command comes in a file, the streams beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    /// The shell reads its start-up files first.
    pub(super) login: bool,
    /// Where it starts.
    pub(super) directory: PathBuf,
    /// How long it may take.
    pub(super) timeout: Duration,
    /// What its client calls it.
    pub(super) client: ClientCall,
    /// The command is on its way to the launcher.
    pub(super) begun: bool,
}

/// Stands for the key of a question, or a call's arguments, by numbers that nobody can foresee.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys(RandomState, RandomState);

impl Keys {
    /// The same for the same key, and for no other.
    pub(super) fn of(&self, question: &Question) -> Option<[u64; 2]> {
        question.key().map(|key| self.of_any(&key))
    }

    /// The same for the same arguments, in whatever order, and for no others.
    pub(super) fn of_arguments(&self, arguments: &Value) -> [u64; 2] {
        self.of_any(arguments)
    }

    fn of_any(&self, key: &impl Hash) -> [u64; 2] {
        [self.0.hash_one(key), self.1.hash_one(key)]
    }
}

/// The command's 0, 1 and 2.
#[derive(Debug)]
pub(super) struct Streams {
    /// Standard input.
    pub(super) input: OwnedFd,
    /// Standard output.
    pub(super) output: OwnedFd,
    /// Standard error.
    pub(super) errors: OwnedFd,
}
