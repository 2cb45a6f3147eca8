//! Programs outside the sandbox are judged too: what they start comes to a listener of their own.
//!
//! A thread of the supervisor has the filter and starts them, since a filter binds the thread that
//! installs it and all that it starts. It stands still until the program runs (vfork), while the
//! supervisor answers the program's own exec like any other call.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::{Pid, getpid};

use super::caller;
use crate::confine;
use crate::sys::child::{Child, Launch};
use crate::sys::listener::Listener;
use crate::sys::process_memory;

/// The way outside.
#[derive(Debug)]
pub struct Outside {
    /// Where the execs of programs outside come in.
    pub listener: Arc<Listener>,
    /// Whether set-user-id programs work as they should under the filter.
    pub keeps_privileges: bool,
    jobs: Sender<(Pid, Launch)>,
    started: Receiver<(Pid, io::Result<Child>)>,
    bell: Arc<EventFd>,
    /// Children of ours that have come to the exec by which we start them.
    begun: HashSet<Pid>,
}

impl Outside {
    /// Starts the thread.
    ///
    /// # Errors
    /// The filter can't be installed.
    pub fn open() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let bell = Arc::new(EventFd::from_value_and_flags(0, flags)?);
        let (jobs, received) = channel::<(Pid, Launch)>();
        let (sender, started) = channel();
        let (ready, listening) = channel();
        let ring = Arc::clone(&bell);
        std::thread::Builder::new()
            .name("outside".into())
            .spawn(move || {
                let listener = confine::listen_from_here();
                let works = listener.is_ok();
                if ready.send(listener).is_err() || !works {
                    return;
                }
                while let Ok((proxy, launch)) = received.recv() {
                    let child = launch.start();
                    if sender.send((proxy, child)).is_err() {
                        return;
                    }
                    let _ = ring.write(1);
                }
            })?;
        let listening = listening.recv().map_err(io::Error::other)?;
        let (listener, keeps_privileges) = listening.map_err(io::Error::other)?;
        Ok(Self {
            listener: Arc::new(Listener::new(listener)),
            keeps_privileges,
            jobs,
            started,
            bell,
            begun: HashSet::new(),
        })
    }

    /// Readable when a program was started, or could not be.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Starts a program for the proxy in the process `proxy`.
    pub fn start(&self, proxy: Pid, launch: Launch) {
        // The thread ends only with us.
        let _ = self.jobs.send((proxy, launch));
    }

    /// The programs that were started since the last call.
    pub fn started(&mut self) -> Vec<(Pid, io::Result<Child>)> {
        let _ = self.bell.read();
        self.started.try_iter().collect()
    }

    /// Whether this exec is the one by which we start a program: the first of a child of ours. Orphans
    /// become children of ours too, but none of them runs in our memory, as a child does that we start.
    pub fn is_start(&mut self, tid: Pid) -> bool {
        let ours = caller::parent(tid).is_ok_and(|parent| parent == getpid());
        let starts = ours && process_memory::is_one(tid, getpid()).unwrap_or(false);
        starts && self.begun.insert(tid)
    }

    /// Whether this is a program that we started, and that has not ended.
    pub fn has_started(&self, pid: Pid) -> bool {
        self.begun.contains(&pid)
    }

    /// A child of ours has ended: its number may come again.
    pub fn forget(&mut self, child: Pid) {
        self.begun.remove(&child);
    }
}
