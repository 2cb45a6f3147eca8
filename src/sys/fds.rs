//! What was inherited: closing it, replacing it, and telling which it is.

#![expect(
    unsafe_code,
    reason = "close_range(2), dup2(2) and fcntl(2) on descriptors by their numbers"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::readlink;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::checked;

/// Whether there is something to read from it now, or, of what is no file, something to know.
pub fn is_readable(fd: BorrowedFd<'_>) -> bool {
    events(fd, PollFlags::POLLIN).contains(PollFlags::POLLIN)
}

/// Whether the other end of a pipe or socket is closed, whatever is left to read.
pub fn is_hung_up(fd: BorrowedFd<'_>) -> bool {
    !events(fd, PollFlags::from_bits_retain(libc::POLLRDHUP)).is_empty()
}

fn events(fd: BorrowedFd<'_>, wanted: PollFlags) -> PollFlags {
    let mut ready = [PollFd::new(fd, wanted)];
    // Without an answer, nothing.
    let _ = poll(&mut ready, PollTimeout::ZERO);
    let [ready] = ready;
    ready.revents().unwrap_or(PollFlags::empty())
}

/// Makes descriptor `number` another one for what `by` is one for. For a forked child only.
///
/// # Errors
/// What dup2(2) answered.
pub fn replace(number: RawFd, by: &OwnedFd) -> io::Result<()> {
    // SAFETY: the call touches no memory; the caller's contract covers the descriptor.
    checked(unsafe { libc::dup2(by.as_raw_fd(), number) })?;
    Ok(())
}

/// Closes every descriptor above 2 that is not in `keep`. For a forked child only, whose copies of
/// the parent's descriptors are never used or dropped again.
pub fn close_all_except(keep: &[RawFd]) -> io::Result<()> {
    let mut keep: Vec<u32> = keep
        .iter()
        .filter_map(|&descriptor| u32::try_from(descriptor).ok())
        .filter(|&descriptor| descriptor > 2)
        .collect();
    keep.sort_unstable();
    let mut first = 3;
    for descriptor in keep {
        if first < descriptor {
            close_range(first, descriptor - 1, 0)?;
        }
        first = descriptor + 1;
    }
    close_range(first, u32::MAX, 0)
}

/// Closes those from `first` to `last`, or does with them what `flags` say.
fn close_range(first: u32, last: u32, flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: the call touches no memory; the caller's contract covers the descriptors.
    checked(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) })?;
    Ok(())
}

/// Every descriptor from 3 on is closed when this process execs.
///
/// # Errors
/// What close_range(2) answered.
pub fn close_others_on_exec() -> io::Result<()> {
    close_range(3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC)
}

/// For a process's first act, before it has opened anything: closes every descriptor but the standard three.
pub fn close_inherited() {
    if close_range(3, u32::MAX, 0).is_err() {
        // Refused by an old kernel or by a container's filter.
        (3..1024).for_each(close);
    }
}

/// Closes a descriptor that is nobody's any more.
pub(super) fn close(number: RawFd) {
    // SAFETY: takes an integer only; the caller's contract covers the descriptor.
    unsafe { libc::close(number) };
}

/// The flags of a descriptor: whether it is closed when this process execs.
///
/// # Errors
/// `EBADF`: it is not open.
pub fn flags(number: RawFd) -> io::Result<libc::c_int> {
    // SAFETY: takes integers only.
    checked(unsafe { libc::fcntl(number, libc::F_GETFD) })
}

fn set_flags(number: RawFd, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: takes integers only.
    checked(unsafe { libc::fcntl(number, libc::F_SETFD, flags) })?;
    Ok(())
}

/// Has the descriptor closed when this process execs. One that is not open already is.
pub fn close_on_exec(number: RawFd) {
    let _ = set_flags(number, libc::FD_CLOEXEC);
}

/// The descriptor stays open when this process execs.
///
/// # Errors
/// `EBADF`: it is not open.
pub fn keep_on_exec(number: RawFd) -> io::Result<()> {
    set_flags(number, 0)
}

/// A path by which this process finds what it has open.
pub fn link(open: &impl AsRawFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd()))
}

/// Where that is.
///
/// # Errors
/// What readlink(2) answered.
pub fn path(open: &impl AsRawFd) -> Result<PathBuf, Errno> {
    Ok(PathBuf::from(readlink(&link(open))?))
}

/// The numbers of the descriptors that stay open when this process execs.
///
/// # Errors
/// There is no /proc.
pub fn inheritable() -> io::Result<Vec<RawFd>> {
    let mut open = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        open.extend(name.to_str().and_then(|name| name.parse::<RawFd>().ok()));
    }
    open.retain(|&number| flags(number).is_ok_and(|flags| flags & libc::FD_CLOEXEC == 0));
    open.sort_unstable();
    Ok(open)
}
