//! The wrapper's whole ground: where it starts, and its system calls. Not part of the library: the
//! program in `src/wrapper/image` includes this folder, since it has neither a C library nor `std`.
//! What differs between processors is in `src/sys/arch`.

#![allow(
    unsafe_code,
    reason = "the start of a program, and system calls by their numbers"
)]

#[path = "../arch/bare.rs"]
mod arch;
mod files;
mod signals;
mod streams;
mod words;

use arch::calls;
pub use files::{
    close, descriptors, execute, is_inherited, is_regular, may_execute, open_file, open_place,
    read, write,
};
pub use signals::{blocked, die_of, hold_back, signal, signals, stop};
pub use streams::{DESCRIPTORS, send, stream_pair, wait};
pub use words::{ArgumentWords, memory, parse, strings, text};

/// The number of an error, as in errno(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

pub const EINTR: Errno = Errno(4);
pub const ENOENT: Errno = Errno(2);
pub const E2BIG: Errno = Errno(7);
pub const ENOEXEC: Errno = Errno(8);
pub const ENOMEM: Errno = Errno(12);
pub const EACCES: Errno = Errno(13);
pub const ENOTDIR: Errno = Errno(20);
pub const EAGAIN: Errno = Errno(11);
/// The other side is gone, or says what makes no sense.
pub const EPROTO: Errno = Errno(71);

const O_CLOEXEC: usize = 0o2_000_000;

extern "C" fn begin(stack: *mut usize) -> ! {
    // SAFETY: the kernel has laid the stack out so, and nobody else looks at these words.
    let (arguments, variables) = unsafe { ArgumentWords::on_stack(stack) };
    exit(crate::main(arguments, variables))
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(crate::INTERNAL)
}

pub fn exit(status: u8) -> ! {
    let _ = call3(calls::exit_group, usize::from(status), 0, 0);
    // Not reached: the call has no way back.
    loop {
        core::hint::spin_loop();
    }
}

/// A system call that gives a result or an error. What the arguments point to is the caller's to
/// answer for, which is why all calls are in this folder.
fn call(number: usize, arguments: [usize; 6]) -> Result<usize, Errno> {
    // SAFETY: the callers below give the kernel memory that is theirs.
    let result = unsafe { arch::call(number, arguments) };
    match result {
        -4095..=-1 => Err(Errno(i32::try_from(-result).unwrap_or_default())),
        _ => Ok(result.cast_unsigned()),
    }
}

fn call3(number: usize, first: usize, second: usize, third: usize) -> Result<usize, Errno> {
    call(number, [first, second, third, 0, 0, 0])
}

/// The same until no signal comes between.
fn again(number: usize, first: usize, second: usize, third: usize) -> Result<usize, Errno> {
    loop {
        match call3(number, first, second, third) {
            Err(EINTR) => {}
            result => return result,
        }
    }
}

/// A descriptor's number, or a process's, as an argument.
fn word(number: i32) -> usize {
    isize::try_from(number).unwrap_or(-1).cast_unsigned()
}

fn number(result: usize) -> i32 {
    i32::try_from(result).unwrap_or(-1)
}

fn address<T: ?Sized>(of: *const T) -> usize {
    of.cast::<u8>().expose_provenance()
}
