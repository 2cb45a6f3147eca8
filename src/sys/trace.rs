//! Holds or watches a thread for a moment: ptrace(2).

#![expect(unsafe_code, reason = "ptrace(2) with signals that have no name")]

use std::io;

use nix::unistd::Pid;
use rustix::process::{WaitOptions, WaitStatus};

use super::{PtraceRequest, change, checked};

/// A traced thread; it is let go when this is dropped.
#[derive(Debug)]
pub struct Traced {
    tid: Pid,
    stopped: bool,
    /// It is stopped together with its whole process.
    with_group: bool,
    /// The signal that it was stopped for, to be delivered when it goes on.
    signal: i32,
}

/// What happened to a watched thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Nothing yet.
    Nothing,
    /// It has executed a program, and stands still before its first instruction.
    Executed,
    /// It is gone, or left.
    Gone,
}

impl Traced {
    /// Starts to trace a thread, which goes on, and will stop when it has executed a program.
    ///
    /// # Errors
    /// It is gone, or is traced by someone else.
    pub fn seize(tid: Pid) -> io::Result<Self> {
        ptrace(libc::PTRACE_SEIZE, tid, libc::PTRACE_O_TRACEEXEC)?;
        Ok(Self {
            tid,
            stopped: false,
            with_group: false,
            signal: 0,
        })
    }

    /// The thread.
    pub fn tid(&self) -> Pid {
        self.tid
    }

    /// Asks the thread to stop at its next return from the kernel.
    ///
    /// # Errors
    /// It is gone.
    pub fn interrupt(&self) -> io::Result<()> {
        ptrace(libc::PTRACE_INTERRUPT, self.tid, 0)
    }

    /// Waits until the thread has stopped, for the interruption or for a signal before it; false when it
    /// executes another program instead, as one of its process's threads may have it do.
    ///
    /// # Errors
    /// It died.
    pub fn wait_for_stop(&mut self) -> io::Result<bool> {
        loop {
            match wait(self.tid, WaitOptions::empty()) {
                Ok(Some(status)) if libc::WIFSTOPPED(status) => {
                    self.note_stop(status);
                    return Ok(status >> 16 != libc::PTRACE_EVENT_EXEC);
                }
                Ok(_) => return Err(io::Error::from_raw_os_error(libc::ESRCH)),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    fn note_stop(&mut self, status: i32) {
        self.stopped = true;
        let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
        self.signal = if event == 0 { signal } else { 0 };
        self.with_group = event == libc::PTRACE_EVENT_STOP && signal != libc::SIGTRAP;
    }

    /// Looks, without waiting, whether the thread has stopped, for whatever reason; an end of it counts.
    pub fn has_stopped(&mut self, process: Pid) -> bool {
        !matches!(self.change(process), Ok(None))
    }

    /// Lets a stopped thread go on; it stays traced.
    ///
    /// # Errors
    /// It is gone.
    pub fn go_on(&mut self) -> io::Result<()> {
        let request = if self.with_group {
            libc::PTRACE_LISTEN
        } else {
            libc::PTRACE_CONT
        };
        self.stopped = false;
        ptrace(request, self.tid, std::mem::take(&mut self.signal))
    }

    /// Looks, without waiting, for an exec of the thread. Signals that come meanwhile are passed on,
    /// unless it `leaves`: then a stop is the end of it. `process` is the one that it belongs to, no other
    /// thread of which may be traced: a thread that executes takes over that number.
    pub fn look(&mut self, process: Pid, leaves: bool) -> Sight {
        loop {
            match self.change(process) {
                Ok(None) => return Sight::Nothing,
                Ok(Some(event)) if event == libc::PTRACE_EVENT_EXEC => return Sight::Executed,
                Ok(Some(_)) if !leaves && self.go_on().is_ok() => {}
                Ok(Some(_)) | Err(_) => return Sight::Gone,
            }
        }
    }

    /// The event that the thread has stopped for, 0 for a signal; `None` when it goes on.
    fn change(&mut self, process: Pid) -> io::Result<Option<i32>> {
        let mut status = wait(self.tid, WaitOptions::NOHANG);
        if process != self.tid && !matches!(status, Ok(Some(_))) {
            match wait(process, WaitOptions::NOHANG) {
                Ok(Some(found)) => {
                    self.tid = process;
                    status = Ok(Some(found));
                }
                // It is traced: the thread is on its way to that number.
                Ok(None) => status = Ok(None),
                Err(_) => {}
            }
        }
        match status? {
            None => Ok(None),
            Some(status) if libc::WIFSTOPPED(status) => {
                self.note_stop(status);
                Ok(Some(status >> 16))
            }
            Some(_) => Err(io::Error::from_raw_os_error(libc::ESRCH)),
        }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        let held = self.stopped || (self.interrupt().is_ok() && self.wait_for_stop().is_ok());
        if held && ptrace(libc::PTRACE_DETACH, self.tid, self.signal).is_ok() {
            return;
        }
        // It was killed. Its parent learns of that only when its tracer has.
        let no_flags = WaitOptions::empty();
        while matches!(wait(self.tid, no_flags), Ok(Some(status)) if libc::WIFSTOPPED(status)) {}
    }
}

/// A change of the thread's state; `None` when there is none yet.
fn wait(tid: Pid, flags: WaitOptions) -> io::Result<Option<i32>> {
    let wall = WaitOptions::from_bits_retain(libc::__WALL.cast_unsigned());
    Ok(change::status(tid, flags | wall)?.map(WaitStatus::as_raw))
}

fn ptrace(request: PtraceRequest, tid: Pid, data: i32) -> io::Result<()> {
    let address = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the requests made through here take an integer, not a pointer, as data.
    checked(unsafe { libc::ptrace(request, tid.as_raw(), address, libc::c_long::from(data)) })?;
    Ok(())
}
