//! One command, from start to end: sandbox, supervisor, timeout, signals.

use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

use super::broker::{self, Patched};
use super::ending::{self, Ending, Remains};
use super::groups::Groups;
use super::launcher::{self, Command, Ways};
use super::refused::{Refusal, Refuser};
use super::supervisor::{Phase, Session, Supervisor};
use super::watch::Watch;
use super::{clock::Clock, keeper, probe};
use crate::confine::{
    self, ConfineError, LayerName, Layers, Policy, Replaced, Sandbox, Setup, Status,
};
use crate::exit::Exit;
use crate::sys::listener::Listener;
use crate::sys::timer::Timer;
use crate::sys::{messages, tree};
use crate::terminal::Given;

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
    /// What tells the keeper that it took longer.
    pub overdue: Option<&'a Arc<Timer>>,
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
    Supervise(#[source] io::Error),
}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        match error.downcast() {
            Ok(lost) => Self::Confine(lost),
            Err(error) => Self::Supervise(error),
        }
    }
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
    /// What is held, and was replaced meanwhile.
    pub replaced: Vec<Replaced>,
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
        let holding = session.attend(sandbox.holding.as_ref());
        let mut supervisor = Supervisor::new(session, listener, run.phase, groups)?;
        supervisor.refuser = Refuser::new(sandbox.refusals.clone());
        supervisor.holding.clone_from(&holding);
        report(&sandbox.layers);
        let mut watch = Watch {
            sandbox,
            supervisor,
            signals,
            clock: Clock::new(run.timeout).shown_by(run.overdue),
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
            replaced: holding.map(|it| it.replaced()).unwrap_or_default(),
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
