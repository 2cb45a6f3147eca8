//! The launcher's side of the look that the supervisor takes before anything runs.

#![expect(
    unsafe_code,
    reason = "a system call that no kernel implements has no wrapper"
)]

use std::ffi::CStr;
use std::io;

use super::arch::PROXY;
use super::checked;
use super::proxy_image::PROBE;

/// What the supervisor must find in the caller's memory.
pub const WORD: &CStr = c"codex-shell looks at itself";

/// Waits in a system call until the supervisor has looked.
///
/// # Errors
/// Nobody answers calls.
pub fn make() -> io::Result<()> {
    let call = libc::c_long::from(PROXY.own_number());
    // SAFETY: the listener gets two integers; whoever follows the second one only reads.
    checked(unsafe { libc::syscall(call, PROBE, WORD.as_ptr()) })?;
    Ok(())
}
