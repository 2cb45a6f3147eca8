//! Where the wrapper's image starts, how it calls the kernel, and what the compiler calls by the names of
//! a C library that is not there.

use core::arch::{asm, naked_asm};

/// The kernel starts the program here: the stack holds the count of arguments, their addresses, a
/// null, the addresses of the variables, a null.
#[unsafe(naked)]
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    naked_asm!("xor ebp, ebp", "mov rdi, rsp", "and rsp, -16", "call {begin}", "ud2",
        begin = sym super::super::begin)
}

/// Where `struct stat` has the mode, in words of 32 bits.
pub const MODE_IN_STAT: usize = 6;

/// A system call, as the kernel answers it.
///
/// # Safety
///
/// What the arguments point to is the caller's to answer for.
pub unsafe fn call(number: usize, arguments: [usize; 6]) -> isize {
    let [first, second, third, fourth, fifth, sixth] = arguments;
    let result: isize;
    // SAFETY: the kernel's calling convention; it changes rcx, r11, and the memory that the caller
    // gives it.
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
    result
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller's pointers are good for `count` bytes.
    unsafe {
        asm!("rep movsb", inout("rcx") count => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags));
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    // SAFETY: the caller's pointer is good for `count` bytes.
    unsafe {
        asm!("rep stosb", inout("rcx") count => _, inout("rdi") to => _, in("al") byte.to_le_bytes()[0],
            options(nostack, preserves_flags));
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    let (low, high): (u8, u8);
    // SAFETY: the caller's pointers are good for `count` bytes.
    unsafe {
        asm!("cmp ecx, ecx", "repe cmpsb", "setb {low}", "seta {high}",
            low = out(reg_byte) low, high = out(reg_byte) high,
            inout("rcx") count => _, inout("rsi") one => _, inout("rdi") other => _,
            options(nostack, readonly));
    }
    i32::from(high) - i32::from(low)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    // SAFETY: the caller's promise is the same.
    unsafe { memcmp(one, other, count) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let left: usize;
    // SAFETY: the caller's text has an end.
    unsafe {
        asm!("repne scasb", inout("rcx") usize::MAX => left, inout("rdi") text => _, in("al") 0_u8,
            options(nostack, readonly));
    }
    // One was counted for the end, and the count began at the highest number.
    usize::MAX - left - 1
}
