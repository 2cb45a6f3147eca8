//! An exec on its way: what each of the four ways means for the call that waits.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::errno::Errno;

use super::asking::Pending;
use super::call::{Asked, ExecCall, Side, errno};
use super::stand_in::Role;
use super::supervisor::{Phase, Session, Supervisor};
use super::threads::Threads;
use super::verify::Expected;
use super::{caller, limits};
use crate::act::escalate::Escalation;
use crate::act::pinned::Pinned;
use crate::approve::{Answer, Permit, Question, Refusal, Settled};
use crate::flow::Exec;

/// What is known of the call.
pub enum Material {
    /// The call as it was read just now.
    Read(Box<Asked>),
    /// What was held while a person was asked.
    Held(Box<Held>),
}

/// Everything of a caller that must not change while a person is asked.
#[derive(Debug)]
pub struct Held {
    program: io::Result<Pinned>,
    expected: Expected,
    environment: Vec<OsString>,
    dropped: Vec<OsString>,
    directory: OwnedFd,
    empty: u64,
}

impl Held {
    /// The memory of its strings, in bytes.
    pub fn weight(&self) -> usize {
        let environment = limits::weigh(&self.environment) + limits::weigh(&self.dropped);
        self.expected.weight() + environment
    }

    fn copy(session: &Session, call: &ExecCall, asked: Asked) -> Result<Self, Errno> {
        let Asked {
            request,
            stat,
            runs,
            empty,
            ..
        } = asked;
        let directory =
            caller::open_directory(call.tid(), &request.cwd).map_err(|error| errno(&error))?;
        let environment = session
            .environment
            .filter(&call.environment()?, &request.cwd);
        Ok(Self {
            program: Pinned::open(&request, &stat),
            expected: Expected::new(request, runs),
            environment: environment.passed,
            dropped: environment.dropped,
            directory,
            empty,
        })
    }
}

/// An exec on its way.
pub struct StoppedExec<'a> {
    /// Who answers.
    pub supervisor: &'a mut Supervisor,
    /// The call.
    pub call: ExecCall,
    /// What is known of it.
    pub material: Material,
}

impl StoppedExec<'_> {
    fn empty(&self) -> u64 {
        match &self.material {
            Material::Read(asked) => asked.empty,
            Material::Held(held) => held.empty,
        }
    }

    /// Takes what an escalation needs; the caller is answered when that fails.
    fn hold(material: Material, session: &Session, call: &ExecCall) -> Option<Held> {
        let held = match material {
            Material::Read(asked) => Held::copy(session, call, *asked),
            Material::Held(held) => Ok(*held),
        };
        let held = held.inspect_err(|&errno| call.waiting.fail(errno)).ok();
        // Only of a caller that still waits was it the caller's memory that was read.
        held.filter(|_| call.waiting.is_waiting())
    }

    /// Whether this is a login shell's start-up files' doing.
    fn is_startup(&self) -> bool {
        self.supervisor.phase() == Phase::Startup && self.call.side == Side::Inside
    }
}

impl Exec for StoppedExec<'_> {
    fn inside(self) {
        let supervisor = self.supervisor;
        let expected = match (self.call.side, self.material) {
            // Who is outside already has nothing to gain by a race with us.
            (Side::Outside, _) => return supervisor.threads.let_go(&self.call),
            (Side::Inside, Material::Held(held)) => held.expected,
            (Side::Inside, Material::Read(asked)) => {
                if !supervisor.can_evade(&self.call, &asked) {
                    return supervisor.threads.let_go(&self.call);
                }
                Expected::new(asked.request, asked.runs)
            }
        };
        supervisor.threads.watch(&self.call, expected);
    }

    fn outside(self, permit: Permit) {
        let session = Arc::clone(self.supervisor.session());
        let there_already = session.writable.is_none() || self.call.side == Side::Outside;
        if there_already || self.is_startup() {
            return self.inside();
        }
        // Before anything is copied; it takes the arguments twice.
        let size = 2 * limits::weigh(&permit.request().argv);
        let room = self.supervisor.threads.has_room_for(size);
        if !room || self.supervisor.programs_outside() >= limits::OUTSIDE {
            return self.call.waiting.fail(Errno::EAGAIN);
        }
        let Some(held) = Self::hold(self.material, &session, &self.call) else {
            return;
        };
        let Ok(program) = held.program else {
            return self.call.waiting.fail(Errno::EACCES);
        };
        session.audit.escalated(permit.request(), &held.dropped);
        let (environment, directory) = (held.environment, held.directory);
        let role = Role::Start(Box::new(Escalation {
            permit,
            program,
            environment,
            directory,
        }));
        let threads = &mut self.supervisor.threads;
        threads.replace(&self.call, held.empty, role);
    }

    fn refuse(self, refusal: &Refusal) {
        let role = Role::Refuse(refusal.message().to_owned());
        let empty = self.empty();
        self.supervisor.threads.replace(&self.call, empty, role);
    }

    fn wait(self, question: Box<Question>) {
        if self.is_startup() {
            return self.inside();
        }
        if limits::weigh(&question.request().argv) > limits::QUESTION {
            let empty = self.empty();
            let why = "the command is too long to be asked about";
            return unasked(
                &mut self.supervisor.threads,
                &self.call,
                empty,
                *question,
                why,
            );
        }
        let session = Arc::clone(self.supervisor.session());
        let Some(held) = Self::hold(self.material, &session, &self.call) else {
            return;
        };
        let pending = Pending {
            question: question.without(&held.dropped),
            call: self.call,
            held,
        };
        if let Err(pending) = self.supervisor.asking.ask(&session.approver, pending) {
            let Pending {
                question,
                call,
                held,
            } = *pending;
            let why = "too many questions are open";
            unasked(
                &mut self.supervisor.threads,
                &call,
                held.empty,
                question,
                why,
            );
        }
    }
}

/// Nobody is asked, so that it is refused.
fn unasked(threads: &mut Threads, call: &ExecCall, empty: u64, question: Question, why: &str) {
    let answer = Answer::No(why.into());
    if let Settled::Refused(refusal) = crate::approve::answered(question, answer) {
        let role = Role::Refuse(refusal.message().to_owned());
        threads.replace(call, empty, role);
    }
}
