//! Closing what was inherited.

#![expect(
    unsafe_code,
    reason = "close_range(2) closes descriptors that others may own"
)]

use std::io;
use std::os::fd::RawFd;

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
