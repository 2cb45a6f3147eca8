//! Installing a system call filter.

#![expect(
    unsafe_code,
    reason = "seccomp(2) takes a raw program, and nix has no wrapper"
)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

use super::bpf::Instruction;

/// The action that lets a call pass.
pub const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
/// The action that asks the listener.
pub const NOTIFY: u32 = libc::SECCOMP_RET_USER_NOTIF;
/// The action that ends the process.
pub const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

/// The action that makes a call fail.
pub const fn fail(errno: Errno) -> u32 {
    libc::SECCOMP_RET_ERRNO | (errno as i32).unsigned_abs()
}

/// Puts `program` in force for this process and all its descendants, for good. Returns the
/// listener, which is closed on exec.
///
/// Needs no_new_privs or CAP_SYS_ADMIN. Fails with EBUSY when a filter with a listener is in force
/// already. Where the kernel knows how (5.19), a caller whose notification was received can only be
/// interrupted by a fatal signal.
pub fn install_with_listener(program: &[Instruction]) -> io::Result<OwnedFd> {
    let listener = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    let descriptor = match set(
        program,
        listener | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
    ) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => set(program, listener),
        result => result,
    }?;
    // SAFETY: with the listener flag the call returns a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Puts `program` in force likewise, without a listener.
pub fn install(program: &[Instruction]) -> io::Result<()> {
    set(program, 0).map(drop)
}

fn set(program: &[Instruction], flags: libc::c_ulong) -> io::Result<RawFd> {
    let length =
        u16::try_from(program.len()).map_err(|_| io::Error::from_raw_os_error(libc::E2BIG))?;
    let program = libc::sock_fprog {
        len: length,
        // The kernel only reads through it.
        filter: program.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    };
    // SAFETY: `program` points at `length` instructions that outlive the call; `Instruction` has
    // the layout of `sock_filter` (repr(C), the same four fields).
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            &raw const program,
        )
    };
    let result = i32::try_from(result).map_err(io::Error::other)?;
    super::checked(result)
}
