//! A time limit that stands still while a person is asked.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollTimeout, poll};

use crate::sys::timer::Timer;

/// How much later than its own time a command may end before whoever keeps its supervisor ends both.
pub const LATE: Duration = Duration::from_secs(5);

/// How much of a time limit is left.
#[derive(Debug)]
pub struct Clock {
    left: Option<Duration>,
    running_since: Option<Instant>,
    /// What those see who wait for this process.
    overdue: Option<Arc<Timer>>,
}

impl Clock {
    /// Starts; without a limit there is no end.
    pub fn new(limit: Option<Duration>) -> Self {
        Self {
            left: limit,
            running_since: Some(Instant::now()),
            overdue: None,
        }
    }

    /// The same, and `overdue` runs out some time after it.
    #[must_use]
    pub fn shown_by(self, overdue: Option<&Arc<Timer>>) -> Self {
        let clock = Self {
            overdue: overdue.cloned(),
            ..self
        };
        clock.show();
        clock
    }

    fn show(&self) {
        if let Some(overdue) = &self.overdue {
            // It can't fail, and then runs on as it was.
            let _ = overdue.set(self.left().map(|left| left.saturating_add(LATE)));
        }
    }

    /// Stands still from now on, or goes on.
    pub fn pause_while(&mut self, paused: bool) {
        match (paused, self.running_since) {
            (true, Some(_)) => {
                self.left = self.left();
                self.running_since = None;
                self.show();
            }
            (false, None) => {
                self.running_since = Some(Instant::now());
                self.show();
            }
            _ => {}
        }
    }

    /// The time that is left; `None` when there is no end to it at the moment.
    pub fn left(&self) -> Option<Duration> {
        let since = self.running_since?;
        Some(self.left?.saturating_sub(since.elapsed()))
    }

    /// Waits until one of `fds` is ready; `false` when time is up.
    ///
    /// # Errors
    /// What poll(2) answered.
    pub fn poll(&self, fds: &mut [PollFd<'_>]) -> io::Result<bool> {
        self.poll_for(fds, None)
    }

    /// The same, but at most for as long as `limit` says.
    ///
    /// # Errors
    /// What poll(2) answered.
    pub fn poll_for(&self, fds: &mut [PollFd<'_>], limit: Option<Duration>) -> io::Result<bool> {
        loop {
            let left = match self.left() {
                Some(Duration::ZERO) => return Ok(false),
                left => left,
            };
            let shorter = limit.filter(|limit| left.is_none_or(|left| *limit < left));
            match poll(fds, timeout(shorter.or(left))) {
                Ok(0) if shorter.is_some() => return Ok(true),
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return Ok(true),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

fn timeout(left: Option<Duration>) -> PollTimeout {
    let Some(left) = left else {
        return PollTimeout::NONE;
    };
    // Rounded up, so that the last millisecond is not spent turning round.
    let milliseconds = left.as_millis().saturating_add(1);
    PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn it_stands_still_while_paused() {
        let mut clock = Clock::new(Some(Duration::from_millis(40)));
        clock.pause_while(true);
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(clock.left(), None);
        clock.pause_while(false);
        assert!(clock.left() > Some(Duration::from_millis(10)));
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(clock.left(), Some(Duration::ZERO));
        assert_eq!(Clock::new(None).left(), None);
    }

    #[test]
    fn who_sees_it_sees_when_it_is_overdue() {
        let timer = Arc::new(Timer::new().unwrap());
        let is_over = || crate::sys::fds::is_readable(timer.as_fd());
        timer.set(Some(Duration::ZERO)).unwrap();
        assert!(is_over());
        let mut clock = Clock::new(Some(Duration::from_millis(1))).shown_by(Some(&timer));
        assert!(!is_over());
        timer.set(Some(Duration::ZERO)).unwrap();
        clock.pause_while(true);
        assert!(!is_over());
        clock.pause_while(false);
        assert!(!is_over());
    }
}
