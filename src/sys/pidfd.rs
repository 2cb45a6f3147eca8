//! Processes by descriptor: a number can be given to another process, a descriptor can't.

#![expect(
    unsafe_code,
    reason = "a signal with information, and what a descriptor tells, have no safe wrapper"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::Pid;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::read_capped::read_capped;
use super::{checked, fds, process};

/// What the kernel says of the descriptor of a process is shorter, in bytes.
const LONGEST: usize = 4096;

/// The first form of `struct pidfd_info` of `linux/pidfd.h`.
#[repr(C)]
#[derive(Debug, Default)]
struct Info {
    mask: u64,
    control_group: u64,
    pid: u32,
    tgid: u32,
    ppid: u32,
    identities: [u32; 8],
    exit_code: i32,
}

/// Linux 6.13.
const PIDFD_GET_INFO: libc::Ioctl = libc::_IOWR::<Info>(0xff, 11);
/// `PIDFD_INFO_PID`.
const NUMBERS: u64 = 1;
/// `PIDFD_INFO_EXIT`, Linux 6.15.
const EXIT: u64 = 1 << 3;

/// A process.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The number of the process that a descriptor is of.
///
/// # Errors
/// It is of none, the process is gone, or this process can't see it.
pub fn number(fd: BorrowedFd<'_>) -> io::Result<Pid> {
    let path = format!("/proc/self/fdinfo/{}", fd.as_raw_fd());
    let text = read_capped(Path::new(&path), LONGEST, Duration::ZERO).map_err(io::Error::other)?;
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    let number = text.lines().find_map(|line| line.strip_prefix("Pid:"));
    let number = number.and_then(|number| number.trim().parse().ok());
    let number = number.filter(|&number: &i32| number > 0);
    number.map(Pid::from_raw).ok_or(Errno::ESRCH.into())
}

impl From<OwnedFd> for PidFd {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl From<PidFd> for OwnedFd {
    fn from(process: PidFd) -> Self {
        process.0
    }
}

impl PidFd {
    /// Another descriptor of the same process.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub fn try_clone(&self) -> io::Result<OwnedFd> {
        self.0.try_clone()
    }

    /// Opens the process that has the number `pid` now.
    pub fn open(pid: Pid) -> io::Result<Self> {
        Ok(Self(pidfd_open(process(pid)?, PidfdFlags::empty())?))
    }

    /// The number of the process.
    ///
    /// # Errors
    /// The process is gone, or this process can't see it.
    pub fn number(&self) -> io::Result<Pid> {
        number(self.as_fd())
    }

    /// Whether the process has ended.
    pub fn has_ended(&self) -> bool {
        fds::is_readable(self.as_fd())
    }

    /// The number of the process's parent.
    ///
    /// # Errors
    /// The process is gone, or Linux is older than 6.13.
    pub fn parent(&self) -> io::Result<Pid> {
        let info = self.info(NUMBERS)?;
        Ok(Pid::from_raw(info.ppid.cast_signed()))
    }

    /// The status with which the process exited by itself; `None` when a signal ended it, when it has
    /// not been reaped yet, and when Linux is older than 6.15.
    pub fn exit_status(&self) -> Option<i32> {
        let info = self.info(EXIT).ok().filter(|info| info.mask & EXIT != 0)?;
        libc::WIFEXITED(info.exit_code).then(|| libc::WEXITSTATUS(info.exit_code))
    }

    fn info(&self, mask: u64) -> io::Result<Info> {
        let mut info = Info {
            mask,
            ..Info::default()
        };
        // SAFETY: the structure has the layout and the size that the number asks for, and lives
        // until the call returns; it names no buffers.
        checked(unsafe { libc::ioctl(self.0.as_raw_fd(), PIDFD_GET_INFO, &raw mut info) })?;
        Ok(info)
    }

    /// Sends a signal; an error when the process is gone or not ours to signal.
    pub fn signal(&self, signal: i32) -> io::Result<()> {
        self.send(signal, std::ptr::null())
    }

    /// Sends a signal whose `si_code` is `code`, which is negative: others are the kernel's to give.
    ///
    /// # Errors
    /// The process is gone or not ours to signal.
    pub fn signal_with_code(&self, signal: i32, code: i32) -> io::Result<()> {
        // SAFETY: a `siginfo_t` is numbers, for which zeros are values.
        let mut information: libc::siginfo_t = unsafe { std::mem::zeroed() };
        (information.si_signo, information.si_code) = (signal, code);
        self.send(signal, &raw const information)
    }

    fn send(&self, signal: i32, information: *const libc::siginfo_t) -> io::Result<()> {
        let (call, fd) = (libc::SYS_pidfd_send_signal, self.0.as_raw_fd());
        // SAFETY: the kernel only reads the structure, which lives until the call returns, and fills in its
        // own for a null pointer, as kill(2) does.
        checked(unsafe { libc::syscall(call, fd, signal, information, 0) })?;
        Ok(())
    }

    /// A copy of the process's descriptor `number`, closed on exec.
    pub fn descriptor(&self, number: RawFd) -> io::Result<OwnedFd> {
        Ok(pidfd_getfd(self, number, PidfdGetfdFlags::empty())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_tells_its_process() {
        let own = nix::unistd::getpid();
        let handle = PidFd::open(own).unwrap();
        assert_eq!(number(handle.as_fd()).ok(), Some(own));
        let file = std::fs::File::open("/").unwrap();
        assert_eq!(number(file.as_fd()).ok(), None);
    }

    #[test]
    fn a_parent_is_told() {
        let own = PidFd::open(nix::unistd::getpid()).unwrap();
        match own.parent() {
            Ok(parent) => assert_eq!(parent, nix::unistd::getppid()),
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::ENOTTY)),
        }
        assert_eq!(own.exit_status(), None);
        let thread = std::thread::spawn(|| PidFd::open(nix::unistd::gettid()).is_err());
        assert!(thread.join().unwrap(), "a thread is no process");
    }

    #[test]
    fn an_exit_status_is_told_where_the_kernel_does() {
        let mut child = std::process::Command::new("sh");
        let mut child = child.args(["-c", "exit 7"]).spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed());
        let handle = PidFd::open(pid).unwrap();
        child.wait().unwrap();
        // Older kernels don't know.
        assert!([Some(7), None].contains(&handle.exit_status()));
    }
}
