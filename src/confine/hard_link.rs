//! Second names of files that are not to be written, or not to be read.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access, geteuid};

use super::protection::Role;
use crate::request::SHIPPED;

/// Whether what is read at `path` for this `role` may have another name in one of the `roots`, by which
/// a command could write it.
pub(super) fn may_decide(path: &Path, role: Role, roots: &[PathBuf]) -> bool {
    let counts = match role {
        Role::Rules | Role::Settings | Role::Trust => true,
        // Root could write every program, and distributions ship some under several names.
        Role::Asker => !geteuid().is_root() || !SHIPPED.iter().any(|it| path.starts_with(it)),
        // Projects are trusted by what they say; the others run or lie inside.
        Role::Home | Role::Project | Role::Shell | Role::Audit | Role::Output => false,
    };
    counts && may_be_written(path, roots)
}

/// Whether the file at `path` may have another name in one of the `roots`, by which a command could
/// write it. Where its names are nobody can tell but by looking everywhere.
pub(super) fn may_be_written(path: &Path, roots: &[PathBuf]) -> bool {
    linked(path).is_some_and(|file| {
        roots.iter().any(|root| is_on_the_device_of(root, &file))
            && access(path, AccessFlags::W_OK).is_ok()
    })
}

/// Whether the file at `path` has another name, by which it could be read.
pub(super) fn may_be_read(path: &Path) -> bool {
    linked(path).is_some()
}

fn linked(path: &Path) -> Option<Metadata> {
    let file = fs::symlink_metadata(path).ok()?;
    (!file.is_dir() && file.nlink() > 1).then_some(file)
}

fn is_on_the_device_of(root: &Path, file: &Metadata) -> bool {
    fs::metadata(root).is_ok_and(|root| root.dev() == file.dev())
}
