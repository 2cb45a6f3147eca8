//! Real-time priority for the moment between an answer and the next sleep.
//!
//! A call that is answered goes on where the answer came from (`SYNC_WAKE_UP`). At the same
//! priority it goes first, so that two want that processor while it executes its program, and the
//! kernel moves it to another one, with nothing of it in the caches there: a tenth of what an
//! exec costs. Who answers at a higher priority is asleep by then. See sched(7).

#![expect(unsafe_code, reason = "nix has no wrapper for sched_setscheduler(2)")]

use std::io;

use super::checked;

/// The calling thread's priority.
#[derive(Debug)]
pub struct Urgency {
    /// Its policy, when it is one to come back to, and until the kernel says that no other is to
    /// be had: that takes CAP_SYS_NICE, or RLIMIT_RTPRIO.
    ordinary: Option<i32>,
    raised: bool,
}

impl Urgency {
    /// The one that it has now.
    pub fn of_this_thread() -> Self {
        // SAFETY: takes integers only.
        let policy = checked(unsafe { libc::syscall(libc::SYS_sched_getscheduler, 0) });
        let policy = policy.ok().and_then(|policy| i32::try_from(policy).ok());
        let is_ordinary = |policy: &i32| {
            [libc::SCHED_OTHER, libc::SCHED_BATCH, libc::SCHED_IDLE].contains(policy)
        };
        Self {
            ordinary: policy.filter(is_ordinary),
            raised: false,
        }
    }

    /// Raises the priority, where that is permitted. Until [`Urgency::lower`], nothing must be
    /// started: it would inherit it.
    pub fn raise(&mut self) {
        if self.ordinary.is_some() && !self.raised {
            self.raised = set(libc::SCHED_RR, 1).is_ok();
            if !self.raised {
                self.ordinary = None;
            }
        }
    }

    /// Back to what it was.
    pub fn lower(&mut self) {
        if let Some(policy) = self.ordinary
            && self.raised
        {
            self.raised = set(policy, 0).is_err();
        }
    }
}

/// Sets the calling thread's policy; its niceness stays.
fn set(policy: i32, sched_priority: i32) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority };
    // SAFETY: the structure lives until the call returns; 0 is the calling thread.
    let result = unsafe {
        libc::syscall(
            libc::SYS_sched_setscheduler,
            0,
            policy,
            &raw const parameters,
        )
    };
    checked(result).map(drop)
}
