//! Execs that were let go unwatched, until their threads have left the call; and calls that wait for
//! that.
//!
//! A thread that is let go may need any time to take the kernel's second look: it can run at the least
//! of priorities beside others that are busy. So nobody gets a means to write its memory before it is
//! seen to be past that.

use std::fs;
use std::io;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::caller;
use crate::sys::arch::{Arch, calls};
use crate::sys::listener::Waiting;
use crate::sys::trace::Traced;

/// As many threads are remembered before it is looked which have left.
const FEW: usize = 64;
/// As many may be remembered; beyond, an exec is watched.
const MANY: usize = 4096;

/// See the module.
#[derive(Debug)]
pub struct Leaving {
    /// Threads that were let go, and have not been seen to have left.
    let_go: Vec<Pid>,
    /// It is looked who has left when there are more than these.
    limit: usize,
    /// Those of them that are made to stop when they have.
    stopping: Vec<Traced>,
    /// Calls that wait for all of them.
    held: Vec<Waiting>,
}

impl Default for Leaving {
    fn default() -> Self {
        Self {
            let_go: Vec::new(),
            limit: FEW,
            stopping: Vec::new(),
            held: Vec::new(),
        }
    }
}

impl Leaving {
    /// Whether one more can be remembered.
    pub fn has_room(&mut self) -> bool {
        if self.let_go.len() >= self.limit {
            self.let_go.retain(|&tid| !has_left(tid));
            self.limit = FEW.max(2 * self.let_go.len());
        }
        self.let_go.len() < MANY
    }

    /// The thread is let go unwatched.
    pub fn add(&mut self, tid: Pid) {
        self.let_go.push(tid);
    }

    /// The thread has come with another call: the exec before it is over. It is traced, if it was to be
    /// stopped for that, and goes on being so until it stops.
    #[must_use]
    pub fn has_come(&mut self, tid: Pid) -> Option<Traced> {
        let at = self
            .stopping
            .iter()
            .position(|traced| traced.tid() == tid)?;
        Some(self.stopping.swap_remove(at))
    }

    /// Lets the call go on once each exec that was let go has left.
    pub fn hold(&mut self, call: &Waiting) {
        for tid in std::mem::take(&mut self.let_go) {
            if has_left(tid) {
                continue;
            }
            let stopping = Traced::seize(tid).and_then(|traced| {
                traced.interrupt()?;
                Ok(traced)
            });
            match stopping {
                Ok(traced) => self.stopping.push(traced),
                Err(_) if has_left(tid) => {}
                // Somebody else traces it: when it has left can't be told.
                Err(_) => {
                    self.let_go.push(tid);
                    return call.fail(Errno::EPERM);
                }
            }
        }
        self.held.push(call.clone());
        self.look();
    }

    /// Whether the thread is traced, to be made to stop.
    pub fn is_traced(&self, tid: Pid) -> bool {
        self.stopping.iter().any(|traced| traced.tid() == tid)
    }

    /// Looks who has left.
    pub fn look(&mut self) {
        // It had no other thread when it was let go, so that its own number is that of its process.
        self.stopping
            .retain_mut(|traced| !traced.has_stopped(traced.tid()));
        if self.stopping.is_empty() {
            self.held.drain(..).for_each(|call| call.resume());
        }
    }
}

/// Whether the thread is seen to be in another call than an exec, or to have company, which it has made
/// since, or gone. One that runs may be anywhere.
fn has_left(tid: Pid) -> bool {
    let has_company = || caller::kin(tid).is_ok_and(|kin| kin.threads > 1);
    let text = fs::File::open(format!("/proc/{tid}/syscall")).and_then(io::read_to_string);
    match text {
        Ok(text) => {
            let number = text.split_ascii_whitespace().next().unwrap_or_default();
            let is_elsewhere = number.parse().is_ok_and(|number| !is_exec(number));
            is_elsewhere || has_company()
        }
        Err(error) => is_gone(&error) || is_dead(tid) || has_company(),
    }
}

/// Whether it is the number of an exec by any convention.
fn is_exec(number: u32) -> bool {
    let mut conventions = Arch::JUDGED.iter();
    conventions.any(|&arch| calls::execve.is(arch, number) || calls::execveat.is(arch, number))
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(code) if code == Errno::ESRCH as i32 || code == Errno::ENOENT as i32)
}

fn is_dead(tid: Pid) -> bool {
    !crate::sys::process_memory::is_there(tid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::gettid;
    use std::process::{Command, Stdio};

    #[test]
    fn whoever_sleeps_elsewhere_has_left_and_whoever_runs_may_not_have() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed());
        // It has executed once it waits for input.
        while !has_left(pid) {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(has_left(pid), "nobody is there");

        let mut busy = Command::new("sh");
        let mut busy = busy.args(["-c", "while :; do :; done"]).spawn().unwrap();
        let pid = Pid::from_raw(busy.id().cast_signed());
        // It makes no call any more once it runs.
        while has_left(pid) {
            std::thread::yield_now();
        }
        busy.kill().unwrap();
        busy.wait().unwrap();

        // This process has more threads than this one.
        let other = std::thread::spawn(|| has_left(gettid()));
        assert!(other.join().unwrap());
    }
}
