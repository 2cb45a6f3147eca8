//! Pseudo-terminals: making one, whose controlling terminal it is, its size, its signals.

#![expect(
    unsafe_code,
    reason = "a signal by ioctl(2), and a look at a descriptor by its number"
)]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, unlockpt};
use nix::sys::signal::Signal;
use rustix::process::ioctl_tiocsctty;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer};
use rustix::termios::{tcgetwinsize, tcsetwinsize};

use super::checked;

/// Rows, columns and pixels, as the kernel keeps them.
pub type Size = rustix::termios::Winsize;

/// A new terminal: the side that a person's would be on, which does not block, and the one that
/// programs have. Both are closed on exec.
///
/// # Errors
/// There is no terminal left, or none to be had.
pub fn pair() -> io::Result<(File, OwnedFd)> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let outer = posix_openpt(flags | OFlag::O_NONBLOCK)?;
    grantpt(&outer)?;
    unlockpt(&outer)?;
    // By a path, another mount of that name could be opened.
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let inner = ioctl_tiocgptpeer(&outer, flags)?;
    Ok((File::from(OwnedFd::from(outer)), inner))
}

/// Makes `terminal` that of the caller's session, which the caller must lead, and which must not have
/// one.
///
/// # Errors
/// What ioctl(2) answered.
pub fn control(terminal: impl AsFd) -> io::Result<()> {
    Ok(ioctl_tiocsctty(terminal)?)
}

/// Whether the descriptor `number`, which need not be open, is the terminal of the caller's session.
pub fn is_controlling(number: RawFd) -> bool {
    // SAFETY: both calls take integers only.
    unsafe { libc::tcgetsid(number) == libc::getsid(0) }
}

/// The size of a terminal.
///
/// # Errors
/// It is none, or is gone.
pub fn size(terminal: impl AsFd) -> io::Result<Size> {
    Ok(tcgetwinsize(terminal)?)
}

/// Sets the size of a terminal; who is in its foreground is told, if it is another.
///
/// # Errors
/// It is none, or is gone.
pub fn set_size(terminal: impl AsFd, size: Size) -> io::Result<()> {
    Ok(tcsetwinsize(terminal, size)?)
}

/// Sends `SIGINT`, `SIGQUIT` or `SIGTSTP` to the foreground of the terminal whose outer side `outer` is,
/// as if it had been typed.
///
/// # Errors
/// It is another signal.
pub fn signal(outer: &File, signal: Signal) -> io::Result<()> {
    // SAFETY: the request takes an integer.
    checked(unsafe { libc::ioctl(outer.as_raw_fd(), libc::TIOCSIG, signal as libc::c_int) })?;
    Ok(())
}
