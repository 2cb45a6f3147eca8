//! Which paths the sandbox keeps from being written, and the smallest setting that would not.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use super::access::{Access, Cause, MountPlan, nearest};
use super::caches;
use super::layout::Layout;
use super::policy::{Mode, Policy};
use super::trail::{Trail, within};
use crate::request::argv;

/// The error of a program that moves or removes what is held.
const HELD: Errno = Errno::EBUSY;

/// What one sandbox lets its programs write.
#[derive(Debug, Clone)]
pub struct Reach {
    policy: Policy,
    /// The mounts; `None` where Landlock alone holds the files.
    plan: Option<MountPlan>,
    cwd: PathBuf,
}

/// A path that the sandbox keeps from being written, and nothing else does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The path, with every link followed.
    pub path: PathBuf,
    /// What would permit it.
    pub remedy: Remedy,
    /// Why it is kept from being written though it lies in a directory that may be written.
    pub cause: Option<Cause>,
}

/// What would permit writing a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// These options of `codex-shell run`.
    Options(Vec<OsString>),
    /// That settings take this name out of the protected ones.
    Unprotected(&'static str),
    /// That a rule lets git out: a repository that commands could write git would not be let out for.
    GitOutside,
    /// Nothing but to have it elsewhere.
    Nothing,
}

impl Remedy {
    /// As it is typed, in text form; empty where nothing helps.
    pub fn text(&self) -> String {
        match self {
            Self::Options(options) => argv::text(options),
            Self::Unprotected(name) => format!("unprotected = [\"{name}\"]"),
            Self::GitOutside | Self::Nothing => String::new(),
        }
    }
}

impl Reach {
    /// That of a sandbox with mounts of this `policy`, for a command that starts in `cwd`. `None` where
    /// there can be none.
    pub fn of(policy: &Policy, cwd: &Path) -> Option<Self> {
        let plan = Layout::of(policy).ok()?.plan;
        Some(Self::new(policy, Some(plan), cwd))
    }

    pub(super) fn new(policy: &Policy, plan: Option<MountPlan>, cwd: &Path) -> Self {
        Self {
            policy: policy.clone(),
            plan,
            cwd: cwd.to_owned(),
        }
    }

    /// The errors that a program gets that writes what it must not, or removes it.
    pub fn errnos(&self) -> &'static [Errno] {
        match self.plan {
            // What is held is a mount, and in use.
            Some(_) => &[Errno::EROFS, HELD],
            None => &[Errno::EACCES],
        }
    }

    /// `path`, absolute as a program in the sandbox named it, with every link followed; `None` where the
    /// sandbox would let it be written, where something else would not, where it can't be for that reason
    /// that `errno` was the error, or where there is no telling.
    pub fn refuses(&self, path: &Path, errno: Errno) -> Option<PathBuf> {
        let path = Trail::to(path).target()?.to_owned();
        let place = if path.exists() { &path } else { path.parent()? };
        let is_held = || self.plan.as_ref().and_then(|plan| cause(plan, &path));
        let is_ours = !self.permits(&path) && access(place, AccessFlags::W_OK).is_ok();
        let is_ours = is_ours && (errno != HELD || is_held().is_some());
        is_ours.then_some(path)
    }

    /// What is known of a path that the sandbox [refuses](Self::refuses).
    pub fn denied(&self, path: PathBuf, errno: Errno) -> Denied {
        let cause = self.plan.as_ref().and_then(|plan| cause(plan, &path));
        Denied {
            remedy: self.remedy(&path, cause, errno),
            cause,
            path,
        }
    }

    fn permits(&self, path: &Path) -> bool {
        match &self.plan {
            Some(plan) => nearest(plan, path) == Access::Write,
            None => within(path, &self.policy.writable),
        }
    }

    /// The least that would permit writing `path`: the mode, the mode and a directory, a setting, all.
    fn remedy(&self, path: &Path, cause: Option<Cause>, errno: Errno) -> Remedy {
        if let Some(Cause::Deciding(_)) = cause {
            return Remedy::Nothing;
        }
        // One that is only now to be made is nobody's yet.
        let is_repository = |above: &Path| above.ends_with(".git") && above.join("HEAD").exists();
        if path.ancestors().any(is_repository) {
            return Remedy::GitOutside;
        }
        let mut options: Vec<OsString> = Vec::new();
        if self.policy.mode == Mode::ReadOnly {
            options.extend(["--sandbox", Mode::WorkspaceWrite.as_str()].map(OsString::from));
            if self.would_permit(path, &[]) {
                return Remedy::Options(options);
            }
        }
        // A root of its own can't be moved or removed either.
        let itself = Some(path).filter(|_| errno != HELD);
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let cache = home.and_then(|home| caches::around(path, &fs::canonicalize(home).ok()?));
        let folders = [cache.as_deref(), path.parent(), itself];
        for folder in folders.into_iter().flatten() {
            if folder.is_dir() && self.would_permit(path, &[folder.to_owned()]) {
                options.extend(["--writable".into(), folder.as_os_str().to_owned()]);
                return Remedy::Options(options);
            }
        }
        if let Some(Cause::Obeyed { name, .. }) = cause {
            return Remedy::Unprotected(name);
        }
        let all = ["--sandbox", Mode::DangerFullAccess.as_str()];
        Remedy::Options(all.map(OsString::from).to_vec())
    }

    /// Whether workspace-write, with `more` beside the roots there are, lets `path` be written.
    fn would_permit(&self, path: &Path, more: &[PathBuf]) -> bool {
        let tmpdir = std::env::var_os("TMPDIR");
        let roots = [&self.policy.workspaces, more].concat();
        let mode = Mode::WorkspaceWrite;
        let policy = Policy::new(mode, false, &self.cwd, &roots, tmpdir.as_deref());
        policy.is_ok_and(|policy| {
            let policy = policy.protecting(self.policy.protection.clone());
            Layout::of(&policy).is_ok_and(|layout| nearest(&layout.plan, path) == Access::Write)
        })
    }
}

/// Why `path` is read-only by `plan` although it lies in a root.
fn cause(plan: &MountPlan, path: &Path) -> Option<Cause> {
    match nearest(plan, path) {
        Access::Protected(cause) => Some(cause),
        Access::Write | Access::Read | Access::None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remedy(reach: &Reach, path: &Path) -> Option<String> {
        let denied = reach.denied(reach.refuses(path, Errno::EROFS)?, Errno::EROFS);
        assert_eq!(denied.path, path);
        match denied.remedy {
            Remedy::Options(options) => Some(options.join(" ".as_ref()).into_string().unwrap()),
            other => Some(format!("{other:?}")),
        }
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
        fs::write(workspace.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        assert_eq!(remedy(&reach, &below).as_deref(), Some("GitOutside"));
        // So it is for a repository around the workspace.
        fs::create_dir(outside.join(".git")).unwrap();
        fs::write(outside.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        let around = outside.join(".git/index.lock");
        assert_eq!(remedy(&reach, &around).as_deref(), Some("GitOutside"));
        let cause = |path: &Path| {
            let refused = reach.refuses(path, Errno::EROFS).unwrap();
            reach.denied(refused, Errno::EROFS).cause
        };
        assert_eq!(cause(&below), Some(Cause::Name));
        assert_eq!(cause(&outside.join("new")), None);
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
        let refused = reach.refuses(&workspace.join("link/new"), Errno::EROFS);
        assert_eq!(refused, Some(outside.join("new")));
    }
}
