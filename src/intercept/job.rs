//! A program outside and the process that stands in for it, which is the one that the caller waits for,
//! are one job: what is sent to the one is for the other, and they stop, go on and end together.

use std::io;

use nix::libc::{SIGCONT, SIGURG};
use nix::unistd::Pid;

use super::caller;
use crate::sys::change::Change;
use crate::sys::pidfd::PidFd;

/// `si_code` of a signal from the kernel, such as one typed at the terminal.
const FROM_KERNEL: i32 = 0x80;
/// `si_code` of the `SIGCONT` by which the process that stands in goes on. The kernel gives out none
/// below -60 (`asm-generic/siginfo.h`), and leaves processes any that are negative.
const FROM_US: i32 = -0x434f;

/// The process that stands in.
///
/// It stops itself, when it is told to: it alone can do so without losing a `SIGCONT` that comes this
/// moment (`src/sys/bare/signals.rs`). It tells of each signal before it stops, so that who has it stop
/// knows what was sent to it until then.
#[derive(Debug)]
pub struct StandInProcess {
    handle: PidFd,
    program_is_stopped: bool,
    /// It was told to, and was not heard of since.
    is_to_stop: bool,
}

impl StandInProcess {
    /// Of a program that runs, or is about to.
    ///
    /// # Errors
    /// There is no such process.
    pub fn open(pid: Pid) -> io::Result<Self> {
        Ok(Self {
            handle: PidFd::open(pid)?,
            program_is_stopped: false,
            is_to_stop: false,
        })
    }

    /// The process.
    pub fn handle(&self) -> &PidFd {
        &self.handle
    }

    /// Has it follow `program`. Where that has stopped, it is to be told so: [`Self::stops`].
    pub fn follow(&mut self, program: Option<&PidFd>, change: Change) {
        // Of a program elsewhere we hear late: a signal that was passed on may have had it go on.
        self.program_is_stopped =
            matches!(change, Change::Stopped(_)) && program.is_none_or(is_stopped);
        if change == Change::Continued && self.is_to_stop {
            // Whether or not it has stopped by now. It may be gone, and then there is nobody to follow.
            let _ = self.handle.signal_with_code(SIGCONT, FROM_US);
        }
    }

    /// It tells of a signal, which `program` gets if it is meant: what was typed has reached one in the
    /// `same_group`, and ours are for the process alone.
    pub fn pass_on(&mut self, program: &PidFd, signal: i32, code: i32, same_group: bool) {
        self.is_to_stop = false;
        if is_for_program(signal, code, same_group) {
            // It may have ended this moment.
            let _ = program.signal(signal);
            self.program_is_stopped &= signal != SIGCONT;
        }
    }

    /// Whether it is to stop now, all of whose signals were passed on: asked only in order to tell it.
    pub fn stops(&mut self) -> bool {
        self.is_to_stop = self.program_is_stopped;
        self.is_to_stop
    }

    /// Has it ask what there is to know.
    pub fn wake(&self) {
        let _ = self.handle.signal(SIGURG);
    }
}

/// Whether it is stopped this moment, or nobody can say.
fn is_stopped(program: &PidFd) -> bool {
    let status = program.number().and_then(caller::status);
    status.map_or(true, |status| status.is_stopped)
}

fn is_for_program(signal: i32, code: i32, same_group: bool) -> bool {
    match code {
        FROM_US => false,
        FROM_KERNEL => !same_group,
        _ => signal != SIGURG,
    }
}

#[cfg(test)]
mod tests {
    use nix::libc::SIGINT;

    use super::*;

    #[test]
    fn each_signal_is_for_the_program_once() {
        let sent = 0;
        for same_group in [false, true] {
            assert!(is_for_program(SIGINT, sent, same_group));
            assert!(is_for_program(SIGCONT, sent, same_group));
            assert_eq!(is_for_program(SIGINT, FROM_KERNEL, same_group), !same_group);
            assert!(!is_for_program(SIGCONT, FROM_US, same_group));
            assert!(!is_for_program(SIGURG, sent, same_group));
        }
    }
}
