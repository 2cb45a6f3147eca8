//! Where rules files come from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Who put a rules file where it is. The order is that in which they are read, no more: of several
/// rules that match, the strictest decides, whatever its layer.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// `/etc/codex/rules`.
    Admin,
    /// `$CODEX_HOME/rules`.
    User,
    /// `.codex/rules` of a trusted project.
    Project,
    /// The same of a project that has changed since it was trusted: its rules restrict, and permit
    /// nothing.
    Changed,
    /// Named in the user's `codex-shell.toml`.
    Config,
    /// Named on the command line.
    #[default]
    Given,
}

impl Layer {
    /// The one word that people read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
            Self::Project => "project",
            Self::Changed => "changed project",
            Self::Config => "config",
            Self::Given => "given",
        }
    }
}

/// A rules file, or a directory of them, to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Who put it there.
    pub layer: Layer,
    /// The file or directory.
    pub path: PathBuf,
    /// The file's bytes, where they were read before: what was examined is what counts.
    pub content: Option<Vec<u8>>,
}

impl Origin {
    /// To be read from `path`.
    pub fn new(layer: Layer, path: impl Into<PathBuf>) -> Self {
        Self {
            layer,
            path: path.into(),
            content: None,
        }
    }
}
