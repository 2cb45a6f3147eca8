//! The first process of the sandbox: hands the listener over, starts the command, reaps.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::socket::MsgFlags;
use nix::unistd::{Pid, execvpe, setsid};

pub use super::command::Command;
use super::ending::Alive;
use super::handed;
use crate::exit::Exit;
use crate::request::argv;
use crate::sys::change::{self, Change};
use crate::sys::{fds, fork, messages, probe_call, say, signals};
use crate::terminal::Given;

/// The first process's ways to the supervisor.
#[derive(Debug)]
pub struct Ways {
    /// The listener and what takes it, where the kernel brings the execs.
    pub listener: Option<(OwnedFd, OwnedFd)>,
    /// Is told the end.
    pub alive: Alive,
}

/// What the first process does; the result is its exit status. The command keeps the descriptors
/// `pass`, and has the terminal `given`; for `lead` see [`super::run::RunPlan::lead`].
pub fn main(
    command: &Command,
    pass: &[RawFd],
    lead: Option<Pid>,
    given: Option<&Given>,
    ways: Ways,
) -> u8 {
    let Ways { listener, alive } = ways;
    hand_over(listener, || {
        run(alive, given, || start(command, pass, lead))
    })
}

/// As [`main`], with a command that is still to come by `gate`, see [`send_command`], and leads a session.
pub fn main_ahead(gate: &OwnedFd, pass: &[RawFd], ways: Ways) -> u8 {
    let Ways { listener, alive } = ways;
    hand_over(listener, || {
        run_ahead(gate, alive, || {
            look_at_me();
            start_when_told(gate, pass)
        })
    })
}

/// Has a process in [`main_ahead`] start `command` in `directory`, with this process's own 0, 1
/// and 2. When the command has ended and left nothing behind, its status comes back: see
/// [`super::ending::by_gate`].
///
/// # Errors
/// The process is gone.
pub fn send_command(gate: &OwnedFd, command: &Command, directory: &Path) -> io::Result<()> {
    let file = handed::pack(command)?;
    let (input, output, errors) = (io::stdin(), io::stdout(), io::stderr());
    let streams = [input.as_fd(), output.as_fd(), errors.as_fd()];
    send_packed(gate, file.as_fd(), streams, directory)
}

/// As [`send_command`], with a command from [`handed::pack`] and other streams.
///
/// # Errors
/// The process is gone.
pub fn send_packed(
    gate: &OwnedFd,
    command: BorrowedFd<'_>,
    streams: [BorrowedFd<'_>; 3],
    directory: &Path,
) -> io::Result<()> {
    handed::send_streams(gate, directory.as_os_str().as_bytes(), streams, command)
}

/// Waits for a command and makes ready what is around it.
fn told(gate: &OwnedFd) -> io::Result<Option<Command>> {
    let Some((directory, descriptors)) = handed::receive(gate)? else {
        return Ok(None);
    };
    let file = handed::take_streams(descriptors)?;
    handed::enter(Path::new(OsStr::from_bytes(&directory)))?;
    handed::unpack(file).map(Some)
}

/// What the first process does when there is no command: it lets itself be looked at.
pub fn show(listener: OwnedFd, channel: OwnedFd) -> u8 {
    hand_over(Some((listener, channel)), || {
        end_of(None, || {
            look_at_me();
            Exit::Success.code()
        })
    })
}

fn hand_over(listener: Option<(OwnedFd, OwnedFd)>, then: impl FnOnce() -> u8) -> u8 {
    if let Some((listener, channel)) = listener
        && messages::send(&channel, &(), Some(listener.as_fd())).is_err()
    {
        return Exit::Internal.code();
    }
    then()
}

fn run(alive: Alive, given: Option<&Given>, child: impl FnOnce() -> u8) -> u8 {
    if let Some(given) = given {
        given.lead();
    }
    let status = end_of(given, child);
    alive.end(status, None);
    status
}

/// As [`run`], where nothing hides this process from its child: they share its memory.
fn run_ahead(gate: &OwnedFd, alive: Alive, child: impl FnOnce() -> u8) -> u8 {
    let status = fork::beside(child).map_or_else(|error| cannot_fork(&error), status_of);
    alive.end(status, Some(gate));
    status
}

fn end_of(given: Option<&Given>, child: impl FnOnce() -> u8) -> u8 {
    match fork::fork(child) {
        Ok(command) => match given {
            Some(given) => told_end_of(command, given),
            None => change::end_of(command),
        }
        .map_or(Exit::Internal.code(), status_of),
        Err(error) => cannot_fork(&error),
    }
}

/// Waits for the end of our child `command`; that it is stopped is told.
fn told_end_of(command: Pid, given: &Given) -> io::Result<Change> {
    loop {
        match change::next_change()? {
            (pid, Change::Stopped(signal)) if pid == command => given.stopped(signal),
            (_, Change::Stopped(_) | Change::Continued) => {}
            (pid, end) if pid == command => return Ok(end),
            _ => {}
        }
    }
}

fn cannot_fork(error: &io::Error) -> u8 {
    say(&format!("cannot fork: {error}"), Exit::Internal)
}

/// Becomes the command; for `lead` see [`super::run::RunPlan::lead`].
fn start(command: &Command, pass: &[RawFd], lead: Option<Pid>) -> u8 {
    look_at_me();
    if lead.is_some() {
        lead_session();
    }
    become_command(command, pass)
}

fn start_when_told(gate: &OwnedFd, pass: &[RawFd]) -> u8 {
    // What fails here fails again, and is told then.
    let _ = rehearse();
    match told(gate) {
        Ok(Some(command)) => {
            lead_session();
            become_command(&command, pass)
        }
        // The supervisor is gone, and nobody waits.
        Ok(None) => Exit::Internal.code(),
        Err(error) => say(&format!("the command can't start: {error}"), Exit::Internal),
    }
}

/// What the command sends to its group does not reach those who look after it.
fn lead_session() {
    // It has been forked for the command, and leads none yet.
    let _ = setsid();
}

/// Does once what the command will need, with one that can't start. Nearly every page that this takes
/// is shared with the process that forked this one, or not there yet; to have each for the first time
/// costs as much as ten system calls, and now nobody waits.
fn rehearse() -> io::Result<()> {
    let (ours, theirs) = messages::pair()?;
    send_command(&ours, &Command::nothing(), Path::new("/"))?;
    if let Some(nothing) = told(&theirs)? {
        execute(&nothing);
    }
    Ok(())
}

fn become_command(command: &Command, pass: &[RawFd]) -> u8 {
    for &fd in pass {
        if let Err(error) = fds::keep_on_exec(fd) {
            return say(&format!("descriptor {fd}: {error}"), Exit::Internal);
        }
    }
    let errno = execute(command);
    let name = argv::word(OsStr::from_bytes(command.program.as_bytes()));
    match errno {
        Errno::ENOENT | Errno::ENOTDIR => {
            let is_script = command.program.as_bytes().contains(&b' ');
            let hint = if is_script {
                "; for a script, say -c"
            } else {
                ""
            };
            say(&format!("{name}: not found{hint}"), Exit::NotFound)
        }
        errno => say(&format!("{name}: {}", errno.desc()), Exit::NotExecutable),
    }
}

/// Does not return unless it fails.
fn execute(command: &Command) -> Errno {
    signals::ignore_exactly(command.ignored);
    signals::block_exactly(command.blocked);
    let Err(errno) = execvpe(&command.program, &command.argv, &command.environment);
    errno
}

/// Waits until the supervisor has seen whether it can look at this process.
fn look_at_me() {
    let _ = prctl::set_dumpable(true);
    // Where nobody answers, an exec gets no answer either.
    let _ = probe_call::make();
}

fn say(message: &str, exit: Exit) -> u8 {
    say::line(&format!("codex-shell: error: {message}"));
    exit.code()
}

/// The sandbox's status; when the command ends, so does the sandbox.
fn status_of(end: Change) -> u8 {
    match end {
        Change::Exited(status) => status,
        Change::Killed(signal) => signal.saturating_add(128),
        Change::Stopped(_) | Change::Continued => Exit::Internal.code(),
    }
}

/// The listener, from the first process.
///
/// # Errors
/// The first process ended before it sent one.
pub fn receive(channel: &OwnedFd) -> io::Result<OwnedFd> {
    match messages::receive(channel, MsgFlags::empty())? {
        Some(((), Some(listener))) => Ok(listener),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
