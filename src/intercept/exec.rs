//! An exec on its way, whoever brought it: what each of the four ways means for the caller that waits.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::asking::{self, Asking, Pending};
use super::material::EscalationMaterial;
use super::session::Session;
use super::{caller, limits, stand_in};
use crate::act::escalate::Escalation;
use crate::approve::place::{Caller, Inheritance, Place};
use crate::approve::{Answer, Permit, Question, Refusal, Standing};
use crate::audit::ExecRecord;
use crate::flow::{self, Exec, Setting};
use crate::request::Request;

/// Who answers execs: the supervisor those that the kernel stops, the broker those of wrappers.
pub(super) trait Answerer: Sized {
    /// What waits for an answer.
    type Waiting;

    /// Whether what an exec starts in the sandbox comes here as well.
    const FOLLOWS: bool;

    /// What execs are judged by.
    fn session(&self) -> &Arc<Session>;

    /// The questions that are open.
    fn asking(&mut self) -> &mut Asking<Self::Waiting>;

    /// Whether a login shell's start-up files are being read.
    fn is_in_startup(&self) -> bool;

    /// Where the caller is.
    fn side(&self, waiting: &Self::Waiting) -> Caller;

    /// The thread that executes, if it is still there.
    fn thread(waiting: &Self::Waiting) -> Option<Pid>;

    /// Whether the caller is still there.
    fn is_waiting(waiting: &Self::Waiting) -> bool;

    /// What is readable once it is not.
    ///
    /// # Errors
    /// It is gone already.
    fn gone(&self, waiting: &mut Self::Waiting) -> io::Result<OwnedFd>;

    /// Takes what an escalation of `request` needs.
    ///
    /// # Errors
    /// The caller is gone, or can't be looked at.
    fn take_material(
        &mut self,
        waiting: &Self::Waiting,
        request: &Request,
        pass_env: &[String],
    ) -> io::Result<EscalationMaterial>;

    /// Whether one more program may be outside, of which so many bytes are kept until it starts.
    fn has_room_for(&mut self, bytes: usize) -> bool;

    /// As [`Exec::keep`].
    fn keep(&mut self, waiting: &Self::Waiting, request: &Request, told: &str) {
        let _ = (waiting, request, told);
    }

    /// Lets the caller go on; `asked`: a person was, meanwhile.
    fn go_on(&mut self, waiting: Self::Waiting, permit: Permit, record: ExecRecord, asked: bool);

    /// Has the caller stand in for the program.
    fn stand_in(&mut self, waiting: Self::Waiting, escalation: Escalation, record: ExecRecord);

    /// The caller does not run, and hears why.
    fn refuse(&mut self, waiting: &Self::Waiting, words: &str);

    /// Nothing comes of the `command`, and the record is told.
    fn fail(&self, waiting: &Self::Waiting, command: &str, record: ExecRecord, error: &io::Error);

    /// Carries on with an exec that was asked about.
    fn take_answer(&mut self, pending: Pending<Self::Waiting>, answer: Answer) {
        let exec = StoppedExec {
            answerer: self,
            waiting: pending.caller,
            material: Some(pending.material),
            // That was asked.
            inheritance: Inheritance::Free,
        };
        flow::answered(pending.question, answer, pending.record, exec);
    }

    /// Carries on with the execs whose questions were answered.
    fn take_answers(&mut self) {
        for (pending, answer) in self.asking().answers() {
            if Self::is_waiting(&pending.caller) {
                self.take_answer(pending, answer);
            }
        }
    }
}

/// An exec on its way.
pub(super) struct StoppedExec<'a, A: Answerer> {
    /// Who answers.
    answerer: &'a mut A,
    /// What waits.
    waiting: A::Waiting,
    /// What was taken for it before a person was asked.
    material: Option<EscalationMaterial>,
    /// What comes of its caller being out, if it is.
    inheritance: Inheritance,
}

impl<'a, A: Answerer> StoppedExec<'a, A> {
    /// One that was just stopped.
    pub(super) fn new(answerer: &'a mut A, waiting: A::Waiting, inheritance: Inheritance) -> Self {
        Self {
            answerer,
            waiting,
            material: None,
            inheritance,
        }
    }

    /// What was taken, or is now; nothing of a caller that doesn't wait any more: only of one that does
    /// was it the caller's memory that was read.
    ///
    /// # Errors
    /// What to tell the caller.
    fn take_material(
        &mut self,
        request: &Request,
        pass_env: &[String],
    ) -> io::Result<Option<EscalationMaterial>> {
        let material = match self.material.take() {
            Some(material) => material,
            None => self
                .answerer
                .take_material(&self.waiting, request, pass_env)?,
        };
        Ok(A::is_waiting(&self.waiting).then_some(material))
    }

    fn escalation(
        &mut self,
        permit: Permit,
        record: &mut ExecRecord,
    ) -> io::Result<Option<Escalation>> {
        // Before anything is copied; it takes the arguments twice.
        let size = 2 * limits::weigh_request(permit.request());
        if !self.answerer.has_room_for(size) {
            return Err(Errno::EAGAIN.into());
        }
        let material = self.take_material(permit.request(), permit.pass_env())?;
        let escalation =
            material.map(|material| material.escalation(self.answerer.session(), permit, record));
        escalation
            .transpose()
            .map_err(|error| io::Error::new(io::ErrorKind::PermissionDenied, error))
    }

    /// What is kept while a person is asked, and where its caller stands.
    fn material_and_standing(
        &mut self,
        question: &Question,
    ) -> io::Result<Option<(EscalationMaterial, Standing)>> {
        let Some(material) = self.take_material(question.request(), question.pass_env())? else {
            return Ok(None);
        };
        let thread = A::thread(&self.waiting).ok_or(Errno::ESRCH)?;
        let standing = material.standing(thread)?;
        Ok(Some((material, standing)))
    }
}

impl<A: Answerer> Exec for StoppedExec<'_, A> {
    fn is_followed(&self) -> bool {
        A::FOLLOWS
    }

    fn setting(&self) -> Setting<'_> {
        Setting {
            caller: self.answerer.side(&self.waiting),
            startup: self.answerer.is_in_startup(),
            profiles: &self.answerer.session().profiles,
            inheritance: self.inheritance.clone(),
        }
    }

    fn process(&self) -> Option<Pid> {
        A::thread(&self.waiting).map(caller::process_of)
    }

    fn writable(&self) -> Option<&[PathBuf]> {
        self.answerer.session().writable.as_deref()
    }

    fn standing(&self, place: &Place) -> Result<Standing, String> {
        match (&self.material, A::thread(&self.waiting)) {
            (Some(material), Some(thread)) => material.standing_for(place, thread),
            _ => Err("nothing was kept of it".to_owned()),
        }
    }

    fn keep(&mut self, request: &Request, told: &str) {
        self.answerer.keep(&self.waiting, request, told);
    }

    fn stay(self, permit: Permit, record: ExecRecord) {
        let asked = self.material.is_some();
        self.answerer.go_on(self.waiting, permit, record, asked);
    }

    fn escalate(mut self, permit: Permit, mut record: ExecRecord) {
        let command = stand_in::command(permit.request());
        match self.escalation(permit, &mut record) {
            Ok(Some(escalation)) => self.answerer.stand_in(self.waiting, escalation, record),
            Ok(None) => {}
            Err(error) => self.answerer.fail(&self.waiting, &command, record, &error),
        }
    }

    fn refuse(self, refusal: &Refusal) {
        self.answerer.refuse(&self.waiting, refusal.message());
    }

    fn wait(mut self, question: Box<Question>, record: ExecRecord) {
        let (mut material, standing) = match self.material_and_standing(&question) {
            Ok(Some(found)) => found,
            Ok(None) => return,
            Err(error) => {
                let command = stand_in::command(question.request());
                return self.answerer.fail(&self.waiting, &command, record, &error);
            }
        };
        let gone = self.answerer.gone(&mut self.waiting);
        let pending = Pending {
            question: material.asked(self.answerer.session(), *question, standing),
            caller: self.waiting,
            material,
            record,
        };
        let approver = Arc::clone(&self.answerer.session().approver);
        if let Err(pending) = self.answerer.asking().ask(&approver, pending, gone) {
            self.answerer.take_answer(*pending, asking::refused());
        }
    }
}
