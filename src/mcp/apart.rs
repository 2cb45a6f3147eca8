//! Work on text that may be hostile, in a process of its own: the server goes on meanwhile, and the work
//! ends in time.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, pipe2};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::time::timeout;

use crate::sys::{fds, fork};

/// Why work came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Undone {
    /// It took longer than it may.
    #[error("it takes longer than {} s to judge", .0.as_secs())]
    Late(Duration),
    /// The process died of it.
    #[error("the process that judges it died")]
    Died,
    /// There could be no such process.
    #[error("no process can be started: {0}")]
    Io(#[from] io::Error),
}

/// What `work` returns, which has `time` for it. Must be called while this process has one thread.
///
/// # Errors
/// There is no result.
pub(super) async fn apart(
    time: Duration,
    work: impl FnOnce() -> Vec<u8>,
) -> Result<Vec<u8>, Undone> {
    let (results, end) = pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from)?;
    let number = end.as_raw_fd();
    let pid = fork::fork(move || {
        // A panic must not unwind into the copy of the server that this process is.
        let done = catch_unwind(AssertUnwindSafe(|| {
            fork::signal_on_parent_death(Signal::SIGKILL as i32);
            // What others wait to be closed must not stay open here.
            fds::close_all_except(&[number])?;
            let mut result = work();
            result.push(WHOLE);
            File::from(end).write_all(&result)
        }));
        u8::from(!matches!(done, Ok(Ok(()))))
    })?;
    let child = Child(pid);
    let mut results = pipe::Receiver::from_owned_fd(results)?;
    let mut bytes = Vec::new();
    let read = timeout(time, results.read_to_end(&mut bytes)).await;
    drop(child);
    match read {
        Err(_) => Err(Undone::Late(time)),
        Ok(read) => {
            read?;
            match bytes.pop() {
                Some(WHOLE) => Ok(bytes),
                _ => Err(Undone::Died),
            }
        }
    }
}

/// The last byte of a result that is whole.
const WHOLE: u8 = 0;

/// A child that ends with this value.
struct Child(Pid);

impl Drop for Child {
    fn drop(&mut self) {
        // It is ours, so the number is nobody else's.
        let _ = kill(self.0, Signal::SIGKILL);
        while waitpid(self.0, None) == Err(Errno::EINTR) {}
    }
}
