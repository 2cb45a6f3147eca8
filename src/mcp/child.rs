//! A process that the server has beside it, for work that may come to no end: it ends with the value that
//! stands for it, and holds up nobody by that.

use std::io;
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use tokio::io::AsyncRead;
use tokio::runtime::Handle;

use crate::sys::{fds, fork};

/// A process, and the end of a pipe or a pair whose other end is open there alone.
#[derive(Debug)]
pub(super) struct ServerChild<S: AsyncRead + Unpin + Send + 'static> {
    pub(super) pid: Pid,
    /// `None` once the process is seen to have ended, or to be about to: the other end is closed.
    pub(super) stream: Option<S>,
}

impl<S: AsyncRead + Unpin + Send + 'static> ServerChild<S> {
    /// Does `work` in such a process, where of all descriptors `number` alone is open, the other end of
    /// `stream`. Must be called while this process has one thread.
    ///
    /// # Errors
    /// There can be no such process.
    pub(super) fn start(
        stream: S,
        number: RawFd,
        work: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<Self> {
        let pid = fork::fork(move || {
            // A panic must not unwind into the copy of the server that this process is.
            let done = catch_unwind(AssertUnwindSafe(|| {
                let _ = prctl::set_pdeathsig(Signal::SIGKILL);
                // What others wait to be closed must not stay open here.
                fds::close_all_except(&[number])?;
                work()
            }));
            u8::from(!matches!(done, Ok(Ok(()))))
        })?;
        let stream = Some(stream);
        Ok(Self { pid, stream })
    }
}

impl<S: AsyncRead + Unpin + Send + 'static> Drop for ServerChild<S> {
    fn drop(&mut self) {
        let pid = self.pid;
        // It is ours, so the number is nobody else's.
        let _ = kill(pid, Signal::SIGKILL);
        let reap = move || while waitpid(pid, None) == Err(Errno::EINTR) {};
        let Some(mut stream) = self.stream.take() else {
            return reap();
        };
        // One that waits for a file system may not even be killed before that has answered.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            reap();
        });
    }
}
