//! What came to be, while a command ran, under a name that other programs obey.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::named;
use super::obeyed::{self, Obeyed};
use super::pattern;
use super::placeholder;
use super::policy::Policy;
use super::present::Present;
use super::trail;

/// Names that other programs obey, in the workspaces of a policy, that nothing was at when a command
/// started.
#[derive(Debug, Clone, Default)]
pub struct Unmade {
    names: Vec<(PathBuf, Obeyed)>,
    /// Those that stand for many, with the directory, and what there was.
    patterns: Vec<(PathBuf, Obeyed, BTreeSet<PathBuf>)>,
}

/// One of them, and what is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Where it is.
    pub path: PathBuf,
    /// Who obeys it, and how.
    pub reason: &'static str,
}

impl Unmade {
    /// Those of `policy`, as things are now.
    pub fn of(policy: &Policy) -> Self {
        let mut unmade = Self::default();
        let mut present = Present::default();
        let protection = &policy.protection;
        for root in &policy.workspaces {
            let is_home = protection.homes.contains(root);
            for one in obeyed::all() {
                let counts = is_home || one.scope.is_told_in_roots();
                if counts && one.is_pattern() {
                    let found = pattern::found_in(root, one.name);
                    unmade.patterns.push((root.clone(), one, found));
                } else if counts {
                    let path = root.join(one.name);
                    if !present.may_have(root, one.name) || is_free(&path) {
                        unmade.names.push((path, one));
                    }
                }
            }
        }
        for (path, one) in named::files(protection, &policy.workspaces) {
            if trail::within(&path, &policy.workspaces) && is_free(&path) {
                unmade.names.push((path, one));
            }
        }
        unmade
    }

    /// What there is now.
    pub fn made(&self) -> Vec<Made> {
        let made = self.names.iter().filter(|(path, _)| !is_free(path));
        let made = made.map(|(path, one)| (path.clone(), one.reason));
        let found = self.patterns.iter().flat_map(|(directory, one, known)| {
            let found = pattern::found_in(directory, one.name);
            let new = found.into_iter().filter(|path| !known.contains(path));
            new.map(|path| (path, one.reason))
        });
        let all = made.chain(found);
        all.map(|(path, reason)| Made { path, reason }).collect()
    }
}

/// Whether nothing is at `path`, or only what stands for that.
fn is_free(path: &Path) -> bool {
    path.symlink_metadata().is_err() || placeholder::is_at(path)
}
