//! A question of a process that has the terminal for itself.

use std::io;
use std::os::fd::AsFd as _;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::buffer::Buffer;
use super::device::{Device, PATIENCE};
use super::dialogue::{Choices, Dialogue, DialogueStep};
use super::link::TerminalAnswer;
use crate::sys::read_capped::timeout_until;

/// Puts a question on the controlling terminal, and waits for one of `choices`.
///
/// # Errors
/// There is no terminal, or it is another's at the moment.
pub fn put(text: String, choices: Choices) -> io::Result<TerminalAnswer> {
    let mut device = Device::open().map_err(plainly)?;
    if !device.is_ours() {
        return Err(io::Error::other(
            "this is in the background of its terminal",
        ));
    }
    while !device.take_turn() {
        std::thread::sleep(PATIENCE);
    }
    device.make_raw()?;
    let (mut shown, mut out) = (Buffer::default(), Vec::new());
    let size = device.size().ok();
    let mut dialogue = Dialogue::begin(text, choices, size, &mut out);
    loop {
        shown.extend(&out);
        out.clear();
        shown.flush(|bytes| device.write(bytes))?;
        let output = if shown.is_empty() {
            PollFlags::empty()
        } else {
            PollFlags::POLLOUT
        };
        let mut ready = [PollFd::new(device.as_fd(), PollFlags::POLLIN | output)];
        let until: Option<Instant> = dialogue.until();
        match poll(&mut ready, until.map_or(PollTimeout::NONE, timeout_until)) {
            Err(Errno::EINTR) => continue,
            result => result?,
        };
        dialogue.waited(&mut out);
        let mut buffer = [0; 256];
        let count = match device.read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            result => result?,
        };
        let typed = buffer.get(..count).unwrap_or_default();
        match dialogue.take(typed, size, &mut out) {
            // Nothing beside it needs to be stopped with it.
            DialogueStep::More | DialogueStep::Stop => {}
            DialogueStep::Answered(answer) => {
                shown.extend(&out);
                shown.flush(|bytes| device.write(bytes))?;
                return Ok(answer);
            }
        }
    }
}

/// Why there is no terminal, in words for people.
fn plainly(error: io::Error) -> io::Error {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENXIO | Errno::ENOENT | Errno::ENODEV | Errno::ENOTTY) => {
            io::Error::new(error.kind(), "there is no terminal here")
        }
        _ => error,
    }
}
