//! Files and descriptors.

use core::ffi::CStr;

use super::arch::MODE_IN_STAT;
use super::{
    ArgumentWords, ENOEXEC, Errno, O_CLOEXEC, address, again, call3, calls, number, parse, word,
};

const AT_FDCWD: isize = -100;
const O_PATH: usize = 0o10_000_000;
const CLOEXEC: usize = 1;
const PAGE: usize = 4096;

/// For reading.
pub fn open_file(path: &CStr) -> Result<i32, Errno> {
    open(path, 0)
}

/// Only the place, not the content.
pub fn open_place(path: &CStr) -> Result<i32, Errno> {
    open(path, O_PATH)
}

fn open(path: &CStr, flags: usize) -> Result<i32, Errno> {
    let flags = flags | O_CLOEXEC;
    above_standard(again(
        calls::openat,
        AT_FDCWD.cast_unsigned(),
        address(path.as_ptr()),
        flags,
    )?)
}

/// Where the standard descriptors are closed, what is opened must not take their places.
pub(super) fn above_standard(fd: usize) -> Result<i32, Errno> {
    const DUPLICATE: usize = 1030;
    if fd > 2 {
        return Ok(number(fd));
    }
    let higher = call3(calls::fcntl, fd, DUPLICATE, 3)?;
    close(number(fd));
    Ok(number(higher))
}

pub fn close(fd: i32) {
    let _ = call3(calls::close, word(fd), 0, 0);
}

/// Whether it is a regular file.
pub fn is_regular(fd: i32) -> Result<bool, Errno> {
    const TYPE: u32 = 0o170_000;
    const REGULAR: u32 = 0o100_000;
    let mut stat = [0_u32; 36];
    call3(calls::fstat, word(fd), address(&raw mut stat), 0)?;
    let mode = stat.get(MODE_IN_STAT).copied().unwrap_or_default();
    Ok(mode & TYPE == REGULAR)
}

/// Whether this process may execute the file.
pub fn may_execute(path: &CStr) -> Result<(), Errno> {
    const EXECUTE: usize = 1;
    call3(
        calls::faccessat,
        AT_FDCWD.cast_unsigned(),
        address(path.as_ptr()),
        EXECUTE,
    )
    .map(drop)
}

pub fn write(to: i32, bytes: &[u8]) -> Result<usize, Errno> {
    again(calls::write, word(to), address(bytes.as_ptr()), bytes.len())
}

/// How many bytes were read; 0 at the end.
pub fn read(from: i32, room: &mut [u8]) -> Result<usize, Errno> {
    again(
        calls::read,
        word(from),
        address(room.as_mut_ptr()),
        room.len(),
    )
}

/// Becomes the program. Returns when that fails.
pub fn execute(file: &CStr, arguments: &ArgumentWords, variables: &ArgumentWords) -> Errno {
    let [arguments, variables] = [arguments, variables].map(ArgumentWords::first);
    match call3(calls::execve, address(file.as_ptr()), arguments, variables) {
        Err(errno) => errno,
        Ok(_) => ENOEXEC,
    }
}

/// Whether it is open and stays so when this process becomes another program.
pub fn is_inherited(fd: i32) -> bool {
    const GET: usize = 1;
    call3(calls::fcntl, word(fd), GET, 0).is_ok_and(|flags| flags & CLOEXEC == 0)
}

/// The numbers of all open descriptors, in pieces as the kernel gives them.
pub fn descriptors(mut each: impl FnMut(i32)) -> Result<(), Errno> {
    let folder = open(c"/proc/self/fd", 0)?;
    let mut entries = [0_u8; PAGE];
    loop {
        let count = call3(
            calls::getdents64,
            word(folder),
            address(entries.as_mut_ptr()),
            PAGE,
        )?;
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
