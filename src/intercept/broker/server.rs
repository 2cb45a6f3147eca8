//! The broker's loop, and what its threads share.

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::sys::socket::MsgFlags;
use nix::unistd::Pid;

use super::children::Children;
use super::claim::Claim;
use super::exec::{Connection, WrappedExec};
use crate::confine::{ConfineError, Holding, Sandbox};
use crate::exit::Exit;
use crate::flow;
use crate::intercept::clock::Clock;
use crate::intercept::ending::{Ending, Remains};
use crate::intercept::groups::Groups;
use crate::intercept::keeper::{self, Heard};
use crate::intercept::profiled::Profiled;
use crate::intercept::supervisor::{Phase, Session};
use crate::intercept::watch::{ends_soon, status};
use crate::request::Originals;
use crate::sys::pidfd::PidFd;
use crate::sys::tree;
use crate::wire::frame::{Fill, Frame, LONGEST, Reader, receive};
use crate::wire::{ASK, STARTED};

/// So much is read at once, in bytes: a usual request whole.
const CHUNK: usize = 68 * 1024;
/// And once it is there: what follows is short.
const LATER: usize = 4096;
/// As many conversations may wait for something at once.
const THREADS: usize = 256;
/// As many questions may be open at once.
const QUESTIONS: usize = 64;
/// As many bytes may be on their way to us at once, in long requests.
const BYTES: usize = 4 * LONGEST;

/// What all conversations share.
pub(super) struct Shared {
    pub(super) session: Arc<Session>,
    pub(super) children: Children,
    pub(super) groups: Groups,
    pub(super) asking: Asking,
    profiled: Mutex<Profiled>,
    /// The sandbox's first process.
    pub(super) init: Pid,
    /// What reads a text that names no interpreter.
    pub(super) script_shell: PathBuf,
    originals: Originals,
    startup: AtomicBool,
    threads: AtomicUsize,
    bytes: AtomicUsize,
    holding: Option<Holding>,
    /// Something is not held any more.
    lost: Mutex<Option<ConfineError>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    /// Programs that have a sandbox of their own.
    pub(super) fn profiled(&self) -> MutexGuard<'_, Profiled> {
        self.profiled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has what is held held again, by `look`. False where that can't be: then all ends.
    pub(super) fn holds(&self, look: fn(&Holding) -> Result<(), ConfineError>) -> bool {
        let Some(Err(error)) = self.holding.as_ref().map(look) else {
            return true;
        };
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        let _ = self.asking.bell.write(1);
        false
    }

    /// Whether nothing can have been started outside, and nothing waits.
    fn is_confined_to_the_sandbox(&self) -> bool {
        // Without a sandbox what a rule lifts is where it would be anyway.
        self.session.writable.is_none()
            && self.profiled().is_empty()
            && self.threads.load(Ordering::Relaxed) == 0
    }

    /// Does `work` in a thread of its own; not at all when there are too many.
    pub(super) fn spawn(self: &Arc<Self>, work: impl FnOnce() + Send + 'static) {
        let Some(counted) = Counted::one(self, |shared| &shared.threads, 1, THREADS) else {
            return;
        };
        // What is not started is dropped, and the wrapper sees the end of its connection.
        let _ = std::thread::Builder::new()
            .name("exec".into())
            .spawn(move || {
                work();
                drop(counted);
            });
    }

    /// Takes a wrapper's first frame as far as it can be read, and waits for the rest apart.
    fn begin(self: &Arc<Self>, mut connection: Connection) -> io::Result<()> {
        let Connection { stream, reader } = &mut connection;
        if reader.fill(&*stream, MsgFlags::MSG_DONTWAIT)? == Fill::End {
            return Ok(());
        }
        if let Some(frame) = reader.frame()? {
            return self.consider(&frame, connection, false);
        }
        let shared = Arc::clone(self);
        self.spawn(move || {
            // One that breaks off or makes no sense has nobody who waits for an answer.
            let _ = shared.wait(connection);
        });
        Ok(())
    }

    fn wait(self: &Arc<Self>, mut connection: Connection) -> io::Result<()> {
        let Connection { stream, reader } = &mut connection;
        let expected = loop {
            if let Some(expected) = reader.expected()? {
                break expected;
            }
            if reader.fill(&*stream, MsgFlags::empty())? == Fill::End {
                return Ok(());
            }
        };
        let counted = Counted::one(self, |shared| &shared.bytes, expected, BYTES);
        let counted = counted.ok_or(Errno::EAGAIN)?;
        let Some(frame) = reader.wait(&*stream)? else {
            return Ok(());
        };
        let done = self.consider(&frame, connection, true);
        drop(counted);
        done
    }

    fn consider(
        self: &Arc<Self>,
        frame: &Frame,
        mut connection: Connection,
        may_wait: bool,
    ) -> io::Result<()> {
        let session = &self.session;
        let (mut request, claim) =
            Claim::read(frame, &mut connection.reader, session, &self.originals)?;
        connection.reader.take_at_most(LATER);
        let startup = self.startup.load(Ordering::Relaxed);
        if !startup {
            session.withhold(&mut request);
        }
        let exec = WrappedExec {
            shared: Arc::clone(self),
            connection,
            claim,
            held: None,
            may_wait,
            startup,
        };
        let audit = session.audit.during_startup(startup);
        flow::consider(&session.rules, request, exec, &audit);
        Ok(())
    }
}

/// So much of a counter is taken, until this is dropped.
struct Counted<F: Fn(&Shared) -> &AtomicUsize> {
    shared: Arc<Shared>,
    counter: F,
    amount: usize,
}

impl<F: Fn(&Shared) -> &AtomicUsize> Counted<F> {
    /// Takes `amount` if no more than `limit` is taken then.
    fn one(shared: &Arc<Shared>, counter: F, amount: usize, limit: usize) -> Option<Self> {
        let taken = counter(shared).fetch_add(amount, Ordering::Relaxed);
        let counted = Self {
            shared: Arc::clone(shared),
            counter,
            amount,
        };
        (taken.saturating_add(amount) <= limit).then_some(counted)
    }
}

impl<F: Fn(&Shared) -> &AtomicUsize> Drop for Counted<F> {
    fn drop(&mut self) {
        (self.counter)(&self.shared).fetch_sub(self.amount, Ordering::Relaxed);
    }
}

/// The open questions; the time they take is the person's, not the command's.
#[derive(Debug)]
pub(super) struct Asking {
    open: Arc<AtomicUsize>,
    bell: Arc<EventFd>,
}

/// An open question.
#[derive(Debug)]
pub(super) struct Open {
    open: Arc<AtomicUsize>,
    bell: Arc<EventFd>,
}

impl Asking {
    fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self {
            open: Arc::default(),
            bell: Arc::new(EventFd::from_value_and_flags(0, flags)?),
        })
    }

    /// One more, if there may be one more.
    pub(super) fn open(&self) -> Option<Open> {
        let before = self.open.fetch_add(1, Ordering::SeqCst);
        let open = Open {
            open: Arc::clone(&self.open),
            bell: Arc::clone(&self.bell),
        };
        let _ = self.bell.write(1);
        (before < QUESTIONS).then_some(open)
    }

    fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
        let _ = self.bell.write(1);
    }
}

/// Answers wrappers.
#[derive(Debug)]
pub(super) struct Broker(Arc<Shared>);

impl Broker {
    /// For a run that begins with `phase`.
    ///
    /// # Errors
    /// The kernel has no descriptor left.
    pub(super) fn new(
        session: Session,
        phase: Phase,
        init: Pid,
        script_shell: PathBuf,
        groups: Groups,
        holding: Option<Holding>,
    ) -> io::Result<Self> {
        Ok(Self(Arc::new(Shared {
            groups,
            session: Arc::new(session),
            children: Children::default(),
            asking: Asking::new()?,
            profiled: Mutex::new(Profiled::unheard()),
            init,
            script_shell,
            originals: Originals::default(),
            startup: AtomicBool::new(phase == Phase::Shell { login: true }),
            threads: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            holding,
            lost: Mutex::default(),
        })))
    }

    /// Takes one packet of the inherited socket, if there is one. Whether more may come.
    fn accept(&self, socket: BorrowedFd<'_>) -> Fill {
        let (mut packet, mut fds) = ([0; 2], VecDeque::new());
        match receive(socket, &mut packet, MsgFlags::MSG_DONTWAIT, &mut fds) {
            Ok(0) => return Fill::End,
            Ok(_) => {}
            Err(Errno::EAGAIN | Errno::EINTR) => return Fill::Empty,
            // Nobody but the sandboxed side can have caused it, to its own harm.
            Err(_) => return Fill::Some,
        }
        match packet {
            [ASK, _] => {
                if let Some(stream) = fds.pop_front() {
                    let reader = Reader::new(CHUNK);
                    // What makes no sense is dropped: the wrapper sees the end of its connection.
                    let _ = self.0.begin(Connection { stream, reader });
                }
            }
            [STARTED, _] => self.0.startup.store(false, Ordering::Relaxed),
            _ => {}
        }
        Fill::Some
    }
}

/// Everything that the loop looks at.
pub(super) struct Watch {
    pub(super) sandbox: Sandbox,
    pub(super) broker: Broker,
    /// `None` once nobody in the sandbox can write to it.
    pub(super) socket: Option<OwnedFd>,
    /// `None` once it has been heard.
    pub(super) ending: Option<Ending>,
    pub(super) signals: SignalFd,
    pub(super) clock: Clock,
    pub(super) remains: Remains,
}

impl Watch {
    /// Answers until the sandbox has ended, or is to end.
    pub(super) fn watch(&mut self) -> io::Result<Exit> {
        loop {
            let shared = Arc::clone(&self.broker.0);
            self.clock.pause_while(shared.asking.is_open());
            let Some([signalled, asked, ending, ended, replaced]) = self.wait()? else {
                self.end_sandbox();
                return Ok(Exit::TimedOut);
            };
            let _ = shared.asking.bell.read();
            if replaced {
                shared.holds(Holding::attend);
            }
            let lost = shared.lost.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(error) = lost.clone() {
                drop(lost);
                self.end_sandbox();
                return Err(io::Error::other(error));
            }
            drop(lost);
            if signalled && let Some(exit) = self.take_signals() {
                return Ok(exit);
            }
            if asked && let Some(socket) = &self.socket {
                match self.broker.accept(socket.as_fd()) {
                    Fill::End => self.socket = None,
                    Fill::Some | Fill::Empty => {}
                }
            }
            if ending && let Some(ending) = self.ending.take() {
                let status = ending.status();
                if let Some(status) = status.filter(|_| shared.is_confined_to_the_sandbox()) {
                    self.remains = Remains::of(self.sandbox.init_pid);
                    return Ok(Exit::Command(status));
                }
                if !ends_soon(&self.sandbox) {
                    // A process group with a number in its namespace goes on outside.
                    shared.profiled().end();
                    tree::end_beside(self.sandbox.init_pid);
                }
            }
            if ended {
                return Ok(status(&self.sandbox));
            }
        }
    }

    /// Waits until something is ready: a signal, a wrapper, the beginning of the end, the end, what is held. `None`
    /// when time is up.
    fn wait(&self) -> io::Result<Option<[bool; 5]>> {
        let bell = self.broker.0.asking.bell.as_fd();
        let input = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut watched = [
            input(self.signals.as_fd()),
            input(self.socket.as_ref().map_or(bell, AsFd::as_fd)),
            input(self.ending.as_ref().map_or(bell, AsFd::as_fd)),
            input(self.sandbox.init.as_fd()),
            input(self.sandbox.holding.as_ref().map_or(bell, Holding::bell)),
            input(bell),
        ];
        if !self.clock.poll(&mut watched)? {
            return Ok(None);
        }
        let [signals, socket, ending, ended, replaced, _] =
            watched.map(|fd| fd.any().unwrap_or(true));
        Ok(Some([signals, socket, ending, ended, replaced]))
    }

    /// Handles the signals that have come; a status when one of them ends the run.
    fn take_signals(&mut self) -> Option<Exit> {
        while let Some(heard) = keeper::heard(&mut self.signals) {
            match heard {
                Heard::Child => self.broker.0.children.ring(),
                Heard::End(exit) => {
                    self.end_sandbox();
                    return Some(exit);
                }
                Heard::ForCommand(signal) => self.signal_command(signal),
            }
        }
        None
    }

    /// The command is the first child of the sandbox's first process; what it adopts comes later.
    fn signal_command(&self, signal: i32) {
        let init = self.sandbox.init_pid;
        let path = format!("/proc/{init}/task/{init}/children");
        let children = fs::File::open(path).and_then(io::read_to_string);
        let children = children.unwrap_or_default();
        let first = children.split_ascii_whitespace().next();
        if let Some(Ok(command)) = first.map(str::parse) {
            // It may have ended this moment.
            let _ = PidFd::open(Pid::from_raw(command)).and_then(|c| c.signal(signal));
        }
    }

    fn end_sandbox(&mut self) {
        let init = self.sandbox.init_pid;
        let _ = kill(init, Signal::SIGKILL);
        self.end_outside();
    }

    /// Ends what runs outside.
    pub(super) fn end_outside(&self) {
        self.broker.0.profiled().end();
        tree::end();
    }
}
