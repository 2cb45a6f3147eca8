//! System calls that need unsafe code, or that nix lacks. The only folder where unsafe may appear.
//!
//! Each block says why it is sound; nothing here decides anything.
//!
//! In `src/sys/` alone, by lint. Each block says why it is sound, and each file says in one line what it
//! needs it for. The longest to read are `registers.rs` (ptrace), `proxy_image.rs` (the proxy's machine
//! code), `child.rs`, `clone.rs` and `fork.rs` (between fork and exec) and `listener.rs` (ioctls).

use std::sync::{Mutex, MutexGuard, PoisonError};

pub mod allocator;
pub mod arch;
pub mod bpf;
pub mod canary;
pub mod caps;
pub mod change;
pub mod child;
pub mod clone;
pub mod closed;
pub mod encoding;
pub mod fds;
pub mod fork;
pub mod identity;
pub mod lease;
pub mod listener;
pub mod memfd;
pub mod messages;
pub mod mount_table;
pub mod mounts;
pub mod own_file;
pub mod pidfd;
pub mod probe_call;
pub mod process_memory;
pub mod proxy_image;
pub mod pty;
pub mod read_capped;
pub mod registers;
pub mod resident;
pub mod respawn;
pub mod rlimit;
pub mod say;
pub mod seccomp;
pub mod signals;
pub mod timer;
pub mod trace;
pub mod tree;
pub mod urgency;

/// A request of ptrace(2), as the C library has it.
#[cfg(target_env = "musl")]
pub(crate) type PtraceRequest = libc::c_int;
#[cfg(not(target_env = "musl"))]
pub(crate) type PtraceRequest = libc::c_uint;

/// A process, as rustix has it.
///
/// # Errors
/// `ESRCH`: the number is none of a process.
pub(crate) fn process(pid: nix::unistd::Pid) -> std::io::Result<rustix::process::Pid> {
    let known = Some(pid.as_raw()).filter(|&number| number > 0);
    let known = known.and_then(rustix::process::Pid::from_raw);
    known.ok_or_else(|| std::io::Error::from_raw_os_error(libc::ESRCH))
}

/// What a mutex holds, whoever panicked with it in hand.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Turns the `-1` of a C call into the error that the kernel gave.
pub(crate) fn checked<T: PartialEq + From<i8>>(result: T) -> std::io::Result<T> {
    if result == T::from(-1) {
        Err(std::io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
