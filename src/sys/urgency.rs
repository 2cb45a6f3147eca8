//! Real-time priority of the calling thread, for the moment between an answer and the next sleep.
//!
//! A call that is answered goes on where the answer came from (`SYNC_WAKE_UP`). At the same
//! priority it goes first, so that two want that processor while it executes its program, and the
//! kernel moves it to another one, with nothing of it in the caches there: a tenth of what an
//! exec costs. Who answers at a higher priority is asleep by then. See sched(7).

#![expect(unsafe_code, reason = "nix has no wrapper for sched_setscheduler(2)")]

use std::cell::Cell;
use std::io;

use super::checked;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PriorityState {
    /// Nobody has asked yet.
    Unknown,
    /// A policy to come back to.
    Ordinary(i32),
    /// The same, which is not in force.
    Raised(i32),
    /// No other is to be had: that takes CAP_SYS_NICE, or RLIMIT_RTPRIO.
    Barred,
}

thread_local! {
    static STATE: Cell<PriorityState> = const { Cell::new(PriorityState::Unknown) };
}

/// Raises the priority, where that is permitted. Until [`lower`] is called, nothing must be started:
/// it would inherit it.
pub fn raise() {
    STATE.with(|state| {
        let policy = match state.get() {
            PriorityState::Unknown => ordinary(),
            PriorityState::Ordinary(policy) => Some(policy),
            PriorityState::Raised(_) | PriorityState::Barred => return,
        };
        let raised = policy.filter(|_| set(libc::SCHED_RR, 1).is_ok());
        state.set(raised.map_or(PriorityState::Barred, PriorityState::Raised));
    });
}

/// Back to what it was.
pub fn lower() {
    STATE.with(|state| {
        if let PriorityState::Raised(policy) = state.get()
            && set(policy, 0).is_ok()
        {
            state.set(PriorityState::Ordinary(policy));
        }
    });
}

/// The policy in force, if it is one to come back to.
fn ordinary() -> Option<i32> {
    // SAFETY: takes integers only.
    let policy = checked(unsafe { libc::syscall(libc::SYS_sched_getscheduler, 0) });
    let policy = i32::try_from(policy.ok()?).ok()?;
    let all = [libc::SCHED_OTHER, libc::SCHED_BATCH, libc::SCHED_IDLE];
    all.contains(&policy).then_some(policy)
}

/// Sets the calling thread's policy; its niceness stays.
fn set(policy: i32, priority: libc::c_int) -> io::Result<()> {
    // SAFETY: the kernel's structure is the priority alone, which lives until the call returns; 0 is the
    // calling thread.
    let result =
        unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const priority) };
    checked(result).map(drop)
}
