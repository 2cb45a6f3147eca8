//! The user's terminal.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;

use nix::fcntl::OFlag;
use nix::sys::termios::{OutputFlags, SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};

use crate::sys::pty;

/// The controlling terminal of this process's session. Reading and writing does not block.
#[derive(Debug)]
pub(super) struct Device {
    file: File,
    /// How it was, while it is raw.
    before: Option<Termios>,
    /// Others may write to it meanwhile.
    shared: bool,
}

impl Device {
    /// Opens it anew: what is set on this description is not for those who have it from elsewhere.
    ///
    /// # Errors
    /// `ENXIO`: there is none.
    pub(super) fn open() -> io::Result<Self> {
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let file = File::options()
            .read(true)
            .write(true)
            .custom_flags(flags.bits())
            .open("/dev/tty")?;
        Ok(Self {
            file,
            before: None,
            shared: false,
        })
    }

    /// Whether this process's group may read from it.
    pub(super) fn is_ours(&self) -> bool {
        tcgetpgrp(&self.file) == Ok(getpgrp())
    }

    /// From now on, what others write to it while it is raw is shown as they mean it.
    pub(super) fn share(&mut self) {
        self.shared = true;
    }

    /// Whether a line's end that is written to it is made the start of the next line.
    pub(super) fn ends_lines(&self) -> bool {
        let processing = OutputFlags::OPOST | OutputFlags::ONLCR;
        let is_raw = self.before.is_some() && !self.shared;
        !is_raw && tcgetattr(&self.file).is_ok_and(|now| now.output_flags.contains(processing))
    }

    /// How it treats what comes in and goes out.
    pub(super) fn modes(&self) -> io::Result<Termios> {
        match &self.before {
            Some(before) => Ok(before.clone()),
            None => Ok(tcgetattr(&self.file)?),
        }
    }

    /// Takes every key as it comes, and shows what is written as it is. Only while it is ours.
    pub(super) fn make_raw(&mut self) -> io::Result<()> {
        let now = tcgetattr(&self.file)?;
        let mut raw = now.clone();
        cfmakeraw(&mut raw);
        if self.shared {
            raw.output_flags = now.output_flags;
        }
        tcsetattr(&self.file, SetArg::TCSADRAIN, &raw)?;
        self.before.get_or_insert(now);
        Ok(())
    }

    /// Makes it what it was before [`Device::make_raw`], unless it is another's by now.
    pub(super) fn restore(&mut self) {
        if let Some(before) = self.before.take()
            && self.is_ours()
        {
            // A terminal that is gone needs no order.
            let _ = tcsetattr(&self.file, SetArg::TCSADRAIN, &before);
        }
    }

    /// Rows and columns.
    pub(super) fn size(&self) -> io::Result<pty::Size> {
        pty::size(&self.file)
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.file).read(buffer)
    }

    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.file).write(bytes)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.restore();
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
