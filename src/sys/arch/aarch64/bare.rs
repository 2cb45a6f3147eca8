//! Where the wrapper's image starts, how it calls the kernel, and what the compiler calls by the names of
//! a C library that is not there.

use core::arch::{asm, naked_asm};

/// The kernel starts the program here: the stack holds the count of arguments, their addresses, a
/// null, the addresses of the variables, a null.
#[unsafe(naked)]
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    naked_asm!("mov x29, xzr", "mov x30, xzr", "mov x0, sp", "bl {begin}", "brk #1",
        begin = sym super::super::begin)
}

/// Where `struct stat` has the mode, in words of 32 bits.
pub const MODE_IN_STAT: usize = 4;

/// A system call, as the kernel answers it.
///
/// # Safety
///
/// What the arguments point to is the caller's to answer for.
pub unsafe fn call(number: usize, arguments: [usize; 6]) -> isize {
    let [first, second, third, fourth, fifth, sixth] = arguments;
    let result: isize;
    // SAFETY: the kernel's calling convention; it changes the memory that the caller gives it.
    unsafe {
        asm!(
            "svc #0",
            in("x8") number,
            inlateout("x0") first => result,
            in("x1") second, in("x2") third, in("x3") fourth, in("x4") fifth, in("x5") sixth,
            options(nostack),
        );
    }
    result
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller's pointers are good for `count` bytes.
    unsafe {
        asm!("cbz {left}, 3f", "2:", "ldrb {byte:w}, [{from}], #1", "strb {byte:w}, [{to}], #1",
            "sub {left}, {left}, #1", "cbnz {left}, 2b", "3:",
            left = inout(reg) count => _, from = inout(reg) from => _, to = inout(reg) to => _,
            byte = out(reg) _, options(nostack, preserves_flags));
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    // SAFETY: the caller's pointer is good for `count` bytes.
    unsafe {
        asm!("cbz {left}, 3f", "2:", "strb {byte:w}, [{to}], #1", "sub {left}, {left}, #1",
            "cbnz {left}, 2b", "3:",
            left = inout(reg) count => _, to = inout(reg) to => _, byte = in(reg) byte,
            options(nostack, preserves_flags));
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    let difference: i32;
    // SAFETY: the caller's pointers are good for `count` bytes.
    unsafe {
        asm!("mov {difference:w}, wzr", "cbz {left}, 3f", "2:", "ldrb {difference:w}, [{one}], #1",
            "ldrb {byte:w}, [{other}], #1", "subs {difference:w}, {difference:w}, {byte:w}", "b.ne 3f",
            "sub {left}, {left}, #1", "cbnz {left}, 2b", "3:",
            left = inout(reg) count => _, one = inout(reg) one => _, other = inout(reg) other => _,
            byte = out(reg) _, difference = out(reg) difference, options(nostack, readonly));
    }
    difference
}

#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    // SAFETY: the caller's promise is the same.
    unsafe { memcmp(one, other, count) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let end: *const u8;
    // SAFETY: the caller's text has an end.
    unsafe {
        asm!("2:", "ldrb {byte:w}, [{end}], #1", "cbnz {byte:w}, 2b",
            end = inout(reg) text => end, byte = out(reg) _,
            options(nostack, readonly, preserves_flags));
    }
    // One was counted for the end.
    end.addr() - text.addr() - 1
}
