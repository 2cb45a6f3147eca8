//! What a program outside is started from, taken when it was judged; not what the sandbox holds read-only.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::{FileStat, fstat, stat};
use nix::unistd::{Pid, getpid};

use super::session::Session;
use super::{caller, limits};
use crate::act::environment::Filtered;
use crate::act::escalate::Escalation;
use crate::act::pinned::Pinned;
use crate::act::pins;
use crate::approve::place::Place;
use crate::approve::{Permit, Question, Standing};
use crate::audit::ExecRecord;
use crate::request::Request;
use crate::sys::child::{self, Bounds};

/// Everything of a caller that must not change while a person is asked.
#[derive(Debug)]
pub struct EscalationMaterial {
    program: io::Result<Pinned>,
    environment: Filtered,
    directory: OwnedFd,
    /// The caller's variables as they are, `NAME=value` each.
    variables: Vec<OsString>,
    bounds: Bounds,
}

/// What a program outside is bound by that the process `tid` asks for: by what binds us, as a check that a script makes
/// must not fail for what its caller has set. But its files are closed to others where either of both closes them, and
/// core files, which are written where its directory is, are no larger than either would leave.
///
/// # Errors
/// It is gone.
pub(super) fn bounds(tid: Pid) -> io::Result<Bounds> {
    let mut core = child::limit(tid, Resource::RLIMIT_CORE)?;
    let (own, _) = getrlimit(Resource::RLIMIT_CORE)?;
    core.rlim_cur = core.rlim_cur.min(own);
    Ok(Bounds {
        umask: caller::status(tid)?.umask | caller::status(getpid())?.umask,
        limits: vec![(Resource::RLIMIT_CORE as u32, core)],
    })
}

impl EscalationMaterial {
    /// Of a `request` whose file has the identity `file`.
    pub(super) fn new(
        session: &Session,
        request: &Request,
        file: &FileStat,
        directory: OwnedFd,
        (variables, bounds): (Vec<OsString>, Bounds),
        pass_env: &[String],
    ) -> Self {
        let environment = &session.environment;
        let mut environment = environment.filter(&variables, &request.cwd, pass_env);
        pins::bind(&mut environment, request);
        Self {
            program: Pinned::open(
                request,
                file,
                session.writable.as_deref().unwrap_or_default(),
            ),
            environment,
            directory,
            variables,
            bounds,
        }
    }

    /// The memory of its strings, in bytes.
    pub(super) fn weight(&self) -> usize {
        let Filtered {
            passed, dropped, ..
        } = &self.environment;
        limits::weigh(passed) + limits::weigh(dropped) + limits::weigh(&self.variables)
    }

    /// Where the caller, in the thread `tid`, stands now: still in the directory that is held.
    ///
    /// # Errors
    /// It is not, or is gone.
    pub(super) fn standing(&self, tid: Pid) -> io::Result<Standing> {
        let now = stat(format!("/proc/{tid}/cwd").as_str())?;
        if !caller::same_file(&now, &fstat(&self.directory)?) {
            return Err(io::Error::other("its caller has changed its directory"));
        }
        Standing::of(tid, self.directory.as_fd(), bounds(tid)?)
    }

    /// The same for one that may run in that place; or why it can't, in words.
    pub(super) fn standing_for(&self, place: &Place, tid: Pid) -> Result<Standing, String> {
        if let (Place::Out(_), Err(error)) = (place, &self.program) {
            return Err(format!("its file can't be opened outside: {error}"));
        }
        self.standing(tid).map_err(|error| error.to_string())
    }

    /// The question, with what the person is to know of it. A yes can count again, so what changes by itself
    /// is as the session has it.
    pub(super) fn asked(
        &mut self,
        session: &Session,
        question: Question,
        standing: Standing,
    ) -> Question {
        session.environment.settle(&mut self.environment);
        let variables = if question.is_let_out() {
            &self.environment.passed
        } else {
            &self.variables
        };
        question
            .without(&self.environment.lacks())
            .passing(&self.environment.by_rule)
            .asked_from(standing, variables)
    }

    /// What is permitted, ready to be started.
    ///
    /// # Errors
    /// The file can't be opened outside.
    pub(super) fn escalation(
        self,
        session: &Session,
        permit: Permit,
        record: &mut ExecRecord,
    ) -> io::Result<Escalation> {
        let program = self.program?;
        let variables = &self.environment;
        record.lacks(variables.lacks(), &variables.left_out);
        let name = permit.request().program.base_name();
        let note = session.environment.note(name, variables);
        Ok(Escalation {
            permit,
            program,
            environment: self.environment.passed,
            directory: self.directory,
            bounds: self.bounds,
            note,
        })
    }
}
