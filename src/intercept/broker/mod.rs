//! The second interceptor: a shell that was made to start the wrapper in place of each program.
//!
//! ```text
//!  shell ──execve──▶ wrapper ──file, argv, environment──▶ broker ──judge──▶ run it │ pass your
//!                                                                   descriptors │ refused
//! ```
//! It needs nothing of the kernel, and sees what that shell starts: not what the programs start
//! that it starts. A question or a program outside has a thread of its own; everything else is
//! answered at once.
//!
//! # What is believed
//!
//! With `--interceptor shell`, the filter has no listener. A shell that was patched for it (`patches/`,
//! `scripts/build-patched-shell`) starts `codex-execve-wrapper FILE ARGV…` in place of each program. The
//! wrapper starts once per program, so that its start counts: it is a program of its own, without a C
//! library, of a few thousand bytes (`src/wrapper/image`). `build.rs` compiles it, the binary holds it and
//! leaves it in the user's cache; started by that name, the binary becomes it. The wrapper inherits a socket,
//! sends one end of a stream pair through it, and on that pair the file, the argument vector, the
//! environment, and descriptors of the working directory and the file. The broker, in the supervisor's place,
//! judges them as above, and answers: *run*, and the wrapper becomes the program; *deny*, and it says why; or
//! *escalate*, and it passes its descriptors, then its signals, and ends as the program does.
//!
//! Anybody in the sandbox can talk on that socket and claim anything. What is judged is what is run: the file
//! is the descriptor that was sent, and attributes of the process come from the kernel. What this does not
//! give: programs that others than the patched shell start are not judged, inside or outside, and a script
//! that wants to get around the wrapper can. The sandbox holds all the same; but an editor that a program
//! outside starts obeys whoever types, who may be the sandbox. To make up for some of it, a command is judged
//! together with what its words say that it will start, as by `rules explain`: `sh -c 'git push'` is refused
//! as `git push` is.
//!
//! The wrapper fails closed: without socket, broker or sense in the answer, nothing runs, with status 125.
//! Text that names no interpreter is read by the shell, as without a wrapper: the wrapper starts it.

mod children;
mod claim;
mod exec;
mod patched;
mod server;
mod stand_in;

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::Pid;

pub use patched::{Patched, Unusable};

use super::clock::Clock;
use super::ending::{self, Alive, Ending, Remains};
use super::groups::Groups;
use super::keeper;
use super::launcher::{self, Command};
use super::refused::Refusal;
use super::run::{Ended, Run, RunError};
use super::supervisor::Session;
use crate::confine::{self, LayerName, Layers, Policy, Sandbox, Setup, Status};
use server::{Broker, Watch};

/// Above the numbers that scripts use, and below the usual limit of 1024.
const NUMBER: RawFd = 1000;

/// Runs a command to its end as [`super::run::run`] does, its execs brought by the wrapper.
///
/// # Errors
/// The command did not start.
pub(super) fn run(
    run: &Run<'_>,
    command: &Command,
    patched: &Patched,
    session: Session,
    report: impl FnOnce(&Layers),
) -> Result<Ended, RunError> {
    let standing = Standing::new(
        run.policy,
        run.require,
        &run.kept(),
        run.lead,
        |socket, alive| {
            let command = patched.equip(command, socket);
            let given = run.terminal.map(Arc::as_ref);
            let pass = [run.pass, &[socket]].concat();
            launcher::unheard(&command, &pass, run.lead, given, alive)
        },
    )?;
    standing.run(run, patched, session, report, |_| Ok(()))
}

/// A sandbox whose shell will bring its execs.
pub(super) struct Standing {
    pub(super) sandbox: Sandbox,
    /// Our end of the socket that all wrappers inherit.
    socket: OwnedFd,
    /// The number of theirs.
    number: RawFd,
    ending: Ending,
}

impl Standing {
    /// Makes it; `launcher` gets the number of the socket that the command is to inherit, and what it
    /// must hold while it is alive. It keeps the descriptors `pass`.
    pub(super) fn new(
        policy: &Policy,
        require: &[LayerName],
        pass: &[RawFd],
        lead: Option<Pid>,
        launcher: impl FnOnce(RawFd, Alive) -> u8,
    ) -> Result<Self, RunError> {
        let (socket, theirs) = channel()?;
        let number = theirs.as_raw_fd();
        let (ending, alive) = ending::pair()?;
        let setup = Setup {
            policy,
            require,
            keep: &[pass, &[number, alive.as_raw_fd()]].concat(),
            terminal: true,
            number: lead,
            listen: false,
            tell: false,
        };
        let mut sandbox = confine::start(&setup, |_| launcher(number, alive))?;
        let part = "programs that the patched shell starts are judged, what these start is not";
        let status = Status::Partly(part.to_owned());
        sandbox.layers.add(LayerName::Interceptor, status);
        Ok(Self {
            sandbox,
            socket,
            number,
            ending,
        })
    }

    /// Answers the wrappers of the command that `begin` starts, if it has not started by itself.
    pub(super) fn run(
        self,
        run: &Run<'_>,
        patched: &Patched,
        mut session: Session,
        report: impl FnOnce(&Layers),
        begin: impl FnOnce(RawFd) -> io::Result<()>,
    ) -> Result<Ended, RunError> {
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&keeper::watched(), flags).map_err(io::Error::from)?;
        run.stands(self.sandbox.init_pid)?;
        begin(self.number)?;
        report(&self.sandbox.layers);
        session.without_mounts(&self.sandbox.layers);
        let holding = session.attend(self.sandbox.holding.as_ref());
        let broker = Broker::new(
            session,
            run.phase,
            self.sandbox.init_pid,
            patched.script_shell(),
            Groups::new(run.lead, self.sandbox.init_pid),
            holding.clone(),
        )?;
        let mut watch = Watch {
            sandbox: self.sandbox,
            broker,
            socket: Some(self.socket),
            ending: Some(self.ending),
            signals,
            clock: Clock::new(run.timeout).shown_by(run.overdue),
            remains: Remains::default(),
        };
        let exit = watch.watch();
        let mut remains = std::mem::take(&mut watch.remains);
        if remains.is_some() {
            watch.sandbox.vacate();
            remains = remains.and(watch);
        } else {
            watch.end_outside();
        }
        Ok(Ended {
            exit: exit?,
            refused: Refusal::default(),
            replaced: holding.map(|it| it.replaced()).unwrap_or_default(),
            remains,
        })
    }
}

/// The socket that all wrappers inherit, and its other end; packets, so that many can write, and
/// connected for good, so that it leads nowhere else.
fn channel() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    )?;
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let highest = RawFd::try_from(limit)
        .unwrap_or(RawFd::MAX)
        .saturating_sub(24);
    let number = fcntl(
        theirs.as_fd(),
        FcntlArg::F_DUPFD_CLOEXEC(NUMBER.min(highest)),
    )?;
    Ok((ours, crate::sys::fork::received(number)?))
}
