//! What a run waits for, and what is done then, whoever brings the execs: signals, what that has to say,
//! ends.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::clock::Clock;
use super::ending::{Ending, Remains};
use super::keeper::{self, Heard};
use super::refused::SandboxRefusals;
use crate::confine::{Holding, Sandbox};
use crate::exit::Exit;
use crate::sys::{pidfd::PidFd, tree, urgency};

/// How long the first process has to end once nothing runs in its sandbox, in milliseconds.
const GRACE: u8 = 20;

/// Who brings the execs, and answers them.
pub(super) trait Intercept {
    /// What there is to attend to.
    type Event: Copy;

    /// Has everything looked at that it waits for, in the order in which that is attended to.
    fn sources<'a>(&'a self, look: impl FnMut(Self::Event, BorrowedFd<'a>, PollFlags));

    /// Attends to one event, by what poll(2) says of its descriptor.
    ///
    /// # Errors
    /// Nothing can be heard any more.
    fn attend(&mut self, event: Self::Event, ready: PollFlags) -> io::Result<After>;

    /// Looks what has become of children.
    fn look(&mut self);

    /// Whether a person is asked: that time is not the command's.
    fn is_asking(&self) -> bool;

    /// The process that the run is there for.
    fn command(&self) -> Option<Pid>;

    /// Whether nothing was started outside, and nobody waits.
    fn is_confined_to_the_sandbox(&self) -> bool;

    /// What comes of the first process's last word, after which something is left.
    fn after_the_last_word(&self) -> After;

    /// Ends the sandboxes of programs outside.
    fn end(&mut self);

    /// What the sandboxes refused.
    fn take_refused(&mut self) -> SandboxRefusals;
}

/// What comes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing else.
    GoesOn,
    /// Nobody is left in the sandbox who could execute anything.
    Silence,
}

/// Everything that the loop looks at.
pub(super) struct EventLoop<I> {
    pub(super) sandbox: Sandbox,
    pub(super) interceptor: I,
    pub(super) signals: SignalFd,
    pub(super) clock: Clock,
    /// `None` once it has been heard.
    pub(super) ending: Option<Ending>,
    pub(super) remains: Remains,
}

/// Something to attend to.
#[derive(Clone, Copy)]
enum LoopEvent<E> {
    /// What is held may have been replaced.
    Replaced,
    /// Signals have come.
    Signals,
    /// The sandbox is about to end.
    Ending,
    /// The interceptor's.
    Brought(E),
    /// The sandbox has ended.
    SandboxEnded,
}

/// The events that there are, by what poll(2) says of their descriptors.
type Ready<E> = Vec<(LoopEvent<E>, PollFlags)>;

impl<I: Intercept> EventLoop<I> {
    /// Attends to everything until the run ends; its status.
    pub(super) fn run(&mut self) -> io::Result<Exit> {
        loop {
            self.clock.pause_while(self.interceptor.is_asking());
            let Some(events) = self.wait()? else {
                urgency::lower();
                self.end_sandbox();
                return Ok(Exit::TimedOut);
            };
            for (event, ready) in events {
                match self.attend(event, ready).and_then(|exit| self.held(exit)) {
                    Ok(None) => {}
                    Ok(Some(exit)) => return Ok(exit),
                    Err(error) => {
                        self.end_sandbox();
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Attends to one event; a status when the run ends with it.
    fn attend(&mut self, event: LoopEvent<I::Event>, ready: PollFlags) -> io::Result<Option<Exit>> {
        if !matches!(event, LoopEvent::Ending) {
            urgency::lower();
        }
        let after = match event {
            LoopEvent::Replaced => {
                self.sandbox.holding.as_ref().map(Holding::attend);
                After::GoesOn
            }
            LoopEvent::Signals => return Ok(self.take_signals()),
            LoopEvent::Brought(event) => self.interceptor.attend(event, ready)?,
            LoopEvent::Ending => match self.take_last_word() {
                Some(exit) => return Ok(Some(exit)),
                None => self.interceptor.after_the_last_word(),
            },
            LoopEvent::SandboxEnded => return Ok(Some(status(&self.sandbox))),
        };
        if after == After::Silence {
            self.interceptor.end();
            if !ends_soon(&self.sandbox) {
                // A process group with a number in its namespace goes on outside.
                tree::end_beside(self.sandbox.init_pid);
            }
        }
        Ok(None)
    }

    /// What comes of an event, unless something is not held any more.
    fn held(&self, exit: Option<Exit>) -> io::Result<Option<Exit>> {
        let failure = self.sandbox.holding.as_ref().and_then(Holding::failure);
        failure.map_or(Ok(exit), |failure| Err(io::Error::other(failure)))
    }

    /// Waits until something is ready; `None` when time is up.
    fn wait(&self) -> io::Result<Option<Ready<I::Event>>> {
        let (mut events, mut fds) = (Vec::new(), Vec::new());
        let mut look = |event, fd, wanted| {
            events.push(event);
            fds.push(PollFd::new(fd, wanted));
        };
        if let Some(holding) = &self.sandbox.holding {
            look(LoopEvent::Replaced, holding.bell(), PollFlags::POLLIN);
        }
        look(LoopEvent::Signals, self.signals.as_fd(), PollFlags::POLLIN);
        if let Some(ending) = &self.ending {
            look(LoopEvent::Ending, ending.as_fd(), PollFlags::POLLIN);
        }
        self.interceptor
            .sources(|event, fd, wanted| look(LoopEvent::Brought(event), fd, wanted));
        let end = self.sandbox.init.as_fd();
        look(LoopEvent::SandboxEnded, end, PollFlags::POLLIN);
        if !self.clock.poll(&mut fds)? {
            return Ok(None);
        }
        let events = events.into_iter().zip(fds.iter().map(PollFd::revents));
        let something = PollFlags::POLLIN | PollFlags::POLLHUP;
        let ready = events.filter_map(|(event, ready)| Some((event, ready?)));
        Ok(Some(
            ready
                .filter(|(_, ready)| ready.intersects(something))
                .collect(),
        ))
    }

    /// Handles the signals that have come; a status when one of them ends the run.
    fn take_signals(&mut self) -> Option<Exit> {
        while let Some(heard) = keeper::heard(&mut self.signals) {
            match heard {
                Heard::Child => self.interceptor.look(),
                Heard::End(exit) => {
                    self.end_sandbox();
                    return Some(exit);
                }
                Heard::ForCommand(signal) => self.signal_command(signal),
            }
        }
        None
    }

    /// The command's status, if that is the end of the run: nothing runs any more, inside or outside.
    fn take_last_word(&mut self) -> Option<Exit> {
        // What was moved away meanwhile is told, though nobody can write it any more.
        self.sandbox.holding.as_ref().map(Holding::look);
        let status = self.ending.take()?.status()?;
        if !self.interceptor.is_confined_to_the_sandbox() {
            return None;
        }
        self.remains = Remains::of(self.sandbox.init_pid);
        Some(Exit::Command(status))
    }

    fn signal_command(&self, signal: i32) {
        if let Some(command) = self.interceptor.command() {
            // It may have ended this moment.
            let _ = PidFd::open(command).and_then(|c| c.signal(signal));
        }
    }

    fn end_sandbox(&mut self) {
        let init = self.sandbox.init_pid;
        let _ = kill(init, Signal::SIGKILL);
        self.interceptor.end();
        tree::end();
    }
}

/// How the command ended, by the first process, which has.
fn status(sandbox: &Sandbox) -> Exit {
    match waitpid(sandbox.init_pid, None) {
        Ok(WaitStatus::Exited(_, status)) => Exit::Command(status.to_le_bytes()[0]),
        Ok(WaitStatus::Signaled(_, signal, _)) => Exit::Command(128 + signal as u8),
        _ => Exit::Internal,
    }
}

/// Whether the first process ends without more ado: most do, within a fraction of a millisecond, and
/// to look for what holds it up costs more.
fn ends_soon(sandbox: &Sandbox) -> bool {
    let mut end = [PollFd::new(sandbox.init.as_fd(), PollFlags::POLLIN)];
    poll(&mut end, GRACE).is_ok_and(|ready| ready > 0)
}
