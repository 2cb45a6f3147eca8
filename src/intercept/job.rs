//! A program outside and the process that stands in for it, which is the one that the caller waits for,
//! are one job: what is sent to the one is for the other, and they stop, go on and end together.

use std::io;

use nix::libc::{SIGCONT, SIGSTOP, SIGURG};
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
/// It does not stop itself: what has it go on may come before it would, and it would wait for ever. It is
/// stopped and sent on from here, in the order in which the program was. Any of that takes back what is
/// pending and means the opposite (signal(7)), so nothing is sent against what is on its way already.
#[derive(Debug)]
pub struct StandInProcess {
    handle: PidFd,
    pid: Pid,
    program_is_stopped: bool,
    /// It was stopped from here once.
    was_stopped: bool,
}

impl StandInProcess {
    /// Of a program that runs, or is about to.
    ///
    /// # Errors
    /// There is no such process.
    pub fn open(pid: Pid) -> io::Result<Self> {
        Ok(Self {
            handle: PidFd::open(pid)?,
            pid,
            program_is_stopped: false,
            was_stopped: false,
        })
    }

    /// The process.
    pub fn handle(&self) -> &PidFd {
        &self.handle
    }

    /// Has it follow the program.
    pub fn follow(&mut self, change: Change) {
        self.program_is_stopped = matches!(change, Change::Stopped(_));
        self.settle();
    }

    /// A signal came to it, of which it tells. Whether that is for the program: what was typed has
    /// reached one in the `same_group`, and ours are for the process alone.
    pub fn is_for_program(&mut self, signal: i32, code: i32, same_group: bool) -> bool {
        if code == FROM_US {
            self.settle();
        }
        is_for_program(signal, code, same_group)
    }

    fn settle(&mut self) {
        if !self.program_is_stopped && !self.was_stopped {
            return;
        }
        // It may be gone this moment, and then there is nobody to follow.
        let Ok(status) = caller::status(self.pid) else {
            return;
        };
        let is_pending = |signal: i32| status.pending & 1 << (signal - 1) != 0;
        if !self.program_is_stopped {
            if status.is_stopped || is_pending(SIGSTOP) {
                let _ = self.handle.signal_with_code(SIGCONT, FROM_US);
            }
        } else if !is_pending(SIGCONT) {
            self.was_stopped = true;
            let _ = self.handle.signal(SIGSTOP);
        }
    }

    /// Has it ask what there is to know.
    pub fn wake(&self) {
        let _ = self.handle.signal(SIGURG);
    }
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
