//! The broker: what wrappers ask for, pass and hear, each as far as it has come.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::MsgFlags;
use nix::unistd::Pid;

use super::claim::Claim;
use super::conversation::{Connection, Passing, Wrapped, Wrapper};
use crate::approve::place::{Confinement, Inheritance};
use crate::confine::Holding;
use crate::flow;
use crate::intercept::asking::Asking;
use crate::intercept::event_loop::{After, Intercept};
use crate::intercept::exec::{Answerer, StoppedExec};
use crate::intercept::groups::Groups;
use crate::intercept::job::StandInProcess;
use crate::intercept::limits::Load;
use crate::intercept::profiled::Profiled;
use crate::intercept::refused::SandboxRefusals;
use crate::intercept::session::{Phase, Session};
use crate::intercept::stand_in::{self, Killed, StandIn};
use crate::request::Originals;
use crate::sys::{messages, tree};
use crate::wire::frame::{Fill, Frame, LONGEST, Reader};
use crate::wire::{ASK, STARTED};

/// So much is read at once, in bytes: a usual request whole.
const CHUNK: usize = 68 * 1024;
/// And once it is there: what follows is short.
const LATER: usize = 4096;
/// As many requests may be on their way to us at once.
const REQUESTS: usize = 256;
/// And as many bytes, in long ones.
const BYTES: usize = 4 * LONGEST;
/// As many programs run outside at once, or are about to.
const OUTSIDE: usize = 256;

/// Answers wrappers.
pub(in crate::intercept) struct Broker {
    pub(super) session: Arc<Session>,
    /// `None` once nobody in the sandbox can write to it.
    socket: Option<OwnedFd>,
    pub(super) asking: Asking<Wrapped>,
    pub(super) groups: Groups,
    /// Programs that have a sandbox of their own, for the conversations that they are for.
    profiled: Profiled<u64>,
    conversations: HashMap<u64, Conversation>,
    next: u64,
    killed: Killed,
    /// What reads a text that names no interpreter.
    pub(super) script_shell: PathBuf,
    originals: Originals,
    /// A login shell's start-up files are being read.
    pub(super) startup: bool,
    /// Something was started outside.
    went_outside: bool,
    /// What keeps held what the sandbox holds.
    holding: Option<Holding>,
}

/// How far a wrapper has come that waits, or is waited for.
enum Conversation {
    /// Its request is on the way.
    Asks(Connection),
    /// It was told to pass its descriptors.
    Passes(Box<Passing>),
    /// It stands in for a program.
    StandsIn(Box<StandIn<Wrapper>>),
}

/// What a broker attends to, in this order.
#[derive(Debug, Clone, Copy)]
pub(in crate::intercept) enum BrokerEvent {
    /// Somebody answered a question.
    Answer,
    /// A sandbox that a rule asked for has something to say.
    News(Pid),
    /// A wrapper goes on.
    Conversation(u64),
    /// A wrapper begins.
    Ask,
}

impl Broker {
    /// For a run that begins with `phase`, whose wrappers ask at `socket`.
    ///
    /// # Errors
    /// The kernel has no descriptor left.
    pub(in crate::intercept) fn new(
        session: Session,
        phase: Phase,
        socket: OwnedFd,
        script_shell: PathBuf,
        groups: Groups,
        holding: Option<Holding>,
    ) -> io::Result<Self> {
        Ok(Self {
            session: Arc::new(session),
            socket: Some(socket),
            asking: Asking::new()?,
            groups,
            profiled: Profiled::new(false),
            conversations: HashMap::new(),
            next: 0,
            killed: Killed::default(),
            script_shell,
            originals: Originals::default(),
            startup: phase == Phase::Shell { login: true },
            went_outside: false,
            holding,
        })
    }

    /// Takes one packet of the inherited socket, if there is one.
    fn accept(&mut self) {
        let Some(socket) = &self.socket else {
            return;
        };
        let (mut packet, mut fds) = ([0; 2], VecDeque::new());
        let flags = MsgFlags::MSG_DONTWAIT;
        match messages::receive_bytes(socket, &mut packet, flags, &mut fds) {
            Ok(0) => self.socket = None,
            Ok(_) => {}
            // Nobody but the sandboxed side can have caused it, to its own harm.
            Err(_) => return,
        }
        match packet {
            [ASK, _] => {
                if let Some(stream) = fds.pop_front() {
                    let reader = Reader::new(CHUNK);
                    // What makes no sense is dropped: the wrapper sees the end of its connection.
                    let _ = self.take_request(Connection { stream, reader });
                }
            }
            [STARTED, _] => self.startup = false,
            _ => {}
        }
    }

    /// Takes a wrapper's first frame as far as it can be read. What there is no room for is dropped.
    fn take_request(&mut self, mut connection: Connection) -> io::Result<()> {
        if connection.fill()? == Fill::End {
            return Ok(());
        }
        if let Some(frame) = connection.reader.frame()? {
            return self.consider(&frame, connection);
        }
        let (mut count, mut bytes) = (0, connection.reader.expected()?.unwrap_or(0));
        for conversation in self.conversations.values() {
            if let Conversation::Asks(other) = conversation {
                count += 1;
                bytes += other.reader.expected()?.unwrap_or(0);
            }
        }
        if count < REQUESTS && bytes <= BYTES {
            self.insert(Conversation::Asks(connection));
        }
        Ok(())
    }

    fn consider(&mut self, frame: &Frame, mut connection: Connection) -> io::Result<()> {
        let session = Arc::clone(&self.session);
        let reader = &mut connection.reader;
        let (mut request, claim) = Claim::read(frame, reader, &session, &self.originals)?;
        reader.take_at_most(LATER);
        if !self.startup {
            session.withhold(&mut request);
        }
        let audit = session.audit.during_startup(self.startup);
        let wrapped = Wrapped::new(connection, claim);
        let exec = StoppedExec::new(self, wrapped, Inheritance::Free);
        flow::consider(&session.rules, request, exec, &audit);
        Ok(())
    }

    /// Whether one more program may be outside, of which so many bytes are held until it starts.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let mut outside = 0;
        let mut weights = Vec::new();
        for conversation in self.conversations.values() {
            match conversation {
                Conversation::Asks(_) => continue,
                Conversation::Passes(passing) => weights.push(passing.weight()),
                Conversation::StandsIn(_) => {}
            }
            outside += 1;
        }
        let load: Load = weights.into_iter().collect();
        outside < OUTSIDE && load.has_room_for(bytes)
    }

    /// Waits for the descriptors of one that was told to pass them.
    pub(super) fn await_descriptors(&mut self, passing: Passing) {
        self.insert(Conversation::Passes(Box::new(passing)));
    }

    fn insert(&mut self, conversation: Conversation) -> u64 {
        let id = self.next;
        self.next += 1;
        self.conversations.insert(id, conversation);
        id
    }

    /// A wrapper has something to say, or is gone.
    fn go_on(&mut self, id: u64) {
        if let Some(Conversation::StandsIn(stand_in)) = self.conversations.get_mut(&id) {
            if stand_in.hear().is_err() {
                self.forget(id);
            }
            return;
        }
        match self.conversations.remove(&id) {
            Some(Conversation::Asks(connection)) => {
                // One that breaks off or makes no sense has nobody who waits for an answer.
                let _ = self.take_request(connection);
            }
            Some(Conversation::Passes(passing)) => self.take_descriptors(*passing),
            Some(Conversation::StandsIn(_)) | None => {}
        }
    }

    fn take_descriptors(&mut self, mut passing: Passing) {
        match passing.take() {
            Ok(None) => self.await_descriptors(passing),
            Ok(Some(descriptors)) => self.start(passing, descriptors),
            Err(error) => passing.fail(&error),
        }
    }

    /// Starts the program outside, where the permit says.
    fn start(&mut self, passing: Passing, descriptors: Vec<(OwnedFd, RawFd)>) {
        let Some(place) = passing.escalation.permit.confinement().cloned() else {
            return passing.fail(&Errno::EPERM);
        };
        let process = passing.connection.process();
        let process = process.and_then(|pid| Ok((pid, StandInProcess::open(pid)?)));
        let (pid, process) = match process {
            Ok(process) => process,
            Err(error) => return passing.fail(&error),
        };
        let Passing {
            connection,
            escalation,
            command,
            record,
            blocked,
            ..
        } = passing;
        let launch = stand_in::launch(escalation, pid, descriptors, blocked, &self.groups)
            // Its number could have been another's before.
            .and_then(|launch| match tree::is_below(self.groups.init(), pid) {
                Some(true) => Ok(launch),
                _ => Err(Errno::ESRCH.into()),
            });
        let (launch, same_group) = match launch {
            Ok(launch) => launch,
            Err(error) => {
                record.failed(&error);
                return connection.deny(stand_in::failure(&command, &error));
            }
        };
        let link = Wrapper::new(connection, self.holding.clone());
        let stand_in = StandIn::new(link, process, command, record, &launch, same_group);
        let id = self.insert(Conversation::StandsIn(Box::new(stand_in)));
        self.went_outside = true;
        let started = match place {
            Confinement::Profile(sandbox) => {
                let require = &self.session.require;
                match self.profiled.start(id, launch, &sandbox, require) {
                    Ok(()) => return,
                    Err(error) => Err(error),
                }
            }
            Confinement::Judged | Confinement::Unjudged => launch.start(),
        };
        self.tell(id, |stand_in| stand_in.started(started));
    }

    /// Tells a wrapper what becomes of its program, which has a sandbox of its own.
    fn take_news(&mut self, id: Pid) {
        if let Some((id, news)) = self.profiled.news(id) {
            self.tell(id, |stand_in| stand_in.take(news));
        }
    }

    /// Tells who stands in what has become of the program; `told` says whether it goes on.
    fn tell(&mut self, id: u64, told: impl FnOnce(&mut StandIn<Wrapper>) -> bool) {
        let Some(Conversation::StandsIn(stand_in)) = self.conversations.get_mut(&id) else {
            return;
        };
        // What was said before is for the program that runs now.
        let goes_on = told(stand_in) && stand_in.obey().is_ok() && !stand_in.has_ended();
        if !goes_on {
            self.forget(id);
        }
    }

    /// The wrapper has been told how its program ended, or is gone itself.
    fn forget(&mut self, id: u64) {
        self.profiled.forget(id);
        if let Some(Conversation::StandsIn(mut stand_in)) = self.conversations.remove(&id) {
            self.killed.end(&mut stand_in);
        }
    }
}

impl Intercept for Broker {
    type Event = BrokerEvent;

    fn sources<'a>(&'a self, mut look: impl FnMut(BrokerEvent, BorrowedFd<'a>, PollFlags)) {
        look(BrokerEvent::Answer, self.asking.bell(), PollFlags::POLLIN);
        for (id, channel, _) in self.profiled.sources() {
            look(BrokerEvent::News(id), channel, PollFlags::POLLIN);
        }
        for (&id, conversation) in &self.conversations {
            let (stream, wanted) = conversation.wants();
            look(BrokerEvent::Conversation(id), stream, wanted);
        }
        if let Some(socket) = &self.socket {
            look(BrokerEvent::Ask, socket.as_fd(), PollFlags::POLLIN);
        }
    }

    fn attend(&mut self, event: BrokerEvent, _: PollFlags) -> io::Result<After> {
        match event {
            BrokerEvent::Answer => self.take_answers(),
            BrokerEvent::News(id) => self.take_news(id),
            BrokerEvent::Conversation(id) => self.go_on(id),
            BrokerEvent::Ask => self.accept(),
        }
        Ok(After::GoesOn)
    }

    fn look(&mut self) {
        self.killed.look();
        let mut ended = Vec::new();
        for (&id, conversation) in &mut self.conversations {
            if let Conversation::StandsIn(stand_in) = conversation {
                stand_in.look();
                ended.extend(stand_in.has_ended().then_some(id));
            }
        }
        for id in ended {
            self.forget(id);
        }
    }

    fn is_asking(&self) -> bool {
        self.asking.is_open()
    }

    /// The first child of the sandbox's first process; what that adopts comes later.
    fn command(&self) -> Option<Pid> {
        let init = self.groups.init();
        let path = format!("/proc/{init}/task/{init}/children");
        let children = fs::File::open(path).and_then(io::read_to_string).ok()?;
        let first = children.split_ascii_whitespace().next()?;
        first.parse().ok().map(Pid::from_raw)
    }

    fn is_confined_to_the_sandbox(&self) -> bool {
        !self.went_outside && self.conversations.is_empty() && !self.asking.is_open()
    }

    /// Somebody outside may have the socket, whose end would tell otherwise.
    fn after_the_last_word(&self) -> After {
        After::Silence
    }

    fn end(&mut self) {
        self.profiled.end();
    }

    fn take_refused(&mut self) -> SandboxRefusals {
        SandboxRefusals::default()
    }
}

impl Conversation {
    /// What is to be looked at, and for what.
    fn wants(&self) -> (BorrowedFd<'_>, PollFlags) {
        match self {
            Self::Asks(connection) => (connection.stream.as_fd(), PollFlags::POLLIN),
            Self::Passes(passing) => (passing.connection.stream.as_fd(), PollFlags::POLLIN),
            // A signal for a program that does not run yet waits.
            Self::StandsIn(stand_in) => {
                let wanted = if stand_in.is_started() {
                    PollFlags::POLLIN
                } else {
                    PollFlags::empty()
                };
                (stand_in.link.stream(), wanted)
            }
        }
    }
}
