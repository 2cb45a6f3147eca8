//! What is dangerous when no rule says anything: each family has a stable code and its own file.
//!
//! Heuristics look at the program under every name it goes by, and at each command of the tree that it
//! comes to: behind `sudo`, `env`, `xargs` and the like, and in the scripts of shells. They may see danger
//! where there is none; a person is asked then. They are no boundary: the sandbox is.

mod chmod;
mod command;
mod define;
mod disk;
mod files;
mod git;
mod network;
mod packages;
mod rm;
mod system;
mod unseen;
mod walk;

use crate::request::Words;

use super::command_tree::{CommandTree, Lack};
use super::index::IndexedRules;
use walk::TreeWalk;

pub use define::Heuristic;

/// Every heuristic, in order of its code.
pub static ALL: [&Heuristic; 17] = [
    &rm::FORCED_RM,
    &git::DESTRUCTIVE_GIT,
    &disk::DEVICE_WRITE,
    &disk::MAKE_FILE_SYSTEM,
    &disk::WIPE,
    &chmod::RECURSIVE_ON_ROOT,
    &network::NETWORK_TO_SHELL,
    &walk::TOO_DEEP,
    &rm::FOUND_REMOVAL,
    &chmod::LASTING_PRIVILEGE,
    &files::TRUNCATION,
    &files::CRONTAB_REMOVAL,
    &system::KILL_EVERYTHING,
    &system::FIREWALL_OFF,
    &packages::ESSENTIAL_REMOVAL,
    &system::POWER_OFF,
    &unseen::UNSEEN_COMMANDS,
];

/// The heuristic of this code or name.
pub fn find(code: &str) -> Option<&'static Heuristic> {
    ALL.into_iter()
        .find(|known| known.code.eq_ignore_ascii_case(code) || known.name == code)
}

/// What looks dangerous about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    /// The code of the heuristic.
    pub code: &'static str,
    /// What is dangerous, in one sentence.
    pub reason: String,
}

/// What becomes of the programs that a command starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descendants {
    /// Nobody judges them: what can be seen of them counts for the command.
    Unjudged,
    /// Each is judged when it starts: here counts what does not show then, as what flows from one
    /// into another, and what a shell does itself.
    Judged,
}

/// The first heuristic, if any, that calls a command of these words dangerous.
pub fn dangerous(
    rules: &IndexedRules,
    words: Words<'_>,
    descendants: Descendants,
) -> Option<Danger> {
    danger_in(
        rules,
        words,
        &CommandTree::of_words(rules, words),
        descendants,
    )
}

/// The same of a command whose `tree` is known.
pub(super) fn danger_in(
    rules: &IndexedRules,
    words: Words<'_>,
    tree: &CommandTree,
    descendants: Descendants,
) -> Option<Danger> {
    let walk = TreeWalk {
        rules,
        words: Some(words),
        tree,
        descendants,
    };
    walk.examine().map(Danger::from)
}

/// What of it is dangerous in how its commands are put together, whatever else is.
pub(super) fn flow_in(
    rules: &IndexedRules,
    words: Words<'_>,
    tree: &CommandTree,
) -> Option<Danger> {
    let walk = TreeWalk {
        rules,
        words: Some(words),
        tree,
        descendants: Descendants::Judged,
    };
    walk.flow().map(Danger::from)
}

impl From<&Heuristic> for Danger {
    fn from(heuristic: &Heuristic) -> Self {
        Self {
            code: heuristic.code,
            reason: heuristic.reason.to_owned(),
        }
    }
}

/// What is first found dangerous about each command of a script's `tree` and those within it, of which what
/// `lacks` is left out.
pub(super) fn dangers(
    rules: &IndexedRules,
    tree: &CommandTree,
    lacks: &[Lack],
) -> Vec<Option<&'static Heuristic>> {
    let walk = TreeWalk {
        rules,
        words: None,
        tree,
        descendants: Descendants::Unjudged,
    };
    let known = walk.all().0.into_iter().zip(lacks);
    known
        .map(|(danger, lack)| {
            danger.or_else(|| (*lack == Lack::Limited).then_some(&walk::TOO_DEEP))
        })
        .collect()
}

/// Whether the heuristic of this code is about what comes from the network to be run.
pub(super) fn is_flow(code: &str) -> bool {
    code == network::NETWORK_TO_SHELL.code
}

/// The short name of the heuristic with this code; empty when there is none.
pub fn name_of(code: &str) -> &'static str {
    ALL.iter()
        .find(|heuristic| heuristic.code == code)
        .map_or("", |heuristic| heuristic.name)
}

#[cfg(test)]
mod tests;
