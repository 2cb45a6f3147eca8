//! An exec that a wrapper asks for: what each of the four ways means for it.

use std::fmt::Display;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::claim::Claim;
use super::conversation::{Connection, Passing};
use super::server::Broker;
use crate::act::escalate::Escalation;
use crate::approve::place::{Inheritance, Place};
use crate::approve::{Permit, Question, Refusal, Standing};
use crate::audit::ExecRecord;
use crate::flow::{Exec, Setting};
use crate::intercept::asking::{self, Pending};
use crate::intercept::held::Held;
use crate::intercept::{limits, stand_in};
use crate::request::{Request, argv};
use crate::sys::pidfd::PidFd;
use crate::sys::tree;
use crate::wire::message::FromBroker;

/// The longest form of a command in a message, in bytes.
const COMMAND_LIMIT: usize = 1024;

/// A wrapper that waits, and what it claims.
#[derive(Debug)]
pub(super) struct Wrapped {
    connection: Connection,
    claim: Claim,
    /// Its process, if that is still the one that asked, once a person is asked.
    process: Option<PidFd>,
}

/// An exec on its way.
pub(super) struct WrappedExec<'a> {
    pub(super) broker: &'a mut Broker,
    pub(super) wrapped: Wrapped,
    /// What was held while a person was asked.
    pub(super) held: Option<Held>,
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
    fn watch(&mut self, init: Pid) -> io::Result<OwnedFd> {
        let pid = self.connection.process()?;
        let process = PidFd::open(pid).ok();
        self.process = process.filter(|_| tree::is_below(init, pid) == Some(true));
        match &self.process {
            Some(process) => process.try_clone(),
            None => self.connection.stream.try_clone(),
        }
    }

    fn fail(&self, request: &Request, record: ExecRecord, error: &dyn Display) {
        record.failed(error);
        let command = argv::bounded(&request.argv, COMMAND_LIMIT);
        self.connection.deny(stand_in::failure(&command, error));
    }
}

impl WrappedExec<'_> {
    /// What was held, or is taken now.
    fn hold(&mut self, request: &Request, pass_env: &[String]) -> io::Result<Held> {
        let session = &self.broker.session;
        if let Some(held) = self.held.take() {
            return Ok(held);
        }
        let process = self.wrapped.connection.process()?;
        self.wrapped.claim.hold(request, pass_env, session, process)
    }

    /// Tells the wrapper to pass its descriptors.
    fn begin(&mut self, permit: Permit, record: &mut ExecRecord) -> io::Result<Escalation> {
        let size = 2 * limits::weigh_request(permit.request());
        if !self.broker.has_room_for(size) {
            return Err(Errno::EAGAIN.into());
        }
        let held = self.hold(permit.request(), permit.pass_env())?;
        let mut escalation = held.escalation(&self.broker.session, permit, record)?;
        let connection = &self.wrapped.connection;
        if let Some(note) = escalation.note.take() {
            connection.tell(&FromBroker::Note(note.into()))?;
        }
        connection.tell(&FromBroker::Escalate)?;
        Ok(escalation)
    }
}

impl Exec for WrappedExec<'_> {
    /// Only the patched shell brings its execs.
    fn is_followed(&self) -> bool {
        false
    }

    fn setting(&self) -> Setting<'_> {
        let session = &self.broker.session;
        Setting {
            caller: session.caller_inside(),
            startup: self.broker.startup,
            profiles: &session.profiles,
            inheritance: Inheritance::Free,
        }
    }

    fn process(&self) -> Option<Pid> {
        self.wrapped.connection.process().ok()
    }

    fn writable(&self) -> Option<&[PathBuf]> {
        self.broker.session.writable.as_deref()
    }

    fn standing(&self, place: &Place) -> Result<Standing, String> {
        match (&self.held, self.process()) {
            (Some(held), Some(process)) => held.standing_for(place, process),
            _ => Err("nothing was held of it".to_owned()),
        }
    }

    fn stay(self, _: Permit, record: ExecRecord) {
        record.ran();
        let shell = self.broker.script_shell.clone();
        // A wrapper that is gone needs no answer.
        let _ = self.wrapped.connection.tell(&FromBroker::Run { shell });
    }

    fn escalate(mut self, permit: Permit, mut record: ExecRecord) {
        let request = permit.request().clone();
        let escalation = match self.begin(permit, &mut record) {
            Ok(escalation) => escalation,
            Err(error) => return self.wrapped.fail(&request, record, &error),
        };
        self.broker.await_descriptors(Passing {
            command: argv::bounded(&request.argv, COMMAND_LIMIT),
            connection: self.wrapped.connection,
            escalation,
            record,
            blocked: self.wrapped.claim.blocked,
            descriptors: Vec::new(),
        });
    }

    fn refuse(self, refusal: &Refusal) {
        self.wrapped.connection.deny(refusal.message());
    }

    fn wait(mut self, question: Box<Question>, record: ExecRecord) {
        let held = self.hold(question.request(), question.pass_env());
        let standing = held.and_then(|held| {
            let process = self.wrapped.connection.process()?;
            Ok((held.standing(process)?, held))
        });
        let (standing, mut held) = match standing {
            Ok(standing) => standing,
            Err(error) => return self.wrapped.fail(question.request(), record, &error),
        };
        let Self {
            broker,
            mut wrapped,
            ..
        } = self;
        let gone = wrapped.watch(broker.groups.init());
        let session = Arc::clone(&broker.session);
        let pending = Pending {
            question: held.asked(&session, *question, standing),
            caller: wrapped,
            held,
            record,
        };
        if let Err(pending) = broker.asking.ask(&session.approver, pending, gone) {
            broker.resume(*pending, asking::refused());
        }
    }
}
