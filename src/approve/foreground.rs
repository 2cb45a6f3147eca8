//! Whose turn it is at a terminal: the process group in the foreground reads from it.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{Pid, getpgid, getpgrp, tcgetpgrp, tcsetpgrp};

use crate::sys::read_capped::read_capped;

/// What the kernel says of a descriptor is shorter, in bytes.
const LONGEST: usize = 4096;

/// This process group has the foreground until this is dropped.
#[derive(Debug)]
pub(super) struct Foreground<'a> {
    device: &'a File,
    /// Who had it before, if it is not ours anyway.
    borrowed_from: Option<Pid>,
}

impl<'a> Foreground<'a> {
    /// Has the foreground of `device`, borrowed if need be from the group of the process that the
    /// descriptor `caller` is of: a shell with job control gives each job its turn, and while it is
    /// asked about, that job waits. `None` when it is somebody else's turn.
    pub(super) fn of(device: &'a File, caller: BorrowedFd<'_>) -> Option<Self> {
        let group = tcgetpgrp(device).ok()?;
        if group == getpgrp() {
            return Some(Self {
                device,
                borrowed_from: None,
            });
        }
        if getpgid(Some(process(caller)?)) != Ok(group) {
            return None;
        }
        set(device, getpgrp())?;
        Some(Self {
            device,
            borrowed_from: Some(group),
        })
    }

    /// Whether the terminal's signals would not reach whoever is asked about.
    pub(super) fn is_borrowed(&self) -> bool {
        self.borrowed_from.is_some()
    }
}

impl Drop for Foreground<'_> {
    fn drop(&mut self) {
        if let Some(group) = self.borrowed_from {
            // A group that has ended needs no turn.
            let _ = set(self.device, group);
        }
    }
}

/// A group in the background may do so only while it does not hear of it.
fn set(device: &File, group: Pid) -> Option<()> {
    let mut quiet = SigSet::empty();
    quiet.add(Signal::SIGTTOU);
    let before = quiet.thread_swap_mask(SigmaskHow::SIG_BLOCK).ok()?;
    let done = tcsetpgrp(device, group);
    let _ = before.thread_set_mask();
    done.ok()
}

/// The process that a descriptor is of, if it is one of a process.
fn process(fd: BorrowedFd<'_>) -> Option<Pid> {
    let path = PathBuf::from(format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd()));
    let text = read_capped(&path, LONGEST, Duration::ZERO).ok()?;
    let text = String::from_utf8(text).ok()?;
    let number = text.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    let number = number
        .trim()
        .parse()
        .ok()
        .filter(|&number: &i32| number > 0)?;
    Some(Pid::from_raw(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::pidfd::PidFd;

    #[test]
    fn a_descriptor_tells_its_process() {
        let own = nix::unistd::getpid();
        let handle = PidFd::open(own).unwrap();
        assert_eq!(process(handle.as_fd()), Some(own));
        let file = File::open("/").unwrap();
        assert_eq!(process(file.as_fd()), None);
    }
}
