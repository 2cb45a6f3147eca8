//! Standard descriptors that were closed when this program started: the standard library opens
//! them on /dev/null before `main` runs.

#![expect(unsafe_code, reason = "one look before main")]

use std::sync::atomic::{AtomicU8, Ordering};

use super::fds;

/// Bit n for descriptor n.
static CLOSED: AtomicU8 = AtomicU8::new(0);

extern "C" fn look() {
    for number in 0..3 {
        if fds::flags(number).is_err() {
            CLOSED.fetch_or(1 << number, Ordering::Relaxed);
        }
    }
}

// SAFETY: a function of the type that the C library calls from this section before `main`; it
// uses nothing that is set up later.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

/// Closes them again. For a process that is about to exec, or writes to none of them any more.
pub fn close_again() {
    let closed = CLOSED.load(Ordering::Relaxed);
    for number in (0..3).filter(|number| closed & 1 << number != 0) {
        // It is the standard library's stand-in, which nothing else refers to.
        fds::close(number);
    }
}
