//! A timer that a process and its children see.

#![expect(
    unsafe_code,
    reason = "timerfd(2), for which nix needs a feature of its own"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::time::Duration;

use nix::libc;

use super::checked;

/// A timer: readable once it has run out. Whoever was forked with it has the same one.
#[derive(Debug)]
pub struct Timer(OwnedFd);

impl Timer {
    /// One that does not run.
    ///
    /// # Errors
    /// The kernel has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
        // SAFETY: takes integers only.
        let fd = checked(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) })?;
        // SAFETY: the descriptor is new, and nobody else's.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Has it run out in this time; never, where there is none.
    ///
    /// # Errors
    /// What timerfd_settime(2) answered.
    pub fn set(&self, left: Option<Duration>) -> io::Result<()> {
        // None at all would stop it.
        let left = left.map_or(Duration::ZERO, |left| left.max(Duration::from_nanos(1)));
        let zero = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let value = libc::timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let times = libc::itimerspec {
            it_interval: zero,
            it_value: value,
        };
        // SAFETY: the times are read while the call lasts; nothing is written.
        checked(unsafe {
            libc::timerfd_settime(
                self.0.as_raw_fd(),
                0,
                &raw const times,
                std::ptr::null_mut(),
            )
        })?;
        Ok(())
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, poll};

    use super::*;

    #[test]
    fn it_is_readable_once_it_has_run_out() {
        let timer = Timer::new().unwrap();
        let ready = || {
            let mut fds = [PollFd::new(timer.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, 50_u8).unwrap()
        };
        assert_eq!(ready(), 0);
        timer.set(Some(Duration::ZERO)).unwrap();
        assert_eq!(ready(), 1);
        timer.set(Some(Duration::from_mins(10))).unwrap();
        assert_eq!(ready(), 0);
        timer.set(Some(Duration::from_millis(1))).unwrap();
        assert_eq!(ready(), 1);
        timer.set(None).unwrap();
        assert_eq!(ready(), 0);
    }
}
