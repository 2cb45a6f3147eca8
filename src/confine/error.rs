//! Why a sandbox does not start.

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::layers::LayerName;
use super::protection::Role;

/// Why a sandbox does not start. Nothing runs then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ConfineError {
    /// A directory that can't be a writable root.
    #[error("{} can't be a writable root: {reason}", .path.display())]
    Root {
        /// The directory as it was given.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A path can't be kept from being read, or from being written.
    #[error("{} can't be {wish}: {reason}", .path.display())]
    Unheld {
        /// The path, or pattern, as it was given.
        path: PathBuf,
        /// What it can't be.
        wish: Wish,
        /// Why not.
        reason: String,
    },
    /// Paths are to be hidden, and there is no mount namespace to hide them in.
    #[error("nothing would hide {} here: no namespaces ({reason})", .path.display())]
    Exposed {
        /// The first of them.
        path: PathBuf,
        /// Why there are no namespaces.
        reason: String,
    },
    /// Something that decides what is permitted could be written by the command.
    #[error(
        "the command could write {}, and {role}: {reason}; keep it elsewhere, work in another \
         directory, or use `--sandbox read-only`", .path.display()
    )]
    Unguarded {
        /// What it is.
        path: PathBuf,
        /// What it is read for.
        role: Role,
        /// Why it could be written.
        reason: String,
    },
    /// A filter with a listener is in force already.
    #[error(
        "another program listens for this one's system calls already (is this a sandbox in a \
         sandbox?); start outside of it"
    )]
    Nested,
    /// A demanded layer is not to be had.
    #[error("the layer `{layer}` is required, but this machine does not offer it: {reason}")]
    Required {
        /// Which.
        layer: LayerName,
        /// The kernel's reason.
        reason: String,
    },
    /// Neither of the layers that guard files is to be had.
    #[error(
        "nothing would guard files here: no namespaces ({namespaces}), no Landlock ({landlock}); \
         `codex-shell doctor` says what helps; say `danger-full-access` if you mean it"
    )]
    NothingHolds {
        /// Why there are no namespaces.
        namespaces: String,
        /// Why there is no Landlock.
        landlock: String,
    },
    /// What is held was replaced while the command ran, and can't be held any more.
    #[error(
        "{} was replaced while the command ran, and can no longer be held: {reason}; the command was ended",
        .path.display()
    )]
    Lost {
        /// The first of them.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A layer could not be put in force for a reason that is not the machine's lack of it.
    #[error("the sandbox can't be built: {step}: {reason}")]
    Setup {
        /// What was tried.
        step: String,
        /// The kernel's answer.
        reason: String,
    },
}

/// What a path is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// Not read.
    Hidden,
    /// Not written.
    ReadOnly,
}

impl fmt::Display for Wish {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Hidden => "hidden",
            Self::ReadOnly => "kept from being written",
        })
    }
}

/// Names the step that failed.
pub(super) trait During<T> {
    fn during(self, step: impl Into<String>) -> Result<T, ConfineError>;
}

impl<T, E: Into<io::Error>> During<T> for Result<T, E> {
    fn during(self, step: impl Into<String>) -> Result<T, ConfineError> {
        self.map_err(|error| ConfineError::Setup {
            step: step.into(),
            reason: error.into().to_string(),
        })
    }
}
