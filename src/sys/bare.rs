//! The wrapper's whole ground: where it starts, and its system calls. Not part of the library: the
//! program in `src/wrapper/image` includes this file, since it has neither a C library nor `std`.

#![allow(
    unsafe_code,
    reason = "the start of a program, and system calls by their numbers"
)]

use core::arch::{asm, naked_asm};
use core::ffi::{CStr, c_char};
use core::marker::PhantomData;

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

pub const SIGSTOP: i32 = 19;

const AT_FDCWD: isize = -100;
const O_CLOEXEC: usize = 0o2_000_000;
const O_PATH: usize = 0o10_000_000;
const CLOEXEC: usize = 1;
const PAGE: usize = 4096;

/// The kernel starts the program here: the stack holds the count of arguments, their addresses, a
/// null, the addresses of the variables, a null.
#[unsafe(naked)]
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    naked_asm!("xor ebp, ebp", "mov rdi, rsp", "and rsp, -16", "call {begin}", "ud2", begin = sym begin)
}

extern "C" fn begin(stack: *mut usize) -> ! {
    // SAFETY: the kernel has laid the stack out so, and nobody else looks at these words.
    let (arguments, variables) = unsafe {
        let count = *stack;
        let arguments = Words {
            first: stack.add(1).cast(),
            count,
        };
        let first: *mut *const c_char = stack.add(count + 2).cast();
        let mut count = 0;
        while !(*first.add(count)).is_null() {
            count += 1;
        }
        (arguments, Words { first, count })
    };
    exit(crate::main(arguments, variables))
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(crate::INTERNAL)
}

/// An argument vector or an environment, ended by a null, as the kernel laid it out.
#[derive(Debug)]
pub struct Words {
    first: *mut *const c_char,
    count: usize,
}

impl Words {
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn get(&self, index: usize) -> Option<&'static CStr> {
        // SAFETY: within the vector; each of its strings has an end, and is there until the
        // program ends: all of them are the kernel's or were leaked.
        (index < self.count).then(|| unsafe { CStr::from_ptr(*self.first.add(index)) })
    }

    /// Does nothing where there is no such place.
    pub fn set(&mut self, index: usize, word: &'static CStr) {
        if index < self.count {
            // SAFETY: within the vector.
            unsafe { *self.first.add(index) = word.as_ptr() };
        }
    }

    /// The same vector from word `count` on: what is set there is set here.
    pub fn skip(&self, count: usize) -> Self {
        let count = count.min(self.count);
        // SAFETY: no farther than the null at the end.
        let first = unsafe { self.first.add(count) };
        Self {
            first,
            count: self.count - count,
        }
    }

    /// Keeps the words that `keep` wants.
    pub fn retain(&mut self, keep: impl Fn(&'static CStr) -> bool) {
        let mut kept = 0;
        for index in 0..self.count {
            if let Some(word) = self.get(index)
                && keep(word)
            {
                self.set(kept, word);
                kept += 1;
            }
        }
        // SAFETY: no farther than the null at the end.
        unsafe { *self.first.add(kept) = core::ptr::null() };
        self.count = kept;
    }

    /// With one word more, in memory of its own.
    pub fn with(self, word: &'static CStr) -> Result<Self, Errno> {
        let bytes = (self.count + 2) * size_of::<*const c_char>();
        let first: *mut *const c_char = memory(bytes)?.as_mut_ptr().cast();
        // SAFETY: the new memory is aligned to a page, is zero, and has room for the words, the
        // new one and a null.
        unsafe {
            core::ptr::copy_nonoverlapping(self.first, first, self.count);
            *first.add(self.count) = word.as_ptr();
        }
        Ok(Self {
            first,
            count: self.count + 1,
        })
    }
}

/// The bytes from the first of `arguments` to the last of `variables`, each word with its NUL: the
/// kernel puts them one behind the other.
pub fn strings(arguments: &Words, variables: &Words) -> &'static [u8] {
    let last = |words: &Words| words.get(words.count().checked_sub(1)?);
    let Some((first, last)) = arguments.get(0).zip(last(variables).or(last(arguments))) else {
        return &[];
    };
    let first = first.as_ptr().cast::<u8>();
    let end = last.to_bytes_with_nul().as_ptr_range().end;
    // SAFETY: one stretch of the stack, which stays as it is until the program ends.
    unsafe { core::slice::from_raw_parts(first, end.addr().saturating_sub(first.addr())) }
}

/// So many bytes of zero, kept until the program ends.
pub fn memory(bytes: usize) -> Result<&'static mut [u8], Errno> {
    const READ_WRITE: usize = 3;
    const PRIVATE_ANONYMOUS: usize = 0x22;
    let bytes = bytes.max(1);
    let address = call(9, [0, bytes, READ_WRITE, PRIVATE_ANONYMOUS, usize::MAX, 0])?;
    // SAFETY: the kernel has just mapped it, for nobody else.
    Ok(unsafe {
        core::slice::from_raw_parts_mut(core::ptr::with_exposed_provenance_mut(address), bytes)
    })
}

/// The parts as one text.
pub fn text(parts: &[&[u8]]) -> Result<&'static CStr, Errno> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let memory = memory(length + 1)?;
    let mut rest = &mut memory[..];
    for part in parts {
        let (room, after) = rest.split_at_mut_checked(part.len()).ok_or(ENOMEM)?;
        room.copy_from_slice(part);
        rest = after;
    }
    CStr::from_bytes_until_nul(memory).map_err(|_| ENOMEM)
}

/// A system call that gives a result or an error. What the arguments point to is the caller's to
/// answer for, which is why all calls are in this file.
fn call(number: usize, [a, b, c, d, e, f]: [usize; 6]) -> Result<usize, Errno> {
    let result: isize;
    // SAFETY: the kernel's calling convention; it changes rcx, r11, and the memory that the callers
    // below give it.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    match result {
        -4095..=-1 => Err(Errno(i32::try_from(-result).unwrap_or_default())),
        _ => Ok(result.cast_unsigned()),
    }
}

fn call3(number: usize, a: usize, b: usize, c: usize) -> Result<usize, Errno> {
    call(number, [a, b, c, 0, 0, 0])
}

/// The same until no signal comes between.
fn again(number: usize, a: usize, b: usize, c: usize) -> Result<usize, Errno> {
    loop {
        match call3(number, a, b, c) {
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

/// Where the standard descriptors are closed, what is opened must not take their places.
fn above_standard(fd: usize) -> Result<i32, Errno> {
    const DUPLICATE: usize = 1030;
    if fd > 2 {
        return Ok(number(fd));
    }
    let higher = call3(72, fd, DUPLICATE, 3)?;
    close(number(fd));
    Ok(number(higher))
}

pub fn close(fd: i32) {
    let _ = call3(3, word(fd), 0, 0);
}

fn open(path: &CStr, flags: usize) -> Result<i32, Errno> {
    let flags = flags | O_CLOEXEC;
    above_standard(again(
        257,
        AT_FDCWD.cast_unsigned(),
        address(path.as_ptr()),
        flags,
    )?)
}

/// For reading.
pub fn open_file(path: &CStr) -> Result<i32, Errno> {
    open(path, 0)
}

/// Only the place, not the content.
pub fn open_place(path: &CStr) -> Result<i32, Errno> {
    open(path, O_PATH)
}

/// Whether it is a regular file.
pub fn is_regular(fd: i32) -> Result<bool, Errno> {
    const TYPE: u32 = 0o170_000;
    const REGULAR: u32 = 0o100_000;
    let mut stat = [0_u32; 36];
    call3(5, word(fd), address(&raw mut stat), 0)?;
    let [_, _, _, _, _, _, mode, ..] = stat;
    Ok(mode & TYPE == REGULAR)
}

/// Whether this process may execute the file.
pub fn may_execute(path: &CStr) -> Result<(), Errno> {
    const EXECUTE: usize = 1;
    call3(
        269,
        AT_FDCWD.cast_unsigned(),
        address(path.as_ptr()),
        EXECUTE,
    )
    .map(drop)
}

/// Two streams, each other's end.
pub fn stream_pair() -> Result<(i32, i32), Errno> {
    const LOCAL: usize = 1;
    const STREAM: usize = 1 | O_CLOEXEC;
    let mut pair = [0_i32; 2];
    call(53, [LOCAL, STREAM, 0, address(&raw mut pair), 0, 0])?;
    let [one, other] = pair.map(|fd| above_standard(word(fd)));
    Ok((one?, other?))
}

#[repr(C)]
struct Piece<'a> {
    start: *const u8,
    length: usize,
    of: PhantomData<&'a [u8]>,
}

/// As many descriptors go with one message.
pub const DESCRIPTORS: usize = 250;

#[repr(C)]
struct Control {
    length: usize,
    level: i32,
    kind: i32,
    numbers: [i32; DESCRIPTORS],
}

#[repr(C)]
struct Message {
    name: usize,
    name_length: u32,
    pieces: usize,
    count: usize,
    control: usize,
    control_length: usize,
    flags: i32,
}

/// Sends `pieces` as one, with the descriptors. How many bytes were sent.
pub fn send<const N: usize>(to: i32, pieces: [&[u8]; N], numbers: &[i32]) -> Result<usize, Errno> {
    const NO_SIGNAL: usize = 0x4000;
    const HEADER: usize = 16;
    let pieces = pieces.map(|piece| Piece {
        start: piece.as_ptr(),
        length: piece.len(),
        of: PhantomData,
    });
    let mut control = Control {
        length: HEADER + size_of_val(numbers),
        level: 1,
        kind: 1,
        numbers: [0; DESCRIPTORS],
    };
    control
        .numbers
        .get_mut(..numbers.len())
        .ok_or(E2BIG)?
        .copy_from_slice(numbers);
    let mut message = Message {
        name: 0,
        name_length: 0,
        pieces: address(&raw const pieces),
        count: N,
        control: 0,
        control_length: 0,
        flags: 0,
    };
    if !numbers.is_empty() {
        message.control = address(&raw const control);
        message.control_length = control.length.next_multiple_of(8);
    }
    again(46, word(to), address(&raw const message), NO_SIGNAL)
}

pub fn write(to: i32, bytes: &[u8]) -> Result<usize, Errno> {
    again(1, word(to), address(bytes.as_ptr()), bytes.len())
}

/// How many bytes were read; 0 at the end.
pub fn read(from: i32, room: &mut [u8]) -> Result<usize, Errno> {
    again(0, word(from), address(room.as_mut_ptr()), room.len())
}

/// Becomes the program. Returns when that fails.
pub fn execute(file: &CStr, arguments: &Words, variables: &Words) -> Errno {
    let [arguments, variables] = [arguments, variables].map(|words| address(words.first));
    match call3(59, address(file.as_ptr()), arguments, variables) {
        Err(errno) => errno,
        Ok(_) => ENOEXEC,
    }
}

/// The signals that are blocked, bit n-1 for signal n.
pub fn blocked() -> u64 {
    let mut set = 0_u64;
    let _ = call(14, [0, 0, address(&raw mut set), 8, 0, 0]);
    set
}

/// Blocks exactly these.
pub fn block(set: u64) {
    const SET: usize = 2;
    let _ = call(14, [SET, address(&raw const set), 0, 8, 0, 0]);
}

/// A descriptor from which the signals that come are read.
pub fn signals() -> Result<i32, Errno> {
    const NOT_BLOCKING: usize = 0o4_000;
    let all = u64::MAX;
    let none = usize::MAX;
    above_standard(call(
        289,
        [
            none,
            address(&raw const all),
            8,
            O_CLOEXEC | NOT_BLOCKING,
            0,
            0,
        ],
    )?)
}

/// Number and `si_code` of a signal that has come.
pub fn signal(from: i32) -> Result<Option<(i32, i32)>, Errno> {
    let mut information = [0_i32; 32];
    match again(
        0,
        word(from),
        address(&raw mut information),
        size_of_val(&information),
    ) {
        Ok(_) => {
            let [number, _, code, ..] = information;
            Ok(Some((number, code)))
        }
        Err(EAGAIN) => Ok(None),
        Err(errno) => Err(errno),
    }
}

#[repr(C)]
struct Poll {
    fd: i32,
    events: i16,
    found: i16,
}

/// Waits until one of the two has something to say.
pub fn wait(one: i32, other: i32) -> Result<(bool, bool), Errno> {
    const IN: i16 = 1;
    const FOREVER: usize = usize::MAX;
    let mut both = [one, other].map(|fd| Poll {
        fd,
        events: IN,
        found: 0,
    });
    again(7, address(&raw mut both), 2, FOREVER)?;
    let [one, other] = both.map(|poll| poll.found != 0);
    Ok((one, other))
}

/// Whether it is open and stays so when this process becomes another program.
pub fn is_inherited(fd: i32) -> bool {
    const GET: usize = 1;
    call3(72, word(fd), GET, 0).is_ok_and(|flags| flags & CLOEXEC == 0)
}

/// Has it closed when this process becomes another program.
pub fn close_on_exec(fd: i32) {
    const SET: usize = 2;
    let _ = call3(72, word(fd), SET, CLOEXEC);
}

/// The numbers of all open descriptors, in pieces as the kernel gives them.
pub fn descriptors(mut each: impl FnMut(i32)) -> Result<(), Errno> {
    let folder = open(c"/proc/self/fd", 0)?;
    let mut entries = [0_u8; PAGE];
    loop {
        let count = call3(217, word(folder), address(entries.as_mut_ptr()), PAGE)?;
        if count == 0 {
            break;
        }
        let mut rest = entries.get(..count).unwrap_or_default();
        // An entry: 16 bytes, its length in two, its type, its name to a NUL.
        while let Some([low, high]) = rest.get(16..18) {
            let length = usize::from(u16::from_le_bytes([*low, *high]));
            let name = rest.get(19..length).unwrap_or_default();
            if let Ok(name) = CStr::from_bytes_until_nul(name)
                && let Some(number) = parse(name.to_bytes())
                && number != folder
            {
                each(number);
            }
            rest = rest.get(length.max(1)..).unwrap_or_default();
        }
    }
    close(folder);
    Ok(())
}

/// A number in decimal.
pub fn parse(digits: &[u8]) -> Option<i32> {
    let text = core::str::from_utf8(digits).ok()?;
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// Sends a signal to this process.
pub fn raise(signal: i32) {
    let process = call3(39, 0, 0, 0).unwrap_or_default();
    let _ = call3(62, process, word(signal), 0);
}

/// Ends this process by `signal`, without a core file: that is another's to leave. Returns when
/// the signal does not end processes.
pub fn die_of(signal: i32) {
    const NOT_DUMPABLE: usize = 4;
    let default = [0_usize; 4];
    block(u64::MAX);
    let _ = call3(157, NOT_DUMPABLE, 0, 0);
    let _ = call(13, [word(signal), address(&raw const default), 0, 8, 0, 0]);
    raise(signal);
    block(0);
}

pub fn exit(status: u8) -> ! {
    let _ = call3(231, usize::from(status), 0, 0);
    // Not reached: the call has no way back.
    loop {
        core::hint::spin_loop();
    }
}

/// What the compiler calls by these names; there is no C library that has them.
mod c_library {
    use core::arch::asm;

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
}
