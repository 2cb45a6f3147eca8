//! What was inherited: closing it, replacing it, and telling which it is.

#![expect(
    unsafe_code,
    reason = "close_range(2), dup2(2) and fcntl(2) on descriptors by their numbers"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::checked;

/// Whether there is something to read from it now, or, of what is no file, something to know.
pub fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let mut ready = [PollFd::new(fd, PollFlags::POLLIN)];
    // Without an answer, nothing.
    let _ = poll(&mut ready, PollTimeout::ZERO);
    let [ready] = ready;
    ready
        .revents()
        .is_some_and(|events| events.contains(PollFlags::POLLIN))
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
            close_range(first, descriptor - 1)?;
        }
        first = descriptor + 1;
    }
    close_range(first, u32::MAX)
}

fn close_range(first: u32, last: u32) -> io::Result<()> {
    // SAFETY: the call touches no memory; the caller's contract covers the descriptors.
    match unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Has the descriptor closed when this process execs. One that is not open already is.
pub fn close_on_exec(number: RawFd) {
    // SAFETY: takes integers only.
    unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
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
    open.retain(|&number| {
        // SAFETY: takes integers only.
        let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
        flags != -1 && flags & libc::FD_CLOEXEC == 0
    });
    open.sort_unstable();
    Ok(open)
}
