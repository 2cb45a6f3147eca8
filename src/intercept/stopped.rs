//! An exec on its way: what each of the four ways means for the call that waits.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::asking::{self, Pending};
use super::call::{Asked, ExecCall, Side, errno};
use super::execs::WayOn;
use super::held::{self, Held};
use super::session::{Phase, Session};
use super::stand_in::Role;
use super::supervisor::Supervisor;
use super::tracees;
use super::verify::Expected;
use super::{caller, limits};
use crate::approve::place::{Inheritance, Place};
use crate::approve::{Permit, Question, Refusal, Standing};
use crate::audit::ExecRecord;
use crate::flow::{Exec, Setting};
use crate::request::{Request, argv, entry};
use crate::sys::pidfd::PidFd;

/// A call that waits, and what is known of it.
#[derive(Debug)]
pub struct Stopped {
    /// The call.
    pub call: ExecCall,
    /// As it was read.
    pub asked: Box<Asked>,
}

/// An exec on its way.
pub struct StoppedExec<'a> {
    /// Who answers.
    pub supervisor: &'a mut Supervisor,
    /// What waits.
    pub stopped: Stopped,
    /// What was held while a person was asked.
    pub held: Option<Held>,
    /// What comes of its caller being out, if it is.
    pub inheritance: Inheritance,
}

impl Stopped {
    /// Takes what an escalation needs.
    fn hold(
        &self,
        session: &Session,
        request: &Request,
        pass_env: &[String],
    ) -> Result<Held, Errno> {
        let call = &self.call;
        let directory =
            caller::open_directory(call.tid(), &request.cwd).map_err(|error| errno(&error))?;
        let variables = match &request.environment {
            // As they were judged.
            Some(variables) => variables.iter().map(|(n, v)| entry(n, v)).collect(),
            None => call.environment()?,
        };
        let bounds = held::bounds(call.tid()).map_err(|error| errno(&error))?;
        let given = (variables, bounds);
        let file = &self.asked.stat;
        Ok(Held::new(
            session, request, file, directory, given, pass_env,
        ))
    }
}

impl StoppedExec<'_> {
    fn replace(self, role: Role) {
        let Stopped { call, asked } = &self.stopped;
        self.supervisor.replace(call, asked.empty, role);
    }

    /// What was held, or is taken now; nothing of a caller that doesn't wait any more: only of one that does
    /// was it the caller's memory that was read.
    ///
    /// # Errors
    /// What to answer the caller with.
    fn hold(&mut self, request: &Request, pass_env: &[String]) -> Result<Option<Held>, Errno> {
        let session = self.supervisor.session();
        let held = match self.held.take() {
            Some(held) => held,
            None => self.stopped.hold(session, request, pass_env)?,
        };
        Ok(self.stopped.call.waiting.is_waiting().then_some(held))
    }
}

impl Exec for StoppedExec<'_> {
    fn is_followed(&self) -> bool {
        true
    }

    fn setting(&self) -> Setting<'_> {
        let supervisor = &self.supervisor;
        Setting {
            caller: supervisor.caller(self.stopped.call.side),
            startup: supervisor.phase() == Phase::Startup,
            profiles: &supervisor.session().profiles,
            inheritance: self.inheritance.clone(),
        }
    }

    fn process(&self) -> Option<Pid> {
        Some(caller::process_of(self.stopped.call.tid()))
    }

    fn writable(&self) -> Option<&[PathBuf]> {
        self.supervisor.session().writable.as_deref()
    }

    fn standing(&self, place: &Place) -> Result<Standing, String> {
        match &self.held {
            Some(held) => held.standing_for(place, self.stopped.call.tid()),
            None => Err("nothing was held of it".to_owned()),
        }
    }

    fn keep(&mut self, request: &Request, told: &str) {
        const COMMAND: usize = 100;
        const TOLD: usize = 400;
        let call = &self.stopped.call;
        if call.side == Side::Inside {
            let command = argv::bounded(&request.argv, COMMAND);
            let mut told = argv::visible(told);
            told.truncate(told.floor_char_boundary(TOLD));
            let told = format!("`{command}` {told}");
            let program = request.program.real.clone();
            self.supervisor.refuser.keep(call.tid(), program, told);
        }
    }

    fn stay(self, permit: Permit, record: ExecRecord) {
        let (request, files, inputs) = permit.into_parts();
        let supervisor = self.supervisor;
        let Stopped { call, asked } = &self.stopped;
        if call.side != Side::Inside {
            // Who is outside already has nothing to gain by a race with us.
            record.ran();
            return tracees::resume(call);
        }
        let way_on = match self.held {
            Some(_) => WayOn::Watched,
            None => supervisor.way_on(call, &request, asked),
        };
        match way_on {
            WayOn::Watched => {
                let expected = Expected::new(request, asked.runs).by(files, inputs);
                supervisor.tracees.watch(call, expected, record);
            }
            WayOn::Unwatched => {
                record.ran();
                supervisor.tracees.let_go_unwatched(call);
            }
            WayOn::Free => {
                record.ran();
                tracees::resume(call);
            }
        }
    }

    fn escalate(mut self, permit: Permit, mut record: ExecRecord) {
        let session = Arc::clone(self.supervisor.session());
        // Before anything is copied; it takes the arguments twice.
        let size = 2 * limits::weigh_request(permit.request());
        let room = self.supervisor.tracees.has_room_for(size);
        if self.held.is_none() {
            let Stopped { call, asked } = &self.stopped;
            self.supervisor.remember(call, permit.request(), asked);
        }
        if !room || self.supervisor.programs_outside() >= limits::OUTSIDE {
            return self.stopped.call.fail(record, Errno::EAGAIN);
        }
        let held = match self.hold(permit.request(), permit.pass_env()) {
            Ok(Some(held)) => held,
            Ok(None) => return,
            Err(errno) => return self.stopped.call.fail(record, errno),
        };
        let Ok(escalation) = held.escalation(&session, permit, &mut record) else {
            return self.stopped.call.fail(record, Errno::EACCES);
        };
        self.replace(Role::Start(Box::new(escalation), record));
    }

    fn refuse(self, refusal: &Refusal) {
        self.replace(Role::Refuse(refusal.message().to_owned()));
    }

    fn wait(mut self, question: Box<Question>, record: ExecRecord) {
        let session = Arc::clone(self.supervisor.session());
        let mut held = match self.hold(question.request(), question.pass_env()) {
            Ok(Some(held)) => held,
            Ok(None) => return,
            Err(errno) => return self.stopped.call.fail(record, errno),
        };
        let Self {
            supervisor,
            mut stopped,
            ..
        } = self;
        let tid = stopped.call.tid();
        let standing = match held.standing(tid) {
            Ok(standing) => standing,
            Err(error) => return stopped.call.fail(record, errno(&error)),
        };
        // Of use for a call that was just read.
        stopped.asked.spans = Vec::new();
        let pending = Pending {
            question: held.asked(&session, *question, standing),
            caller: stopped,
            held,
            record,
        };
        let gone = PidFd::open(caller::process_of(tid)).map(OwnedFd::from);
        if let Err(pending) = supervisor.asking.ask(&session.approver, pending, gone) {
            supervisor.resume(*pending, asking::refused());
        }
    }
}
