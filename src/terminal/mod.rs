//! The user's terminal, and the one that the command gets in its place.
//!
//! ```text
//!  terminal ◀──▶ keeper ◀──▶ pseudo-terminal ◀──▶ supervisor, sandbox, programs outside
//!                  ▲                                   │
//!                  └───────────── questions ───────────┘
//! ```
//! Nobody but the keeper has the user's terminal open. While it puts a question, it carries nothing
//! across: whatever the command says, sets or asks of its terminal waits there.
//!
//! # Whose terminal it is
//!
//! **The terminal.** The keeper stays in the user's session, and nobody else has the user's terminal open.
//! The supervisor leads a session of its own, whose terminal is a pseudo-terminal that the keeper made: what
//! of the descriptors 0, 1, 2 and `--pass-fd` was the user's terminal is that one, and everything below the
//! supervisor is in its session. The keeper carries bytes across, passes size and signals on, stops when the
//! command is stopped, and has it go on with its own job. The command starts in the terminal's foreground if
//! `run` is there and both its input and its output are the terminal. Otherwise another program may be using
//! it, and the command gets it, as a job in the background does, once it has been stopped for wanting it.
//! What is typed while the command has the terminal is the command's: what it did not read by its end is
//! gone. Where the keeper can't open the terminal, the supervisor leaves the session all the same, and nobody
//! is asked.

mod alone;
mod asking;
mod buffer;
mod device;
mod dialogue;
mod fitting;
mod given;
mod line;
mod link;
mod relay;
mod settling;
mod turns;

use std::io;
use std::os::fd::RawFd;

use nix::errno::Errno;

pub use alone::put;
pub use dialogue::Choices;
pub use given::{Given, Theirs};
pub use link::TerminalAnswer;
pub use relay::Relay;
pub use turns::signals;

use device::Device;

/// The keeper's side and the supervisor's of a terminal for a command that gets the descriptors 0, 1
/// and 2 and those of `pass`; `None` where there is no controlling terminal.
///
/// # Errors
/// There is no terminal left for the command.
pub fn open(pass: &[RawFd]) -> io::Result<Option<(Relay, Theirs)>> {
    let device = match Device::open() {
        Ok(device) => device,
        Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => return Ok(None),
        Err(error) => return Err(error),
    };
    let numbers = [&[0, 1, 2], pass].concat();
    Relay::new(device, &numbers).map(Some)
}
