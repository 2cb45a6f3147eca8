//! Which namespaces a sandbox gets, and the user namespace's view of ids.

use std::fs::OpenOptions;
use std::io::{self, Write};

use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::unistd::{Gid, Pid, Uid, geteuid};

use crate::sys::caps;

use super::mounts;

/// Who the caller is outside; inside, the ids are the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallerIds {
    uid: Uid,
    gid: Gid,
    /// A user namespace is needed to get the others.
    pub(super) user_namespace: bool,
}

impl CallerIds {
    pub(super) fn of_caller() -> io::Result<Self> {
        let root = geteuid().is_root() && caps::has_sys_admin()?;
        Ok(Self {
            uid: geteuid(),
            gid: nix::unistd::getegid(),
            user_namespace: !root,
        })
    }
}

/// The namespaces of a sandbox.
pub(super) fn flags(identity: CallerIds, network: bool) -> CloneFlags {
    let mut flags = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC;
    flags.set(CloneFlags::CLONE_NEWUSER, identity.user_namespace);
    flags.set(CloneFlags::CLONE_NEWNET, !network);
    flags
}

/// Whether `error` of clone(2) says that this machine does not let us have namespaces.
pub(super) fn barred(error: &io::Error) -> bool {
    let refusals = [
        Errno::EPERM,
        Errno::ENOSPC,
        Errno::EUSERS,
        Errno::EINVAL,
        Errno::ENOSYS,
    ];
    refusals
        .iter()
        .any(|errno| error.raw_os_error() == Some(*errno as i32))
}

/// Inside the new namespaces: keeps the ids as they are outside, and takes possession of the mounts.
/// A failure means that the namespaces came without the rights to use them.
pub(super) fn settle(identity: CallerIds) -> io::Result<()> {
    if identity.user_namespace {
        let (uid, gid) = (identity.uid, identity.gid);
        write("/proc/self/setgroups", "deny")?;
        write("/proc/self/uid_map", &format!("{uid} {uid} 1"))?;
        write("/proc/self/gid_map", &format!("{gid} {gid} 1"))?;
    }
    Ok(mounts::make_private()?)
}

/// Has the next process of this pid namespace get the number `pid`, unless it is taken.
pub(super) fn number_next(pid: Pid) -> io::Result<()> {
    let before = pid.as_raw().saturating_sub(1);
    write("/proc/sys/kernel/ns_last_pid", &before.to_string())
}

/// In one call, as these files want it.
fn write(path: &str, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(path)?
        .write_all(text.as_bytes())
}
