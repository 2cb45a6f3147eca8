//! The process that the user started: keeps a supervisor, and outlives it by a moment.

use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, getppid};

use super::clock::Clock;
use crate::exit::Exit;
use crate::sys::{fork, tree};

/// How long a supervisor that is told to end may take: longer than ending everything does.
const PATIENCE: Duration = Duration::from_secs(15);

/// The signals that keeper and supervisor wait for instead of dying of them.
pub fn watched() -> SigSet {
    use Signal::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    [SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM]
        .into_iter()
        .collect()
}

/// Runs `supervisor` in a process of its own, and returns what it returned.
///
/// Whichever of the two is killed, the other ends what runs outside the sandbox.
///
/// # Errors
/// There can be no such process.
pub fn keep(supervisor: impl FnOnce() -> Exit) -> io::Result<Exit> {
    fork::adopt_orphans();
    let signals = watched();
    signals.thread_block()?;
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let waiting = SignalFd::with_flags(&signals, flags)?;
    let keeper = nix::unistd::getpid();
    let pid = fork::fork(|| {
        fork::adopt_orphans();
        fork::signal_on_parent_death(Signal::SIGTERM as i32);
        if getppid() != keeper {
            return Exit::Internal.code();
        }
        supervisor().code()
    })?;
    let exit = wait(pid, &waiting)?;
    tree::end();
    Ok(exit)
}

fn wait(supervisor: Pid, waiting: &SignalFd) -> io::Result<Exit> {
    let mut clock = Clock::new(None);
    loop {
        if !clock.poll(&mut [PollFd::new(waiting.as_fd(), PollFlags::POLLIN)])? {
            let _ = kill(supervisor, Signal::SIGKILL);
            clock = Clock::new(None);
        }
        let signal = match waiting.read_signal() {
            Ok(Some(signal)) => signal,
            Ok(None) | Err(Errno::EINTR | Errno::EAGAIN) => continue,
            Err(errno) => return Err(errno.into()),
        };
        if signal.ssi_signo == Signal::SIGCHLD as u32 {
            if let Some(exit) = ended(supervisor) {
                return Ok(exit);
            }
        } else if let Ok(number) = Signal::try_from(signal.ssi_signo.cast_signed())
            && (was_sent(signal.ssi_code) || number == Signal::SIGHUP)
        {
            // One typed at the terminal reaches the supervisor and the command by itself. That it
            // hung up is told to the session's leader alone, which may be this process.
            let _ = kill(supervisor, number);
            if matches!(number, Signal::SIGTERM | Signal::SIGHUP) {
                // Whoever stopped it does not hold up the end.
                let _ = kill(supervisor, Signal::SIGCONT);
                if clock.left().is_none() {
                    clock = Clock::new(Some(PATIENCE));
                }
            }
        }
    }
}

fn ended(supervisor: Pid) -> Option<Exit> {
    use nix::sys::wait::WaitPidFlag;
    match waitpid(supervisor, Some(WaitPidFlag::WNOHANG)) {
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
            Ok(Signal::SIGTERM | Signal::SIGHUP) => {
                return Some(Heard::End(Exit::ToldToEnd(number.to_le_bytes()[0])));
            }
            // One typed at the terminal has reached the command by itself.
            Ok(_) if was_sent(signal.ssi_code) => return Some(Heard::ForCommand(number)),
            _ => {}
        }
    }
    None
}

/// Whether a signal was sent by a process: those typed at the terminal come from the kernel, whose
/// codes are positive.
pub fn was_sent(code: i32) -> bool {
    code <= 0
}
