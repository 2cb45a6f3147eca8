//! The process that the user started, and the one between it and the supervisor: both outlive that by
//! a moment.
//!
//! # Who ends what
//!
//! Keeper, guard and supervisor all adopt orphans, and init dies with the supervisor. The end of one is told
//! to those next to it by `SIGCONT`, so that one that was stopped hears of it too, and they end what is left.
//! So as long as one of the three has not been killed, whatever the command started ends, inside and outside;
//! the guard has a session and a name of its own, so that `killall` or a signal to the group does not kill
//! all three.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd as _, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid, setsid};

use super::clock::{Clock, LATE};
use crate::exit::Exit;
use crate::sys::timer::Timer;
use crate::sys::{fds, fork, signals, tree};
use crate::terminal::{self, Given, Relay};

/// How long a supervisor that is told to end may take: longer than ending everything does.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long the guard may take once a command is overdue, before the keeper ends all of it.
const GUARDS: Duration = Duration::from_secs(10);

/// What the guard is called: who ends processes by our name does not end them all.
const GUARD: &CStr = c"codex-guard";

/// The process whose end is the end of this one; 0 where there is none.
static STARTER: AtomicI32 = AtomicI32::new(0);

/// The signals that keeper, guard and supervisor wait for instead of dying of them.
pub fn signals() -> SigSet {
    use Signal::{SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
    [SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ]
        .into_iter()
        .collect()
}

/// Has this process's end follow that of `starter`, who has just forked it. It is told by `SIGCONT`,
/// so that being stopped is no way to miss it.
///
/// # Errors
/// The starter is gone already.
pub fn follow(starter: Pid) -> io::Result<()> {
    STARTER.store(starter.as_raw(), Ordering::Relaxed);
    let _ = prctl::set_pdeathsig(Signal::SIGCONT);
    if is_left() {
        return Err(io::Error::other("who started this is gone"));
    }
    Ok(())
}

/// Whether the process that this one follows has ended.
fn is_left() -> bool {
    let starter = STARTER.load(Ordering::Relaxed);
    starter != 0 && getppid().as_raw() != starter
}

/// Runs `supervisor` in a process of its own, below a *guard*, and returns what it returned; what
/// `failed` says where there can be no such processes.
///
/// ```text
///  keeper ── guard ── supervisor ── programs outside
/// ```
/// An orphan becomes the child of the nearest of the three that is left. Each ends what is below it
/// once the next one above or below has ended: the kernel says so by `SIGCONT`, which also wakes who
/// was stopped. So nothing stays while any of the three has not been killed. The guard has a session
/// and a name of its own, since what kills the others at once is meant for a group or a name.
///
/// Where there is a time limit, the supervisor keeps it. Does it hang, so that this runs out which is
/// `overdue`, the guard ends it with everything; and should that hang too, the keeper does.
pub fn keep(
    overdue: Option<&Timer>,
    supervisor: impl FnOnce() -> Exit,
    failed: impl Fn(&io::Error) -> Exit,
) -> Exit {
    keep_beside(None, overdue, supervisor, failed)
}

/// What runs out some time after `limit`.
///
/// # Errors
/// The kernel has no descriptor left.
pub fn overdue(limit: Duration) -> io::Result<Timer> {
    let timer = Timer::new()?;
    timer.set(Some(limit.saturating_add(LATE)))?;
    Ok(timer)
}

/// The same for a command that gets the descriptors 0, 1 and 2 and those of `pass`. The keeper alone has
/// the user's terminal, if there is one; what `supervisor` is told is the one that the command has in
/// its place.
pub fn keep_on_terminal(
    pass: &[RawFd],
    overdue: Option<&Timer>,
    supervisor: impl FnOnce(Option<Given>) -> Exit,
    failed: impl Fn(&io::Error) -> Exit,
) -> Exit {
    match terminal::open(pass) {
        Ok(Some((relay, theirs))) => {
            let supervisor = || match theirs.enter() {
                Ok(given) => supervisor(Some(given)),
                Err(error) => failed(&error),
            };
            keep_beside(Some(relay), overdue, supervisor, &failed)
        }
        Ok(None) => keep(overdue, || supervisor(None), &failed),
        // There is one that we can't guard: then it is nobody's to be asked on, and not the command's.
        Err(_) => keep(
            overdue,
            || match setsid() {
                Ok(_) => supervisor(None),
                Err(errno) => failed(&errno.into()),
            },
            &failed,
        ),
    }
}

fn keep_beside(
    relay: Option<Relay>,
    overdue: Option<&Timer>,
    supervisor: impl FnOnce() -> Exit,
    failed: impl Fn(&io::Error) -> Exit,
) -> Exit {
    let supervisor = || {
        fork::adopt_orphans();
        supervisor()
    };
    let apart = || {
        // Not ours to be refused: this process leads no group.
        let _ = setsid();
        let _ = prctl::set_name(GUARD);
    };
    let limit = |patience| overdue.map(|timer| Overdue { timer, patience });
    let soon = limit(Duration::ZERO);
    let guard = || hold(supervisor, apart, None, soon).unwrap_or_else(|error| failed(&error));
    hold(guard, || (), relay, limit(GUARDS)).unwrap_or_else(|error| failed(&error))
}

/// When a child is ended that does not end by itself.
#[derive(Debug, Clone, Copy)]
struct Overdue<'a> {
    /// When it should have.
    timer: &'a Timer,
    /// How long it may take from then on.
    patience: Duration,
}

/// Runs `child` in a process of its own, and `meanwhile` here; whatever the child leaves behind ends.
fn hold(
    child: impl FnOnce() -> Exit,
    meanwhile: impl FnOnce(),
    mut relay: Option<Relay>,
    limit: Option<Overdue<'_>>,
) -> io::Result<Exit> {
    fork::adopt_orphans();
    let mut signals = signals();
    if relay.is_some() {
        signals.extend(&terminal::signals());
    }
    signals.thread_block()?;
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let waiting = SignalFd::with_flags(&signals, flags)?;
    let holder = getpid();
    let pid = fork::fork_waking(|| {
        drop(relay.take());
        match follow(holder) {
            Ok(()) => child().code(),
            Err(_) => Exit::Internal.code(),
        }
    })?;
    if let Some(relay) = &mut relay {
        relay.begin();
    }
    meanwhile();
    let exit = wait(pid, &waiting, relay.as_mut(), limit);
    tree::end();
    if let Some(relay) = relay {
        relay.finish(&waiting);
    }
    exit
}

fn wait(
    child: Pid,
    waiting: &SignalFd,
    mut relay: Option<&mut Relay>,
    mut limit: Option<Overdue<'_>>,
) -> io::Result<Exit> {
    let deaf = signals::ignored_by_caller() & 1 << (Signal::SIGHUP as u32 - 1) != 0;
    let mut clock = Clock::new(None);
    let (mut is_overdue, mut is_killed) = (false, false);
    loop {
        let mut sources = vec![PollFd::new(waiting.as_fd(), PollFlags::POLLIN)];
        sources.extend(limit.map(|limit| PollFd::new(limit.timer.as_fd(), PollFlags::POLLIN)));
        let patience = relay.as_ref().and_then(|relay| {
            sources.extend(relay.sources());
            relay.patience()
        });
        if !clock.poll_for(&mut sources, patience)? {
            if is_overdue && is_killed {
                // It waits in the kernel for what never comes.
                return Ok(Exit::TimedOut);
            }
            let _ = kill(child, Signal::SIGKILL);
            is_killed = true;
            clock = Clock::new(is_overdue.then_some(PATIENCE));
        }
        if let Some(late) = limit.filter(|limit| fds::is_readable(limit.timer.as_fd())) {
            (limit, is_overdue) = (None, true);
            if clock.left().is_none() {
                clock = Clock::new(Some(late.patience));
            }
        }
        if let Some(relay) = &mut relay {
            relay.attend();
        }
        let signal = match waiting.read_signal() {
            Ok(Some(signal)) => signal,
            Ok(None) | Err(Errno::EINTR | Errno::EAGAIN) => continue,
            Err(errno) => return Err(errno.into()),
        };
        let Ok(number) = Signal::try_from(signal.ssi_signo.cast_signed()) else {
            continue;
        };
        let passed = match number {
            Signal::SIGCHLD | Signal::SIGCONT => {
                if let Some(exit) = ended(child) {
                    let exit = if is_killed && is_overdue {
                        Exit::TimedOut
                    } else {
                        exit
                    };
                    return Ok(exit);
                }
                match &mut relay {
                    Some(relay) if number == Signal::SIGCONT => relay.resume(),
                    _ => {}
                }
                is_left().then_some(Signal::SIGTERM)
            }
            Signal::SIGHUP if deaf => None,
            _ => {
                let taken = relay
                    .as_mut()
                    .is_some_and(|relay| relay.takes(number, was_sent(signal.ssi_code)));
                (!taken).then_some(number)
            }
        };
        let Some(passed) = passed else { continue };
        let _ = kill(child, passed);
        if matches!(passed, Signal::SIGTERM | Signal::SIGHUP) {
            if let Some(relay) = &mut relay {
                relay.give_up();
            }
            // Whoever stopped it does not hold up the end.
            let _ = kill(child, Signal::SIGCONT);
            if clock.left().is_none() {
                clock = Clock::new(Some(PATIENCE));
            }
        }
    }
}

fn ended(child: Pid) -> Option<Exit> {
    // __WALL: its end is not told by SIGCHLD.
    match waitpid(child, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
        Ok(WaitStatus::Exited(_, status)) => Some(Exit::Command(status.to_le_bytes()[0])),
        Ok(WaitStatus::Signaled(_, signal, _)) => Some(Exit::Command(128 + signal as u8)),
        Ok(_) => None,
        Err(_) => Some(Exit::Internal),
    }
}

/// What a signal that came to a supervisor asks for.
#[derive(Debug, Clone, Copy)]
pub enum Heard {
    /// Something became of a child.
    Child,
    /// The run is to end, with this status.
    End(Exit),
    /// The command is to have the signal of this number.
    ForCommand(i32),
}

/// The next that came; `None` when that was all.
pub fn heard(signals: &mut SignalFd) -> Option<Heard> {
    while let Ok(Some(signal)) = signals.read_signal() {
        let number = signal.ssi_signo.cast_signed();
        match Signal::try_from(number) {
            Ok(Signal::SIGCHLD) => return Some(Heard::Child),
            Ok(Signal::SIGCONT) if is_left() => {
                return Some(Heard::End(Exit::ToldToEnd(Signal::SIGTERM as u8)));
            }
            Ok(Signal::SIGTERM | Signal::SIGHUP) => {
                return Some(Heard::End(Exit::ToldToEnd(number.to_le_bytes()[0])));
            }
            // A file of ours has become too large: the error says so.
            Ok(Signal::SIGCONT | Signal::SIGXFSZ) | Err(_) => {}
            // Nobody shares this process's group who could have had it as well.
            Ok(_) => return Some(Heard::ForCommand(number)),
        }
    }
    None
}

/// Whether a signal was sent by a process: those typed at the terminal come from the kernel, whose
/// codes are positive.
pub fn was_sent(code: i32) -> bool {
    code <= 0
}
