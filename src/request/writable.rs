//! Where the sandboxed side can write.

use std::path::PathBuf;

use super::Earlier;

/// Directories, less what the sandbox holds in them. All paths are absolute and without links.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writable {
    /// The directories that can be written, with all below them.
    pub roots: Vec<PathBuf>,
    /// What lies in them and is read-only all the same, with all below it but further roots; nothing
    /// else can be put in its place. Empty where nothing holds it.
    pub held: Vec<PathBuf>,
    /// What could be written before.
    pub earlier: Earlier,
    /// What programs outside start is judged as well.
    pub is_judged_outside: bool,
}
