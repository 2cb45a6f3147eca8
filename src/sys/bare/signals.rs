//! Signals: held back, read, passed on, stopped by, died of.
//!
//! Who stands in for a program stops and goes on with it, and must never lose the `SIGCONT` that has it
//! go on. But whatever sends a signal that stops takes back a `SIGCONT` that waits, and the other way
//! round (signal(7)), so that nobody can look first and stop then. Therefore one of the signals that stop
//! waits here all the time, as a mark: `SIGTTOU`, blocked. While it is there no `SIGCONT` has come since it
//! was set; where it is missing one has, even if nothing else is left of that. It is set again before the
//! `SIGCONT` is told of, so that what comes meanwhile is told of too.

use super::files::above_standard;
use super::{EAGAIN, Errno, O_CLOEXEC, address, again, call, call3, calls, word};

const CONTINUE: i32 = 18;
const STOP: i32 = 19;
const TERMINAL_STOP: i32 = 20;
const TERMINAL_INPUT: i32 = 21;
/// The mark.
const TERMINAL_OUTPUT: i32 = 22;
/// `si_code` of a signal by kill(2).
const BY_A_USER: i32 = 0;

/// A set of one signal.
fn only(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// Blocks all signals, and sets the mark.
pub fn hold_back() {
    block(u64::MAX);
    raise(TERMINAL_OUTPUT);
}

/// The signals that wait.
fn pending() -> u64 {
    let mut set = 0;
    let _ = call3(calls::rt_sigpending, address(&raw mut set), 8, 0);
    set
}

/// Whether no `SIGCONT` has come since the mark was set.
fn is_marked() -> bool {
    pending() & only(TERMINAL_OUTPUT) != 0
}

/// Stops, unless a `SIGCONT` has come that was not told of yet. Returns when this process goes on.
pub fn stop() {
    if !is_marked() {
        return;
    }
    default(TERMINAL_STOP);
    raise(TERMINAL_STOP);
    if !is_marked() {
        // It came before, and is taken back; this is, too.
        let _ = take(TERMINAL_STOP);
        return;
    }
    block(!only(TERMINAL_STOP));
    block(u64::MAX);
    if is_marked() {
        // Nothing heeds the other one in an orphaned process group.
        raise(STOP);
    }
}

/// The signals that are blocked, bit n-1 for signal n.
pub fn blocked() -> u64 {
    let mut set = 0_u64;
    let _ = call(
        calls::rt_sigprocmask,
        [0, 0, address(&raw mut set), 8, 0, 0],
    );
    set
}

/// Blocks exactly these.
fn block(set: u64) {
    const SET: usize = 2;
    let _ = call(
        calls::rt_sigprocmask,
        [SET, address(&raw const set), 0, 8, 0, 0],
    );
}

/// A descriptor from which the signals that come are read, but for the mark.
pub fn signals() -> Result<i32, Errno> {
    const NOT_BLOCKING: usize = 0o4_000;
    let all = !only(TERMINAL_OUTPUT);
    let none = usize::MAX;
    above_standard(call(
        calls::signalfd4,
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

/// Number and `si_code` of a signal that has come. Of a `SIGCONT` that was taken back nobody knows who
/// sent it.
pub fn signal(from: i32) -> Result<Option<(i32, i32)>, Errno> {
    let signal = if is_marked() {
        next(from)?
    } else {
        Some(take(CONTINUE).unwrap_or((CONTINUE, BY_A_USER)))
    };
    match signal {
        Some((CONTINUE, _)) => raise(TERMINAL_OUTPUT),
        // One that came before it is taken back; one that came after it is the next.
        Some((TERMINAL_STOP | TERMINAL_INPUT, _))
            if pending() & (only(TERMINAL_OUTPUT) | only(CONTINUE)) == 0 =>
        {
            raise(TERMINAL_OUTPUT);
        }
        _ => {}
    }
    Ok(signal)
}

/// The one signal, if it waits.
fn take(signal: i32) -> Option<(i32, i32)> {
    let mut information = [0_i32; 32];
    let (set, at_once) = (only(signal), [0_u64; 2]);
    call(
        calls::rt_sigtimedwait,
        [
            address(&raw const set),
            address(&raw mut information),
            address(&raw const at_once),
            8,
            0,
            0,
        ],
    )
    .ok()?;
    let [number, _, code, ..] = information;
    Some((number, code))
}

fn next(from: i32) -> Result<Option<(i32, i32)>, Errno> {
    let mut information = [0_i32; 32];
    match again(
        calls::read,
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
    let process = call3(calls::getpid, 0, 0, 0).unwrap_or_default();
    let _ = call3(calls::kill, process, word(signal), 0);
}

/// Has a signal do what it does by default.
fn default(signal: i32) {
    let action = [0_usize; 4];
    let _ = call(
        calls::rt_sigaction,
        [word(signal), address(&raw const action), 0, 8, 0, 0],
    );
}

/// Ends this process by `signal`, without a core file: that is another's to leave. Returns when
/// the signal does not end processes.
pub fn die_of(signal: i32) {
    const NOT_DUMPABLE: usize = 4;
    block(u64::MAX);
    let _ = call3(calls::prctl, NOT_DUMPABLE, 0, 0);
    default(signal);
    raise(signal);
    // Alone: the mark would stop this process.
    block(!only(signal));
}
