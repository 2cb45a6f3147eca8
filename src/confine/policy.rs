//! What a sandbox permits.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::ConfineError;

/// How much is permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is written.
    ReadOnly,
    /// The writable roots are written.
    WorkspaceWrite,
    /// No sandbox; each exec is still judged.
    DangerFullAccess,
}

impl Mode {
    /// All, from the strictest.
    pub const ALL: [Self; 3] = [Self::ReadOnly, Self::WorkspaceWrite, Self::DangerFullAccess];

    /// How much it forbids: more is stricter.
    pub fn strictness(self) -> u8 {
        match self {
            Self::ReadOnly => 2,
            Self::WorkspaceWrite => 1,
            Self::DangerFullAccess => 0,
        }
    }

    /// The name that people write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::WorkspaceWrite => "workspace-write",
            Self::DangerFullAccess => "danger-full-access",
        }
    }

    /// The mode that people call `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

/// What a sandbox permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How much is permitted.
    pub mode: Mode,
    /// Internet sockets may be made.
    pub network: bool,
    /// The directories that may be written: absolute, canonical, sorted. Empty unless the mode is
    /// workspace-write.
    pub writable: Vec<PathBuf>,
    /// Those of them that hold work, as against scratch space: in these, protected names that do
    /// not exist yet can't be made either.
    pub workspaces: Vec<PathBuf>,
}

/// Where the sandbox mounts what the kernel makes up; nothing there can be a writable root.
const KERNEL_DIRECTORIES: [&str; 3] = ["/dev", "/proc", "/sys"];

impl Policy {
    /// Under workspace-write, `cwd`, `extra`, `/tmp` and `tmpdir` (the value of TMPDIR) may be
    /// written. The last two are left out when they don't exist or can't be roots.
    ///
    /// Fails when a directory that was named does not exist, or can't be a writable root.
    pub fn new(
        mode: Mode,
        network: bool,
        cwd: &Path,
        extra: &[PathBuf],
        tmpdir: Option<&OsStr>,
    ) -> Result<Self, ConfineError> {
        let extra = extra.iter().map(|path| cwd.join(path));
        let roots: Vec<PathBuf> = std::iter::once(cwd.to_owned()).chain(extra).collect();
        Self::with_roots(mode, network, &roots, tmpdir)
    }

    /// The same where `roots`, all absolute, are the workspaces.
    pub fn with_roots(
        mode: Mode,
        network: bool,
        roots: &[PathBuf],
        tmpdir: Option<&OsStr>,
    ) -> Result<Self, ConfineError> {
        let mut policy = Self {
            mode,
            network: network || mode == Mode::DangerFullAccess,
            writable: Vec::new(),
            workspaces: Vec::new(),
        };
        if mode != Mode::WorkspaceWrite {
            return Ok(policy);
        }
        let workspaces = roots.iter().map(|path| root(path));
        let workspaces: BTreeSet<PathBuf> = workspaces.collect::<Result<_, _>>()?;
        let mut writable = workspaces.clone();
        let scratch = [Some(OsStr::new("/tmp")), tmpdir];
        let scratch = scratch.into_iter().flatten().map(Path::new);
        writable.extend(
            scratch
                .filter(|path| path.is_absolute())
                .filter_map(|path| root(path).ok()),
        );
        policy.workspaces = workspaces.into_iter().collect();
        policy.writable = writable.into_iter().collect();
        Ok(policy)
    }

    /// The directories that may be written.
    pub fn writable_roots(&self) -> &[PathBuf] {
        &self.writable
    }
}

/// `path`, canonical, if it can be a writable root.
fn root(path: &Path) -> Result<PathBuf, ConfineError> {
    let refuse = |reason: &str| ConfineError::Root {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let canonical = fs::canonicalize(path).map_err(|error| refuse(&error.to_string()))?;
    if !canonical.is_dir() {
        return Err(refuse("it is not a directory"));
    }
    if canonical == Path::new("/") {
        return Err(refuse(
            "everything would be writable; start in another directory, or use the mode `read-only`",
        ));
    }
    if KERNEL_DIRECTORIES
        .iter()
        .any(|kernel| canonical.starts_with(kernel))
    {
        return Err(refuse("the sandbox has its own /dev, /proc and /sys"));
    }
    Ok(canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace_write(cwd: &Path, extra: &[PathBuf], tmpdir: Option<&OsStr>) -> Policy {
        Policy::new(Mode::WorkspaceWrite, false, cwd, extra, tmpdir).unwrap()
    }

    #[test]
    fn modes_have_names() {
        for mode in Mode::ALL {
            assert_eq!(Mode::from_name(mode.as_str()), Some(mode));
        }
        assert_eq!(Mode::from_name("readonly"), None);
    }

    #[test]
    fn read_only_writes_nothing() {
        let policy = Policy::new(Mode::ReadOnly, true, Path::new("/usr"), &[], None).unwrap();
        assert!(policy.network);
        assert_eq!(policy.writable_roots(), &[] as &[PathBuf]);
    }

    #[test]
    fn roots_are_canonical_and_once() {
        let directory = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(directory.path()).unwrap();
        let link = real.join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let policy = workspace_write(&link, &["../".into(), link.clone()], Some(link.as_os_str()));
        assert_eq!(
            policy.writable.iter().filter(|path| **path == real).count(),
            1
        );
        assert!(policy.workspaces.contains(&real));
    }

    #[test]
    fn scratch_is_writable_but_no_workspace() {
        let policy = workspace_write(Path::new("/usr"), &[], Some(OsStr::new("/nowhere")));
        assert_eq!(policy.workspaces, [Path::new("/usr")]);
        assert_eq!(policy.writable, [Path::new("/tmp"), Path::new("/usr")]);
    }

    #[test]
    fn a_senseless_tmpdir_is_left_out() {
        for tmpdir in ["/", "/dev/shm", "relative", ""] {
            let policy = workspace_write(Path::new("/usr"), &[], Some(OsStr::new(tmpdir)));
            assert_eq!(policy.writable.len(), 2, "{tmpdir}");
        }
    }

    #[test]
    fn some_directories_are_refused() {
        for path in ["/", "/dev", "/dev/shm", "/proc/self", "/sys", "/nowhere"] {
            let refused = Policy::new(Mode::WorkspaceWrite, false, Path::new(path), &[], None);
            assert!(matches!(refused, Err(ConfineError::Root { .. })), "{path}");
        }
    }
}
