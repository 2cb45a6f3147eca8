//! The processes of a call, keeper, guard and supervisor, from the server's side. One crew is kept
//! ready for the next call: what does not depend on the call is done before anybody waits for it, and
//! one that has done its call well waits for another.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Mutex;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::socket::MsgFlags;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use tokio::sync::watch;
use tokio::time::timeout;

use super::channel::{self, End, Event};
use super::order::{Order, Plan, Recipe, Streams};
use super::supervised;
use crate::intercept::{handed, launcher};
use crate::sys::lock;

/// How long a call waits for a crew that is about to come back: less than it takes to make one, mostly.
const PATIENCE: Duration = Duration::from_millis(5);

/// Keeper, guard and supervisor of one call: they wait for its order.
#[derive(Debug)]
pub(super) struct Crew {
    /// What happens is told here. Goes first: who still waits for an order ends when this is closed.
    pub(super) events: OwnedFd,
    pub(super) keeper: Keeper,
    pub(super) recipe: Recipe,
}

/// The keeper's process. It is ended and reaped when this is dropped.
#[derive(Debug)]
pub(super) struct Keeper {
    pid: Pid,
}

impl Keeper {
    /// Has it end everything, if it has not ended itself.
    pub(super) fn end(&self) {
        // Not reaped yet, so the number is still its own.
        let _ = kill(self.pid, Signal::SIGTERM);
        // Whoever stopped it, or its supervisor, does not hold up the end.
        let _ = kill(self.pid, Signal::SIGCONT);
        let _ = killpg(self.pid, Signal::SIGCONT);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
        let _ = waitpid(self.pid, None);
    }
}

impl Crew {
    fn new(recipe: Recipe) -> io::Result<Self> {
        let (events, theirs) = channel::pair()?;
        let pid = supervised::start(recipe.clone(), theirs)?;
        Ok(Self {
            events,
            keeper: Keeper { pid },
            recipe,
        })
    }

    /// Ends it, and waits until it has ended.
    pub(super) async fn dismiss(self) {
        self.keeper.end();
        // The keeper closes its end by exiting; then reaping it takes no time.
        if let Ok(events) = End::new(self.events) {
            while let Ok(Some(_)) = events.next::<Event>().await {
                // What it has said may be that a call has ended, by our signal: then it needs another.
                self.keeper.end();
            }
        }
    }

    /// Sends it a call. What comes back is the gate by which that has started, if it has: see
    /// [`crate::intercept::ending::by_gate`].
    fn send(&self, plan: &Plan, streams: &Streams) -> io::Result<Option<OwnedFd>> {
        let command = handed::pack(&plan.command)?;
        let streams = [&streams.input, &streams.output, &streams.errors].map(|s| s.as_fd());
        let gate = self.gate()?;
        let order = Order {
            begun: gate.is_some(),
            ..plan.order.clone()
        };
        let order = serde_json::to_vec(&order)?;
        handed::send_streams(&self.events, &order, streams, command.as_fd())?;
        if let Some(gate) = &gate {
            launcher::send_packed(gate, command.as_fd(), streams, &plan.order.directory)?;
        }
        Ok(gate)
    }

    /// The way to its launcher, if that waits: the supervisor makes ready for the call while the
    /// command starts.
    fn gate(&self) -> io::Result<Option<OwnedFd>> {
        match channel::receive(&self.events, MsgFlags::MSG_DONTWAIT) {
            Ok(Some((Event::Ready, gate))) => Ok(gate),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            // It has failed, or is gone.
            Ok(_) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(error) => Err(error),
        }
    }
}

/// The crew that waits for the next call, if there is one.
#[derive(Debug, Default)]
pub(super) struct Spare {
    crew: Mutex<Option<Crew>>,
    /// How many may come back at any moment.
    returning: watch::Sender<usize>,
}

/// A crew may come back at any moment, until this is dropped.
#[derive(Debug)]
pub(super) struct Returning<'a>(&'a Spare);

impl Drop for Returning<'_> {
    fn drop(&mut self) {
        self.0.returning.send_modify(|count| *count -= 1);
    }
}

impl Spare {
    /// Announces a crew that may come back.
    pub(super) fn expect(&self) -> Returning<'_> {
        self.returning.send_modify(|count| *count += 1);
        Returning(self)
    }

    /// The crew that waits; one that is about to come back is waited for.
    async fn take(&self) -> Option<Crew> {
        let mut returning = self.returning.subscribe();
        let there = returning.wait_for(|&count| count == 0 || lock(&self.crew).is_some());
        let _ = timeout(PATIENCE, there).await;
        lock(&self.crew).take()
    }

    /// Starts a call, with the crew that waits if it suits and with a new one otherwise. With it comes
    /// the gate by which the call has started, if it has.
    ///
    /// The process must have one thread.
    ///
    /// # Errors
    /// There are no descriptors or processes left.
    pub(super) async fn start(
        &self,
        plan: &Plan,
        streams: &Streams,
    ) -> io::Result<(Crew, Option<OwnedFd>)> {
        if let Some(crew) = self.take().await {
            let suits = crew.recipe.suits(&plan.recipe);
            if suits && let Ok(gate) = crew.send(plan, streams) {
                return Ok((crew, gate));
            }
            tokio::spawn(crew.dismiss());
        }
        let crew = Crew::new(plan.recipe.clone())?;
        let gate = crew.send(plan, streams)?;
        Ok((crew, gate))
    }

    /// Has a crew wait that has done a call; it comes back when one waits already.
    pub(super) fn keep(&self, crew: Crew) -> Option<Crew> {
        let mut spare = lock(&self.crew);
        if spare.is_some() {
            return Some(crew);
        }
        *spare = Some(crew);
        None
    }

    /// Makes a crew ready for a call by `recipe`, unless one waits.
    pub(super) fn provide(&self, recipe: Recipe) {
        let mut spare = lock(&self.crew);
        if spare.is_none() {
            // The next call tries again, and says why it can't be.
            *spare = Crew::new(recipe).ok();
        }
    }

    /// Ends the crew that waits.
    pub(super) fn dismiss(&self) {
        drop(lock(&self.crew).take());
    }
}
