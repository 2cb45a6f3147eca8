//! Work on text that may be hostile, in a process of its own: the server goes on meanwhile, and the work
//! ends in time.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::{Pid, pipe2};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::time::{Instant, timeout};

use super::child::ServerChild;

/// Why work came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Undone {
    /// It took more of the processor's time than it may.
    #[error("it takes more than {} s of processor time to judge", .0.as_secs())]
    Long(Duration),
    /// It took longer than it may, most of it without the processor.
    #[error("it takes longer than {} s to judge", .0.as_secs())]
    Late(Duration),
    /// The process died of it.
    #[error("the process that judges it died")]
    Died,
    /// There could be no such process.
    #[error("no process can be started: {0}")]
    Io(#[from] io::Error),
}

/// How long work may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct WorkLimits {
    /// On the processor: what else the machine does does not count.
    pub(super) processor: Duration,
    /// In all: what waits for a dead place comes to no end.
    pub(super) all: Duration,
}

/// What `work` returns. Must be called while this process has one thread.
///
/// # Errors
/// There is no result.
pub(super) async fn apart(
    limits: WorkLimits,
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
    read_in(limits, &mut child, &mut bytes).await?;
    match bytes.pop() {
        Some(WHOLE) => Ok(bytes),
        _ => Err(Undone::Died),
    }
}

/// The last byte of a result that is whole.
const WHOLE: u8 = 0;

async fn read_in(
    limits: WorkLimits,
    child: &mut ServerChild<pipe::Receiver>,
    bytes: &mut Vec<u8>,
) -> Result<(), Undone> {
    let end = Instant::now() + limits.all;
    loop {
        // Not all of the time that passes is its own; it can't have used more.
        let left = limits.processor.saturating_sub(processor_time(child.pid));
        let until_end = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Undone::Long(limits.processor));
        }
        if until_end.is_zero() {
            return Err(Undone::Late(limits.all));
        }
        if let Ok(read) = timeout(left.min(until_end), read_all(child, bytes)).await {
            return Ok(read?);
        }
    }
}

/// How long a process has been on the processor. All of the time there is, if that can't be known.
fn processor_time(pid: Pid) -> Duration {
    let time = clock_getcpuclockid(pid).and_then(ClockId::now);
    time.map_or(Duration::MAX, Duration::from)
}

/// May be given up at any moment: what was read is in `bytes`.
async fn read_all(child: &mut ServerChild<pipe::Receiver>, bytes: &mut Vec<u8>) -> io::Result<()> {
    if let Some(results) = &mut child.stream {
        while results.read_buf(bytes).await? > 0 {}
    }
    child.stream = None;
    Ok(())
}
