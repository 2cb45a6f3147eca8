//! Forking into new namespaces, and the descriptor that stands for a process.

#![expect(unsafe_code, reason = "clone(2) and _exit(2) have no safe wrapper")]

use std::fs;
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};

use nix::sched::CloneFlags;
use nix::unistd::Pid;
use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};

/// Which side of the fork this is.
#[derive(Debug)]
pub enum Forked {
    /// The caller. The descriptor is closed on exec.
    Parent {
        /// The child, as the caller's namespace numbers it.
        pid: Pid,
        /// The child, safe from reuse of its number.
        pidfd: OwnedFd,
    },
    /// The new process.
    Child,
}

/// Forks, with the child in the new namespaces of `flags` (`CLONE_NEW*` only).
///
/// Fails when this process has other threads: the child would inherit their locks.
pub fn fork_into(flags: CloneFlags) -> io::Result<Forked> {
    if fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("this process has other threads"));
    }
    let mut descriptor: RawFd = -1;
    let flags = flags.bits() | libc::CLONE_PIDFD | libc::SIGCHLD;
    // SAFETY: without CLONE_VM and without a stack this is a fork: the child goes on with a copy
    // of everything. The process has one thread, so no lock is held by somebody who is not copied.
    // `descriptor` outlives the call. The arguments that architectures order differently are null.
    let result = unsafe { libc::syscall(libc::SYS_clone, flags, 0, &raw mut descriptor, 0, 0) };
    match i32::try_from(result).map_err(io::Error::other)? {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent {
            pid: Pid::from_raw(pid),
            // SAFETY: CLONE_PIDFD made a new descriptor that nobody else owns.
            pidfd: unsafe { OwnedFd::from_raw_fd(descriptor) },
        }),
    }
}

/// Ends this process at once: no buffer is flushed, no destructor runs.
pub fn exit_now(status: u8) -> ! {
    // SAFETY: _exit does not return and needs nothing.
    unsafe { libc::_exit(i32::from(status)) }
}

/// Sends SIGKILL to the process that `pidfd` stands for. One that has ended is not an error.
pub fn kill(pidfd: impl AsFd) -> io::Result<()> {
    match pidfd_send_signal(pidfd, Signal::KILL) {
        Err(Errno::SRCH) => Ok(()),
        result => Ok(result?),
    }
}
