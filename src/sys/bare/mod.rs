//! The wrapper's whole ground: where it starts, and its system calls. Not part of the library: the
//! program in `src/wrapper/image` includes this folder, since it has neither a C library nor `std`.

#![allow(
    unsafe_code,
    reason = "the start of a program, and system calls by their numbers"
)]

mod c_library;
mod files;
mod signals;
mod streams;
mod words;

use core::arch::{asm, naked_asm};

pub use files::{
    close, descriptors, execute, is_inherited, is_regular, may_execute, open_file, open_place,
    read, write,
};
pub use signals::{blocked, die_of, hold_back, signal, signals, stop};
pub use streams::{DESCRIPTORS, send, stream_pair, wait};
pub use words::{Words, memory, parse, strings, text};

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

/// The kernel starts the program here: the stack holds the count of arguments, their addresses, a
/// null, the addresses of the variables, a null.
#[unsafe(naked)]
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    naked_asm!("xor ebp, ebp", "mov rdi, rsp", "and rsp, -16", "call {begin}", "ud2", begin = sym begin)
}

extern "C" fn begin(stack: *mut usize) -> ! {
    // SAFETY: the kernel has laid the stack out so, and nobody else looks at these words.
    let (arguments, variables) = unsafe { Words::on_stack(stack) };
    exit(crate::main(arguments, variables))
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(crate::INTERNAL)
}

/// Numbers of system calls, from the kernel's `asm/unistd_64.h`.
mod calls {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const FSTAT: usize = 5;
    pub const POLL: usize = 7;
    pub const MMAP: usize = 9;
    pub const RT_SIGACTION: usize = 13;
    pub const RT_SIGPROCMASK: usize = 14;
    pub const GETPID: usize = 39;
    pub const SENDMSG: usize = 46;
    pub const SOCKETPAIR: usize = 53;
    pub const EXECVE: usize = 59;
    pub const KILL: usize = 62;
    pub const FCNTL: usize = 72;
    pub const RT_SIGPENDING: usize = 127;
    pub const RT_SIGTIMEDWAIT: usize = 128;
    pub const PRCTL: usize = 157;
    pub const GETDENTS64: usize = 217;
    pub const EXIT_GROUP: usize = 231;
    pub const OPENAT: usize = 257;
    pub const FACCESSAT: usize = 269;
    pub const SIGNALFD4: usize = 289;
}

pub fn exit(status: u8) -> ! {
    let _ = call3(calls::EXIT_GROUP, usize::from(status), 0, 0);
    // Not reached: the call has no way back.
    loop {
        core::hint::spin_loop();
    }
}

/// A system call that gives a result or an error. What the arguments point to is the caller's to
/// answer for, which is why all calls are in this folder.
fn call(number: usize, arguments: [usize; 6]) -> Result<usize, Errno> {
    let [first, second, third, fourth, fifth, sixth] = arguments;
    let result: isize;
    // SAFETY: the kernel's calling convention; it changes rcx, r11, and the memory that the callers
    // below give it.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") first, in("rsi") second, in("rdx") third,
            in("r10") fourth, in("r8") fifth, in("r9") sixth,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
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
