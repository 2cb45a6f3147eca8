//! Replaces an exec that is waiting to start over by another one, in the registers of its thread.
//!
//! Nothing is written to the thread's memory.

use std::io;
use std::os::fd::RawFd;

use nix::unistd::Pid;

use super::arch::{Arch, Registers, calls};
use super::listener::Notification;

/// An `execveat(fd, "", argv, envp, AT_EMPTY_PATH)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyExec {
    /// The file, as a descriptor of the caller.
    pub fd: RawFd,
    /// Address of an empty string in the caller.
    pub empty: u64,
    /// Address of the caller's argument vector.
    pub argv: u64,
    /// Address of the caller's environment.
    pub envp: u64,
}

impl ProxyExec {
    /// Whether the call is this exec and no other.
    pub fn is(&self, call: &Notification) -> bool {
        call.is(calls::execveat) && call.args[..5] == self.arguments()
    }

    fn arguments(&self) -> [u64; 5] {
        let fd = u64::from(self.fd.cast_unsigned());
        let flags = u64::from(libc::AT_EMPTY_PATH.cast_unsigned());
        [fd, self.empty, self.argv, self.envp, flags]
    }
}

/// Replaces the exec that the stopped thread `tid` is about to start over.
///
/// # Errors
/// The thread is not in an exec, or is gone.
pub fn replace(tid: Pid, arch: Arch, exec: &ProxyExec) -> io::Result<()> {
    let mut registers = Registers::of(tid)?;
    let number = registers.number();
    let is_exec = calls::execve.is(arch, number) || calls::execveat.is(arch, number);
    let Some(execveat) = calls::execveat.number(arch).filter(|_| is_exec) else {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    };
    registers.set_call(arch, execveat, exec.arguments());
    registers.give(tid)
}
