//! Signals: held back, read, passed on, died of.

use super::files::above_standard;
use super::{EAGAIN, Errno, O_CLOEXEC, address, again, call, call3, calls, word};

/// The signals that are blocked, bit n-1 for signal n.
pub fn blocked() -> u64 {
    let mut set = 0_u64;
    let _ = call(
        calls::RT_SIGPROCMASK,
        [0, 0, address(&raw mut set), 8, 0, 0],
    );
    set
}

/// Blocks exactly these.
pub fn block(set: u64) {
    const SET: usize = 2;
    let _ = call(
        calls::RT_SIGPROCMASK,
        [SET, address(&raw const set), 0, 8, 0, 0],
    );
}

/// A descriptor from which the signals that come are read.
pub fn signals() -> Result<i32, Errno> {
    const NOT_BLOCKING: usize = 0o4_000;
    let all = u64::MAX;
    let none = usize::MAX;
    above_standard(call(
        calls::SIGNALFD4,
        [
            none,
            address(&raw const all),
            8,
            O_CLOEXEC | NOT_BLOCKING,
            0,
            0,
        ],
    )?)
}

/// Number and `si_code` of a signal that has come.
pub fn signal(from: i32) -> Result<Option<(i32, i32)>, Errno> {
    let mut information = [0_i32; 32];
    match again(
        calls::READ,
        word(from),
        address(&raw mut information),
        size_of_val(&information),
    ) {
        Ok(_) => {
            let [number, _, code, ..] = information;
            Ok(Some((number, code)))
        }
        Err(EAGAIN) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Sends a signal to this process.
fn raise(signal: i32) {
    let process = call3(calls::GETPID, 0, 0, 0).unwrap_or_default();
    let _ = call3(calls::KILL, process, word(signal), 0);
}

/// Ends this process by `signal`, without a core file: that is another's to leave. Returns when
/// the signal does not end processes.
pub fn die_of(signal: i32) {
    const NOT_DUMPABLE: usize = 4;
    let default = [0_usize; 4];
    block(u64::MAX);
    let _ = call3(calls::PRCTL, NOT_DUMPABLE, 0, 0);
    let _ = call(
        calls::RT_SIGACTION,
        [word(signal), address(&raw const default), 0, 8, 0, 0],
    );
    raise(signal);
    block(0);
}
