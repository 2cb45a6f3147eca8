//! Which paths the sandbox keeps from being written, and the smallest setting that would not.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use super::policy::{Mode, Policy};
use super::protect::{Access, PROTECTED, Plan, nearest};

/// What one sandbox lets its programs write.
#[derive(Debug, Clone)]
pub struct Reach {
    policy: Policy,
    /// The mounts; `None` where Landlock alone holds the files.
    plan: Option<Plan>,
    cwd: PathBuf,
}

/// A path that the sandbox keeps from being written, and nothing else does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The path, with every link followed.
    pub path: PathBuf,
    /// The options of `codex-shell run` that would permit it.
    pub remedy: Vec<OsString>,
    /// It lies in a workspace, below a name that is kept from being written there.
    pub is_protected: bool,
}

impl Reach {
    pub(super) fn new(policy: &Policy, plan: Option<Plan>, cwd: &Path) -> Self {
        Self {
            policy: policy.clone(),
            plan,
            cwd: cwd.to_owned(),
        }
    }

    /// The error that a program gets that writes what it must not.
    pub fn errno(&self) -> Errno {
        match self.plan {
            Some(_) => Errno::EROFS,
            None => Errno::EACCES,
        }
    }

    /// What is known of `path`, absolute as a program in the sandbox named it; `None` where the
    /// sandbox would let it be written, where something else would not, or where there is no
    /// telling.
    pub fn denied(&self, path: &Path) -> Option<Denied> {
        let path = resolved(path)?;
        let place = if path.exists() { &path } else { path.parent()? };
        if self.permits(&path) || access(place, AccessFlags::W_OK).is_err() {
            return None;
        }
        Some(Denied {
            remedy: self.remedy(&path),
            is_protected: is_protected(&path, &self.policy.workspaces),
            path,
        })
    }

    fn permits(&self, path: &Path) -> bool {
        match &self.plan {
            Some(plan) => nearest(plan, path) == Access::Write,
            None => within(path, &self.policy.writable),
        }
    }

    /// The least that would permit writing `path`: the mode, the mode and a directory, all.
    fn remedy(&self, path: &Path) -> Vec<OsString> {
        let mut options: Vec<OsString> = Vec::new();
        if self.policy.mode == Mode::ReadOnly {
            options.extend(["--sandbox", Mode::WorkspaceWrite.as_str()].map(OsString::from));
            if self.would_permit(path, &[]) {
                return options;
            }
        }
        for folder in [path.parent(), Some(path)].into_iter().flatten() {
            if folder.is_dir() && self.would_permit(path, &[folder.to_owned()]) {
                options.extend(["--writable".into(), folder.as_os_str().to_owned()]);
                return options;
            }
        }
        ["--sandbox", Mode::DangerFullAccess.as_str()]
            .map(OsString::from)
            .to_vec()
    }

    /// Whether workspace-write, with `more` beside the roots there are, lets `path` be written.
    fn would_permit(&self, path: &Path, more: &[PathBuf]) -> bool {
        let tmpdir = std::env::var_os("TMPDIR");
        let roots = [&self.policy.workspaces, more].concat();
        let mode = Mode::WorkspaceWrite;
        let policy = Policy::new(mode, false, &self.cwd, &roots, tmpdir.as_deref());
        policy.is_ok_and(|policy| {
            // A root that is named is meant, even below a protected name.
            within(path, more)
                || within(path, &policy.writable) && !is_protected(path, &policy.writable)
        })
    }
}

/// Whether `path` is below a protected name in one of the `roots`.
fn is_protected(path: &Path, roots: &[PathBuf]) -> bool {
    roots.iter().any(|root| {
        let mut names = PROTECTED.iter().map(|name| root.join(name));
        names.any(|name| path.starts_with(name))
    })
}

fn within(path: &Path, roots: &[PathBuf]) -> bool {
    roots.iter().any(|root| path.starts_with(root))
}

/// `path` with every link followed; its last component may be missing.
fn resolved(path: &Path) -> Option<PathBuf> {
    if let Ok(real) = fs::canonicalize(path) {
        return Some(real);
    }
    Some(
        fs::canonicalize(path.parent()?)
            .ok()?
            .join(path.file_name()?),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remedy(reach: &Reach, path: &Path) -> Option<String> {
        let denied = reach.denied(path)?;
        assert_eq!(denied.path, path);
        Some(denied.remedy.join(" ".as_ref()).into_string().unwrap())
    }

    /// A workspace and a directory outside it that can be written otherwise.
    fn world() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let directory = tempfile::tempdir_in("/var/tmp").unwrap();
        let base = fs::canonicalize(directory.path()).unwrap();
        let (workspace, outside) = (base.join("ws"), base.join("out"));
        fs::create_dir_all(workspace.join(".git")).unwrap();
        fs::create_dir(&outside).unwrap();
        (directory, workspace, outside)
    }

    fn reach(mode: Mode, cwd: &Path) -> Reach {
        let policy = Policy::new(mode, false, cwd, &[], None).unwrap();
        let (plan, _placeholders) = super::super::protect::plan(&policy).unwrap();
        Reach::new(&policy, Some(plan), cwd)
    }

    #[test]
    fn the_least_that_permits_it_is_told() {
        let (_directory, workspace, outside) = world();
        let reach = reach(Mode::WorkspaceWrite, &workspace);
        let told = format!("--writable {}", outside.display());
        assert_eq!(remedy(&reach, &outside.join("new")), Some(told));
        let told = format!("--writable {}/.git", workspace.display());
        let below = workspace.join(".git/new");
        assert_eq!(remedy(&reach, &below), Some(told));
        assert!(reach.denied(&below).unwrap().is_protected);
        assert!(!reach.denied(&outside.join("new")).unwrap().is_protected);
        assert_eq!(remedy(&reach, &workspace.join("new")), None);
        assert_eq!(remedy(&reach, Path::new("/nowhere/at/all")), None);
    }

    #[test]
    fn a_read_only_workspace_wants_another_mode_alone() {
        let (_directory, workspace, outside) = world();
        let reach = reach(Mode::ReadOnly, &workspace);
        let mode = "--sandbox workspace-write";
        for path in [workspace.join("new"), "/tmp/codex-shell-new".into()] {
            assert_eq!(remedy(&reach, &path).as_deref(), Some(mode));
        }
        let told = format!("{mode} --writable {}", outside.display());
        assert_eq!(remedy(&reach, &outside.join("new")), Some(told));
    }

    #[test]
    fn links_are_followed() {
        let (_directory, workspace, outside) = world();
        std::os::unix::fs::symlink(&outside, workspace.join("link")).unwrap();
        let reach = reach(Mode::WorkspaceWrite, &workspace);
        let denied = reach.denied(&workspace.join("link/new")).unwrap();
        assert_eq!(denied.path, outside.join("new"));
    }
}
