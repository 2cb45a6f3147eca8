//! fork(2), for a process that has one thread, and what a child does before it execs.

#![expect(unsafe_code, reason = "fork(2), _exit(2) and prctl(2)")]

use std::ffi::{CStr, c_void};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt as _;

use nix::unistd::Pid;

use super::change::{Change, end_of};
use super::checked;

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
            // SAFETY: ends this process; nothing of the parent's is to be run at exit.
            unsafe { libc::_exit(i32::from(status)) }
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
            // SAFETY: as above.
            unsafe { libc::_exit(i32::from(status)) }
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
    // SAFETY: takes integers only.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
}

/// This process gets `signal` when the thread that started it ends.
pub fn signal_on_parent_death(signal: i32) {
    // SAFETY: takes integers only.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) };
}

/// The name by which ps(1) and killall(1) know this process, at most 15 bytes.
pub fn rename(name: &CStr) {
    // SAFETY: the name ends with a NUL and lives until the call returns.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// Lets the supervisor look at this process again, after it was hidden from the sandboxed side.
pub fn allow_inspection() {
    // SAFETY: takes integers only.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1) };
}

/// Every descriptor from 3 on is closed when this process execs.
///
/// # Errors
/// What close_range(2) answered.
pub fn close_others_on_exec() -> io::Result<()> {
    let last = libc::c_uint::MAX;
    let flag = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: takes integers only.
    checked(unsafe { libc::syscall(libc::SYS_close_range, 3, last, flag) })?;
    Ok(())
}

/// The descriptor stays open when this process execs.
///
/// # Errors
/// `EBADF`: it is not open.
pub fn keep_on_exec(fd: RawFd) -> io::Result<()> {
    // SAFETY: takes integers only.
    checked(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) })?;
    Ok(())
}

/// Whether the descriptor is open.
///
/// # Errors
/// `EBADF`: it is not.
pub fn check_open(fd: RawFd) -> io::Result<()> {
    // SAFETY: takes integers only.
    checked(unsafe { libc::fcntl(fd, libc::F_GETFD) })?;
    Ok(())
}

/// Takes ownership of a descriptor that came with a message.
///
/// # Errors
/// It is not open.
pub fn received(fd: RawFd) -> io::Result<OwnedFd> {
    check_open(fd)?;
    // SAFETY: it is open, and the kernel made it for the message that the caller has just read.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
