//! What becomes of children: ends, stops, going on; also by a signal that has no name.

#![forbid(unsafe_code)]

use std::io;

use nix::unistd::Pid;
use rustix::io::Errno;
use rustix::process::{WaitOptions, WaitStatus, wait, waitpid};
use serde::{Deserialize, Serialize};

use super::process;

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
    let flags = WaitOptions::NOHANG | WaitOptions::UNTRACED | WaitOptions::CONTINUED;
    status(pid, flags).ok()?.map(Change::from)
}

/// Waits for the end of any child of ours, also by a signal that has no name.
///
/// # Errors
/// `ECHILD` when there is none.
pub fn next_end() -> io::Result<(Pid, Change)> {
    wait_for_any(WaitOptions::empty())
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
    wait_for_any(WaitOptions::UNTRACED | WaitOptions::CONTINUED)
}

fn wait_for_any(flags: WaitOptions) -> io::Result<(Pid, Change)> {
    loop {
        match wait(flags) {
            Ok(Some((pid, status))) => {
                return Ok((Pid::from_raw(pid.as_raw_pid()), Change::from(status)));
            }
            Ok(None) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// How our child `pid`, or what we trace by that number, has changed; `None` when it hasn't yet.
pub(super) fn status(pid: Pid, flags: WaitOptions) -> io::Result<Option<WaitStatus>> {
    let found = waitpid(Some(process(pid)?), flags)?;
    Ok(found.map(|(_, status)| status))
}

impl From<WaitStatus> for Change {
    fn from(status: WaitStatus) -> Self {
        let low = |n: i32| u8::try_from(n).unwrap_or(u8::MAX);
        if let Some(code) = status.exit_status() {
            Self::Exited(low(code))
        } else if let Some(signal) = status.terminating_signal() {
            Self::Killed(low(signal))
        } else if let Some(signal) = status.stopping_signal() {
            Self::Stopped(low(signal))
        } else {
            Self::Continued
        }
    }
}
