//! The stream to the broker.

use core::marker::PhantomData;

use super::files::above_standard;
use super::{E2BIG, Errno, O_CLOEXEC, address, again, call, calls, word};

/// Two streams, each other's end.
pub fn stream_pair() -> Result<(i32, i32), Errno> {
    const LOCAL: usize = 1;
    const STREAM: usize = 1 | O_CLOEXEC;
    let mut pair = [0_i32; 2];
    call(
        calls::socketpair,
        [LOCAL, STREAM, 0, address(&raw mut pair), 0, 0],
    )?;
    let [one, other] = pair.map(|fd| above_standard(word(fd)));
    Ok((one?, other?))
}

/// As many descriptors go with one message.
pub const DESCRIPTORS: usize = 250;

#[repr(C)]
struct SentPiece<'a> {
    start: *const u8,
    length: usize,
    of: PhantomData<&'a [u8]>,
}

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
    let pieces = pieces.map(|piece| SentPiece {
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
    again(
        calls::sendmsg,
        word(to),
        address(&raw const message),
        NO_SIGNAL,
    )
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
    const FOREVER: usize = 0;
    let mut both = [one, other].map(|fd| Poll {
        fd,
        events: IN,
        found: 0,
    });
    again(calls::ppoll, address(&raw mut both), 2, FOREVER)?;
    let [one, other] = both.map(|poll| poll.found != 0);
    Ok((one, other))
}
