//! An exec that a wrapper asks for: what each of the four ways means for it.

use std::ffi::OsString;
use std::fmt::Display;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::Pid;

use super::claim::{Claim, Held};
use super::server::Shared;
use super::stand_in::StandIn;
use crate::act::escalate::Escalation;
use crate::approve::place::{Confinement, Inheritance, Place};
use crate::approve::{Answer, Permit, Question, Refusal, Standing};
use crate::audit::ExecRecord;
use crate::flow::{self, Exec, Setting};
use crate::intercept::job::StandInProcess;
use crate::intercept::{caller, stand_in};
use crate::request::{Request, argv};
use crate::sys::pidfd::PidFd;
use crate::sys::tree;
use crate::wire::frame::{self, Reader, malformed};
use crate::wire::message::{FromBroker, FromWrapper};

/// The longest form of a command in a message, in bytes.
const COMMAND_LIMIT: usize = 1024;
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

    /// The next message, waited for.
    fn next(&mut self) -> io::Result<FromWrapper> {
        let frame = self.reader.wait(&self.stream)?;
        FromWrapper::read(&frame.ok_or(io::ErrorKind::UnexpectedEof)?)
    }

    /// The process that made the connection: its attributes are looked up, not asked for.
    fn process(&self) -> io::Result<Pid> {
        let peer = getsockopt(&self.stream, sockopt::PeerCredentials)?;
        Ok(Pid::from_raw(peer.pid()))
    }

    /// The descriptors of the wrapper, each with its number there.
    fn descriptors(&mut self) -> io::Result<Vec<(OwnedFd, RawFd)>> {
        let mut all = Vec::new();
        loop {
            let FromWrapper::Descriptors { numbers, more } = self.next()? else {
                return Err(malformed("no descriptors come"));
            };
            let fds = self.reader.descriptors(numbers.len())?;
            all.extend(fds.into_iter().zip(numbers));
            if all.len() > DESCRIPTORS || all.iter().any(|(_, number)| !NUMBERS.contains(number)) {
                return Err(malformed("too many descriptors"));
            }
            if !more {
                return Ok(all);
            }
        }
    }
}

/// An exec on its way.
pub(super) struct WrappedExec {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Connection,
    pub(super) claim: Claim,
    /// What was held while a person was asked.
    pub(super) held: Option<Held>,
    /// This is a thread of its own.
    pub(super) may_wait: bool,
    /// A login shell's start-up files do it.
    pub(super) startup: bool,
}

impl WrappedExec {
    /// Goes on in a thread that may wait.
    fn apart(mut self, then: impl FnOnce(Self) + Send + 'static) {
        if self.may_wait {
            return then(self);
        }
        self.may_wait = true;
        let shared = Arc::clone(&self.shared);
        shared.spawn(move || then(self));
    }

    fn deny(&self, words: impl Into<OsString>) {
        // As above.
        let _ = self.connection.tell(&FromBroker::Deny(words.into()));
    }

    fn fail(&self, request: &Request, record: ExecRecord, error: &dyn Display) {
        record.failed(error);
        let command = argv::bounded(&request.argv, COMMAND_LIMIT);
        let reason = argv::visible(&error.to_string());
        self.deny(format!(
            "codex-shell: error: {command}: can't be run outside: {reason}"
        ));
    }

    /// Runs the program outside, where the permit says.
    fn start_outside(mut self, permit: Permit, mut record: ExecRecord) {
        let request = permit.request().clone();
        let (mut stand_in, mut wrapper, same_group) = match self.start(permit, &mut record) {
            Ok(started) => started,
            Err(error) => return self.fail(&request, record, &error),
        };
        let attended = stand_in.attend(
            &self.shared,
            &mut self.connection,
            &mut wrapper,
            same_group,
            &mut record,
        );
        if let Err(reason) = attended {
            stand_in.kill();
            if let Some(reason) = reason {
                self.fail(&request, record, &reason);
            }
        }
        // The wrapper ends now.
        drop(self.connection);
        stand_in.outlive();
    }

    fn start(
        &mut self,
        permit: Permit,
        record: &mut ExecRecord,
    ) -> io::Result<(StandIn, StandInProcess, bool)> {
        let confinement = permit.confinement().cloned();
        let session = &self.shared.session;
        let held = match self.held.take() {
            Some(held) => held,
            None => self
                .claim
                .hold(permit.request(), permit.pass_env(), session)?,
        };
        let program = held.program?;
        let variables = &held.environment;
        record.lacks(variables.lacks(), &variables.left_out);
        let name = permit.request().program.base_name();
        if let Some(note) = session.environment.note(name, variables) {
            self.connection.tell(&FromBroker::Note(note.into()))?;
        }
        self.connection.tell(&FromBroker::Escalate)?;
        let descriptors = self.connection.descriptors()?;
        let wrapper = self.connection.process()?;
        let (inherited, same_group) = stand_in::inherited(
            wrapper,
            descriptors,
            self.claim.blocked,
            &self.shared.groups,
        )?;
        let process = StandInProcess::open(wrapper)?;
        // Its number could have been another's before.
        if tree::is_below(self.shared.init, wrapper) != Some(true) {
            return Err(Errno::ESRCH.into());
        }
        let escalation = Escalation {
            permit,
            program,
            environment: held.environment.passed,
            directory: held.directory,
            note: None,
        };
        let launch = escalation.launch(inherited)?;
        let stand_in = match confinement {
            Some(Confinement::Profile(sandbox)) => {
                StandIn::profiled(&self.shared, wrapper, launch, &sandbox)?
            }
            Some(Confinement::Judged | Confinement::Unjudged) => {
                StandIn::plain(&self.shared, &launch)?
            }
            None => return Err(Errno::EPERM.into()),
        };
        Ok((stand_in, process, same_group))
    }

    /// The wrapper's process, if that is still the one that asked.
    fn caller(&self) -> Option<PidFd> {
        let pid = self.connection.process().ok()?;
        let handle = PidFd::open(pid).ok()?;
        (tree::is_below(self.shared.init, pid) == Some(true)).then_some(handle)
    }

    /// Where the wrapper stands that asked, with what is `held` of it.
    fn stands(&self, held: &Held) -> io::Result<Standing> {
        let process = self.connection.process()?;
        let umask = caller::status(process)?.umask;
        Standing::of(process, held.directory.as_fd(), umask)
    }

    fn ask(mut self, question: Question, record: ExecRecord) {
        let session = Arc::clone(&self.shared.session);
        let Some(open) = self.shared.asking.open() else {
            return self.unasked(question, record, "too many questions are open");
        };
        let held = match self
            .claim
            .hold(question.request(), question.pass_env(), &session)
        {
            Ok(held) => held,
            Err(error) => return self.fail(question.request(), record, &error),
        };
        let standing = match self.stands(&held) {
            Ok(standing) => standing,
            Err(error) => return self.fail(question.request(), record, &error),
        };
        let question = question
            .without(&held.environment.lacks())
            .passing(&held.environment.by_rule)
            .asked_from(standing, &held.variables);
        self.held = Some(held);
        let caller = self.caller();
        let stream = self.connection.stream.as_fd();
        let gone = caller.as_ref().map_or(stream, AsFd::as_fd);
        let answer = session.approver.ask(&question, gone);
        drop(open);
        if caller.is_some_and(|caller| caller.has_ended()) {
            return;
        }
        flow::resume(question, answer, record, self);
    }

    /// Nobody is asked, so that it is refused.
    fn unasked(self, question: Question, record: ExecRecord, why: &str) {
        flow::resume(question, Answer::No(why.into()), record, self);
    }
}

impl Exec for WrappedExec {
    /// Only the patched shell brings its execs.
    fn is_followed(&self) -> bool {
        false
    }

    fn setting(&self) -> Setting<'_> {
        let session = &self.shared.session;
        Setting {
            caller: session.caller_inside(),
            startup: self.startup,
            profiles: &session.profiles,
            inheritance: Inheritance::Free,
        }
    }

    fn process(&self) -> Option<Pid> {
        self.connection.process().ok()
    }

    fn writable(&self) -> Option<&[PathBuf]> {
        self.shared.session.writable.as_deref()
    }

    fn standing(&self, place: &Place) -> Result<Standing, String> {
        let Some(held) = &self.held else {
            return Err("nothing was held of it".to_owned());
        };
        if let (Place::Out(_), Err(error)) = (place, &held.program) {
            return Err(format!("its file can't be opened outside: {error}"));
        }
        self.stands(held).map_err(|error| error.to_string())
    }

    fn stay(self, _: Permit, record: ExecRecord) {
        record.ran();
        let shell = self.shared.script_shell.clone();
        // A wrapper that is gone needs no answer.
        let _ = self.connection.tell(&FromBroker::Run { shell });
    }

    fn escalate(self, permit: Permit, record: ExecRecord) {
        self.apart(move |exec| exec.start_outside(permit, record));
    }

    fn refuse(self, refusal: &Refusal) {
        self.deny(refusal.message());
    }

    fn wait(self, question: Box<Question>, record: ExecRecord) {
        self.apart(move |exec| exec.ask(*question, record));
    }
}
