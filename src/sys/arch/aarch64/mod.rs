//! 64-bit Arm. 32-bit Arm programs end at their first system call.

#![expect(unsafe_code, reason = "ptrace(2) with the machine's own registers")]

pub(super) mod calls;
mod proxy;

use std::io;

use nix::unistd::Pid;

use super::call::{Arch, Call, Convention};
use crate::sys::{PtraceRequest, checked};

pub(super) const NATIVE: Convention = Convention {
    audit_value: 0xc000_00b7,
    pointer: 8,
};
pub(super) const COMPAT: Convention = Convention {
    audit_value: 0x4000_0028,
    pointer: 4,
};
/// The conventions whose calls are judged.
pub(super) const JUDGED: &[Arch] = &[Arch::Native];
/// No call has a number as high.
pub const LAST_NUMBER: u32 = 0x3fff_ffff;
/// The system call by which the proxy asks: no kernel implements it, so that no other program has a use
/// for it.
pub const PROXY: Call = calls::arch_specific_syscall;
/// The machine in the header of an executable file.
pub const ELF_MACHINE: u16 = 183;
/// Whether a function that calls none has the address to which it returns on top of the stack.
pub const RETURNS_BY_STACK: bool = false;

/// The registers of a stopped thread.
pub struct Registers(libc::user_regs_struct);

impl Registers {
    /// Reads them.
    pub fn of(tid: Pid) -> io::Result<Self> {
        // SAFETY: all-zero is a value of this plain C structure.
        let mut registers = Self(unsafe { std::mem::zeroed() });
        registers.exchange(libc::PTRACE_GETREGSET, tid)?;
        Ok(registers)
    }

    /// The number of the call that is to start over, as the kernel reads it: 32 bits.
    pub fn number(&self) -> u32 {
        u32::try_from(self.0.regs[8] & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    }

    /// Makes it another call. The kernel has put the first argument back and set the thread to the call
    /// before it stops.
    pub fn set_call(&mut self, _: Arch, number: u32, arguments: [u64; 5]) {
        self.0.regs[8] = u64::from(number);
        for (register, argument) in self.0.regs.iter_mut().zip(arguments) {
            *register = argument;
        }
    }

    /// Writes them.
    pub fn give(&mut self, tid: Pid) -> io::Result<()> {
        self.exchange(libc::PTRACE_SETREGSET, tid)
    }

    fn exchange(&mut self, request: PtraceRequest, tid: Pid) -> io::Result<()> {
        let mut place = libc::iovec {
            iov_base: (&raw mut self.0).cast(),
            iov_len: size_of_val(&self.0),
        };
        // SAFETY: the kernel reads or writes no more than `place` says, which lives until the call
        // returns; whatever it writes is a value of the structure.
        checked(unsafe { libc::ptrace(request, tid.as_raw(), libc::NT_PRSTATUS, &raw mut place) })?;
        Ok(())
    }
}

/// Other conventions, by the kernel's numbers for them: of x86 machines, of 32-bit Arm, and none at all.
#[cfg(test)]
pub const FOREIGN: [u32; 4] = [0xc000_003e, 0x4000_0003, 0x4000_0028, u32::MAX];

/// Where the kernel says the numbers.
#[cfg(test)]
pub(super) const HEADERS: [(Arch, &str); 1] = [(Arch::Native, "asm/unistd_64.h")];
