//! The user's terminal.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::{F_UNLCK, F_WRLCK, SEEK_SET, c_int, flock};
use nix::sys::termios::{OutputFlags, SetArg, Termios, cfmakeraw, tcgetattr, tcgetsid, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};

use crate::sys::pty;

/// How often it is looked whether another's question is still open.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);
/// And how long at most, before the terminal is made what it was.
const LONGEST_PATIENCE: Duration = Duration::from_secs(10);

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

    /// Whether no other process has a question open on this terminal; from now on this one has, as long as it is
    /// there or until [`Device::end_turn`].
    pub(super) fn take_turn(&self) -> bool {
        let taken = self
            .turn(F_WRLCK)
            .and_then(|turn| fcntl(&self.file, FcntlArg::F_OFD_SETLK(&turn)));
        !matches!(taken, Err(Errno::EAGAIN | Errno::EACCES))
    }

    /// Lets others put their questions.
    pub(super) fn end_turn(&self) {
        // Nobody waits for what could not be locked.
        let ended = self.turn(F_UNLCK);
        let _ = ended.and_then(|turn| fcntl(&self.file, FcntlArg::F_OFD_SETLK(&turn)));
    }

    /// `/dev/tty` is one file for all terminals: in it, the byte at the number of this session.
    fn turn(&self, kind: c_int) -> nix::Result<flock> {
        let session = tcgetsid(&self.file)?;
        Ok(flock {
            // The kinds are small numbers.
            l_type: kind.try_into().unwrap_or_default(),
            l_whence: SEEK_SET.try_into().unwrap_or_default(),
            l_start: session.as_raw().into(),
            l_len: 1,
            l_pid: 0,
        })
    }

    /// Whether another process has a question open: what is typed is for that.
    pub(super) fn is_anothers_turn(&self) -> bool {
        let found = self.turn(F_WRLCK).and_then(|mut turn| {
            fcntl(&self.file, FcntlArg::F_OFD_GETLK(&mut turn))?;
            Ok(turn)
        });
        found.is_ok_and(|turn| c_int::from(turn.l_type) != F_UNLCK)
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
        let Some(before) = self.before.take() else {
            return;
        };
        // A question is put on a terminal that stays as it is.
        let since = Instant::now();
        while since.elapsed() < LONGEST_PATIENCE && self.is_anothers_turn() {
            sleep(PATIENCE);
        }
        if self.is_ours() {
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

/// A screen of so many rows and columns.
#[cfg(test)]
pub(super) fn screen(rows: u16, columns: u16) -> pty::Size {
    pty::Size {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
