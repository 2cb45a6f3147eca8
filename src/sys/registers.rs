//! Replaces an exec that is waiting to start over by another one, in the registers of its thread.
//!
//! The only file that depends on the processor. Nothing is written to the thread's memory.

#![expect(
    unsafe_code,
    reason = "ptrace(2) and waitpid(2) with thread identifiers"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;

use nix::unistd::Pid;

use super::checked;
use super::listener::Arch;

const EXECVEAT_X86_64: u64 = 322;
const EXECVEAT_I386: u64 = 358;

/// An `execveat(fd, "", argv, envp, AT_EMPTY_PATH)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exec {
    /// The file, as a descriptor of the caller.
    pub fd: RawFd,
    /// Address of an empty string in the caller.
    pub empty: u64,
    /// Address of the caller's argument vector.
    pub argv: u64,
    /// Address of the caller's environment.
    pub envp: u64,
}

impl Exec {
    /// Whether a call with this number and these arguments is this exec and no other.
    pub fn is(&self, arch: Arch, number: i32, args: &[u64; 6]) -> bool {
        let expected = match arch {
            Arch::X86_64 => EXECVEAT_X86_64,
            Arch::I386 => EXECVEAT_I386,
        };
        u64::from(number.cast_unsigned()) == expected && args[..5] == self.arguments()
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
pub fn replace(tid: Pid, arch: Arch, exec: &Exec) -> io::Result<()> {
    let mut registers = MaybeUninit::<libc::user_regs_struct>::uninit();
    // SAFETY: the kernel fills the whole structure, whose size is that of the request.
    let mut registers = unsafe {
        checked(libc::ptrace(
            libc::PTRACE_GETREGS,
            tid.as_raw(),
            std::ptr::null_mut::<libc::c_void>(),
            registers.as_mut_ptr(),
        ))?;
        registers.assume_init()
    };
    let [fd, empty, argv, envp, flags] = exec.arguments();
    // As the kernel reads it: a call's number is 32 bits wide.
    let number = registers.orig_rax & u64::from(u32::MAX);
    match arch {
        Arch::X86_64 => {
            if !matches!(number, 59 | EXECVEAT_X86_64) {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            registers.orig_rax = EXECVEAT_X86_64;
            registers.rdi = fd;
            registers.rsi = empty;
            registers.rdx = argv;
            registers.r10 = envp;
            registers.r8 = flags;
        }
        Arch::I386 => {
            if !matches!(number, 11 | EXECVEAT_I386) {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            registers.orig_rax = EXECVEAT_I386;
            registers.rbx = fd;
            registers.rcx = empty;
            registers.rdx = argv;
            registers.rsi = envp;
            registers.rdi = flags;
        }
    }
    // SAFETY: reads the structure, which lives until the call returns.
    checked(unsafe {
        libc::ptrace(
            libc::PTRACE_SETREGS,
            tid.as_raw(),
            std::ptr::null_mut::<libc::c_void>(),
            &raw const registers,
        )
    })?;
    Ok(())
}
