//! Execs that wrappers ask for: how the broker answers them.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::unistd::Pid;

use super::conversation::{Passing, Wrapped};
use super::server::Broker;
use crate::act::escalate::Escalation;
use crate::approve::Permit;
use crate::approve::place::Caller;
use crate::audit::ExecRecord;
use crate::intercept::asking::Asking;
use crate::intercept::exec::Answerer;
use crate::intercept::material::EscalationMaterial;
use crate::intercept::session::Session;
use crate::intercept::stand_in;
use crate::request::Request;
use crate::wire::message::FromBroker;

impl Answerer for Broker {
    type Waiting = Wrapped;

    /// Only the patched shell brings its execs.
    const FOLLOWS: bool = false;

    fn session(&self) -> &Arc<Session> {
        &self.session
    }

    fn asking(&mut self) -> &mut Asking<Wrapped> {
        &mut self.asking
    }

    fn is_in_startup(&self) -> bool {
        self.startup
    }

    fn side(&self, _: &Wrapped) -> Caller {
        self.session.caller_inside()
    }

    fn thread(waiting: &Wrapped) -> Option<Pid> {
        waiting.connection.process().ok()
    }

    fn is_waiting(waiting: &Wrapped) -> bool {
        !waiting.is_gone()
    }

    fn gone(&self, waiting: &mut Wrapped) -> io::Result<OwnedFd> {
        waiting.watch(self.groups.init())
    }

    fn take_material(
        &mut self,
        waiting: &Wrapped,
        request: &Request,
        pass_env: &[String],
    ) -> io::Result<EscalationMaterial> {
        let process = waiting.connection.process()?;
        waiting
            .claim
            .take_material(request, pass_env, &self.session, process)
    }

    fn has_room_for(&mut self, bytes: usize) -> bool {
        self.has_room(bytes)
    }

    fn go_on(&mut self, waiting: Wrapped, _: Permit, record: ExecRecord, _: bool) {
        record.ran();
        let shell = self.script_shell.clone();
        // A wrapper that is gone needs no answer.
        let _ = waiting.connection.tell(&FromBroker::Run { shell });
    }

    /// Tells the wrapper to pass its descriptors, and waits for them.
    fn stand_in(&mut self, waiting: Wrapped, mut escalation: Escalation, record: ExecRecord) {
        let note = escalation.note.take();
        let passing = Passing {
            command: stand_in::command(escalation.permit.request()),
            connection: waiting.connection,
            escalation,
            record,
            blocked: waiting.claim.blocked,
            descriptors: Vec::new(),
        };
        match passing.begin(note) {
            Ok(()) => self.await_descriptors(passing),
            Err(error) => passing.fail(&error),
        }
    }

    fn refuse(&mut self, waiting: &Wrapped, words: &str) {
        waiting.connection.deny(words);
    }

    fn fail(&self, waiting: &Wrapped, command: &str, record: ExecRecord, error: &io::Error) {
        record.failed(error);
        waiting.connection.deny(stand_in::failure(command, error));
    }
}
