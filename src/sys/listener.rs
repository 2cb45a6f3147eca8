//! The seccomp user-notification listener: system calls of the sandboxed side wait here for an
//! answer. See seccomp_unotify(2).

#![expect(unsafe_code, reason = "nix has no wrapper for the listener's ioctls")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::arch::{Arch, Call};
use super::checked;

/// One system call that waits for an answer.
#[derive(Debug, Clone, Copy)]
pub struct Notification {
    /// Names this call in every answer.
    pub id: u64,
    /// The calling thread, as this process sees it.
    pub tid: Pid,
    /// The calling convention.
    pub arch: Arch,
    /// The number of the call, by that convention.
    pub number: i32,
    /// The six arguments.
    pub args: [u64; 6],
}

impl Notification {
    /// Whether this is the call.
    pub fn is(&self, call: Call) -> bool {
        call.is(self.arch, self.number.cast_unsigned())
    }
}

/// Start the call over even when a signal handler runs in between: `ERESTARTNOINTR`, which is
/// the kernel's own and not on the public list of errors.
const RESTART: i32 = 513;
/// `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`: hand the processor over to the side that was woken.
const SYNC_WAKE_UP: usize = 1;

/// The listener of one sandbox.
#[derive(Debug)]
pub struct Listener(OwnedFd);

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Listener {
    /// Takes over a listener's descriptor.
    pub fn new(fd: OwnedFd) -> Self {
        let listener = Self(fd);
        // Linux before 6.6 lacks the flag: then a notification costs a wake-up more.
        let _ = listener.ioctl(
            libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS,
            std::ptr::without_provenance_mut(SYNC_WAKE_UP),
        );
        listener
    }

    fn ioctl(&self, request: libc::Ioctl, argument: *mut libc::c_void) -> io::Result<i32> {
        // SAFETY: every caller passes what the kernel documents for `request`: a pointer to a
        // live structure of the size encoded in the number, or a plain flag word.
        checked(unsafe { libc::ioctl(self.0.as_raw_fd(), request, argument) })
    }

    /// The next call, or `None` when its caller died meanwhile or a signal came.
    pub fn receive(&self) -> io::Result<Option<Notification>> {
        // SAFETY: all-zero is a value of this plain C structure, and what the kernel asks for.
        let mut raw: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        match self.ioctl(libc::SECCOMP_IOCTL_NOTIF_RECV, (&raw mut raw).cast()) {
            Ok(_) => {}
            Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => {
                return Ok(None);
            }
            Err(e) => return Err(e),
        }
        let Some(arch) = Arch::of(raw.data.arch) else {
            self.send(raw.id, 0, -libc::ENOSYS, 0);
            return Ok(None);
        };
        let tid = Pid::from_raw(i32::try_from(raw.pid).unwrap_or(0));
        Ok(Some(Notification {
            id: raw.id,
            tid,
            arch,
            number: raw.data.nr,
            args: raw.data.args,
        }))
    }

    fn send(&self, id: u64, val: i64, error: i32, flags: u32) {
        let mut answer = libc::seccomp_notif_resp {
            id,
            val,
            error,
            flags,
        };
        // The only failure is that the caller is gone, and then nobody waits for the answer.
        let _ = self.ioctl(libc::SECCOMP_IOCTL_NOTIF_SEND, (&raw mut answer).cast());
    }
}

/// A system call that waits, and the means to answer it.
#[derive(Debug, Clone)]
pub struct Waiting {
    listener: Arc<Listener>,
    /// The call.
    pub notification: Notification,
}

impl Waiting {
    /// The next call at `listener`, as [`Listener::receive`] gives it.
    ///
    /// # Errors
    /// The listener fails.
    pub fn next(listener: &Arc<Listener>) -> io::Result<Option<Self>> {
        let notification = listener.receive()?;
        Ok(notification.map(|notification| Self {
            listener: Arc::clone(listener),
            notification,
        }))
    }

    fn id(&self) -> u64 {
        self.notification.id
    }

    /// Whether the call still waits: then what was read of its caller was the caller's.
    pub fn is_waiting(&self) -> bool {
        let mut id = self.id();
        let request = libc::SECCOMP_IOCTL_NOTIF_ID_VALID;
        self.listener.ioctl(request, (&raw mut id).cast()).is_ok()
    }

    /// Lets the kernel carry the call out.
    pub fn resume(&self) {
        const CONTINUE: u32 = 1;
        self.listener.send(self.id(), 0, 0, CONTINUE);
    }

    /// Ends the call with an error number.
    pub fn fail(&self, errno: Errno) {
        self.listener.send(self.id(), 0, -(errno as i32), 0);
    }

    /// Ends the call with a value.
    pub fn answer(&self, value: i64) {
        self.listener.send(self.id(), value, 0, 0);
    }

    /// Makes the caller start the call over, after whoever traces it has changed its registers.
    pub fn restart(&self) {
        self.listener.send(self.id(), 0, -RESTART, 0);
    }

    /// Puts a copy of `fd` into the caller, closed on exec, and returns its number there.
    ///
    /// # Errors
    /// The caller is gone, or may have no more descriptors.
    pub fn add_fd(&self, fd: BorrowedFd<'_>) -> io::Result<RawFd> {
        let mut add = libc::seccomp_notif_addfd {
            id: self.id(),
            flags: 0,
            srcfd: fd.as_raw_fd().cast_unsigned(),
            newfd: 0,
            newfd_flags: libc::O_CLOEXEC.cast_unsigned(),
        };
        let request = libc::SECCOMP_IOCTL_NOTIF_ADDFD;
        self.listener.ioctl(request, (&raw mut add).cast())
    }
}
