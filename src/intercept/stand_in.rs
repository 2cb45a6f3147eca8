//! A process that stands in for a program outside: what it stands for, and what it is told.

use std::fmt::Display;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc::{SIGCHLD, SIGKILL};
use nix::unistd::Pid;

use super::call::low_half;
use super::groups::Groups;
use super::job::StandInProcess;
use super::memory::Memory;
use super::profiled::ProfiledNews;
use super::{caller, limits, verify};
use crate::act::escalate::Escalation;
use crate::approve::place::Confinement;
use crate::audit::ExecRecord;
use crate::request::{Request, argv};
use crate::sys::change::{self, Change};
use crate::sys::child::{self, Child, Group, Inherited, Launch};
use crate::sys::listener::{Notification, Waiting};
use crate::sys::pidfd::PidFd;
use crate::sys::proxy_image::{BUFFER, HELLO, ProxyOrder, SIGNALLED};
use crate::sys::say;

/// What a proxy is there for.
#[derive(Debug)]
pub enum ProxyRole {
    /// To say these words and fail.
    Refuse(String),
    /// To be the process that the caller of this program waits for.
    Start(Box<Escalation>, ExecRecord),
}

impl ProxyRole {
    /// Says that the caller was killed, who was about to become the proxy and became something else.
    pub fn tell_of_kill(self) {
        match self {
            Self::Refuse(words) => {
                say::line(&format!("{words} (and it tried to start anyway: killed)"));
            }
            Self::Start(escalation, record) => {
                verify::tell_of_kill(&escalation.permit.request().argv, record);
            }
        }
    }

    /// Nothing comes of it; why not, in words.
    pub fn failed(self, why: &dyn Display) {
        match self {
            Self::Refuse(_) => {}
            Self::Start(_, record) => record.failed(why),
        }
    }

    /// The memory of its strings, in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Refuse(words) => words.len(),
            Self::Start(escalation, _) => limits::weigh_escalation(escalation),
        }
    }
}

/// A program outside, or one that is about to start, and the process that stands in for it.
#[derive(Debug)]
pub struct StandIn<L> {
    /// The way to that process.
    pub(super) link: L,
    process: StandInProcess,
    program: ProgramState,
    /// Others may join it while the program runs.
    _group: Group,
    /// Whether the terminal's signals reach the program without our help.
    same_group: bool,
    has_ended: bool,
}

#[derive(Debug)]
enum ProgramState {
    Starting {
        command: String,
        record: ExecRecord,
    },
    Running(Child),
    /// It runs in a sandbox of its own; of its end we hear from there.
    InProfile(PidFd),
}

/// How the process that stands in for a program is told of it.
pub trait StandInLink {
    /// The program runs.
    fn started(&mut self);
    /// It does not run, and why, in a line.
    fn failed(&mut self, words: &str);
    /// It has stopped or ended.
    fn changed(&mut self, process: &mut StandInProcess, change: Change);
}

/// The way to a proxy: its question is answered.
#[derive(Debug)]
pub struct Proxy {
    /// The first one waits until it is known how the start went.
    question: Waiting,
    ended: Option<ProxyOrder>,
}

/// What became of a proxy's first question.
#[derive(Debug)]
pub enum Begun {
    /// It speaks and ends.
    Speaking(ProxyOrder),
    /// It speaks and asks again.
    Telling(ProxyOrder, ProxyRole),
    /// Its program is to be started so.
    Starting {
        /// The proxy.
        stand_in: Box<StandIn<Proxy>>,
        /// The program.
        launch: Box<Launch>,
        /// Where.
        place: Confinement,
    },
}

/// Takes a proxy's first question: says what it is to say, or how its program is started.
///
/// # Errors
/// The proxy is gone.
pub fn begin(question: &Waiting, role: ProxyRole, groups: &Groups) -> io::Result<Begun> {
    let Notification { args, tid: pid, .. } = question.notification;
    let [kind, mask, ..] = args;
    if kind != HELLO {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let (mut escalation, record) = match role {
        ProxyRole::Refuse(words) => {
            return Ok(Begun::Speaking(ProxyOrder::Say(write(question, &words)?)));
        }
        ProxyRole::Start(escalation, record) => (escalation, record),
    };
    if let Some(note) = escalation.note.take() {
        let order = ProxyOrder::Tell(write(question, &note)?);
        return Ok(Begun::Telling(order, ProxyRole::Start(escalation, record)));
    }
    let place = escalation.permit.confinement().cloned();
    let place = place.ok_or(io::ErrorKind::PermissionDenied)?;
    let command = command(escalation.permit.request());
    let proxy = StandInProcess::open(pid)?;
    let launch = descriptors(pid, proxy.handle())
        .and_then(|descriptors| launch(*escalation, pid, descriptors, mask, groups));
    let (launch, same_group) = match launch {
        Ok(launch) => launch,
        Err(error) => {
            record.failed(&error);
            let words = failure(&command, &error);
            return Ok(Begun::Speaking(ProxyOrder::Say(write(question, &words)?)));
        }
    };
    let link = Proxy {
        question: question.clone(),
        ended: None,
    };
    let stand_in = StandIn::new(link, proxy, command, record, &launch, same_group);
    Ok(Begun::Starting {
        stand_in: Box::new(stand_in),
        launch: Box::new(launch),
        place,
    })
}

/// The command as a message names it.
pub(super) fn command(request: &Request) -> String {
    argv::bounded(&request.argv, BUFFER / 4)
}

/// What is said where a program does not start.
pub(super) fn failure(command: &str, error: &dyn Display) -> String {
    let error = argv::visible(&error.to_string());
    format!("codex-shell: error: {command}: can't be run outside: {error}")
}

/// Puts a line into the proxy's buffer; how long it is.
fn write(question: &Waiting, words: &str) -> io::Result<u16> {
    let Notification {
        args, tid, arch, ..
    } = question.notification;
    let [_, _, buffer, ..] = args;
    let mut text: Vec<u8> = words.bytes().take(BUFFER - 1).collect();
    text.push(b'\n');
    Memory::of(tid, arch).write(buffer, &text)?;
    Ok(u16::try_from(text.len()).unwrap_or(0))
}

fn descriptors(pid: Pid, proxy: &PidFd) -> io::Result<Vec<(OwnedFd, RawFd)>> {
    let numbers = caller::descriptors(pid)?;
    let descriptors = numbers.into_iter().map(|n| Ok((proxy.descriptor(n)?, n)));
    descriptors.collect()
}

/// A program to which the end of its children is not told takes each for one that succeeded.
const CHILDREN_END: u64 = 1 << (SIGCHLD - 1);

/// The same with nothing to read or write where a standard stream is closed: the program would take a file that
/// it opens for that.
fn with_standard_streams(
    mut descriptors: Vec<(OwnedFd, RawFd)>,
) -> io::Result<Vec<(OwnedFd, RawFd)>> {
    for number in 0..3 {
        if !descriptors.iter().any(|(_, known)| *known == number) {
            let nothing = File::options().read(true).write(true).open("/dev/null")?;
            descriptors.push((nothing.into(), number));
        }
    }
    Ok(descriptors)
}

/// How the program is started for the process `pid`, which stands in for it and has from its caller what
/// the program takes over; and whether it stays in the same process group.
///
/// # Errors
/// The process is gone, or may not be looked at; or as for [`Escalation::launch`].
pub(super) fn launch(
    escalation: Escalation,
    pid: Pid,
    descriptors: Vec<(OwnedFd, RawFd)>,
    blocked: u64,
    groups: &Groups,
) -> io::Result<(Launch, bool)> {
    let status = caller::status(pid)?;
    let (group, same_group) = groups.place(pid, &status)?;
    let inherited = Inherited {
        descriptors: with_standard_streams(descriptors)?,
        umask: escalation.bounds.umask,
        limits: escalation.bounds.limits.clone(),
        nice: child::nice(pid),
        ignored: status.ignored & !CHILDREN_END,
        blocked,
        group,
    };
    Ok((escalation.launch(inherited)?, same_group))
}

impl<L: StandInLink> StandIn<L> {
    /// For a program that is about to be started so.
    pub(super) fn new(
        link: L,
        process: StandInProcess,
        command: String,
        record: ExecRecord,
        launch: &Launch,
        same_group: bool,
    ) -> Self {
        Self {
            link,
            process,
            program: ProgramState::Starting { command, record },
            _group: launch.inherited.group.clone(),
            same_group,
            has_ended: false,
        }
    }

    /// Readable once the process is dead.
    pub fn process(&self) -> BorrowedFd<'_> {
        self.process.handle().as_fd()
    }

    /// Whether the program runs, or has run.
    pub(super) fn is_started(&self) -> bool {
        self.program.handle().is_some()
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The program was started, or could not be; the process is told. Whether it goes on.
    pub fn started(&mut self, child: io::Result<Child>) -> bool {
        match child {
            Ok(child) => {
                self.runs(ProgramState::Running(child));
                self.look();
                true
            }
            Err(error) => self.failed(&error),
        }
    }

    /// The same for news of a program in a sandbox of its own. In a session of its own too, the terminal's
    /// signals don't reach it without our help.
    pub fn take(&mut self, news: ProfiledNews) -> bool {
        match news {
            ProfiledNews::Started {
                program,
                own_session,
            } => {
                self.same_group &= !own_session;
                self.runs(ProgramState::InProfile(program));
                true
            }
            ProfiledNews::Changed(change) => self.changed(change),
            ProfiledNews::Failed(reason) => self.failed(&reason),
        }
    }

    fn runs(&mut self, program: ProgramState) {
        if let ProgramState::Starting { record, .. } = &mut self.program {
            std::mem::take(record).ran();
            self.link.started();
            self.program = program;
        }
    }

    fn failed(&mut self, reason: &dyn Display) -> bool {
        let ProgramState::Starting { command, record } = &mut self.program else {
            return true;
        };
        std::mem::take(record).failed(reason);
        self.link.failed(&failure(command, reason));
        false
    }

    /// The process has got a signal, which is passed on if it is meant for the program.
    pub(super) fn pass_on(&mut self, signal: i32, code: i32) {
        if let Some(program) = self.program.handle() {
            self.process.pass_on(program, signal, code, self.same_group);
        }
    }

    /// Whether the process is to stop now: asked only in order to tell it.
    pub(super) fn stops(&mut self) -> bool {
        self.process.stops()
    }

    /// Looks whether something happened to the program.
    pub fn look(&mut self) {
        let ProgramState::Running(program) = &self.program else {
            return;
        };
        let pid = program.pid;
        while let Some(change) = change::change(pid) {
            self.changed(change);
        }
    }

    /// Something happened to the program, which the process follows.
    fn changed(&mut self, change: Change) -> bool {
        if !self.is_started() {
            return self.failed(&"its sandbox has ended");
        }
        if self.has_ended {
            return true;
        }
        self.has_ended = change.is_end();
        self.process.follow(self.program.handle(), change);
        if change != Change::Continued {
            self.link.changed(&mut self.process, change);
        }
        true
    }
}

impl ProgramState {
    fn handle(&self) -> Option<&PidFd> {
        match self {
            Self::Starting { .. } => None,
            Self::Running(program) => Some(&program.handle),
            Self::InProfile(program) => Some(program),
        }
    }
}

/// Programs of ours that were killed, since nobody stands in for them, and are still to be collected.
#[derive(Debug, Default)]
pub(super) struct Killed(Vec<Pid>);

impl Killed {
    /// Ends what `stand_in` stands in for. Returns which it was, if it is a child of ours.
    pub(super) fn end<L: StandInLink>(&mut self, stand_in: &mut StandIn<L>) -> Option<Pid> {
        let program = stand_in.program.handle()?;
        if !stand_in.has_ended {
            let _ = program.signal(SIGKILL);
        }
        let ProgramState::Running(child) = &stand_in.program else {
            return None;
        };
        self.0.extend((!stand_in.has_ended).then_some(child.pid));
        Some(child.pid)
    }

    /// Ends one that has just started.
    pub(super) fn kill(&mut self, child: &Child) {
        let _ = child.handle.signal(SIGKILL);
        self.0.push(child.pid);
    }

    /// Collects those that have ended.
    pub(super) fn look(&mut self) {
        self.0.retain(|&pid| {
            let mut changes = std::iter::from_fn(|| change::change(pid));
            !changes.any(Change::is_end)
        });
    }
}

impl StandInLink for Proxy {
    fn started(&mut self) {
        self.question.answer(ProxyOrder::Wait.encode());
    }

    fn failed(&mut self, words: &str) {
        match write(&self.question, words) {
            Ok(length) => self.question.answer(ProxyOrder::Say(length).encode()),
            Err(_) => self.question.fail(Errno::EPERM),
        }
    }

    fn changed(&mut self, process: &mut StandInProcess, change: Change) {
        self.ended = match change {
            Change::Exited(status) => Some(ProxyOrder::Exit(status)),
            Change::Killed(signal) => Some(ProxyOrder::Die(signal)),
            Change::Stopped(_) | Change::Continued => None,
        };
        process.wake();
    }
}

impl StandIn<Proxy> {
    /// Answers a later question of the proxy: passes the signal on, and tells of a stop or the end.
    pub fn answer(&mut self, question: &Notification) -> ProxyOrder {
        let [kind, signal, _, code, ..] = question.args;
        if let Some(order) = self.link.ended {
            return order;
        }
        if kind == SIGNALLED {
            self.pass_on(low_half(signal), low_half(code));
        }
        if self.stops() {
            ProxyOrder::Stop
        } else {
            ProxyOrder::Wait
        }
    }
}
