//! fork(2), for a process that has one thread, and what a child does before it execs.

#![expect(unsafe_code, reason = "fork(2) and clone(2)")]

use std::ffi::c_void;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt as _;

use nix::unistd::Pid;

use super::change::{Change, end_of};
use super::clone::exit_now;
use super::{checked, fds};

/// Runs `child` in a new process, which exits with what it returns.
///
/// Must be called while this process has one thread, so that the child may allocate.
///
/// # Errors
/// What fork(2) answered.
pub fn fork(child: impl FnOnce() -> u8) -> io::Result<Pid> {
    // SAFETY: there is one thread, as the caller promises, so no lock is held by another.
    match checked(unsafe { libc::fork() })? {
        0 => {
            let status = child();
            exit_now(status)
        }
        pid => Ok(Pid::from_raw(pid)),
    }
}

/// The same, but the child's end is told by `SIGCONT`, by which this process goes on if it was stopped.
/// Such a child is waited for with `__WALL`, and tells of nothing else so.
///
/// # Errors
/// What clone(2) answered, or there are other threads.
pub fn fork_waking(child: impl FnOnce() -> u8) -> io::Result<Pid> {
    if !is_possible() {
        return Err(io::Error::other("this process has other threads"));
    }
    // SAFETY: without CLONE_VM and without a stack this is a fork, and there is one thread, so no lock
    // is held by another. The arguments that architectures order differently are null.
    match checked(unsafe { libc::syscall(libc::SYS_clone, libc::SIGCONT, 0, 0, 0, 0) })? {
        0 => {
            let status = child();
            exit_now(status)
        }
        pid => Ok(Pid::from_raw(i32::try_from(pid).map_err(io::Error::other)?)),
    }
}

/// Runs `child` in a process that shares this one's memory until it execs, and waits for its end: no
/// page is copied, and none has to be given back before another program can be there.
///
/// Must be called while this process has one thread.
///
/// # Errors
/// What clone(2) answered.
pub fn beside<C: FnOnce() -> u8>(child: C) -> io::Result<Change> {
    let mut child = Some(child);
    // Given back by nobody: that takes longer than anything else here.
    let stack = vec![0u128; STACK / 16].leak();
    // SAFETY: the child runs on a stack of its own, takes the closure and never returns. There is one
    // thread here, as the caller promises, and it waits below until the child has ended: it makes
    // that call and touches nothing but its own stack, and the error number if the call fails, which
    // it does not while there is a child and no handler of a signal.
    unsafe {
        let top = stack.as_mut_ptr_range().end.cast::<c_void>();
        let flags = libc::CLONE_VM | libc::SIGCHLD;
        let argument = (&raw mut child).cast::<c_void>();
        let pid = checked(libc::clone(main_beside::<C>, top, flags, argument))?;
        end_of(Pid::from_raw(pid))
    }
}

/// Many times what the child needs. Pages that are not touched are not there.
const STACK: usize = 1 << 20;

extern "C" fn main_beside<C: FnOnce() -> u8>(child: *mut c_void) -> i32 {
    // SAFETY: `beside` passes the place of a closure that nobody else looks at while we run.
    let child = unsafe { &mut *child.cast::<Option<C>>() };
    child.take().map_or(1, |child| i32::from(child()))
}

/// Whether this process has one thread, as [`fork`] demands.
pub fn is_possible() -> bool {
    // A link for each thread, beside a directory's own two.
    std::fs::metadata("/proc/self/task").is_ok_and(|threads| threads.nlink() == 3)
}

/// Orphans below this process become its children.
pub fn adopt_orphans() {
    let _ = nix::sys::prctl::set_child_subreaper(true);
}

/// Takes ownership of a descriptor that came with a message.
///
/// # Errors
/// It is not open.
pub fn received(fd: RawFd) -> io::Result<OwnedFd> {
    fds::flags(fd)?;
    // SAFETY: it is open, and the kernel made it for the message that the caller has just read.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
