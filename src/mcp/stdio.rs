//! Standard input and output without blocking and without threads: calls are forked from here.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{SFlag, fstat};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// One direction of the connection.
#[derive(Debug)]
pub(super) enum Stdio {
    /// A pipe, a socket or a terminal.
    Pollable(AsyncFd<File>),
    /// A file: it never makes anybody wait.
    Plain(File),
}

impl Stdio {
    /// Standard input.
    ///
    /// # Errors
    /// It is closed.
    pub(super) fn input() -> io::Result<Self> {
        Self::of(
            io::stdin().as_fd(),
            File::options().read(true),
            Interest::READABLE,
        )
    }

    /// Standard output.
    ///
    /// # Errors
    /// It is closed.
    pub(super) fn output() -> io::Result<Self> {
        Self::of(
            io::stdout().as_fd(),
            File::options().write(true),
            Interest::WRITABLE,
        )
    }

    fn of(
        fd: BorrowedFd<'_>,
        options: &mut std::fs::OpenOptions,
        interest: Interest,
    ) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let kind = SFlag::from_bits_truncate(fstat(fd)?.st_mode) & SFlag::S_IFMT;
        let flags = OFlag::O_NONBLOCK.bits();
        // Opened again, so that others who hold the same pipe are not made non-blocking.
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let reopened = match kind {
            SFlag::S_IFIFO | SFlag::S_IFCHR => options.custom_flags(flags).open(path).ok(),
            _ => None,
        };
        let file = match reopened {
            Some(file) => file,
            None => File::from(fd.try_clone_to_owned()?),
        };
        if kind == SFlag::S_IFSOCK {
            let old = OFlag::from_bits_truncate(fcntl(&file, FcntlArg::F_GETFL)?);
            fcntl(&file, FcntlArg::F_SETFL(old | OFlag::O_NONBLOCK))?;
        }
        let copy = file.try_clone()?;
        #[expect(deprecated, reason = "a File stays open as long as it is registered")]
        let registered = AsyncFd::with_interest(file, interest);
        Ok(match registered {
            Ok(pollable) => Self::Pollable(pollable),
            Err(_) => Self::Plain(copy),
        })
    }

    /// Reads what there is, at least a byte; 0 at the end. Nothing is lost when the future is
    /// dropped.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Pollable(fd) => {
                fd.async_io(Interest::READABLE, |mut file| file.read(buffer))
                    .await
            }
            Self::Plain(file) => file.read(buffer),
        }
    }

    /// Writes all of `bytes`.
    pub(super) async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = match self {
                Self::Pollable(fd) => {
                    fd.async_io(Interest::WRITABLE, |mut file| file.write(bytes))
                        .await?
                }
                Self::Plain(file) => file.write(bytes)?,
            };
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}
