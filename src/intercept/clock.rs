//! A time limit that stands still while a person is asked.

use std::time::{Duration, Instant};

/// How much of a time limit is left.
#[derive(Debug)]
pub struct Clock {
    left: Option<Duration>,
    running_since: Option<Instant>,
}

impl Clock {
    /// Starts; without a limit there is no end.
    pub fn new(limit: Option<Duration>) -> Self {
        Self {
            left: limit,
            running_since: Some(Instant::now()),
        }
    }

    /// Stands still from now on, or goes on.
    pub fn pause_while(&mut self, paused: bool) {
        match (paused, self.running_since) {
            (true, Some(_)) => {
                self.left = self.left();
                self.running_since = None;
            }
            (false, None) => self.running_since = Some(Instant::now()),
            _ => {}
        }
    }

    /// The time that is left; `None` when there is no end to it at the moment.
    pub fn left(&self) -> Option<Duration> {
        let since = self.running_since?;
        Some(self.left?.saturating_sub(since.elapsed()))
    }
}

#[cfg(test)]
mod tests {
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
}
