//! A process that looks at the files of the rules whenever it is asked: they may come to lie on a file
//! system that never answers, and the server goes on meanwhile.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream as Blocking;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::runtime::Handle;

use super::rulebook::{Sources, View};
use crate::sys::{fds, fork};

/// It ends with this value.
#[derive(Debug)]
pub(super) struct Lookout {
    pid: Pid,
    stream: Option<UnixStream>,
}

impl Lookout {
    /// One that looks at these. Must be called while this process has one thread.
    ///
    /// # Errors
    /// There can be no such process.
    pub(super) fn start(sources: &Sources) -> io::Result<Self> {
        let (ours, theirs) = Blocking::pair()?;
        ours.set_nonblocking(true)?;
        let stream = UnixStream::from_std(ours)?;
        let number = theirs.as_raw_fd();
        let pid = fork::fork(move || {
            // A panic must not unwind into the copy of the server that this process is.
            let done = catch_unwind(AssertUnwindSafe(|| {
                fork::signal_on_parent_death(Signal::SIGKILL as i32);
                // What others wait to be closed must not stay open here.
                fds::close_all_except(&[number])?;
                serve(sources, theirs)
            }));
            u8::from(!matches!(done, Ok(Ok(()))))
        })?;
        Ok(Self {
            pid,
            stream: Some(stream),
        })
    }

    /// How the files look now.
    ///
    /// # Errors
    /// It is gone.
    pub(super) async fn view(&mut self) -> io::Result<View> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stream.write_all(&[0]).await?;
        let length = stream.read_u32().await?;
        let mut bytes = Vec::new();
        let mut whole = stream.take(length.into());
        whole.read_to_end(&mut bytes).await?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}

/// Looks once for each byte that comes.
fn serve(sources: &Sources, mut stream: Blocking) -> io::Result<()> {
    let mut byte = [0];
    while stream.read(&mut byte)? > 0 {
        let view = serde_json::to_vec(&sources.view())?;
        let length = u32::try_from(view.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes()[..], &view].concat())?;
    }
    Ok(())
}

impl Drop for Lookout {
    fn drop(&mut self) {
        let pid = self.pid;
        // It is ours, so the number is nobody else's.
        let _ = kill(pid, Signal::SIGKILL);
        let Some(mut stream) = self.stream.take() else {
            return;
        };
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        // One that waits for a file system may not even be killed before that has answered.
        runtime.spawn(async move {
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            while waitpid(pid, None) == Err(Errno::EINTR) {}
        });
    }
}
