//! A process that looks at the files of the rules whenever it is asked: they may come to lie on a file
//! system that never answers, and the server goes on meanwhile.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream as Blocking;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::child::ServerChild;
use super::rulebook::{Sources, View};

/// See the module.
#[derive(Debug)]
pub(super) struct Lookout(ServerChild<UnixStream>);

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
        ServerChild::start(stream, number, move || serve(sources, theirs)).map(Self)
    }

    /// How the files look now.
    ///
    /// # Errors
    /// It is gone.
    pub(super) async fn view(&mut self) -> io::Result<View> {
        let stream = self.0.stream.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
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

/// Who looks, when that was asked last, and whether it was in vain.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) lookout: Option<Lookout>,
    pub(super) began: Option<Instant>,
    pub(super) in_vain: bool,
}
