//! The second interceptor: a shell that was made to start the wrapper in place of each program.
//!
//! ```text
//!  shell ──execve──▶ wrapper ──file, argv, environment──▶ broker ──judge──▶ run it │ pass your
//!                                                                   descriptors │ refused
//! ```
//! It needs nothing of the kernel, and sees what that shell starts: not what the programs start
//! that it starts.
//!
//! # What is believed
//!
//! With `--interceptor shell`, the filter has no listener. A shell that was patched for it (`patches/`,
//! `scripts/build-patched-shell`) starts `codex-execve-wrapper FILE ARGV…` in place of each program. The
//! wrapper starts once per program, so that its start counts: it is a program of its own, without a C
//! library, of a few thousand bytes (`src/wrapper/image`). `build.rs` compiles it, the binary holds it and
//! leaves it in the user's cache; started by that name, the binary becomes it. The wrapper inherits a socket,
//! sends one end of a stream pair through it, and on that pair the file, the argument vector, the
//! environment, and descriptors of the working directory and the file. The broker, in the supervisor's place,
//! judges them as `intercept/mod.rs` says, and answers: *run*, and the wrapper becomes the program; *deny*, and it says why; or
//! *escalate*, and it passes its descriptors, then its signals, and ends as the program does.
//!
//! Anybody in the sandbox can talk on that socket and claim anything. What is judged is what is run: the file
//! is the descriptor that was sent, and attributes of the process come from the kernel. What this does not
//! give: programs that others than the patched shell start are not judged, inside or outside, and a script
//! that wants to get around the wrapper can. The sandbox holds all the same; but an editor that a program
//! outside starts obeys whoever types, who may be the sandbox. To make up for some of it, a command is judged
//! together with what its words say that it will start, as by `rules explain`: `sh -c 'git push'` is refused
//! as `git push` is.
//!
//! The wrapper fails closed: without socket, broker or sense in the answer, nothing runs, with status 125.
//! Text that names no interpreter is read by the shell, as without a wrapper: the wrapper starts it.

mod claim;
mod conversation;
mod patched;
mod server;
mod wrapped;

use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

pub use patched::{Patched, Unusable};
pub(super) use server::Broker;

use crate::confine::Status;

/// Above the numbers that scripts use, and below the usual limit of 1024.
const NUMBER: RawFd = 1000;

/// How much is judged of what is executed.
pub(super) fn status() -> Status {
    let part = "programs that the patched shell starts are judged, what these start is not";
    Status::Partly(part.to_owned())
}

/// The socket that all wrappers inherit, and its other end; packets, so that many can write, and
/// connected for good, so that it leads nowhere else.
pub(super) fn channel() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    )?;
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let highest = RawFd::try_from(limit)
        .unwrap_or(RawFd::MAX)
        .saturating_sub(24);
    let number = fcntl(
        theirs.as_fd(),
        FcntlArg::F_DUPFD_CLOEXEC(NUMBER.min(highest)),
    )?;
    Ok((ours, crate::sys::fork::received(number)?))
}
