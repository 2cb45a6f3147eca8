//! One command, from start to end: sandbox, supervisor, timeout, signals.

use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::broker::{self, Patched};
use super::call::Side;
use super::ending::{self, Ending, Remains};
use super::groups::Groups;
use super::launcher::{self, Command, Ways};
use super::refused::{Refusal, Refuser};
use super::supervisor::{Phase, Session, Supervisor};
use super::{
    clock::Clock,
    keeper::{self, Heard},
    probe,
};
use crate::confine::{self, ConfineError, LayerName, Layers, Policy, Sandbox, Setup, Status};
use crate::exit::Exit;
use crate::sys::listener::Listener;
use crate::sys::{messages, pidfd::PidFd, tree, urgency};
use crate::terminal::Given;

/// How long the first process has to end once nothing runs in its sandbox, in milliseconds.
const GRACE: u8 = 20;

/// How to run a command.
pub struct Run<'a> {
    /// The sandbox.
    pub policy: &'a Policy,
    /// Layers without which nothing starts.
    pub require: &'a [LayerName],
    /// Where the run begins.
    pub phase: Phase,
    /// Descriptors that the command gets beside 0, 1 and 2.
    pub pass: &'a [RawFd],
    /// The command leads a session, which has this number inside, that of this process's session, if that
    /// can be had. Without a number it stays in this process's session and group.
    pub lead: Option<Pid>,
    /// The terminal of this process's session, which the command is to have.
    pub terminal: Option<&'a Arc<Given>>,
    /// How long it may take, questions not counted.
    pub timeout: Option<Duration>,
    /// The shell of the command brings its execs, not the kernel.
    pub patched: Option<&'a Patched>,
}

impl Run<'_> {
    /// The descriptors that the sandbox's first process keeps.
    pub(super) fn kept(&self) -> Vec<RawFd> {
        let terminal = self.terminal.map(|given| given.numbers());
        [
            self.pass,
            terminal.as_ref().map_or(&[], |numbers| numbers.as_slice()),
        ]
        .concat()
    }

    /// The sandbox's first process is `init`.
    pub(super) fn stands(&self, init: Pid) -> io::Result<()> {
        self.terminal.map_or(Ok(()), |given| given.attend(init))
    }
}

/// Why a command did not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no sandbox.
    #[error(transparent)]
    Confine(#[from] ConfineError),
    /// Nothing could be judged.
    #[error(transparent)]
    Blind(#[from] probe::Blind),
    /// The supervisor can't work.
    #[error("the supervisor can't work: {0}")]
    Supervise(#[from] io::Error),
}

impl RunError {
    /// Whether it is the kernel's listener that can't be had, and a patched shell would do.
    pub fn is_of_the_kernel(&self) -> bool {
        matches!(self, Self::Confine(ConfineError::Nested) | Self::Blind(_))
    }
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its status, or ours.
    pub exit: Exit,
    /// What the sandbox refused meanwhile.
    pub refused: Refusal,
    /// What is still there of it.
    pub remains: Remains,
}

/// Runs a command to its end, and everything that it started to theirs.
///
/// The process must have one thread, with [`keeper::watched`] signals blocked.
///
/// # Errors
/// The command did not start.
pub fn run(
    run: &Run<'_>,
    command: &Command,
    session: Session,
    report: impl FnOnce(&Layers),
) -> Result<Ended, RunError> {
    if let Some(patched) = run.patched {
        return broker::run(run, command, patched, session, report);
    }
    let standing = Standing::new(
        run.policy,
        run.require,
        &run.kept(),
        run.lead,
        |listener, ways| {
            let given = run.terminal.map(Arc::as_ref);
            launcher::main(command, run.pass, run.lead, given, listener, ways)
        },
    )?;
    standing.run(run, session, report, || Ok(()))
}

/// A sandbox, seen to be one that we can judge in.
pub(super) struct Standing {
    pub(super) sandbox: Sandbox,
    listener: Arc<Listener>,
    ending: Ending,
}

impl Standing {
    /// Makes it; `launcher` gets the listener, and the ways to the supervisor. It keeps the
    /// descriptors `pass`.
    pub(super) fn new(
        policy: &Policy,
        require: &[LayerName],
        pass: &[RawFd],
        lead: Option<Pid>,
        launcher: impl FnOnce(OwnedFd, Ways) -> u8,
    ) -> Result<Self, RunError> {
        let (ours, channel) = messages::pair()?;
        let (ending, alive) = ending::pair()?;
        let ways = Ways { channel, alive };
        let keep = [pass, &ways.numbers()].concat();
        let setup = Setup {
            policy,
            require,
            keep: &keep,
            terminal: true,
            number: lead,
            listen: true,
            tell: true,
        };
        let mut sandbox = confine::start(&setup, |inside| match inside.listener {
            Some(listener) => launcher(listener, ways),
            None => Exit::Internal.code(),
        })?;
        let listener = Arc::new(Listener::new(launcher::receive(&ours)?));
        let interceptor = probe::look(&listener, sandbox.init.as_fd())?;
        if require.contains(&LayerName::Interceptor) {
            self::require(&interceptor)?;
        }
        sandbox.layers.add(LayerName::Interceptor, interceptor);
        Ok(Self {
            sandbox,
            listener,
            ending,
        })
    }

    /// Supervises the command that `begin` starts, if it has not started by itself.
    pub(super) fn run(
        self,
        run: &Run<'_>,
        mut session: Session,
        report: impl FnOnce(&Layers),
        begin: impl FnOnce() -> io::Result<()>,
    ) -> Result<Ended, RunError> {
        let Self {
            sandbox,
            listener,
            ending,
        } = self;
        run.stands(sandbox.init_pid)?;
        // Its first exec waits for us if it is faster.
        begin()?;
        let signals = SignalFd::with_flags(
            &keeper::watched(),
            SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK,
        )
        .map_err(io::Error::from)?;
        let groups = Groups::new(run.lead, sandbox.init_pid);
        session.without_mounts(&sandbox.layers);
        let mut supervisor = Supervisor::new(session, listener, run.phase, groups)?;
        supervisor.refuser = Refuser::new(sandbox.refusals.clone());
        report(&sandbox.layers);
        let mut watch = Watch {
            sandbox,
            supervisor,
            signals,
            clock: Clock::new(run.timeout),
            silent: None,
            ending: Some(ending),
            remains: Remains::default(),
        };
        let exit = watch.watch();
        let mut refused = std::mem::take(&mut watch.supervisor.refuser).into_refusal();
        refused
            .calls
            .extend(watch.supervisor.profiled.take_refused());
        let Watch {
            mut sandbox,
            mut supervisor,
            mut remains,
            ..
        } = watch;
        if remains.is_some() {
            sandbox.vacate();
            remains = remains.and((supervisor, sandbox));
        } else {
            drop(sandbox);
            // Whoever waits for an answer is gone before he gets none.
            supervisor.profiled.end();
            tree::end();
        }
        Ok(Ended {
            exit: exit?,
            refused,
            remains,
        })
    }
}

/// The interceptor is the one layer that is looked at from outside.
fn require(interceptor: &Status) -> Result<(), ConfineError> {
    match interceptor {
        Status::Missing(reason) => Err(ConfineError::Required {
            layer: LayerName::Interceptor,
            reason: reason.clone(),
        }),
        Status::InForce | Status::Partly(_) | Status::Off => Ok(()),
    }
}

/// Everything that the supervising loop looks at.
struct Watch {
    sandbox: Sandbox,
    supervisor: Supervisor,
    signals: SignalFd,
    clock: Clock,
    /// A hung-up listener is left out, or waiting for the end of the first process would not wait.
    silent: Option<Side>,
    /// `None` once it has been heard.
    ending: Option<Ending>,
    remains: Remains,
}

/// Something to attend to, in this order.
#[derive(Clone, Copy)]
enum Event {
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
    fn watch(&mut self) -> io::Result<Exit> {
        loop {
            self.clock.pause_while(self.supervisor.asking.is_open());
            let Some(events) = self.wait()? else {
                urgency::lower();
                self.end_sandbox();
                return Ok(Exit::TimedOut);
            };
            for event in events {
                if let Some(exit) = self.attend(event)? {
                    return Ok(exit);
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
        let mut watched = vec![(Event::Signals, self.signals.as_fd())];
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
