//! Standard input and output without blocking and without threads: calls are forked from here.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt as _;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{dup2_stdin, dup2_stdout, read, write};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::sys::fds;

/// One direction of the connection.
#[derive(Debug)]
pub(super) enum Stdio<F: AsRawFd> {
    /// A pipe, a socket or a terminal.
    Pollable(AsyncFd<F>),
    /// A file: it never makes anybody wait.
    Plain(F),
}

/// Standard input.
///
/// # Errors
/// It is closed.
pub(super) fn input() -> io::Result<Stdio<io::Stdin>> {
    if let Some(own) = own(&io::stdin(), OpenOptions::new().read(true))? {
        dup2_stdin(own)?;
    }
    Ok(Stdio::new(io::stdin, Interest::READABLE))
}

/// Standard output.
///
/// # Errors
/// It is closed.
pub(super) fn output() -> io::Result<Stdio<io::Stdout>> {
    if let Some(own) = own(&io::stdout(), OpenOptions::new().write(true))? {
        dup2_stdout(own)?;
    }
    Ok(Stdio::new(io::stdout, Interest::WRITABLE))
}

/// The same pipe or terminal, opened again, so that others who hold it are not made non-blocking. A
/// socket can't be opened again, nor a pipe that another user made.
fn own(fd: &(impl AsFd + AsRawFd), options: &mut OpenOptions) -> io::Result<Option<File>> {
    let kind = SFlag::from_bits_truncate(fstat(fd)?.st_mode) & SFlag::S_IFMT;
    match kind {
        SFlag::S_IFIFO | SFlag::S_IFCHR => {
            let options = options.custom_flags(OFlag::O_NONBLOCK.bits());
            if let Ok(own) = options.open(fds::link(fd)) {
                return Ok(Some(own));
            }
        }
        SFlag::S_IFSOCK => {}
        _ => return Ok(None),
    }
    let old = OFlag::from_bits_truncate(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(old | OFlag::O_NONBLOCK))?;
    Ok(None)
}

impl<F: AsRawFd + AsFd> Stdio<F> {
    fn new(stream: fn() -> F, interest: Interest) -> Self {
        #[expect(deprecated, reason = "0 and 1 stay open as long as the process lives")]
        let registered = AsyncFd::with_interest(stream(), interest);
        registered.map_or_else(|_| Self::Plain(stream()), Self::Pollable)
    }
}

impl Stdio<io::Stdin> {
    /// Whether the other end is closed, whatever is left to read.
    pub(super) fn is_hung_up(&self) -> bool {
        match self {
            Self::Pollable(fd) => fds::is_hung_up(fd.get_ref().as_fd()),
            Self::Plain(_) => false,
        }
    }

    /// Reads what there is, at least a byte; 0 at the end. Nothing is lost when the future is
    /// dropped.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Pollable(fd) => {
                let take = |input: &io::Stdin| Ok(read(input, buffer)?);
                fd.async_io(Interest::READABLE, take).await
            }
            Self::Plain(input) => Ok(read(input, buffer)?),
        }
    }
}

impl Stdio<io::Stdout> {
    /// Writes all of `bytes`.
    pub(super) async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = match self {
                Self::Pollable(fd) => {
                    let give = |output: &io::Stdout| Ok(write(output, bytes)?);
                    fd.async_io(Interest::WRITABLE, give).await?
                }
                Self::Plain(output) => write(output, bytes)?,
            };
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}
