//! The paths of a command of which it matters to a rule where they lead.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::request::{Followed, Request};

use super::command_tree::{CommandTree, models_of};
use super::index::IndexedRules;

impl IndexedRules {
    /// The paths, absolute, of which `request` must know where they lead before it is judged: whatever
    /// could be one among its words and those of the commands within, and the places that rules name. Its
    /// variables must be known if they count.
    pub fn paths_of(&self, request: &Request) -> Vec<PathBuf> {
        if !self.path_conditions().any {
            return self.scripts_of(request);
        }
        let mut found = self.roots_and_values(request);
        found.extend(CommandTree::of(self, request).paths_named(request));
        distinct(found)
    }

    /// The files that an interpreter is given to read, where a rule may be on one of them.
    fn scripts_of(&self, request: &Request) -> Vec<PathBuf> {
        let models = models_of(self, request.words());
        if !self.has_rules_on_paths() || !models.iter().any(|model| model.runs_files()) {
            return Vec::new();
        }
        let tree = CommandTree::of(self, request);
        let found = tree.nodes().iter().flat_map(|node| node.scripts(request));
        distinct(found.collect())
    }

    /// The places that rules name, and what variables say that they ask for.
    fn roots_and_values(&self, request: &Request) -> Vec<PathBuf> {
        let conditions = self.path_conditions();
        let variables = request.variables();
        let values = variables
            .filter(|(name, _)| {
                name.to_str()
                    .is_some_and(|name| conditions.variables.contains(name))
            })
            .map(|(_, value)| value);
        let values = values.flat_map(|value| named_in(value));
        let mut found = conditions.roots.clone();
        found.extend(values.map(|path| request.cwd.join(path)));
        found
    }

    /// Finds by `follow` where the paths of each command of a script lead, where that matters.
    pub(super) fn follow(&self, tree: &mut CommandTree, follow: &dyn Fn(Vec<PathBuf>) -> Followed) {
        if !self.path_conditions().any {
            return;
        }
        // Those of a command and of all within it are followed together.
        let mut outermost: Vec<usize> = Vec::new();
        let mut paths: BTreeMap<usize, Vec<PathBuf>> = BTreeMap::new();
        for (nth, node) in tree.nodes().iter().enumerate() {
            let around = node.parent.and_then(|parent| outermost.get(parent));
            let whole = around.copied().unwrap_or(nth);
            outermost.push(whole);
            let found = paths.entry(whole).or_default();
            for request in &node.asked {
                found.extend(self.roots_and_values(request));
                found.push(request.cwd.to_path_buf());
                found.extend(from(&request.cwd, &request.argv));
            }
        }
        let paths = paths.into_iter();
        let followed: BTreeMap<usize, Followed> = paths
            .map(|(whole, paths)| (whole, follow(distinct(paths))))
            .collect();
        for (node, whole) in tree.nodes_mut().iter_mut().zip(outermost) {
            for request in &mut node.asked {
                request.followed = followed.get(&whole).cloned();
            }
        }
    }
}

impl CommandTree {
    /// Whatever could be a path among the words of `request`, whose tree this is, and those of the commands
    /// within, absolute.
    pub fn paths_named(&self, request: &Request) -> Vec<PathBuf> {
        let mut found = from(&request.cwd, &request.argv);
        for node in self.nodes() {
            found.extend(from(&request.cwd, &node.argv));
            let known = node.directories(request).unwrap_or_default();
            for directory in known.iter().filter(|known| ***known != *request.cwd) {
                found.push(directory.clone());
                found.extend(from(directory, &node.argv));
            }
        }
        distinct(found)
    }
}

/// What could be a path among these words of a command, seen from a directory.
fn from(directory: &Path, argv: &[OsString]) -> Vec<PathBuf> {
    let words = argv.iter().skip(1).flat_map(|word| named_in(word));
    words.map(|path| directory.join(path)).collect()
}

fn distinct(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    paths.retain(|path| seen.insert(path.as_os_str().to_owned()));
    paths
}

/// A word, and what may be the value of an option in it.
fn named_in(word: &OsStr) -> impl Iterator<Item = &OsStr> {
    let bytes = word.as_bytes();
    let value = bytes.splitn(2, |&byte| byte == b'=').nth(1);
    let attached = bytes.strip_prefix(b"-").and_then(|rest| rest.get(1..));
    let parts = [Some(bytes), value, attached].into_iter().flatten();
    parts.filter(|part| !part.is_empty()).map(OsStr::from_bytes)
}
