//! The signals that end the server: they wait to be read, so that what calls have started, and what
//! the server keeps in files, goes before the server does.

use std::io;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::sys::signals;

const SIGNALS: [Signal; 3] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];

/// The signals that end the server, blocked.
#[derive(Debug)]
pub(super) struct ServerSignals(SignalFd);

impl ServerSignals {
    /// From now on none of them ends this process by itself. One that the caller ignored stays
    /// ignored.
    ///
    /// # Errors
    /// What signalfd(2) answered.
    pub(super) fn watch() -> io::Result<Self> {
        let ignored = signals::ignored_by_caller();
        let is_ignored = |signal: &Signal| ignored & (1 << (*signal as i32 - 1)) != 0;
        let set: SigSet = SIGNALS.into_iter().filter(|s| !is_ignored(s)).collect();
        set.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self(SignalFd::with_flags(&set, flags)?))
    }

    /// The number of the first that comes.
    ///
    /// # Errors
    /// They can't be waited for.
    pub(super) async fn next(self) -> io::Result<i32> {
        #[expect(
            deprecated,
            reason = "a SignalFd stays open as long as it is registered"
        )]
        let registered = AsyncFd::with_interest(self.0, Interest::READABLE)?;
        let came = registered.async_io(Interest::READABLE, |signals: &SignalFd| {
            let signal = signals.read_signal()?;
            signal.ok_or_else(|| io::ErrorKind::WouldBlock.into())
        });
        Ok(came.await?.ssi_signo.cast_signed())
    }
}
