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
use tokio::runtime::Handle;
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
    let results = pipe::Receiver::from_owned_fd(results)?;
    let mut child = Child {
        pid,
        results: Some(results),
    };
    let mut bytes = Vec::new();
    let read = timeout(time, child.read(&mut bytes)).await;
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

/// A child that is ended with this value, and its result, which it closes by ending.
struct Child {
    pid: Pid,
    results: Option<pipe::Receiver>,
}

impl Child {
    async fn read(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        if let Some(results) = &mut self.results {
            results.read_to_end(bytes).await?;
        }
        self.results = None;
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let pid = self.pid;
        // It is ours, so the number is nobody else's.
        let _ = kill(pid, Signal::SIGKILL);
        let reap = move || while waitpid(pid, None) == Err(Errno::EINTR) {};
        let Some(mut results) = self.results.take() else {
            return reap();
        };
        // One that waits for a file system may not even be killed before that has answered.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            let _ = tokio::io::copy(&mut results, &mut tokio::io::sink()).await;
            reap();
        });
    }
}
