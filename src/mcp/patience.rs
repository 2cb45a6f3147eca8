//! How long the server waits for a call that is to end by itself: its supervisor keeps the time, unless
//! it hangs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;

use crate::intercept::clock::Clock;
use crate::sys::lock;

/// How much later than its own time a call may end.
const GRACE: Duration = Duration::from_secs(5);

/// What is left of it. Time during which a person is asked does not count.
#[derive(Debug)]
pub(super) struct Patience(Arc<SharedTime>);

#[derive(Debug)]
struct SharedTime {
    state: Mutex<CallTime>,
    /// The last open question was closed.
    goes_on: Notify,
}

#[derive(Debug)]
struct CallTime {
    clock: Clock,
    open: usize,
}

/// A question is open as long as this is there.
#[derive(Debug)]
pub(super) struct TimeStopped(Arc<SharedTime>);

impl Patience {
    /// With a call whose own time begins now.
    pub(super) fn new(timeout: Duration) -> Self {
        let clock = Clock::new(Some(timeout.saturating_add(GRACE)));
        Self(Arc::new(SharedTime {
            state: Mutex::new(CallTime { clock, open: 0 }),
            goes_on: Notify::new(),
        }))
    }

    /// While a question is open.
    pub(super) fn open(&self) -> TimeStopped {
        let mut state = lock(&self.0.state);
        state.open += 1;
        state.clock.pause_while(true);
        TimeStopped(Arc::clone(&self.0))
    }

    /// Waits until nothing is left.
    pub(super) async fn end(&self) {
        loop {
            let goes_on = self.0.goes_on.notified();
            tokio::pin!(goes_on);
            // Before looking, so that what goes on meanwhile is noticed.
            goes_on.as_mut().enable();
            let left = lock(&self.0.state).clock.left();
            match left {
                Some(Duration::ZERO) => return,
                Some(left) => tokio::time::sleep(left).await,
                None => goes_on.await,
            }
        }
    }
}

impl Drop for TimeStopped {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.open -= 1;
        if state.open == 0 {
            state.clock.pause_while(false);
            self.0.goes_on.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_questions_does_not_count() {
        let patience = Patience::new(Duration::from_secs(1000));
        let left = |patience: &Patience| lock(&patience.0.state).clock.left();
        let before = left(&patience).unwrap();
        let (one, other) = (patience.open(), patience.open());
        assert_eq!(left(&patience), None);
        drop(one);
        assert_eq!(left(&patience), None);
        std::thread::sleep(Duration::from_millis(20));
        drop(other);
        let after = left(&patience).unwrap();
        assert!(after <= before && after > Duration::from_secs(990));
        std::thread::sleep(Duration::from_millis(20));
        assert!(left(&patience).unwrap() + Duration::from_millis(20) <= after);
    }
}
