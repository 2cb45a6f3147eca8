//! What each path is mounted for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::protection::Role;

/// Names whose contents decide what later programs do, rules and hooks among them.
pub const PROTECTED: [&str; 3] = [".git", ".codex", ".agents"];

/// How a path is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Access {
    Write,
    Read,
    /// It lies in a writable root, and is read-only all the same.
    #[serde(skip)]
    Protected(Cause),
    /// Nothing of it is to be had, not even what is in it.
    None,
}

impl Access {
    /// How it is mounted, without why.
    pub(super) fn plain(self) -> Self {
        match self {
            Self::Protected(_) => Self::Read,
            other => other,
        }
    }

    /// How much it forbids: more is stricter.
    pub(super) fn strictness(self) -> u8 {
        match self {
            Self::Write => 0,
            Self::Read => 1,
            Self::Protected(_) => 2,
            Self::None => 3,
        }
    }
}

/// Why a path in a writable root is read-only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It is one of the names that are protected everywhere.
    Name,
    /// Other programs obey it.
    Obeyed {
        /// The name, as settings take it out.
        name: &'static str,
        /// Who obeys it, and how.
        reason: &'static str,
    },
    /// It decides what is permitted.
    Deciding(Role),
    /// The policy itself takes it out of its roots.
    TakenOut,
}

/// Every path that becomes a mount of its own; a directory comes before what it holds.
pub(super) type MountPlan = BTreeMap<PathBuf, Access>;

/// How `path` is mounted by what holds it.
pub(super) fn nearest(plan: &MountPlan, path: &Path) -> Access {
    path.ancestors()
        .find_map(|ancestor| plan.get(ancestor))
        .copied()
        .unwrap_or(Access::Read)
}
