//! Holds or watches a thread for a moment: ptrace(2).

#![expect(
    unsafe_code,
    reason = "ptrace(2) and waitpid(2) with thread identifiers"
)]

use std::io;

use nix::unistd::Pid;

use super::checked;

/// A traced thread; it is let go when this is dropped.
#[derive(Debug)]
pub struct Traced {
    tid: Pid,
    stopped: bool,
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
    /// It is gone.
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

    /// Waits until the thread has stopped, for the interruption or for a signal before it.
    ///
    /// # Errors
    /// It died.
    pub fn wait_for_stop(&mut self) -> io::Result<()> {
        loop {
            match wait(self.tid, 0) {
                Ok(Some(status)) if libc::WIFSTOPPED(status) => {
                    self.note_stop(status);
                    return Ok(());
                }
                Ok(_) => return Err(io::Error::from_raw_os_error(libc::ESRCH)),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    fn note_stop(&mut self, status: i32) {
        self.stopped = true;
        self.signal = if status >> 16 == 0 {
            libc::WSTOPSIG(status)
        } else {
            0
        };
    }

    /// Looks, without waiting, for an exec of the thread, which belongs to `process`. Signals that
    /// come meanwhile are passed on.
    pub fn look(&mut self, process: Pid) -> Sight {
        loop {
            let mut status = wait(self.tid, libc::WNOHANG);
            if process != self.tid && !matches!(status, Ok(Some(_))) {
                // A thread that executes takes over the number of its process.
                status = wait(process, libc::WNOHANG);
                if matches!(status, Ok(Some(_))) {
                    self.tid = process;
                }
            }
            match status {
                Ok(None) => return Sight::Nothing,
                Ok(Some(status)) if libc::WIFSTOPPED(status) => {
                    self.note_stop(status);
                    if status >> 16 == libc::PTRACE_EVENT_EXEC {
                        return Sight::Executed;
                    }
                    if self.go_on(status >> 16 == libc::PTRACE_EVENT_STOP).is_err() {
                        return Sight::Gone;
                    }
                }
                _ => return Sight::Gone,
            }
        }
    }

    /// Goes on, or stays stopped together with the whole process.
    fn go_on(&mut self, group_stop: bool) -> io::Result<()> {
        let request = if group_stop {
            libc::PTRACE_LISTEN
        } else {
            libc::PTRACE_CONT
        };
        self.stopped = false;
        ptrace(request, self.tid, std::mem::take(&mut self.signal))
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        let held = self.stopped || (self.interrupt().is_ok() && self.wait_for_stop().is_ok());
        if held && ptrace(libc::PTRACE_DETACH, self.tid, self.signal).is_ok() {
            return;
        }
        // It was killed. Its parent learns of that only when its tracer has.
        while matches!(wait(self.tid, 0), Ok(Some(status)) if libc::WIFSTOPPED(status)) {}
    }
}

/// A change of the thread's state; `None` when there is none yet.
fn wait(tid: Pid, flags: i32) -> io::Result<Option<i32>> {
    let mut status = 0;
    // SAFETY: `status` lives until the call returns.
    let found = unsafe { libc::waitpid(tid.as_raw(), &raw mut status, flags | libc::__WALL) };
    Ok((checked(found)? != 0).then_some(status))
}

fn ptrace(request: libc::c_uint, tid: Pid, data: i32) -> io::Result<()> {
    let address = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the requests made through here take an integer, not a pointer, as data.
    checked(unsafe { libc::ptrace(request, tid.as_raw(), address, libc::c_long::from(data)) })?;
    Ok(())
}
