//! What is said on standard error. Where that is closed, the status has to do.

use crate::kernel::{self, Errno};
use crate::{FAILURE, INTERNAL};

/// As long a line is written at once, in bytes.
const LINE: usize = 1024;

/// The broker's words.
pub fn refused(words: &[u8]) -> u8 {
    told(words);
    FAILURE
}

/// The same, where something goes on.
pub fn told(words: &[u8]) {
    line(&[words]);
}

/// Nobody could judge: then nothing runs.
pub fn unjudged(why: &[&[u8]]) -> u8 {
    let [one, other] = [0, 1].map(|index| why.get(index).copied().unwrap_or_default());
    error(&[b"nothing runs unjudged: ", one, other]);
    INTERNAL
}

pub fn unreachable(errno: Errno) -> u8 {
    unjudged(&[b"the broker can't be asked: ", description(errno)])
}

pub fn gone(errno: Errno) -> u8 {
    unjudged(&[b"the broker is gone: ", description(errno)])
}

/// Why a file can't be run. Bytes that could change what a terminal shows are shown as `?`.
pub fn file(name: &[u8], errno: Errno) {
    let mut shown = [0; LINE / 2];
    for (place, &byte) in shown.iter_mut().zip(name) {
        *place = if matches!(byte, b' '..=b'~') {
            byte
        } else {
            b'?'
        };
    }
    let shown = shown.get(..name.len()).unwrap_or(&shown);
    error(&[shown, b": ", description(errno)]);
}

pub fn error(what: &[&[u8]]) {
    let [one, two, three] = [0, 1, 2].map(|index| what.get(index).copied().unwrap_or_default());
    line(&[b"codex-shell: error: ", one, two, three]);
}

/// A line that fits is written whole, so that no other one comes between.
fn line(parts: &[&[u8]]) {
    let mut room = [0; LINE];
    let mut used = 0;
    for part in parts.iter().copied().chain([&b"\n"[..]]) {
        let mut part = part;
        while !part.is_empty() {
            if used == LINE {
                write(&room);
                used = 0;
            }
            let free = room.get_mut(used..).unwrap_or_default();
            let count = free.len().min(part.len());
            let (now, later) = part.split_at(count);
            free.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            used += count;
            part = later;
        }
    }
    write(room.get(..used).unwrap_or_default());
}

fn write(mut bytes: &[u8]) {
    while let Ok(count @ 1..) = kernel::write(2, bytes) {
        bytes = bytes.get(count..).unwrap_or_default();
    }
}

/// As errno(3) has it.
fn description(errno: Errno) -> &'static [u8] {
    match errno.0 {
        1 => b"Operation not permitted",
        2 => b"No such file or directory",
        5 => b"Input/output error",
        7 => b"Argument list too long",
        8 => b"Exec format error",
        9 => b"Bad file descriptor",
        11 => b"Resource temporarily unavailable",
        12 => b"Cannot allocate memory",
        13 => b"Permission denied",
        20 => b"Not a directory",
        21 => b"Is a directory",
        22 => b"Invalid argument",
        23 => b"Too many open files in system",
        24 => b"Too many open files",
        26 => b"Text file busy",
        32 => b"Broken pipe",
        36 => b"File name too long",
        40 => b"Too many levels of symbolic links",
        71 => b"Protocol error",
        88 => b"Socket operation on non-socket",
        104 => b"Connection reset by peer",
        107 => b"Transport endpoint is not connected",
        111 => b"Connection refused",
        _ => b"The kernel refused",
    }
}
