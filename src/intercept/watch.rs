//! What the supervisor waits for, and what it does then: calls, answers, signals, ends.

use std::io;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::call::Side;
use super::clock::Clock;
use super::ending::{Ending, Remains};
use super::keeper::{self, Heard};
use super::supervisor::Supervisor;
use crate::confine::{Holding, Sandbox};
use crate::exit::Exit;
use crate::sys::{pidfd::PidFd, tree, urgency};

/// How long the first process has to end once nothing runs in its sandbox, in milliseconds.
const GRACE: u8 = 20;

/// Everything that the supervising loop looks at.
pub(super) struct Watch {
    pub(super) sandbox: Sandbox,
    pub(super) supervisor: Supervisor,
    pub(super) signals: SignalFd,
    pub(super) clock: Clock,
    /// A hung-up listener is left out, or waiting for the end of the first process would not wait.
    pub(super) silent: Option<Side>,
    /// `None` once it has been heard.
    pub(super) ending: Option<Ending>,
    pub(super) remains: Remains,
}

/// Something to attend to, in this order.
#[derive(Clone, Copy)]
enum Event {
    /// What is held may have been replaced.
    Replaced,
    /// Signals have come.
    Signals,
    /// The sandbox is about to end.
    Ending,
    /// The proxy that runs in this process is dead.
    ProxyEnded(Pid),
    /// Somebody answered a question.
    Answer,
    /// A program was started outside, or could not be.
    Started,
    /// A system call waits.
    Call(Side),
    /// A sandbox that a rule asked for has something to say.
    News(Pid),
    /// Nobody is left who could call.
    Silent(Side),
    /// The sandbox has ended.
    SandboxEnded,
}

impl Event {
    /// The event that there is, by what poll(2) says of its descriptor.
    fn after(self, ready: PollFlags) -> Option<Self> {
        let hung_up = ready.contains(PollFlags::POLLHUP);
        match self {
            _ if ready.contains(PollFlags::POLLIN) => Some(self),
            Self::News(_) | Self::Ending if hung_up => Some(self),
            Self::Call(side) if hung_up => Some(Self::Silent(side)),
            _ => None,
        }
    }
}

impl Watch {
    /// Attends to everything until the run ends; its status.
    pub(super) fn watch(&mut self) -> io::Result<Exit> {
        loop {
            self.clock.pause_while(self.supervisor.asking.is_open());
            let Some(events) = self.wait()? else {
                urgency::lower();
                self.end_sandbox();
                return Ok(Exit::TimedOut);
            };
            for event in events {
                match self.attend(event) {
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
    fn attend(&mut self, event: Event) -> io::Result<Option<Exit>> {
        if !matches!(event, Event::Ending) {
            urgency::lower();
        }
        match event {
            Event::Replaced => {
                let holding = self.sandbox.holding.as_ref();
                let attended = holding.map_or(Ok(()), Holding::attend);
                attended.map_err(io::Error::other)?;
            }
            Event::Signals => return Ok(self.take_signals()),
            Event::ProxyEnded(pid) => {
                self.supervisor.forget(pid);
            }
            Event::Answer => self.supervisor.take_answers(),
            Event::Started => self.supervisor.take_started(),
            Event::Call(side) => self.supervisor.answer_one(side)?,
            Event::News(id) => self.supervisor.take_news(id),
            Event::Silent(Side::Profiled(id)) => self.supervisor.profiled.is_silent(id),
            Event::Silent(side) => {
                self.silent = Some(side);
                self.supervisor.profiled.end();
                if !ends_soon(&self.sandbox) {
                    tree::end_beside(self.sandbox.init_pid);
                }
            }
            Event::Ending => return Ok(self.take_last_word()),
            Event::SandboxEnded => return Ok(Some(status(&self.sandbox))),
        }
        Ok(None)
    }

    /// Waits until something is ready; `None` when time is up.
    fn wait(&self) -> io::Result<Option<Vec<Event>>> {
        let holding = self.sandbox.holding.as_ref().map(Holding::bell);
        let mut watched: Vec<_> = holding
            .map(|bell| (Event::Replaced, bell))
            .into_iter()
            .collect();
        watched.push((Event::Signals, self.signals.as_fd()));
        let ending = self.ending.as_ref().map(AsFd::as_fd);
        watched.extend(ending.map(|ending| (Event::Ending, ending)));
        for (pid, stand_in) in &self.supervisor.stand_ins {
            watched.push((Event::ProxyEnded(*pid), stand_in.proxy()));
        }
        watched.push((Event::Answer, self.supervisor.asking.bell()));
        if let Some(outside) = &self.supervisor.outside {
            watched.push((Event::Started, outside.bell()));
            watched.push((Event::Call(Side::Outside), outside.listener.as_fd()));
        }
        for (id, channel, listener) in self.supervisor.profiled.watched() {
            watched.push((Event::News(id), channel));
            let call = |listener| (Event::Call(Side::Profiled(id)), listener);
            watched.extend(listener.map(AsFd::as_fd).map(call));
        }
        if self.silent != Some(Side::Inside) {
            let listener = self.supervisor.listener().as_fd();
            watched.push((Event::Call(Side::Inside), listener));
        }
        watched.push((Event::SandboxEnded, self.sandbox.init.as_fd()));
        let mut fds: Vec<_> = watched
            .iter()
            .map(|(_, fd)| PollFd::new(*fd, PollFlags::POLLIN))
            .collect();
        if !self.clock.poll(&mut fds)? {
            return Ok(None);
        }
        let ready: Vec<_> = fds.iter().map(PollFd::revents).collect();
        let events = watched.into_iter().zip(ready);
        Ok(Some(
            events
                .filter_map(|((event, _), ready)| event.after(ready?))
                .collect(),
        ))
    }

    /// Handles the signals that have come; a status when one of them ends the run.
    fn take_signals(&mut self) -> Option<Exit> {
        while let Some(heard) = keeper::heard(&mut self.signals) {
            match heard {
                Heard::Child => self.supervisor.look(),
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
        let status = self.ending.take()?.status()?;
        if !self.supervisor.is_confined_to_the_sandbox() {
            return None;
        }
        self.remains = Remains::of(self.sandbox.init_pid);
        Some(Exit::Command(status))
    }

    fn signal_command(&self, signal: i32) {
        if let Some(command) = self.supervisor.command() {
            let _ = PidFd::open(command).and_then(|c| c.signal(signal));
        }
    }

    fn end_sandbox(&mut self) {
        let init = self.sandbox.init_pid;
        let _ = kill(init, Signal::SIGKILL);
        self.supervisor.profiled.end();
        tree::end();
    }
}

/// How the command ended, by the first process, which has.
pub(super) fn status(sandbox: &Sandbox) -> Exit {
    match waitpid(sandbox.init_pid, None) {
        Ok(WaitStatus::Exited(_, status)) => Exit::Command(status.to_le_bytes()[0]),
        Ok(WaitStatus::Signaled(_, signal, _)) => Exit::Command(128 + signal as u8),
        _ => Exit::Internal,
    }
}

/// Whether the first process ends without more ado: most do, within a fraction of a millisecond, and
/// to look for what holds it up costs more.
pub(super) fn ends_soon(sandbox: &Sandbox) -> bool {
    let mut end = [PollFd::new(sandbox.init.as_fd(), PollFlags::POLLIN)];
    poll(&mut end, GRACE).is_ok_and(|ready| ready > 0)
}
