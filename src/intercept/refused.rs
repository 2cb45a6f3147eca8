//! Calls that the sandbox refused: answered here, and remembered for whoever wonders why a command
//! failed.

use std::fs;
use std::path::PathBuf;

use nix::errno::Errno;

use crate::audit::RefusedCall;
use crate::confine::{Refusals, Refused, Told};
use crate::request::argv;
use crate::sys::bpf::Call;
use crate::sys::listener::Notification;

/// As many kinds are remembered; the sandboxed side decides how many it makes.
const KINDS: usize = 32;

/// One kind of call, and who made it first.
#[derive(Debug)]
pub struct Kind {
    /// What was refused.
    pub refused: Refused,
    /// The program that made the first, by the path of its file.
    pub program: Option<PathBuf>,
    /// How many there were.
    pub times: u64,
}

impl Kind {
    /// The record of it.
    pub fn record(&self) -> RefusedCall<'_> {
        let program = self.program.as_deref();
        RefusedCall {
            call: self.refused.call,
            family: self.refused.family,
            errno: self.refused.errno as i32,
            times: self.times,
            program: program.map(|path| argv::word(path.as_os_str())),
            remedy: self.refused.remedy,
        }
    }
}

/// Refuses, and remembers.
#[derive(Debug, Default)]
pub struct Refuser {
    refusals: Option<Refusals>,
    kinds: Vec<Kind>,
}

impl Refuser {
    /// For the sandbox that has these refusals.
    pub fn new(refusals: Refusals) -> Self {
        Self {
            refusals: Some(refusals),
            kinds: Vec::new(),
        }
    }

    /// Answers a call that is neither an exec nor the proxy's: nothing against it where the filter
    /// would have asked in any case.
    ///
    /// # Errors
    /// The error number to refuse it with.
    pub fn answer(&mut self, call: &Notification) -> Result<(), i32> {
        let data = Call {
            architecture: call.arch.audit_value(),
            number: call.number.cast_unsigned(),
            arguments: &call.args,
        };
        match self.refusals.as_ref().map(|known| known.verdict(&data)) {
            Some(Told::Asked) => Ok(()),
            Some(Told::Refused(refused)) => {
                self.remember(refused, call);
                Err(refused.errno as i32)
            }
            Some(Told::Unknown) | None => Err(Errno::ENOSYS as i32),
        }
    }

    fn remember(&mut self, refused: Refused, call: &Notification) {
        let same = |kind: &&mut Kind| kind.refused == refused;
        if let Some(kind) = self.kinds.iter_mut().find(same) {
            kind.times = kind.times.saturating_add(1);
        } else if self.kinds.len() < KINDS {
            self.kinds.push(Kind {
                refused,
                program: fs::read_link(format!("/proc/{}/exe", call.tid)).ok(),
                times: 1,
            });
        }
    }

    /// All kinds, internet sockets first, then by the order in which they came.
    pub fn into_kinds(mut self) -> Vec<Kind> {
        self.kinds.sort_by_key(|kind| match kind.refused.family {
            Some(2 | 10) => 0,
            Some(_) => 2,
            None => 1,
        });
        self.kinds
    }
}
