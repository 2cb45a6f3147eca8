//! What differs from one kind of processor to another: numbers of system calls, registers, machine code.
//! They stand nowhere else.
//!
//! A machine is a folder: `mod.rs` and `calls.rs`, the code of the proxy (`proxy.rs`), and what the
//! wrapper's image stands on (`bare.rs`, which is no part of the library).

#[macro_use]
mod call;
#[cfg_attr(target_arch = "x86_64", path = "x86_64/mod.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64/mod.rs")]
mod machine;
mod unified;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("what this processor's system calls, registers and machine code are is not known");

pub use call::{Arch, Call, Convention};
#[cfg(test)]
pub use machine::FOREIGN;
pub use machine::{ELF_MACHINE, LAST_NUMBER, PROXY, RETURNS_BY_STACK, Registers};

/// System calls by their names.
pub mod calls {
    pub use super::machine::calls::*;
    pub use super::unified::*;
}

impl Arch {
    /// The conventions whose calls are judged. Calls by others end the caller.
    pub const JUDGED: &[Self] = machine::JUDGED;

    const fn convention(self) -> Convention {
        match self {
            Self::Native => machine::NATIVE,
            Self::Compat => machine::COMPAT,
        }
    }

    /// The kernel's number for it, as a system call filter sees it.
    pub const fn audit_value(self) -> u32 {
        self.convention().audit_value
    }

    /// The size of an address, in bytes.
    pub const fn pointer(self) -> usize {
        self.convention().pointer
    }

    /// The one with that number, if its calls are judged.
    pub fn of(audit_value: u32) -> Option<Self> {
        let mut judged = Self::JUDGED.iter().copied();
        judged.find(|arch| arch.audit_value() == audit_value)
    }
}

#[cfg(test)]
mod tests;
