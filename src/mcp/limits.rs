//! What the sandbox permits in this session: the start's floor, the client's state, the call's wish.

use std::path::{Path, PathBuf};

use crate::confine::{ConfineError, Mode, PathPattern, Policy};

/// A sandbox as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Limits {
    /// How much is permitted.
    pub(super) mode: Mode,
    /// Whether there is a network.
    pub(super) network: bool,
    /// The workspaces: absolute directories that may be written, but for protected names in them.
    pub(super) roots: Vec<PathBuf>,
    /// `/tmp` may be written.
    pub(super) slash_tmp: bool,
    /// `$TMPDIR` may be written.
    pub(super) tmpdir: bool,
    /// Paths in these that are not written all the same: absolute.
    pub(super) read_only: Vec<PathBuf>,
    /// Paths that are not even read: absolute.
    pub(super) unreadable: Vec<PathBuf>,
    /// The same for what is of such a form.
    pub(super) unreadable_patterns: Vec<PathPattern>,
}

/// `$TMPDIR`, if it is set.
pub(super) fn tmpdir() -> Option<PathBuf> {
    std::env::var_os("TMPDIR").map(PathBuf::from)
}

impl Limits {
    /// A mode with the usual directories, in `cwd`.
    pub(super) fn plain(mode: Mode, cwd: &Path) -> Self {
        Self {
            mode,
            network: false,
            roots: vec![cwd.to_owned()],
            slash_tmp: true,
            tmpdir: true,
            read_only: Vec::new(),
            unreadable: Vec::new(),
            unreadable_patterns: Vec::new(),
        }
    }

    /// The policy that says so.
    ///
    /// # Errors
    /// A directory does not exist or can't be written in a sandbox.
    pub(super) fn policy(&self) -> Result<Policy, ConfineError> {
        let tmpdir = tmpdir().filter(|_| self.tmpdir);
        let tmpdir = tmpdir.as_deref().map(Path::as_os_str);
        let mut policy = Policy::with_roots(self.mode, self.network, &self.roots, tmpdir)?;
        if !self.slash_tmp {
            let tmp = std::fs::canonicalize("/tmp").ok();
            let workspaces = &policy.workspaces;
            policy
                .writable
                .retain(|root| Some(root) != tmp.as_ref() || workspaces.contains(root));
        }
        Ok(policy
            .without(&self.read_only, &self.unreadable)
            .without_any(&self.unreadable_patterns))
    }
}

/// Whether `a` permits less than `b`, or as much.
pub(super) fn is_within(a: Mode, b: Mode) -> bool {
    let rank = |mode| Mode::ALL.iter().position(|&m| m == mode);
    rank(a) <= rank(b)
}
