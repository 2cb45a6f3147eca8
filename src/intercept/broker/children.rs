//! The programs that run outside: who waits for which, and is told when one changes.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::Pid;

/// All that run.
#[derive(Debug, Clone, Default)]
pub(super) struct Children(Arc<Mutex<HashMap<Pid, Arc<EventFd>>>>);

/// One that runs, until this is dropped.
#[derive(Debug)]
pub(super) struct Registered {
    children: Children,
    pid: Pid,
    bell: Arc<EventFd>,
}

impl Children {
    fn lock(&self) -> MutexGuard<'_, HashMap<Pid, Arc<EventFd>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `pid`'s changes told.
    ///
    /// # Errors
    /// The kernel has no descriptor left.
    pub(super) fn add(&self, pid: Pid) -> io::Result<Registered> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let bell = Arc::new(EventFd::from_value_and_flags(0, flags)?);
        self.lock().insert(pid, Arc::clone(&bell));
        Ok(Registered {
            children: self.clone(),
            pid,
            bell,
        })
    }

    /// Some child of ours has changed: everybody looks whether it was theirs.
    pub(super) fn ring(&self) {
        for bell in self.lock().values() {
            // A bell that rings already is heard.
            let _ = bell.write(1);
        }
    }
}

impl Registered {
    /// Readable when the child may have changed.
    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Silences the bell.
    pub(super) fn heard(&self) {
        let _ = self.bell.read();
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.children.lock().remove(&self.pid);
    }
}
