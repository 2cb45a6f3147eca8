//! How long the server waits for a call that is to end by itself: its supervisor keeps the time, unless
//! it hangs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How much later than its own time a call may end.
const GRACE: Duration = Duration::from_secs(5);

/// What is left of it. Time during which a person is asked does not count.
#[derive(Debug)]
pub(super) struct Patience {
    limit: Duration,
    began: Instant,
    asking: Arc<Mutex<Asking>>,
}

#[derive(Debug, Default)]
struct Asking {
    open: usize,
    since: Option<Instant>,
    before: Duration,
}

/// A question is open as long as this is there.
#[derive(Debug)]
pub(super) struct Open(Arc<Mutex<Asking>>);

fn lock(asking: &Mutex<Asking>) -> MutexGuard<'_, Asking> {
    asking.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Patience {
    /// With a call whose own time begins now.
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            limit: timeout.saturating_add(GRACE),
            began: Instant::now(),
            asking: Arc::default(),
        }
    }

    /// While a question is open.
    pub(super) fn open(&self) -> Open {
        let mut asking = lock(&self.asking);
        asking.open += 1;
        asking.since.get_or_insert_with(Instant::now);
        Open(Arc::clone(&self.asking))
    }

    /// What is left.
    fn left(&self) -> Duration {
        let asking = lock(&self.asking);
        let open = asking.since.map_or(Duration::ZERO, |since| since.elapsed());
        let taken = self.began.elapsed().saturating_sub(asking.before + open);
        self.limit.saturating_sub(taken)
    }

    /// Waits until nothing is left.
    pub(super) async fn end(&self) {
        loop {
            let left = self.left();
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut asking = lock(&self.0);
        asking.open -= 1;
        if asking.open == 0
            && let Some(since) = asking.since.take()
        {
            asking.before += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_questions_does_not_count() {
        let mut patience = Patience::new(Duration::ZERO);
        patience.limit = Duration::from_secs(1000);
        let pass = |patience: &mut Patience, time: u64| {
            let time = Duration::from_secs(time);
            patience.began -= time;
            if let Some(since) = &mut lock(&patience.asking).since {
                *since -= time;
            }
        };
        let (one, other) = (patience.open(), patience.open());
        pass(&mut patience, 500);
        drop(one);
        pass(&mut patience, 400);
        drop(other);
        assert!(patience.left() > Duration::from_secs(990));
        pass(&mut patience, 300);
        assert!(patience.left() < Duration::from_secs(700));
        pass(&mut patience, 800);
        assert_eq!(patience.left(), Duration::ZERO);
    }
}
