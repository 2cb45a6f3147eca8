//! Second names of files that decide what is permitted.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access, geteuid};

use super::protection::Role;

/// Whether the file at `path` may have another name in one of the `roots`, by which a command could
/// write it. Where its names are nobody can tell but by looking everywhere.
pub(super) fn may_be_in(path: &Path, role: Role, roots: &[PathBuf]) -> bool {
    let Ok(file) = fs::symlink_metadata(path) else {
        return false;
    };
    let counts = match role {
        Role::Rules | Role::Settings | Role::Trust => true,
        // Root could write every program, and distributions ship some under several names.
        Role::Asker => !geteuid().is_root(),
        // Projects are trusted by what they say; the others run or lie inside.
        Role::Home | Role::Project | Role::Shell | Role::Audit => false,
    };
    counts
        && file.is_file()
        && file.nlink() > 1
        && roots.iter().any(|root| is_on_the_device_of(root, &file))
        && access(path, AccessFlags::W_OK).is_ok()
}

fn is_on_the_device_of(root: &Path, file: &Metadata) -> bool {
    fs::metadata(root).is_ok_and(|root| root.dev() == file.dev())
}
