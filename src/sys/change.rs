//! What becomes of children: ends, stops, going on; also by a signal that has no name.

#![expect(
    unsafe_code,
    reason = "nix has no name for every signal that ends a process"
)]

use std::io;

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::checked;

/// What became of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// It exited with this status.
    Exited(u8),
    /// It was killed by this signal.
    Killed(u8),
    /// It was stopped by this signal.
    Stopped(u8),
    /// It goes on.
    Continued,
}

impl Change {
    /// Whether nothing comes after it.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Exited(_) | Self::Killed(_))
    }
}

/// The next change in the state of our child `pid`, if there is one that was not told yet.
pub fn change(pid: Pid) -> Option<Change> {
    let flags = libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED;
    wait(pid.as_raw(), flags).ok()?.map(|(_, change)| change)
}

/// Waits for the end of any child of ours, also by a signal that has no name.
///
/// # Errors
/// `ECHILD` when there is none.
pub fn next_end() -> io::Result<(Pid, Change)> {
    wait_for_any(0)
}

/// Waits for the end of our child `pid`, and reaps those that end before.
///
/// # Errors
/// `ECHILD`: there is no such child.
pub fn end_of(pid: Pid) -> io::Result<Change> {
    loop {
        let (ended, change) = next_end()?;
        if ended == pid {
            return Ok(change);
        }
    }
}

/// Waits for any child of ours to end, to be stopped or to go on.
///
/// # Errors
/// `ECHILD` when there is none.
pub fn next_change() -> io::Result<(Pid, Change)> {
    wait_for_any(libc::WUNTRACED | libc::WCONTINUED)
}

fn wait_for_any(flags: i32) -> io::Result<(Pid, Change)> {
    loop {
        match wait(-1, flags) {
            Ok(Some(ended)) => return Ok(ended),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn wait(pid: i32, flags: i32) -> io::Result<Option<(Pid, Change)>> {
    let mut status = 0;
    // SAFETY: `status` lives until the call returns.
    let found = checked(unsafe { libc::waitpid(pid, &raw mut status, flags) })?;
    let low = |n: i32| u8::try_from(n).unwrap_or(u8::MAX);
    let change = match status {
        s if libc::WIFEXITED(s) => Change::Exited(low(libc::WEXITSTATUS(s))),
        s if libc::WIFSIGNALED(s) => Change::Killed(low(libc::WTERMSIG(s))),
        s if libc::WIFSTOPPED(s) => Change::Stopped(low(libc::WSTOPSIG(s))),
        _ => Change::Continued,
    };
    Ok((found > 0).then_some((Pid::from_raw(found), change)))
}
