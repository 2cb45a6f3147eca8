//! The end of a run, from the first process's last word to what the kernel does after it: that takes
//! longer than all of ours, and nobody has to wait for it who asked for the command's status.

use std::any::Any;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{MsgFlags, recv, send};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, pipe2};

use crate::sys::{tree, urgency};

/// Held by the first process while it is alive.
#[derive(Debug)]
pub struct Alive(OwnedFd);

/// Readable when the first process is about to end, or has.
#[derive(Debug)]
pub struct Ending(OwnedFd);

/// The two ends.
///
/// # Errors
/// There are no descriptors left.
pub fn pair() -> io::Result<(Ending, Alive)> {
    let (ending, alive) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    Ok((Ending(ending), Alive(alive)))
}

impl AsRawFd for Alive {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Alive {
    /// The command has ended with `status`. That is told only if it left nothing behind: what still
    /// runs ends with the first process. Who started it by `gate` is told first.
    pub fn end(self, status: u8, gate: Option<&OwnedFd>) {
        if tree::has_no_children() {
            // Nobody may be there who wants to know.
            let _ = gate.map(|gate| send(gate.as_raw_fd(), &[status], MsgFlags::MSG_NOSIGNAL));
            let _ = File::from(self.0).write_all(&[status]);
        }
    }
}

impl AsFd for Ending {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The status of the command that was started by `gate`, if it has ended and has left nothing behind;
/// `None` if that can't be said any more. Does not wait.
///
/// # Errors
/// `WouldBlock`: there is nothing yet.
pub fn by_gate(gate: &OwnedFd) -> io::Result<Option<u8>> {
    let mut status = [0];
    let count = recv(gate.as_raw_fd(), &mut status, MsgFlags::MSG_DONTWAIT)?;
    Ok((count > 0).then_some(status[0]))
}

impl Ending {
    /// The command's status, if it has ended and has left nothing behind.
    pub fn status(self) -> Option<u8> {
        let mut status = [0];
        let read = File::from(self.0).read_exact(&mut status);
        read.ok().map(|()| status[0])
    }
}

/// What is left of a run whose end is known. Dropping it waits until nothing is.
#[derive(Default)]
pub struct Remains {
    init: Option<Pid>,
    ours: Option<Box<dyn Any>>,
}

impl Remains {
    /// Those of a sandbox whose first process, `init`, has said that it is about to end.
    pub(super) fn of(init: Pid) -> Self {
        Self {
            init: Some(init),
            ours: None,
        }
    }

    /// With something of this process's own.
    pub(super) fn and(mut self, ours: impl Any) -> Self {
        self.ours = Some(Box::new(ours));
        self
    }

    /// Whether something may be left.
    pub fn is_some(&self) -> bool {
        self.init.is_some()
    }
}

impl fmt::Debug for Remains {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Remains").field(&self.init).finish()
    }
}

impl Drop for Remains {
    fn drop(&mut self) {
        if let Some(init) = self.init {
            urgency::lower();
            // Not reaped yet, so the number is still its own.
            let _ = kill(init, Signal::SIGKILL);
            let _ = waitpid(init, None);
            tree::end();
        }
        self.ours = None;
    }
}
