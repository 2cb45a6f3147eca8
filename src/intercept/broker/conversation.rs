//! What a wrapper passes and is told.

use std::fmt::Display;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use nix::sys::socket::{MsgFlags, getsockopt, sockopt};
use nix::unistd::Pid;

use super::claim::Claim;
use crate::act::escalate::Escalation;
use crate::audit::ExecRecord;
use crate::confine::Holding;
use crate::intercept::job::StandInProcess;
use crate::intercept::limits;
use crate::intercept::stand_in::{self, StandIn, StandInLink};
use crate::sys::change::Change;
use crate::sys::{pidfd::PidFd, tree};
use crate::wire::frame::{self, Fill, Reader, malformed};
use crate::wire::message::{FromBroker, FromWrapper};

/// As many descriptors may a program be given.
const DESCRIPTORS: usize = 1024;
/// By these numbers; the kernel gives none beyond, unless an administrator wants it to.
const NUMBERS: Range<RawFd> = 0..1 << 20;

/// The wrapper's end of a conversation.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: OwnedFd,
    pub(super) reader: Reader,
}

impl Connection {
    pub(super) fn tell(&self, answer: &FromBroker) -> io::Result<()> {
        frame::send(&self.stream, &answer.frame())
    }

    pub(super) fn deny(&self, words: impl Into<std::ffi::OsString>) {
        // A wrapper that is gone needs no answer.
        let _ = self.tell(&FromBroker::Deny(words.into()));
    }

    /// Takes what there is to read.
    pub(super) fn fill(&mut self) -> io::Result<Fill> {
        self.reader.fill(&self.stream, MsgFlags::MSG_DONTWAIT)
    }

    /// The next message, if all of it was read.
    fn next(&mut self) -> io::Result<Option<FromWrapper>> {
        let frame = self.reader.frame()?;
        frame.map(|frame| FromWrapper::read(&frame)).transpose()
    }

    /// The process that made the connection: its attributes are looked up, not asked for.
    pub(super) fn process(&self) -> io::Result<Pid> {
        let peer = getsockopt(&self.stream, sockopt::PeerCredentials)?;
        Ok(Pid::from_raw(peer.pid()))
    }
}

/// A wrapper that waits, and what it claims.
#[derive(Debug)]
pub(in crate::intercept) struct Wrapped {
    pub(super) connection: Connection,
    pub(super) claim: Claim,
    /// Its process, if that is still the one that asked, once a person is asked.
    process: Option<PidFd>,
}

impl Wrapped {
    pub(super) fn new(connection: Connection, claim: Claim) -> Self {
        Self {
            connection,
            claim,
            process: None,
        }
    }

    /// Whether nobody waits any more.
    pub(super) fn is_gone(&self) -> bool {
        self.process.as_ref().is_some_and(PidFd::has_ended)
    }

    /// Finds the process; readable when nobody waits any more.
    pub(super) fn watch(&mut self, init: Pid) -> io::Result<OwnedFd> {
        let pid = self.connection.process()?;
        let process = PidFd::open(pid).ok();
        self.process = process.filter(|_| tree::is_below(init, pid) == Some(true));
        match &self.process {
            Some(process) => process.try_clone(),
            None => self.connection.stream.try_clone(),
        }
    }
}

/// A wrapper that passes its descriptors, for a program that may run outside.
pub(super) struct Passing {
    pub(super) connection: Connection,
    pub(super) escalation: Escalation,
    /// The command, in a message.
    pub(super) command: String,
    pub(super) record: ExecRecord,
    /// The signals that the caller blocks.
    pub(super) blocked: u64,
    /// Those that have come.
    pub(super) descriptors: Vec<(OwnedFd, RawFd)>,
}

impl Passing {
    /// Tells the wrapper the `note`, and to pass them.
    pub(super) fn begin(&self, note: Option<String>) -> io::Result<()> {
        if let Some(note) = note {
            self.connection.tell(&FromBroker::Note(note.into()))?;
        }
        self.connection.tell(&FromBroker::Escalate)
    }

    /// Takes what has come; all descriptors, each with its number there, once there are all.
    pub(super) fn take(&mut self) -> io::Result<Option<Vec<(OwnedFd, RawFd)>>> {
        if self.connection.fill()? == Fill::End {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while let Some(message) = self.connection.next()? {
            let FromWrapper::Descriptors { numbers, more } = message else {
                return Err(malformed("no descriptors come"));
            };
            let fds = self.connection.reader.descriptors(numbers.len())?;
            let all = &mut self.descriptors;
            all.extend(fds.into_iter().zip(numbers));
            if all.len() > DESCRIPTORS || all.iter().any(|(_, number)| !NUMBERS.contains(number)) {
                return Err(malformed("too many descriptors"));
            }
            if !more {
                return Ok(Some(std::mem::take(all)));
            }
        }
        Ok(None)
    }

    pub(super) fn fail(self, error: &dyn Display) {
        self.record.failed(error);
        self.connection
            .deny(stand_in::failure(&self.command, error));
    }

    /// The memory of its strings, in bytes.
    pub(super) fn weight(&self) -> usize {
        limits::weigh_escalation(&self.escalation)
    }
}

/// The way to a wrapper that stands in for a program.
#[derive(Debug)]
pub(super) struct Wrapper {
    connection: Connection,
    /// So many signals of its were heard of, modulo 256.
    heard: u8,
    /// What keeps held what the sandbox holds.
    holding: Option<Holding>,
}

impl Wrapper {
    pub(super) fn new(connection: Connection, holding: Option<Holding>) -> Self {
        Self {
            connection,
            heard: 0,
            holding,
        }
    }

    pub(super) fn stream(&self) -> BorrowedFd<'_> {
        self.connection.stream.as_fd()
    }

    fn tell(&self, answer: &FromBroker) {
        // A wrapper that is gone needs none.
        let _ = self.connection.tell(answer);
    }
}

impl StandInLink for Wrapper {
    fn started(&mut self) {}

    fn failed(&mut self, words: &str) {
        self.connection.deny(words);
    }

    fn changed(&mut self, process: &mut StandInProcess, change: Change) {
        // What the program has put in the place of what is held, nobody may write who hears of its end.
        if !self.holding.as_ref().is_none_or(Holding::look) {
            return;
        }
        match change {
            Change::Exited(status) => self.tell(&FromBroker::Exited(status)),
            Change::Killed(signal) => self.tell(&FromBroker::Killed(signal)),
            Change::Stopped(_) if process.stops() => self.tell(&FromBroker::Stop(self.heard)),
            Change::Stopped(_) | Change::Continued => {}
        }
    }
}

impl StandIn<Wrapper> {
    /// Takes what the wrapper says.
    ///
    /// # Errors
    /// It is gone or makes no sense.
    pub(super) fn hear(&mut self) -> io::Result<()> {
        if self.link.connection.fill()? == Fill::End {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.obey()
    }

    /// Passes on the signals that the wrapper has told of, once there is a program.
    ///
    /// # Errors
    /// It makes no sense.
    pub(super) fn obey(&mut self) -> io::Result<()> {
        if !self.is_started() {
            return Ok(());
        }
        while let Some(message) = self.link.connection.next()? {
            let FromWrapper::Signal { number, code } = message else {
                return Err(malformed("no signal comes"));
            };
            self.link.heard = self.link.heard.wrapping_add(1);
            self.pass_on(number, code);
            if self.stops() {
                self.link.tell(&FromBroker::Stop(self.link.heard));
            }
        }
        Ok(())
    }
}
