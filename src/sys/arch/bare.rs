//! What the wrapper's image has of this folder: it is a crate of its own.

macro_rules! calls {
    ($($name:ident = $native:tt $(, $compat:tt)?;)+) => {
        $(pub const $name: usize = calls!(@ $native);)+
    };
    (@ -) => { usize::MAX };
    (@ $number:literal) => { $number };
}

/// Numbers of system calls.
#[allow(dead_code, reason = "the table is the library's too")]
#[cfg_attr(target_arch = "x86_64", path = "x86_64/calls.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64/calls.rs")]
pub mod calls;
#[cfg_attr(target_arch = "x86_64", path = "x86_64/bare.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64/bare.rs")]
mod machine;

pub use machine::{MODE_IN_STAT, call};
