//! Work on text that may be hostile, in a process of its own: the server goes on meanwhile, and the work
//! ends in time.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::time::timeout;

use super::child::ServerChild;

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
    let results = pipe::Receiver::from_owned_fd(results)?;
    let number = end.as_raw_fd();
    let mut child = ServerChild::start(results, number, move || {
        let mut result = work();
        result.push(WHOLE);
        File::from(end).write_all(&result)
    })?;
    let mut bytes = Vec::new();
    let read = timeout(time, read_all(&mut child, &mut bytes)).await;
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

async fn read_all(child: &mut ServerChild<pipe::Receiver>, bytes: &mut Vec<u8>) -> io::Result<()> {
    if let Some(results) = &mut child.stream {
        results.read_to_end(bytes).await?;
    }
    child.stream = None;
    Ok(())
}
