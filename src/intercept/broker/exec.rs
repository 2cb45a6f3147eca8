//! An exec that a wrapper asks for: what each of the four ways means for it.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::sync::Arc;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, getsockopt, sockopt};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::claim::{Claim, Held};
use super::server::Shared;
use crate::act::escalate::Escalation;
use crate::approve::{Answer, Permit, Question, Refusal};
use crate::confine::Mode;
use crate::flow::{self, Exec};
use crate::intercept::{limits, stand_in};
use crate::request::{Request, argv};
use crate::sys::child::{self, Change, Child};
use crate::wire::frame::{self, Fill, Reader, malformed};
use crate::wire::message::{FromBroker, FromWrapper};

/// The longest form of a command in a message, in bytes.
const COMMAND_LIMIT: usize = 1024;
/// As many descriptors may a program be given.
const DESCRIPTORS: usize = 1024;

/// The wrapper's end of a conversation.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: OwnedFd,
    pub(super) reader: Reader,
}

impl Connection {
    fn tell(&self, answer: &FromBroker) -> io::Result<()> {
        frame::send(&self.stream, &answer.frame(), &[])
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
            if all.len() > DESCRIPTORS || all.iter().any(|(_, number)| *number < 0) {
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

    fn run(&self, alone: bool) {
        let shell = self.shared.script_shell.clone();
        // A wrapper that is gone needs no answer.
        let _ = self.connection.tell(&FromBroker::Run { shell, alone });
    }

    fn deny(&self, words: impl Into<OsString>) {
        // As above.
        let _ = self.connection.tell(&FromBroker::Deny(words.into()));
    }

    fn fail(&self, request: &Request, error: &io::Error) {
        let command = argv::bounded(&request.argv, COMMAND_LIMIT);
        self.deny(format!(
            "codex-shell: error: {command}: can't be run outside: {error}"
        ));
    }

    fn escalate(mut self, permit: Permit) {
        let request = permit.request().clone();
        match self.start(permit) {
            Ok((child, same_group)) => {
                // The wrapper's end is the program's, and the other way round.
                let ended = self.attend(&child, same_group);
                if ended.is_err() {
                    let _ = child.handle.signal(nix::libc::SIGKILL);
                    let _ = waitpid(child.pid, None);
                }
            }
            Err(error) => self.fail(&request, &error),
        }
    }

    fn start(&mut self, permit: Permit) -> io::Result<(Child, bool)> {
        let session = &self.shared.session;
        let held = match self.held.take() {
            Some(held) => held,
            None => self.claim.hold(permit.request(), session)?,
        };
        let program = held.program?;
        session.audit.escalated(permit.request(), &held.dropped);
        self.connection.tell(&FromBroker::Escalate)?;
        let descriptors = self.connection.descriptors()?;
        let wrapper = self.connection.process()?;
        let (inherited, same_group) =
            stand_in::inherited(wrapper, descriptors, self.claim.blocked)?;
        let escalation = Escalation {
            permit,
            program,
            environment: held.environment,
            directory: held.directory,
        };
        Ok((escalation.launch(inherited)?.start()?, same_group))
    }

    /// Passes signals to the program and its end to the wrapper.
    fn attend(&mut self, child: &Child, same_group: bool) -> io::Result<()> {
        let registered = self.shared.children.add(child.pid)?;
        loop {
            while let Some(change) = child::change(child.pid) {
                let answer = match change {
                    Change::Exited(status) => FromBroker::Exited(status),
                    Change::Killed(signal) => FromBroker::Killed(signal),
                    Change::Stopped => FromBroker::Stopped,
                    Change::Continued => continue,
                };
                let told = self.connection.tell(&answer);
                if answer != FromBroker::Stopped {
                    return Ok(());
                }
                told?;
            }
            let mut watched = [
                PollFd::new(self.connection.stream.as_fd(), PollFlags::POLLIN),
                PollFd::new(registered.bell(), PollFlags::POLLIN),
            ];
            while poll(&mut watched, PollTimeout::NONE) == Err(nix::errno::Errno::EINTR) {}
            let [spoken, _] = watched.map(|fd| fd.any().unwrap_or(true));
            registered.heard();
            if spoken {
                self.forward(child, same_group)?;
            }
        }
    }

    fn forward(&mut self, child: &Child, same_group: bool) -> io::Result<()> {
        let Connection { stream, reader } = &mut self.connection;
        if reader.fill(&*stream, MsgFlags::MSG_DONTWAIT)? == Fill::End {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while let Some(frame) = reader.frame()? {
            let FromWrapper::Signal { number, code } = FromWrapper::read(&frame)? else {
                return Err(malformed("no signal comes"));
            };
            // One typed at the terminal has reached the whole group.
            if !(same_group && code == stand_in::FROM_KERNEL) {
                // It may have ended this moment.
                let _ = child.handle.signal(number);
            }
        }
        Ok(())
    }

    fn ask(mut self, question: Question) {
        let session = Arc::clone(&self.shared.session);
        let Some(open) = self.shared.asking.open() else {
            return self.unasked(question, "too many questions are open");
        };
        let held = match self.claim.hold(question.request(), &session) {
            Ok(held) => held,
            Err(error) => return self.fail(question.request(), &error),
        };
        let question = question.without(&held.dropped);
        self.held = Some(held);
        let answer = session
            .approver
            .ask(&question, self.connection.stream.as_fd());
        drop(open);
        flow::resume(question, answer, self, &session.audit);
    }

    /// Nobody is asked, so that it is refused.
    fn unasked(self, question: Question, why: &str) {
        let audit = Arc::clone(&self.shared.session.audit);
        flow::resume(question, Answer::No(why.into()), self, &audit);
    }
}

impl Exec for WrappedExec {
    fn inside(self, _: Request) {
        self.run(false);
    }

    fn outside(self, permit: Permit) {
        let profiled = match self.shared.session.profiles.policy(permit.profiles()) {
            Ok(None) => false,
            Ok(Some(policy)) => policy.mode != Mode::DangerFullAccess,
            Err(_) => true,
        };
        if profiled {
            let error = io::Error::other("a profile needs the kernel interceptor");
            return self.fail(permit.request(), &error);
        }
        if self.startup {
            return self.inside(permit.into_request());
        }
        if self.shared.session.writable.is_none() {
            return self.run(true);
        }
        self.apart(move |exec| exec.escalate(permit));
    }

    fn refuse(self, refusal: &Refusal) {
        self.deny(refusal.message());
    }

    fn wait(self, question: Box<Question>) {
        if self.startup {
            return self.inside(question.into_request());
        }
        if limits::weigh(&question.request().argv) > limits::QUESTION {
            return self.unasked(*question, "the command is too long to be asked about");
        }
        self.apart(move |exec| exec.ask(*question));
    }
}
