//! An exec on its way: what each of the four ways means for the call that waits.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::stat::{FileStat, fstat, stat};
use nix::unistd::Pid;

use super::asking::Pending;
use super::call::{Asked, ExecCall, Side, errno};
use super::execs::WayOn;
use super::stand_in::Role;
use super::supervisor::{Phase, Session, Supervisor};
use super::tracees;
use super::verify::Expected;
use super::{caller, limits};
use crate::act::environment::Filtered;
use crate::act::escalate::Escalation;
use crate::act::pinned::Pinned;
use crate::act::pins;
use crate::approve::place::{Inheritance, Place};
use crate::approve::{Answer, Permit, Question, Refusal, Standing};
use crate::audit::ExecRecord;
use crate::flow::{self, Exec, Setting};
use crate::request::{Request, argv, entry};

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
    runs: FileStat,
    environment: Filtered,
    directory: OwnedFd,
    /// The caller's variables as they are, `NAME=value` each.
    variables: Vec<OsString>,
    empty: u64,
}

impl Held {
    /// The memory of its strings, in bytes.
    pub fn weight(&self) -> usize {
        let Filtered {
            passed, dropped, ..
        } = &self.environment;
        limits::weigh(passed) + limits::weigh(dropped) + limits::weigh(&self.variables)
    }

    /// Where the caller stands now: still in the directory that is held.
    fn standing(&self, tid: Pid) -> io::Result<Standing> {
        let now = stat(format!("/proc/{tid}/cwd").as_str())?;
        if !caller::same_file(&now, &fstat(&self.directory)?) {
            return Err(io::Error::other("its caller has changed its directory"));
        }
        Standing::of(tid, self.directory.as_fd(), caller::status(tid)?.umask)
    }

    fn copy(
        session: &Session,
        call: &ExecCall,
        request: &Request,
        pass_env: &[String],
        asked: &Asked,
    ) -> Result<Self, Errno> {
        let directory =
            caller::open_directory(call.tid(), &request.cwd).map_err(|error| errno(&error))?;
        let entries = match &request.environment {
            // As they were judged.
            Some(variables) => variables.iter().map(|(n, v)| entry(n, v)).collect(),
            None => call.environment()?,
        };
        let mut environment = session.environment.filter(&entries, &request.cwd, pass_env);
        pins::bind(&mut environment, request);
        Ok(Self {
            program: Pinned::open(request, &asked.stat),
            runs: asked.runs,
            environment,
            directory,
            variables: entries,
            empty: asked.empty,
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
    /// What comes of its caller being out, if it is.
    pub inheritance: Inheritance,
}

impl StoppedExec<'_> {
    fn empty(&self) -> u64 {
        match &self.material {
            Material::Read(asked) => asked.empty,
            Material::Held(held) => held.empty,
        }
    }

    fn replace(self, role: Role) {
        let empty = self.empty();
        self.supervisor.replace(&self.call, empty, role);
    }

    /// Takes what an escalation needs; nothing of a caller that doesn't wait any more: only of one that does
    /// was it the caller's memory that was read.
    ///
    /// # Errors
    /// What to answer the caller with.
    fn hold(
        material: Material,
        session: &Session,
        call: &ExecCall,
        request: &Request,
        pass_env: &[String],
    ) -> Result<Option<Held>, Errno> {
        let held = match material {
            Material::Read(asked) => Held::copy(session, call, request, pass_env, &asked)?,
            Material::Held(held) => *held,
        };
        Ok(call.waiting.is_waiting().then_some(held))
    }
}

impl Exec for StoppedExec<'_> {
    fn is_followed(&self) -> bool {
        true
    }

    fn setting(&self) -> Setting<'_> {
        let supervisor = &self.supervisor;
        Setting {
            caller: supervisor.caller(self.call.side),
            startup: supervisor.phase() == Phase::Startup,
            profiles: &supervisor.session().profiles,
            inheritance: self.inheritance.clone(),
        }
    }

    fn process(&self) -> Option<Pid> {
        Some(caller::process_of(self.call.tid()))
    }

    fn writable(&self) -> Option<&[PathBuf]> {
        self.supervisor.session().writable.as_deref()
    }

    fn standing(&self, place: &Place) -> Result<Standing, String> {
        let Material::Held(held) = &self.material else {
            return Err("nothing was held of it".to_owned());
        };
        if let (Place::Out(_), Err(error)) = (place, &held.program) {
            return Err(format!("its file can't be opened outside: {error}"));
        }
        let standing = held.standing(self.call.tid());
        standing.map_err(|error| error.to_string())
    }

    fn keep(&mut self, request: &Request, told: &str) {
        const COMMAND: usize = 100;
        const TOLD: usize = 400;
        if self.call.side == Side::Inside {
            let command = argv::bounded(&request.argv, COMMAND);
            let mut told = argv::visible(told);
            told.truncate(told.floor_char_boundary(TOLD));
            let told = format!("`{command}` {told}");
            let program = request.program.real.clone();
            self.supervisor.refuser.keep(self.call.tid(), program, told);
        }
    }

    fn stay(self, permit: Permit, record: ExecRecord) {
        let (request, files, inputs) = permit.into_parts();
        let supervisor = self.supervisor;
        let runs = match (self.call.side, self.material) {
            // Who is outside already has nothing to gain by a race with us.
            (Side::Outside | Side::Profiled(_), _) => {
                record.ran();
                return tracees::resume(&self.call);
            }
            (Side::Inside, Material::Held(held)) => held.runs,
            (Side::Inside, Material::Read(asked)) => {
                match supervisor.way_on(&self.call, &request, &asked) {
                    WayOn::Watched => asked.runs,
                    WayOn::Unwatched => {
                        record.ran();
                        return supervisor.tracees.let_go_unwatched(&self.call);
                    }
                    WayOn::Free => {
                        record.ran();
                        return tracees::resume(&self.call);
                    }
                }
            }
        };
        let expected = Expected::new(request, runs).by(files, inputs);
        supervisor.tracees.watch(&self.call, expected, record);
    }

    fn escalate(self, permit: Permit, mut record: ExecRecord) {
        let session = Arc::clone(self.supervisor.session());
        // Before anything is copied; it takes the arguments twice.
        let size = 2 * limits::weigh_request(permit.request());
        let room = self.supervisor.tracees.has_room_for(size);
        if let Material::Read(asked) = &self.material {
            let request = permit.request();
            self.supervisor.remember(&self.call, request, asked);
        }
        if !room || self.supervisor.programs_outside() >= limits::OUTSIDE {
            return fail(&self.call, record, Errno::EAGAIN);
        }
        let (request, pass_env) = (permit.request(), permit.pass_env());
        let held = Self::hold(self.material, &session, &self.call, request, pass_env);
        let held = match held {
            Ok(Some(held)) => held,
            Ok(None) => return,
            Err(errno) => return fail(&self.call, record, errno),
        };
        let Ok(program) = held.program else {
            return fail(&self.call, record, Errno::EACCES);
        };
        let variables = &held.environment;
        record.lacks(variables.lacks(), &variables.left_out);
        let name = permit.request().program.base_name();
        let note = session.environment.note(name, variables);
        let escalation = Escalation {
            permit,
            program,
            environment: held.environment.passed,
            directory: held.directory,
            note,
        };
        let role = Role::Start(Box::new(escalation), record);
        self.supervisor.replace(&self.call, held.empty, role);
    }

    fn refuse(self, refusal: &Refusal) {
        self.replace(Role::Refuse(refusal.message().to_owned()));
    }

    fn wait(self, question: Box<Question>, record: ExecRecord) {
        let session = Arc::clone(self.supervisor.session());
        let request = question.request();
        let pass_env = question.pass_env();
        let held = Self::hold(self.material, &session, &self.call, request, pass_env);
        let held = match held {
            Ok(Some(held)) => held,
            Ok(None) => return,
            Err(errno) => return fail(&self.call, record, errno),
        };
        let standing = match held.standing(self.call.tid()) {
            Ok(standing) => standing,
            Err(error) => return fail(&self.call, record, errno(&error)),
        };
        let pending = Pending {
            question: question
                .without(&held.environment.lacks())
                .passing(&held.environment.by_rule)
                .asked_from(standing, &held.variables),
            call: self.call,
            held,
            record,
        };
        if let Err(pending) = self.supervisor.asking.ask(&session.approver, pending) {
            let (exec, question, record) = self.supervisor.stopped(*pending);
            unasked(exec, question, record, "too many questions are open");
        }
    }
}

/// The caller and the record are told that nothing comes of it.
pub(super) fn fail(call: &ExecCall, record: ExecRecord, errno: Errno) {
    record.failed(&errno.desc());
    call.waiting.fail(errno);
}

/// Nobody is asked, so that it is refused.
fn unasked(exec: StoppedExec<'_>, question: Question, record: ExecRecord, why: &str) {
    flow::resume(question, Answer::No(why.into()), record, exec);
}
