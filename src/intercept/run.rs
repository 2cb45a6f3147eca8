//! One command, from start to end: sandbox, supervisor, timeout, signals.

use std::borrow::Cow;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

use super::broker::{self, Broker, Patched};
use super::ending::{self, Ending, Remains};
use super::event_loop::{EventLoop, Intercept};
use super::groups::Groups;
use super::launcher::{self, Command, Ways};
use super::refused::{Refuser, SandboxRefusals};
use super::session::{Phase, Session};
use super::supervisor::Supervisor;
use super::{clock::Clock, keeper, probe};
use crate::confine::{
    self, ConfineError, Holding, LayerName, Layers, Policy, Replaced, Sandbox, Setup, Status,
};
use crate::exit::Exit;
use crate::sys::listener::Listener;
use crate::sys::timer::Timer;
use crate::sys::{messages, tree};
use crate::terminal::Given;

/// How to run a command.
pub struct RunPlan<'a> {
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

impl RunPlan<'_> {
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
    #[error("the supervisor failed: {0}")]
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
    pub refused: SandboxRefusals,
    /// What is held, and was replaced meanwhile.
    pub replaced: Vec<Replaced>,
    /// What is still there of it.
    pub remains: Remains,
}

/// Runs a command to its end, and everything that it started to theirs.
///
/// The process must have one thread, with [`keeper::signals`] signals blocked.
///
/// # Errors
/// The command did not start.
pub fn run(
    run: &RunPlan<'_>,
    command: &Command,
    session: Session,
    report: impl FnOnce(&Layers),
) -> Result<Ended, RunError> {
    let standing = SupervisedSandbox::new(
        run.policy,
        run.require,
        &run.kept(),
        run.lead,
        run.patched,
        |wrappers, ways| {
            let command = equipped(command, wrappers);
            let pass = [run.pass, wrappers.map(|it| it.1).as_slice()].concat();
            let given = run.terminal.map(Arc::as_ref);
            launcher::main(&command, &pass, run.lead, given, ways)
        },
    )?;
    standing.run(run, session, report, |_| Ok(()))
}

/// A shell whose wrappers bring the execs, and the number of the socket that they inherit.
pub(super) type Wrappers<'a> = (&'a Patched, RawFd);

/// The command as it is started there.
pub(super) fn equipped<'a>(
    command: &'a Command,
    wrappers: Option<Wrappers<'_>>,
) -> Cow<'a, Command> {
    match wrappers {
        Some((patched, socket)) => Cow::Owned(patched.equip(command, socket)),
        None => Cow::Borrowed(command),
    }
}

/// A sandbox, seen to be one that we can judge in.
pub(super) struct SupervisedSandbox {
    pub(super) sandbox: Sandbox,
    source: ExecSource,
    ending: Ending,
}

/// Where execs come in.
enum ExecSource {
    Kernel(Arc<Listener>),
    /// Our end of the socket that all wrappers inherit, and the number of theirs.
    Wrappers(Patched, OwnedFd, RawFd),
}

impl SupervisedSandbox {
    /// Makes it; `launcher` gets the wrappers, if they bring the execs, and the ways to the supervisor. It keeps
    /// the descriptors `pass`.
    pub(super) fn new(
        policy: &Policy,
        require: &[LayerName],
        pass: &[RawFd],
        lead: Option<Pid>,
        patched: Option<&Patched>,
        launcher: impl FnOnce(Option<Wrappers<'_>>, Ways) -> u8,
    ) -> Result<Self, RunError> {
        let (ending, alive) = ending::pair()?;
        // What takes the listener, or all wrappers inherit.
        let (ours, theirs) = match patched {
            None => messages::pair()?,
            Some(_) => broker::channel()?,
        };
        let number = theirs.as_raw_fd();
        let setup = Setup {
            policy,
            require,
            keep: &[pass, &[number, alive.as_raw_fd()]].concat(),
            terminal: true,
            number: lead,
            listen: patched.is_none(),
            tell: patched.is_none(),
        };
        let mut sandbox = confine::start(&setup, |inside| match (inside.listener, patched) {
            (None, Some(patched)) => {
                let listener = None;
                launcher(Some((patched, number)), Ways { listener, alive })
            }
            (Some(listener), None) => {
                let listener = Some((listener, theirs));
                launcher(None, Ways { listener, alive })
            }
            _ => Exit::Internal.code(),
        })?;
        let (source, status) = match patched {
            None => {
                let listener = Arc::new(Listener::new(launcher::receive(&ours)?));
                let status = probe::look(&listener, sandbox.init.as_fd())?;
                (ExecSource::Kernel(listener), status)
            }
            Some(patched) => {
                let source = ExecSource::Wrappers(patched.clone(), ours, number);
                (source, broker::status())
            }
        };
        if require.contains(&LayerName::Interceptor) {
            self::require(&status)?;
        }
        sandbox.layers.add(LayerName::Interceptor, status);
        Ok(Self {
            sandbox,
            source,
            ending,
        })
    }

    /// Whether the kernel brings the execs.
    pub(super) fn is_of_the_kernel(&self) -> bool {
        matches!(self.source, ExecSource::Kernel(_))
    }

    /// Supervises the command that `begin` starts, if it has not started by itself.
    pub(super) fn run(
        self,
        run: &RunPlan<'_>,
        mut session: Session,
        report: impl FnOnce(&Layers),
        begin: impl FnOnce(Option<Wrappers<'_>>) -> io::Result<()>,
    ) -> Result<Ended, RunError> {
        let Self {
            sandbox,
            source,
            ending,
        } = self;
        run.stands(sandbox.init_pid)?;
        // Its first exec waits for us if it is faster.
        begin(match &source {
            ExecSource::Kernel(_) => None,
            ExecSource::Wrappers(patched, _, number) => Some((patched, *number)),
        })?;
        session.without_mounts(&sandbox.layers);
        let holding = session.attend(sandbox.holding.as_ref());
        let groups = Groups::new(run.lead, sandbox.init_pid);
        match source {
            ExecSource::Kernel(listener) => {
                let refuser = Refuser::new(sandbox.refusals.clone());
                let supervisor =
                    Supervisor::new(session, listener, run.phase, groups, refuser, holding)?;
                report(&sandbox.layers);
                supervise(run, sandbox, ending, supervisor)
            }
            ExecSource::Wrappers(patched, socket, _) => {
                let shell = patched.script_shell();
                let broker = Broker::new(session, run.phase, socket, shell, groups, holding)?;
                report(&sandbox.layers);
                supervise(run, sandbox, ending, broker)
            }
        }
    }
}

/// Has the interceptor answer until the run ends.
fn supervise(
    run: &RunPlan<'_>,
    sandbox: Sandbox,
    ending: Ending,
    interceptor: impl Intercept + 'static,
) -> Result<Ended, RunError> {
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let signals = SignalFd::with_flags(&keeper::signals(), flags).map_err(io::Error::from)?;
    let mut event_loop = EventLoop {
        sandbox,
        interceptor,
        signals,
        clock: Clock::new(run.timeout).shown_by(run.overdue),
        ending: Some(ending),
        remains: Remains::default(),
    };
    let exit = event_loop.run();
    let EventLoop {
        mut sandbox,
        mut interceptor,
        mut remains,
        ..
    } = event_loop;
    let refused = interceptor.take_refused();
    let holding = sandbox.holding.as_ref();
    let replaced = holding.map(Holding::replaced).unwrap_or_default();
    if remains.is_some() {
        sandbox.vacate();
        remains = remains.and((interceptor, sandbox));
    } else {
        drop(sandbox);
        // Whoever waits for an answer is gone before he gets none.
        interceptor.end();
        tree::end();
    }
    Ok(Ended {
        exit: exit?,
        refused,
        replaced,
        remains,
    })
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
