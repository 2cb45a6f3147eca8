//! Pseudo-terminals: making one, whose controlling terminal it is, its size, its signals.

#![expect(
    unsafe_code,
    reason = "ioctl(2) requests of terminals, which nix does not wrap"
)]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, unlockpt};
use nix::sys::signal::Signal;

use super::checked;

/// Rows, columns and pixels, as the kernel keeps them.
pub type Size = libc::winsize;

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
    // SAFETY: the request takes an integer, and returns a descriptor that nobody else knows of.
    let inner = unsafe {
        let inner = libc::ioctl(outer.as_raw_fd(), libc::TIOCGPTPEER, flags.bits());
        OwnedFd::from_raw_fd(checked(inner)?)
    };
    Ok((File::from(OwnedFd::from(outer)), inner))
}

/// Makes `terminal` that of the caller's session, which the caller must lead, and which must not have
/// one.
///
/// # Errors
/// What ioctl(2) answered.
pub fn control(terminal: impl AsFd) -> io::Result<()> {
    // SAFETY: the request takes an integer.
    checked(unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::TIOCSCTTY, 0) })?;
    Ok(())
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
    let mut size = Size {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the request writes the structure, which lives until the call returns.
    checked(unsafe {
        let terminal = terminal.as_fd().as_raw_fd();
        libc::ioctl(terminal, libc::TIOCGWINSZ, &raw mut size)
    })?;
    Ok(size)
}

/// Sets the size of a terminal; who is in its foreground is told, if it is another.
///
/// # Errors
/// It is none, or is gone.
pub fn set_size(terminal: impl AsFd, size: &Size) -> io::Result<()> {
    // SAFETY: the request reads the structure, which lives until the call returns.
    checked(unsafe {
        let terminal = terminal.as_fd().as_raw_fd();
        libc::ioctl(terminal, libc::TIOCSWINSZ, &raw const *size)
    })?;
    Ok(())
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
