//! What stays read-only inside a writable root, and which mounts say so.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::access::{Access, Cause, MountPlan};
use super::error::{ConfineError, Wish};
use super::layout::Layout;
use super::placeholder::Placeholders;
use super::policy::Policy;
use super::unseen;

/// The mounts that `policy` asks for. Makes what stands for protected names that do not exist yet:
/// only what exists can be held.
///
/// # Errors
/// Something that decides what is permitted can't be kept from being written.
pub(super) fn plan(policy: &Policy) -> Result<(MountPlan, Placeholders), ConfineError> {
    let layout = Layout::of(policy)?;
    layout.check(policy)?;
    layout.stale.iter().for_each(|path| unseen::sweep(path));
    let mut placeholders = Placeholders::default();
    let plan = hold_missing(layout, &mut placeholders)?;
    Ok((plan, placeholders))
}

/// The same while the sandbox stands, which was made by the plan `before`: what was held then stays held.
/// Without placeholders, what is missing is left out.
///
/// # Errors
/// Something can't be held any more.
pub(super) fn plan_again(
    policy: &Policy,
    before: &MountPlan,
    placeholders: Option<&mut Placeholders>,
) -> Result<MountPlan, ConfineError> {
    let mut layout = Layout::again(policy, before)?;
    layout.check(policy)?;
    if let Some(placeholders) = placeholders {
        return hold_missing(layout, placeholders);
    }
    layout
        .plan
        .retain(|path, _| path.symlink_metadata().is_ok());
    Ok(layout.plan)
}

/// The plan, once something stands for each name that is missing and can be made.
fn hold_missing(
    layout: Layout,
    placeholders: &mut Placeholders,
) -> Result<MountPlan, ConfineError> {
    let mut plan = layout.plan;
    for (path, form) in &layout.missing {
        placeholders.hold(path, *form)?;
        if let Err(error) = path.symlink_metadata() {
            let access = plan.remove(path);
            if access == Some(Access::Protected(Cause::TakenOut)) && could_be_opened(path, &error) {
                return Err(ConfineError::Unheld {
                    path: path.clone(),
                    wish: Wish::ReadOnly,
                    reason: "its directory is closed, and the command could open it".to_owned(),
                });
            }
        }
    }
    Ok(plan)
}

/// Whether nobody can tell what is at `path`, but its directory is the user's own to open.
fn could_be_opened(path: &Path, error: &io::Error) -> bool {
    let parent = path.parent().and_then(|parent| parent.metadata().ok());
    error.kind() == io::ErrorKind::PermissionDenied
        && parent.is_some_and(|parent| parent.uid() == nix::unistd::geteuid().as_raw())
}

/// Where there are no mounts, as `why` says: whether all is well without.
///
/// # Errors
/// Something that decides what is permitted lies in a writable root, or something is to be hidden.
pub(super) fn check_unheld(policy: &Policy, why: &str) -> Result<(), ConfineError> {
    let patterns = policy.unreadable_patterns.iter();
    let mut hidden = policy
        .unreadable
        .iter()
        .map(PathBuf::as_path)
        .chain(patterns.map(|pattern| Path::new(pattern.as_str())));
    if let Some(path) = hidden.next() {
        return Err(ConfineError::Exposed {
            path: path.to_owned(),
            reason: why.to_owned(),
        });
    }
    let layout = Layout::of(policy)?;
    layout.check(policy)?;
    let found = layout.deciding.iter().find(|found| found.role.is_vital());
    found.map_or(Ok(()), |found| {
        Err(ConfineError::Unguarded {
            path: found.path.clone(),
            role: found.role,
            reason: format!("nothing would hold it, as there are no namespaces here ({why})"),
        })
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
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
        assert_eq!(
            plan.get(&workspace.join(".git")),
            Some(&Access::Protected(Cause::Name))
        );
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
        let read = |path: &Path| plan.get(path) == Some(&Access::Protected(Cause::Name));
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
        assert_eq!(
            plan.get(&workspace.join(".codex")),
            Some(&Access::Protected(Cause::Name))
        );
        assert_eq!(plan.get(&inner), Some(&Access::Write));
    }
}
