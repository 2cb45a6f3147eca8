//! What came to be, or went away, while a command ran, under a name that other programs obey.

use std::path::{Path, PathBuf};

use super::named;
use super::obeyed::{self, Obeyed};
use super::placeholder;
use super::policy::Policy;
use super::present::Present;
use super::trail;

/// Names that other programs obey, in the workspaces of a policy, and what was there when a command started.
#[derive(Debug, Clone, Default)]
pub struct Unmade {
    /// Each, with whether something was at it.
    names: Vec<(PathBuf, Obeyed, bool)>,
}

/// One of them at which something is new, or gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Where it is.
    pub path: PathBuf,
    /// Who obeys it, and how.
    pub reason: &'static str,
    /// Nothing is there any more.
    pub is_gone: bool,
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
                if counts {
                    let path = root.join(one.name);
                    let was_there = present.may_have(root, one.name) && !is_free(&path);
                    unmade.names.push((path, one, was_there));
                }
            }
        }
        for (path, one) in named::files(protection, &policy.workspaces) {
            if trail::within(&path, &policy.workspaces) {
                let was_there = !is_free(&path);
                unmade.names.push((path, one, was_there));
            }
        }
        unmade
    }

    /// What is new there, and what is gone.
    pub fn made(&self) -> Vec<Made> {
        let names = self.names.iter().filter_map(|(path, one, was_there)| {
            let changed = is_free(path) == *was_there;
            changed.then(|| Made {
                path: path.clone(),
                reason: one.reason,
                is_gone: *was_there,
            })
        });
        names.collect()
    }
}

/// Whether nothing is at `path`, or only what stands for that.
fn is_free(path: &Path) -> bool {
    path.symlink_metadata().is_err() || placeholder::is_at(path)
}
