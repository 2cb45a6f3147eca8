//! A timer that a process and its children see.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

/// The kernel counts seconds with a sign.
const LONGEST: Duration = Duration::from_secs(i64::MAX.cast_unsigned());

/// A timer: readable once it has run out. Whoever was forked with it has the same one.
#[derive(Debug)]
pub struct Timer(TimerFd);

impl Timer {
    /// One that does not run.
    ///
    /// # Errors
    /// The kernel has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        Ok(Self(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?))
    }

    /// Has it run out in this time; never, where there is none.
    ///
    /// # Errors
    /// What timerfd_settime(2) answered.
    pub fn set(&self, left: Option<Duration>) -> io::Result<()> {
        let Some(left) = left else {
            return Ok(self.0.unset()?);
        };
        // None at all would stop it.
        let left = left.clamp(Duration::from_nanos(1), LONGEST);
        let once = Expiration::OneShot(TimeSpec::from_duration(left));
        Ok(self.0.set(once, TimerSetTimeFlags::empty())?)
    }

    /// Whether it has run out.
    pub fn has_run_out(&self) -> bool {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, 0_u8).is_ok_and(|ready| ready > 0)
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
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
