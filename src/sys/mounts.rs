//! The mount calls that work on descriptors instead of paths.

#![expect(unsafe_code, reason = "mount_setattr(2) has no wrapper")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use super::checked;

/// What a mount forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes(u64);

impl Attributes {
    /// Nothing is written.
    pub const READ_ONLY: Self = Self(0x1);
    /// Set-user-id bits and file capabilities mean nothing.
    pub const NO_SUID: Self = Self(0x2);
    /// Device files can't be opened.
    pub const NO_DEVICES: Self = Self(0x4);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// `struct mount_attr`.
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// A detached copy of what is mounted at and beneath `at`, with its attributes as they are now.
pub fn copy_tree(at: impl AsFd) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_EMPTY_PATH;
    Ok(open_tree(at, c"", flags)?)
}

/// Mounts the detached `tree` over what `at` stands for.
pub fn attach(tree: impl AsFd, at: impl AsFd) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(tree, c"", at, c"", flags)?)
}

/// Adds `attributes` to the mount that `at` stands for and, when asked, to all beneath it.
pub fn restrict(at: impl AsFd, attributes: Attributes, recursive: bool) -> io::Result<()> {
    let flags = if recursive {
        libc::AT_EMPTY_PATH | libc::AT_RECURSIVE
    } else {
        libc::AT_EMPTY_PATH
    };
    let attr = MountAttr {
        set: attributes.0,
        clear: 0,
        propagation: 0,
        user_namespace: 0,
    };
    // SAFETY: the path is a constant C string, the structure outlives the call and its size is
    // given; the descriptor is borrowed for the call.
    checked(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            at.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    })?;
    Ok(())
}

/// The number of the mount whose root is at `path`, as it is seen from the directory `root`; `None` where no
/// mount begins. A link at the end is not followed.
///
/// # Errors
/// Nothing is there, or it can't be looked at.
pub fn mounted_at(root: impl AsFd, path: &Path) -> io::Result<Option<u64>> {
    let path = path.strip_prefix("/").unwrap_or(path);
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    let found = statx(root, path, flags, StatxFlags::MNT_ID)?;
    let begins = found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT);
    Ok(begins.then_some(found.stx_mnt_id))
}
