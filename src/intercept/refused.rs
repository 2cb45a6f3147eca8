//! Calls that the sandbox refused: answered here, and remembered for whoever wonders why a command
//! failed.
//!
//! # What is told
//!
//! Calls that the filter refuses come to the supervisor instead, which refuses them and remembers. Libraries
//! try many of them by habit, so one is told at the end only where the command failed and a program failed of
//! the call (`failing.rs`): the program, or one that started it, then said so on standard error, or it was an
//! internet socket, and the program said nothing there and exited with another status than 0 (Linux 6.15
//! tells that). The audit log has all of them, and so has `run --verbose`. Paths can't be had that way: a
//! mount that refuses a write tells nobody, and asking about every call that writes would about double what
//! writing a small file costs. So `complaints.rs` listens to what programs write to standard error, before it
//! is written: few bytes, and only when something is said at all. Where a message speaks of the error that
//! the sandbox gives, and names a path that the sandbox keeps from being written and nothing else does
//! (`reach.rs`), the path is told when the command fails, with options that were tried on the policy itself.
//! A program that fails in silence stays unexplained.

use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::audit::RefusedCallRecord;
use crate::confine::{Refusals, Refused, Told};
use crate::request::argv;
use crate::sys::bpf::FilteredCall;
use crate::sys::listener::Notification;

use super::caller;
use super::complaints::{Complaints, Denial};
use super::failing::Failing;
use super::habits::Habits;

/// As many kinds are remembered; the sandboxed side decides how many it makes.
const KINDS: usize = 32;

/// One kind of call, and who made it.
#[derive(Debug)]
pub struct RefusedKind {
    /// What was refused.
    pub refused: Refused,
    /// The program that failed of one, or made the first, by the path of its file.
    pub program: Option<PathBuf>,
    /// How many there were.
    pub times: u64,
    /// A program failed of it, as far as that shows.
    pub failed: bool,
}

impl RefusedKind {
    /// The record of it.
    pub fn record(&self) -> RefusedCallRecord<'_> {
        let program = self.program.as_deref();
        RefusedCallRecord {
            call: self.refused.call,
            family: self.refused.family,
            errno: self.refused.errno as i32,
            times: self.times,
            program: program.map(|path| argv::word(path.as_os_str())),
            program_failed: self.failed,
            remedy: self.refused.remedy,
        }
    }
}

/// Everything that the sandbox is known to have refused.
#[derive(Debug, Default)]
pub struct SandboxRefusals {
    /// Calls: internet sockets first, then by the order in which they came.
    pub calls: Vec<RefusedKind>,
    /// Paths that were to be written.
    pub paths: Vec<Denial>,
}

/// Why a call may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// The filter would have asked in any case.
    Asked,
    /// It is a message on standard error, and was read.
    Heard,
    /// Paths may lead elsewhere for a process after it.
    Move,
}

/// Refuses, and remembers.
#[derive(Debug, Default)]
pub struct Refuser {
    refusals: Option<Refusals>,
    kinds: Vec<RefusedKind>,
    complaints: Complaints,
    failing: Failing,
    habits: Habits,
}

impl Refuser {
    /// For the sandbox that has these refusals.
    pub fn new(refusals: Refusals) -> Self {
        Self {
            refusals: Some(refusals),
            ..Self::default()
        }
    }

    /// Answers a call that is neither an exec nor the proxy's.
    ///
    /// # Errors
    /// The error number to refuse it with.
    pub fn answer(&mut self, call: &Notification) -> Result<Pass, i32> {
        let data = FilteredCall {
            architecture: call.arch.audit_value(),
            number: call.number.cast_unsigned(),
            arguments: &call.args,
        };
        let Some(refusals) = &self.refusals else {
            return Err(Errno::ENOSYS as i32);
        };
        match refusals.verdict(&data) {
            Told::Asked => Ok(Pass::Asked),
            Told::Complaint => {
                let lines = self.complaints.hear(call, refusals.reach.as_ref());
                self.failing.hear(&lines, call.tid);
                Ok(Pass::Heard)
            }
            Told::Move => Ok(Pass::Move),
            Told::Refused(refused) => {
                self.remember(refused, call);
                Err(refused.errno as i32)
            }
            Told::Unknown => Err(Errno::ENOSYS as i32),
        }
    }

    /// A program stays inside, in the process of a thread, though a rule would let it out.
    pub(super) fn keep(&mut self, tid: Pid, program: Option<PathBuf>, why: String) {
        self.complaints.keep(tid, program, why);
    }

    fn remember(&mut self, refused: Refused, call: &Notification) {
        let habit = self.habits.of(refused, call);
        self.failing.refuse(refused, call.tid, habit);
        let same = |kind: &&mut RefusedKind| kind.refused == refused;
        if let Some(kind) = self.kinds.iter_mut().find(same) {
            kind.times = kind.times.saturating_add(1);
        } else if self.kinds.len() < KINDS {
            self.kinds.push(RefusedKind {
                refused,
                program: caller::file(call.tid).ok(),
                times: 1,
                failed: false,
            });
        }
    }

    /// All that is known.
    pub fn into_refusal(mut self) -> SandboxRefusals {
        for failure in self.failing.into_failures() {
            let of_it = |kind: &&mut RefusedKind| kind.refused == failure.refused;
            if let Some(kind) = self.kinds.iter_mut().find(of_it) {
                kind.failed = true;
                kind.program = failure.program;
            }
        }
        self.kinds.sort_by_key(|kind| match kind.refused.family {
            Some(2 | 10) => 0,
            Some(_) => 2,
            None => 1,
        });
        SandboxRefusals {
            calls: self.kinds,
            paths: self.complaints.into_denials(),
        }
    }
}
