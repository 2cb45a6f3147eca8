//! The user's terminal, and the one that the command gets in its place.
//!
//! ```text
//!  terminal ◀──▶ keeper ◀──▶ pseudo-terminal ◀──▶ supervisor, sandbox, programs outside
//!                  ▲                                   │
//!                  └───────────── questions ───────────┘
//! ```
//! Nobody but the keeper has the user's terminal open. While it puts a question, it carries nothing
//! across: whatever the command says, sets or asks of its terminal waits there.

mod alone;
mod asking;
mod buffer;
mod device;
mod dialogue;
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
pub use link::Answer;
pub use relay::Relay;
pub use turns::watched;

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
