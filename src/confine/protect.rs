//! What stays read-only inside a writable root, and which mounts say so.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::error::ConfineError;
use super::placeholder::Placeholders;
use super::policy::Policy;
use crate::sys::read_capped::open_file;

/// Names whose contents decide what later programs do, rules and hooks among them.
pub(super) const PROTECTED: [&str; 3] = [".git", ".codex", ".agents"];
/// A `.git` file or a `commondir` file holds one path.
const LONGEST_POINTER: u64 = 8192;

/// How a path is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    Read,
    /// Nothing of it is to be had, not even what is in it.
    None,
}

/// Every path that becomes a mount of its own; a directory comes before what it holds.
pub(super) type Plan = BTreeMap<PathBuf, Access>;

/// The mounts that `policy` asks for. Makes the protected directories that do not exist yet: only
/// what exists can be held.
pub(super) fn plan(policy: &Policy) -> Result<(Plan, Placeholders), ConfineError> {
    let roots = policy.writable_roots();
    let mut placeholders = Placeholders::default();
    let mut protected = Vec::new();
    for root in roots {
        for name in PROTECTED {
            let path = root.join(name);
            if policy.workspaces.contains(root) {
                placeholders.hold(&path)?;
            }
            protected.extend(chain(&path, roots, &mut placeholders)?);
        }
    }
    for path in policy.read_only.iter().filter(|path| within(path, roots)) {
        placeholders.hold(path)?;
        protected.extend(chain(path, roots, &mut placeholders)?);
    }
    let mut plan: Plan = protected
        .into_iter()
        .map(|path| (path, Access::Read))
        .collect();
    // A root that was asked for by its own name is meant, even where a pointer leads to it.
    plan.extend(roots.iter().map(|root| (root.clone(), Access::Write)));
    hide(&mut plan, &policy.unreadable)?;
    pin(&mut plan, roots);
    Ok((plan, placeholders))
}

/// Takes `paths` away, with all that is in them. What does not exist holds no secret.
fn hide(plan: &mut Plan, paths: &[PathBuf]) -> Result<(), ConfineError> {
    for path in paths {
        let Ok(hidden) = fs::canonicalize(path) else {
            continue;
        };
        let needed = |path: &PathBuf| path.starts_with(&hidden) && *path != hidden;
        let cwd = std::env::current_dir().ok();
        if hidden == Path::new("/") || plan.keys().any(needed) || cwd.iter().any(needed) {
            return Err(ConfineError::Hidden {
                path: path.to_owned(),
            });
        }
        plan.insert(hidden, Access::None);
    }
    Ok(())
}

/// `path` if it exists, and what it points to: where a symbolic link, a `.git` file, a `commondir`
/// file lead. Only what lies in a writable root needs protection.
fn chain(
    path: &Path,
    roots: &[PathBuf],
    placeholders: &mut Placeholders,
) -> Result<Vec<PathBuf>, ConfineError> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(Vec::new());
    };
    let mut found = vec![path.to_owned()];
    let mut target = path.to_owned();
    if metadata.is_symlink() {
        let Some(end) = link_target(path) else {
            return Ok(found);
        };
        if within(&end, roots) {
            placeholders.hold(&end)?;
            found.push(end.clone());
        }
        target = end;
    }
    if path.file_name() == Some(OsStr::new(".git")) {
        found.extend(git_chain(&target, roots));
    }
    found.retain(|path| path.symlink_metadata().is_ok());
    Ok(found)
}

/// Of a `.git`, which is no link: itself or the directory that it names, and the one with which that
/// shares its files, as far as they lie in a writable root.
pub(super) fn git_chain(target: &Path, roots: &[PathBuf]) -> Vec<PathBuf> {
    let git = pointer(target, b"gitdir:");
    let common = pointer(&git.as_deref().unwrap_or(target).join("commondir"), b"");
    let all = [Some(target.to_owned()), git, common].into_iter().flatten();
    all.filter(|path| within(path, roots)).collect()
}

/// Where the symbolic link at `path` leads; its last component may be missing.
fn link_target(path: &Path) -> Option<PathBuf> {
    if let Ok(target) = fs::canonicalize(path) {
        return Some(target);
    }
    let target = path.parent()?.join(fs::read_link(path).ok()?);
    let parent = fs::canonicalize(target.parent()?).ok()?;
    Some(parent.join(target.file_name()?))
}

/// The path that the file at `path` names behind `prefix`, if it is a file that does.
fn pointer(path: &Path, prefix: &[u8]) -> Option<PathBuf> {
    let mut text = Vec::new();
    open_file(path)
        .ok()?
        .take(LONGEST_POINTER)
        .read_to_end(&mut text)
        .ok()?;
    let named = OsStr::from_bytes(text.strip_prefix(prefix)?.trim_ascii());
    fs::canonicalize(path.parent()?.join(named)).ok()
}

fn within(path: &Path, roots: &[PathBuf]) -> bool {
    roots.iter().any(|root| path.starts_with(root))
}

/// Makes every directory between a root and a mount beneath it a mount, so that it can't be renamed
/// away and replaced together with what it holds.
fn pin(plan: &mut Plan, roots: &[PathBuf]) {
    let between: Vec<PathBuf> = plan
        .keys()
        .flat_map(|path| path.ancestors().skip(1))
        .filter(|path| within(path, roots))
        .map(Path::to_owned)
        .collect();
    for path in between {
        if !plan.contains_key(&path) {
            let access = nearest(plan, &path);
            plan.insert(path, access);
        }
    }
}

/// How `path` is mounted by what holds it.
pub(super) fn nearest(plan: &Plan, path: &Path) -> Access {
    path.ancestors()
        .find_map(|ancestor| plan.get(ancestor))
        .copied()
        .unwrap_or(Access::Read)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn policy(root: &Path, workspaces: &[&Path]) -> Policy {
        Policy {
            mode: super::super::policy::Mode::WorkspaceWrite,
            writable: [root]
                .iter()
                .chain(workspaces)
                .map(|&path| path.to_owned())
                .collect(),
            workspaces: workspaces.iter().map(|&path| path.to_owned()).collect(),
            ..Policy::closed()
        }
    }

    /// A scratch root and a workspace two levels below it.
    fn world() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        let workspace = root.join("a/ws");
        fs::create_dir_all(&workspace).unwrap();
        (directory, root, workspace)
    }

    #[test]
    fn directories_above_a_nested_root_are_pinned() {
        let (_directory, root, workspace) = world();
        let (plan, _held) = super::plan(&policy(&root, &[&workspace])).unwrap();
        let write = |path: &Path| plan.get(path) == Some(&Access::Write);
        assert!(write(&root) && write(&root.join("a")) && write(&workspace));
        assert_eq!(plan.get(&workspace.join(".git")), Some(&Access::Read));
        assert!(!plan.contains_key(&root.join(".git")));
    }

    #[test]
    fn a_git_file_and_a_link_lead_on() {
        let (_directory, root, workspace) = world();
        let git = root.join("repo/.git/worktrees/ws");
        fs::create_dir_all(&git).unwrap();
        fs::write(git.join("commondir"), "../..\n").unwrap();
        fs::write(
            workspace.join(".git"),
            format!("gitdir: {}\n", git.display()),
        )
        .unwrap();
        fs::create_dir(workspace.join("cfg")).unwrap();
        symlink("cfg", workspace.join(".codex")).unwrap();
        symlink("not-yet", workspace.join(".agents")).unwrap();
        let (plan, held) = super::plan(&policy(&root, &[&workspace])).unwrap();
        let read = |path: &Path| plan.get(path) == Some(&Access::Read);
        assert!(read(&workspace.join(".git")) && read(&git) && read(&root.join("repo/.git")));
        assert!(read(&workspace.join(".codex")) && read(&workspace.join("cfg")));
        assert!(read(&workspace.join(".agents")) && read(&workspace.join("not-yet")));
        drop(held);
        assert!(!workspace.join("not-yet").exists());
    }

    #[test]
    fn a_root_named_inside_a_protected_one_stays_writable() {
        let (_directory, root, workspace) = world();
        let inner = workspace.join(".codex/work");
        fs::create_dir_all(&inner).unwrap();
        let (plan, _held) = super::plan(&policy(&root, &[&workspace, &inner])).unwrap();
        assert_eq!(plan.get(&workspace.join(".codex")), Some(&Access::Read));
        assert_eq!(plan.get(&inner), Some(&Access::Write));
    }
}
