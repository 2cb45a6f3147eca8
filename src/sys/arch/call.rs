//! What a system call is: a number in each calling convention of the machine.

/// The calling convention of the program that made a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// The machine's own, which is ours.
    Native,
    /// That of the 32-bit programs which run beside.
    Compat,
}

/// What tells one convention from another.
#[derive(Debug, Clone, Copy)]
pub struct Convention {
    /// The kernel's number for it (`linux/audit.h`), as a system call filter sees it.
    pub audit_value: u32,
    /// The size of an address, in bytes.
    pub pointer: usize,
}

/// A system call by its numbers; `None` where a convention does not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// As the kernel's headers have it.
    pub name: &'static str,
    pub(super) native: Option<u32>,
    pub(super) compat: Option<u32>,
}

impl Call {
    /// The number by a convention.
    pub const fn number(self, arch: Arch) -> Option<u32> {
        match arch {
            Arch::Native => self.native,
            Arch::Compat => self.compat,
        }
    }

    /// The number of a call that is made here; one that no kernel has, where the machine lacks it.
    pub const fn own_number(self) -> i32 {
        match self.native {
            Some(number) => number.cast_signed(),
            None => -1,
        }
    }

    /// Whether this is the call with that number.
    pub fn is(self, arch: Arch, number: u32) -> bool {
        self.number(arch) == Some(number)
    }
}

/// The table of a machine: `name = number, number of 32-bit programs;`, with `-` for one that is not there.
macro_rules! calls {
    ($($name:ident = $native:tt $(, $compat:tt)?;)+) => {
        $(
            #[doc = concat!("See ", stringify!($name), "(2).")]
            pub const $name: $crate::sys::arch::Call = $crate::sys::arch::Call {
                name: stringify!($name),
                native: calls!(@ $native),
                compat: calls!(@ $($compat)?),
            };
        )+

        /// Each of them.
        #[cfg(test)]
        pub(in crate::sys::arch) const ALL: &[$crate::sys::arch::Call] = &[$($name),+];
    };
    (@) => { None };
    (@ -) => { None };
    (@ $number:literal) => { Some($number) };
}
