//! 64-bit x86, and i386 beside it.

#![expect(unsafe_code, reason = "ptrace(2) with the machine's own registers")]

pub(super) mod calls;
mod proxy;

use std::io;
use std::mem::MaybeUninit;

use nix::unistd::Pid;

use super::call::{Arch, Call, Convention};
use crate::sys::checked;

pub(super) const NATIVE: Convention = Convention {
    audit_value: 0xc000_003e,
    pointer: 8,
};
pub(super) const COMPAT: Convention = Convention {
    audit_value: 0x4000_0003,
    pointer: 4,
};
/// The conventions whose calls are judged.
pub(super) const JUDGED: &[Arch] = &[Arch::Native, Arch::Compat];
/// The last number of either convention. From the next on they are calls of x32, which runs under the
/// native convention's value.
pub const LAST_NUMBER: u32 = 0x3fff_ffff;
/// The system call by which the proxy asks: no kernel implements it, so that no other program has a use
/// for it.
pub const PROXY: Call = calls::afs_syscall;
/// The machine in the header of an executable file.
pub const ELF_MACHINE: u16 = 62;
/// Whether a function that calls none has the address to which it returns on top of the stack.
pub const RETURNS_BY_STACK: bool = true;

/// The registers of a stopped thread.
pub struct Registers(libc::user_regs_struct);

impl Registers {
    /// Reads them.
    pub fn of(tid: Pid) -> io::Result<Self> {
        let mut registers = MaybeUninit::<libc::user_regs_struct>::uninit();
        // SAFETY: the kernel fills the whole structure, whose size is that of the request.
        unsafe {
            checked(libc::ptrace(
                libc::PTRACE_GETREGS,
                tid.as_raw(),
                std::ptr::null_mut::<libc::c_void>(),
                registers.as_mut_ptr(),
            ))?;
            Ok(Self(registers.assume_init()))
        }
    }

    /// The number of the call that is to start over, as the kernel reads it: 32 bits.
    pub fn number(&self) -> u32 {
        u32::try_from(self.0.orig_rax & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    }

    /// Makes it another call.
    pub fn set_call(&mut self, arch: Arch, number: u32, arguments: [u64; 5]) {
        let registers = &mut self.0;
        registers.orig_rax = u64::from(number);
        let places = match arch {
            Arch::Native => [
                &mut registers.rdi,
                &mut registers.rsi,
                &mut registers.rdx,
                &mut registers.r10,
                &mut registers.r8,
            ],
            Arch::Compat => [
                &mut registers.rbx,
                &mut registers.rcx,
                &mut registers.rdx,
                &mut registers.rsi,
                &mut registers.rdi,
            ],
        };
        for (place, argument) in places.into_iter().zip(arguments) {
            *place = argument;
        }
    }

    /// Writes them.
    pub fn give(&self, tid: Pid) -> io::Result<()> {
        // SAFETY: reads the structure, which lives until the call returns.
        checked(unsafe {
            libc::ptrace(
                libc::PTRACE_SETREGS,
                tid.as_raw(),
                std::ptr::null_mut::<libc::c_void>(),
                &raw const self.0,
            )
        })?;
        Ok(())
    }
}

/// Other conventions, by the kernel's numbers for them: of Arm machines, and none at all.
#[cfg(test)]
pub const FOREIGN: [u32; 4] = [0xc000_00b7, 0x4000_0028, 0, u32::MAX];

/// Where the kernel says the numbers.
#[cfg(test)]
pub(super) const HEADERS: [(Arch, &str); 2] = [
    (Arch::Native, "asm/unistd_64.h"),
    (Arch::Compat, "asm/unistd_32.h"),
];
