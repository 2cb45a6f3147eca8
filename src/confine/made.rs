//! What came to be, while a command ran, under a name that other programs obey.

use std::path::{Path, PathBuf};

use super::obeyed::{self, Obeyed};
use super::placeholder;
use super::policy::Policy;

/// Names that other programs obey, in the workspaces of a policy, that nothing was at when a command
/// started.
#[derive(Debug, Clone, Default)]
pub struct Unmade {
    names: Vec<(PathBuf, Obeyed)>,
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
        let mut names = Vec::new();
        let protection = &policy.protection;
        for root in &policy.workspaces {
            let is_home = protection.homes.contains(root);
            for one in obeyed::all() {
                let counts = is_home || one.scope.is_of_roots();
                let path = root.join(one.name);
                if counts && is_free(&path) {
                    names.push((path, one));
                }
            }
        }
        Self { names }
    }

    /// What there is now.
    pub fn made(&self) -> Vec<Made> {
        let made = self.names.iter().filter(|(path, _)| !is_free(path));
        made.map(|(path, one)| Made {
            path: path.clone(),
            reason: one.reason,
        })
        .collect()
    }
}

/// Whether nothing is at `path`, or only what stands for that.
fn is_free(path: &Path) -> bool {
    path.symlink_metadata().is_err() || placeholder::is_at(path)
}
