//! The mount calls that work on descriptors instead of paths.

#![expect(
    unsafe_code,
    reason = "open_tree(2), move_mount(2) and mount_setattr(2) have no wrapper"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

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

const MOVE_FROM_DESCRIPTOR: libc::c_uint = 0x4;
const MOVE_TO_DESCRIPTOR: libc::c_uint = 0x40;

/// A detached copy of what is mounted at and beneath `at`, with its attributes as they are now.
pub fn copy_tree(at: impl AsFd) -> io::Result<OwnedFd> {
    const FLAGS: libc::c_uint = libc::OPEN_TREE_CLONE
        | libc::OPEN_TREE_CLOEXEC
        | libc::AT_RECURSIVE as libc::c_uint
        | libc::AT_EMPTY_PATH as libc::c_uint;
    // SAFETY: the path is a constant C string; the descriptor is borrowed for the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_open_tree,
            at.as_fd().as_raw_fd(),
            c"".as_ptr(),
            FLAGS,
        )
    };
    let descriptor = i32::try_from(result).map_err(io::Error::other)?;
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call made a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Mounts the detached `tree` over what `at` stands for.
pub fn attach(tree: impl AsFd, at: impl AsFd) -> io::Result<()> {
    // SAFETY: both paths are constant C strings; both descriptors are borrowed for the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_fd().as_raw_fd(),
            c"".as_ptr(),
            at.as_fd().as_raw_fd(),
            c"".as_ptr(),
            MOVE_FROM_DESCRIPTOR | MOVE_TO_DESCRIPTOR,
        )
    };
    done(result)
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
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            at.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    };
    done(result)
}

fn done(result: libc::c_long) -> io::Result<()> {
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
