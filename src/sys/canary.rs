//! Calls that only doctor's canaries make: what a sandbox must not let succeed.

#![expect(
    unsafe_code,
    reason = "calls that nix does not wrap, made to see them fail"
)]

use std::io;
use std::os::fd::RawFd;

use nix::sys::ptrace::Options;
use nix::unistd::Pid;

use super::checked;

/// Writes one byte to a descriptor that may or may not be open.
///
/// # Errors
/// What write(2) answered.
pub fn write_to(number: RawFd) -> io::Result<()> {
    // SAFETY: reads one byte of a constant.
    checked(unsafe { libc::write(number, b"x".as_ptr().cast(), 1) })?;
    Ok(())
}

/// Types one character into the terminal at standard input: a NUL, should it succeed.
///
/// # Errors
/// What ioctl(2) answered.
pub fn type_into_terminal() -> io::Result<()> {
    let character: libc::c_char = 0;
    // SAFETY: the request reads one byte, which lives until the call returns.
    checked(unsafe { libc::ioctl(0, libc::TIOCSTI, &raw const character) })?;
    Ok(())
}

/// Asks for an io_uring of one entry.
///
/// # Errors
/// What io_uring_setup(2) answered.
pub fn make_ring() -> io::Result<()> {
    /// Larger than the kernel's structure, which is 120 bytes.
    const PARAMETERS: usize = 32;
    let mut parameters = [0_u64; PARAMETERS];
    // SAFETY: the kernel reads and writes its structure at the start of the buffer.
    checked(unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) })?;
    Ok(())
}

/// Starts to trace a process, which goes on when this one ends.
///
/// # Errors
/// What ptrace(2) answered.
pub fn trace(pid: Pid) -> io::Result<()> {
    Ok(nix::sys::ptrace::seize(pid, Options::empty())?)
}
