//! What a sandbox permits.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::access::PROTECTED;
use super::error::ConfineError;
use super::git_chain::git_chain;
use super::pattern::PathPattern;
use super::protection::Protection;
use super::trail::{Trail, within};
use crate::request::{Earlier, Writable};

/// How much is permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    /// Those of the roots, as they were named, that a symbolic link leads to: absolute. What is in a
    /// root decides so where the next sandbox writes, and is not written.
    pub linked: Vec<PathBuf>,
    /// Paths below them that are not written all the same, whether they exist or not: absolute, as they
    /// were named.
    pub read_only: Vec<PathBuf>,
    /// Paths that are not even read: absolute, as they were named. Without a mount namespace nothing
    /// starts that has some.
    pub unreadable: Vec<PathBuf>,
    /// The same for what is of such a form when the sandbox is made.
    pub unreadable_patterns: Vec<PathPattern>,
    /// What is not written although it lies in a root.
    pub protection: Protection,
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
            ..Self::closed()
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
        let named = roots.iter().map(PathBuf::as_path);
        let named = named
            .chain(tmpdir.map(Path::new))
            .filter(|path| path.is_absolute());
        let linked = named.filter(|path| !Trail::to(path).links.is_empty());
        policy.linked = linked.map(Path::to_owned).collect();
        Ok(policy)
    }

    /// A symbolic link on the way to `path`, absolute, which stands in one of `roots`, or where an `earlier`
    /// session wrote: whoever writes there could have made it.
    ///
    /// # Errors
    /// What is remembered of earlier sessions can't be read.
    pub fn link_by_commands(
        path: &Path,
        roots: &[PathBuf],
        earlier: &Earlier,
    ) -> io::Result<Option<PathBuf>> {
        let roots: Vec<PathBuf> = roots
            .iter()
            .filter_map(|it| fs::canonicalize(it).ok())
            .collect();
        for link in Trail::to(path).links {
            if within(&link, &roots) || earlier.is_written(&link)? {
                return Ok(Some(link));
            }
        }
        Ok(None)
    }

    /// That `path`, absolute, leads to a root by no such link, which would decide what else is written.
    ///
    /// # Errors
    /// It does, or nobody knows.
    pub fn leads_straight(
        path: &Path,
        roots: &[PathBuf],
        earlier: &Earlier,
    ) -> Result<(), ConfineError> {
        let reason = match Self::link_by_commands(path, roots, earlier) {
            Ok(None) => return Ok(()),
            Ok(Some(link)) => format!(
                "{} is a symbolic link that a command could have made; name the directory itself",
                link.display()
            ),
            Err(error) => format!("what is remembered of earlier sessions: {error}"),
        };
        Err(ConfineError::Root {
            path: path.to_owned(),
            reason,
        })
    }

    /// The same of each root, as it was named.
    ///
    /// # Errors
    /// As for [`leads_straight`](Self::leads_straight).
    pub fn roots_lead_straight(&self) -> Result<(), ConfineError> {
        let earlier = &self.protection.earlier;
        let mut named = self.linked.iter();
        named.try_for_each(|path| Self::leads_straight(path, &self.writable, earlier))
    }

    /// Nothing is written, and there is no network.
    pub fn closed() -> Self {
        Self {
            mode: Mode::ReadOnly,
            network: false,
            writable: Vec::new(),
            workspaces: Vec::new(),
            linked: Vec::new(),
            read_only: Vec::new(),
            unreadable: Vec::new(),
            unreadable_patterns: Vec::new(),
            protection: Protection::default(),
        }
    }

    /// The same with this `protection`.
    #[must_use]
    pub fn protecting(self, protection: Protection) -> Self {
        Self { protection, ..self }
    }

    /// The directories that may be written.
    pub fn writable_roots(&self) -> &[PathBuf] {
        &self.writable
    }

    /// Where the sandboxed side can write, if mounts hold what lies in the roots.
    pub fn ground(&self) -> Writable {
        let held = self.workspaces.iter().flat_map(|root| {
            let git = root.join(".git");
            git_chain(&git, &self.writable)
        });
        Writable {
            held: held.chain(self.taken_out()).collect(),
            roots: self.writable.clone(),
            earlier: self.protection.earlier.clone(),
            is_judged_outside: true,
        }
    }

    /// The same where `read_only`, below its roots, is not written, and `unreadable` is not even read.
    /// Both are absolute.
    #[must_use]
    pub fn without(self, read_only: &[PathBuf], unreadable: &[PathBuf]) -> Self {
        Self {
            read_only: union(read_only, &[]),
            unreadable: union(unreadable, &[]),
            ..self
        }
    }

    /// The same where nothing of such a form is read.
    #[must_use]
    pub fn without_any(self, patterns: &[PathPattern]) -> Self {
        Self {
            unreadable_patterns: union(patterns, &[]),
            ..self
        }
    }

    /// What is read-only in the roots by the policy itself, and each link on the way there.
    fn taken_out(&self) -> impl Iterator<Item = PathBuf> {
        let entries = self.read_only.iter().flat_map(|path| {
            let trail = Trail::to(path);
            trail.entries().cloned().collect::<Vec<_>>()
        });
        entries.filter(|path| within(path, &self.writable) && !self.writable.contains(path))
    }

    /// What both permit: a directory that is written lies in a root of each, and in nothing that
    /// either protects.
    #[must_use]
    pub fn both(self, other: Self) -> Self {
        let network = self.network && other.network;
        let unreadable = union(&self.unreadable, &other.unreadable);
        let unreadable_patterns = union(&self.unreadable_patterns, &other.unreadable_patterns);
        let protection = self.protection.clone().and(&other.protection);
        let narrower = match (self.mode, other.mode) {
            (Mode::DangerFullAccess, _) => other,
            (_, Mode::DangerFullAccess) => self,
            (Mode::ReadOnly, _) | (_, Mode::ReadOnly) => Self::closed(),
            (Mode::WorkspaceWrite, Mode::WorkspaceWrite) => self.shared_roots(&other),
        };
        Self {
            network,
            unreadable,
            unreadable_patterns,
            protection,
            ..narrower
        }
    }

    /// Of two that write in roots: those that lie in roots of both.
    fn shared_roots(&self, other: &Self) -> Self {
        let ours = self.writable.iter().filter(|root| other.writes(root));
        let theirs = other.writable.iter().filter(|root| self.writes(root));
        let writable: BTreeSet<PathBuf> = ours.chain(theirs).cloned().collect();
        // What either protects stays protected.
        let is_held =
            |root: &&PathBuf| self.workspaces.contains(root) || other.workspaces.contains(root);
        Self {
            mode: Mode::WorkspaceWrite,
            workspaces: writable.iter().filter(is_held).cloned().collect(),
            linked: union(&self.linked, &other.linked),
            read_only: union(&self.read_only, &other.read_only),
            writable: writable.into_iter().collect(),
            ..Self::closed()
        }
    }

    /// Whether `path` lies in a root, and in nothing that is protected in it.
    pub fn writes(&self, path: &Path) -> bool {
        let roots = self.writable.iter().filter(|root| path.starts_with(root));
        let Some(root) = roots.max_by_key(|root| root.as_os_str().len()) else {
            return false;
        };
        let is_below = |held: &Path| held.starts_with(root) && path.starts_with(held);
        !self.taken_out().any(|held| is_below(&held))
            && !PROTECTED.iter().any(|name| is_below(&root.join(name)))
    }
}

fn union<T: Ord + Clone>(one: &[T], other: &[T]) -> Vec<T> {
    let all: BTreeSet<&T> = one.iter().chain(other).collect();
    all.into_iter().cloned().collect()
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
    fn both_permit_what_each_does() {
        use Mode::{DangerFullAccess, ReadOnly, WorkspaceWrite};
        let policy = |mode, network, writable: &[&str]| Policy {
            mode,
            network,
            workspaces: writable.iter().map(PathBuf::from).collect(),
            writable: writable.iter().map(PathBuf::from).collect(),
            ..Policy::closed()
        };
        let floor = policy(WorkspaceWrite, false, &["/w"]);
        let wide = policy(WorkspaceWrite, true, &["/etc", "/w/.git/x", "/w/sub"]);
        let danger = policy(DangerFullAccess, true, &[]);
        let closed = policy(ReadOnly, false, &[]);
        let expected = policy(WorkspaceWrite, false, &["/w/sub"]);
        for (one, other, both) in [
            (&floor, &wide, &expected),
            (&floor, &danger, &floor),
            (&danger, &wide, &wide),
            (&closed, &danger, &closed),
            (&floor, &closed, &closed),
        ] {
            assert_eq!(one.clone().both(other.clone()), *both);
            assert_eq!(other.clone().both(one.clone()), *both);
        }
    }

    #[test]
    fn what_either_keeps_back_is_kept_back() {
        let mut one = workspace_write(Path::new("/usr"), &[], None);
        let mut other = one.clone();
        one.read_only = vec!["/elsewhere".into(), "/usr/lib".into()];
        other.unreadable = vec!["/usr/share/secret".into()];
        other.writable.push("/usr/lib/x".into());
        let both = one.clone().both(other.clone());
        assert_eq!(both.read_only, one.read_only);
        assert_eq!(both.unreadable, other.unreadable);
        assert!(!both.writable.contains(&"/usr/lib/x".into()));
        assert!(both.writes(Path::new("/usr/x")) && !both.writes(Path::new("/usr/.git/x")));
        assert!(!both.writes(Path::new("/usr/lib/x")) && !both.writes(Path::new("/var")));
    }

    #[test]
    fn some_directories_are_refused() {
        for path in ["/", "/dev", "/dev/shm", "/proc/self", "/sys", "/nowhere"] {
            let refused = Policy::new(Mode::WorkspaceWrite, false, Path::new(path), &[], None);
            assert!(matches!(refused, Err(ConfineError::Root { .. })), "{path}");
        }
    }
}
