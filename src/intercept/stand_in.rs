//! A process that was made to run the proxy: what it stands for, and what it is told.

use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc::SIGKILL;
use nix::unistd::Pid;

use super::call::low_half;
use super::groups::Groups;
use super::job::StandInProcess;
use super::memory::Memory;
use super::{caller, limits, verify};
use crate::act::escalate::Escalation;
use crate::approve::place::Confinement;
use crate::audit::ExecRecord;
use crate::sys::change::{self, Change};
use crate::sys::child::{self, Child, Group, Inherited, Launch};
use crate::sys::listener::{Notification, Waiting};
use crate::sys::pidfd::PidFd;
use crate::sys::proxy_image::{BUFFER, HELLO, Order, SIGNALLED};
use crate::sys::say;

/// What a proxy is there for.
#[derive(Debug)]
pub enum Role {
    /// To say these words and fail.
    Refuse(String),
    /// To be the process that the caller of this program waits for.
    Start(Box<Escalation>, ExecRecord),
}

impl Role {
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
            Self::Start(escalation, _) => {
                limits::weigh_request(escalation.permit.request())
                    + limits::weigh(&escalation.program.argv)
                    + limits::weigh(&escalation.environment)
                    + escalation.note.as_ref().map_or(0, String::len)
            }
        }
    }
}

/// A proxy whose program runs, or is about to.
#[derive(Debug)]
pub struct StandIn {
    proxy: StandInProcess,
    program: Program,
    /// Others may join it while the program runs.
    _group: Group,
    /// Whether the terminal's signals reach the program without our help.
    same_group: bool,
    ended: Option<Order>,
}

#[derive(Debug)]
enum Program {
    /// The proxy's first question waits until it is known how the start went.
    Starting {
        question: Waiting,
        command: String,
        record: ExecRecord,
    },
    Running(Child),
    /// It runs in a sandbox of its own; of its end we hear from there.
    InProfile(PidFd),
}

/// What became of a proxy's first question.
#[derive(Debug)]
pub enum Begun {
    /// It speaks and ends.
    Speaking(Order),
    /// It speaks and asks again.
    Telling(Order, Role),
    /// Its program is to be started so.
    Starting {
        /// The proxy.
        stand_in: Box<StandIn>,
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
pub fn begin(question: &Waiting, role: Role, groups: &Groups) -> io::Result<Begun> {
    let Notification { args, tid: pid, .. } = question.notification;
    let [kind, mask, ..] = args;
    if kind != HELLO {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let (mut escalation, record) = match role {
        Role::Refuse(words) => {
            return Ok(Begun::Speaking(Order::Say(write(question, &words)?)));
        }
        Role::Start(escalation, record) => (escalation, record),
    };
    if let Some(note) = escalation.note.take() {
        let order = Order::Tell(write(question, &note)?);
        return Ok(Begun::Telling(order, Role::Start(escalation, record)));
    }
    let place = escalation.permit.confinement().cloned();
    let place = place.ok_or(io::ErrorKind::PermissionDenied)?;
    let command = crate::request::argv::bounded(&escalation.permit.request().argv, BUFFER / 4);
    let proxy = StandInProcess::open(pid)?;
    let launch = descriptors(pid, proxy.handle())
        .and_then(|descriptors| inherited(pid, descriptors, mask, groups))
        .and_then(|(inherited, same_group)| Ok((escalation.launch(inherited)?, same_group)));
    let (launch, same_group) = match launch {
        Ok(launch) => launch,
        Err(error) => {
            record.failed(&error);
            return Ok(Begun::Speaking(failure(question, &command, &error)?));
        }
    };
    let stand_in = StandIn {
        _group: launch.inherited.group.clone(),
        proxy,
        program: Program::Starting {
            question: question.clone(),
            command,
            record,
        },
        same_group,
        ended: None,
    };
    Ok(Begun::Starting {
        stand_in: Box::new(stand_in),
        launch: Box::new(launch),
        place,
    })
}

fn failure(question: &Waiting, command: &str, error: &dyn Display) -> io::Result<Order> {
    let words = format!("codex-shell: error: {command}: can't be run outside: {error}");
    Ok(Order::Say(write(question, &words)?))
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

/// What the program takes over from whoever stands in for it, which has it from the caller; and
/// whether it stays in the same process group.
///
/// # Errors
/// The process is gone, or may not be looked at.
pub(super) fn inherited(
    pid: Pid,
    descriptors: Vec<(OwnedFd, RawFd)>,
    blocked: u64,
    groups: &Groups,
) -> io::Result<(Inherited, bool)> {
    let status = caller::status(pid)?;
    let (group, same_group) = groups.place(pid, &status)?;
    let inherited = Inherited {
        descriptors,
        umask: status.umask,
        limits: child::limits(pid)?,
        nice: child::nice(pid),
        ignored: status.ignored,
        blocked,
        group,
    };
    Ok((inherited, same_group))
}

impl StandIn {
    /// Readable once the proxy is dead.
    pub fn proxy(&self) -> BorrowedFd<'_> {
        self.proxy.handle().as_fd()
    }

    /// The program was started, or could not be; the proxy is told. Whether it goes on.
    pub fn started(&mut self, child: io::Result<Child>) -> bool {
        match child {
            Ok(child) => {
                self.runs(Program::Running(child));
                self.look();
                true
            }
            Err(error) => self.failed(&error),
        }
    }

    /// The same for a program in a sandbox of its own. In a session of its own too, the terminal's
    /// signals don't reach it without our help.
    pub fn started_in_profile(&mut self, program: PidFd, own_session: bool) -> bool {
        self.same_group &= !own_session;
        self.runs(Program::InProfile(program));
        true
    }

    fn runs(&mut self, program: Program) {
        if let Program::Starting {
            question, record, ..
        } = &mut self.program
        {
            std::mem::take(record).ran();
            question.answer(Order::Wait.encode());
            self.program = program;
        }
    }

    /// The program does not run; the proxy is told. Whether it goes on.
    pub fn failed(&mut self, reason: &dyn Display) -> bool {
        let Program::Starting {
            question,
            command,
            record,
        } = &mut self.program
        else {
            return true;
        };
        std::mem::take(record).failed(reason);
        match failure(question, command, reason) {
            Ok(order) => question.answer(order.encode()),
            Err(_) => question.fail(Errno::EPERM),
        }
        false
    }

    /// Answers a later question of the proxy: passes the signal on, and tells of a stop or the end.
    pub fn answer(&mut self, question: &Notification) -> Order {
        let [kind, signal, _, code, ..] = question.args;
        if let Some(order) = self.ended {
            return order;
        }
        if let Some(program) = self.program.handle()
            && kind == SIGNALLED
        {
            let (signal, code) = (low_half(signal), low_half(code));
            self.proxy.pass_on(program, signal, code, self.same_group);
        }
        if self.proxy.stops() {
            Order::Stop
        } else {
            Order::Wait
        }
    }

    /// Looks whether something happened to the program.
    pub fn look(&mut self) {
        let Program::Running(program) = &self.program else {
            return;
        };
        let pid = program.pid;
        while let Some(change) = change::change(pid) {
            self.changed(change);
        }
    }

    /// Something happened to the program, which the proxy follows. Whether it goes on.
    pub fn changed(&mut self, change: Change) -> bool {
        if matches!(self.program, Program::Starting { .. }) {
            return self.failed(&"its sandbox has ended");
        }
        if self.ended.is_some() {
            return true;
        }
        self.ended = match change {
            Change::Exited(status) => Some(Order::Exit(status)),
            Change::Killed(signal) => Some(Order::Die(signal)),
            Change::Stopped(_) | Change::Continued => None,
        };
        self.proxy.follow(self.program.handle(), change);
        if change != Change::Continued {
            self.proxy.wake();
        }
        true
    }

    /// Kills the program if it still runs: nobody waits for it any more. Returns which it was.
    pub fn end(&mut self) -> Option<Pid> {
        let program = self.program.handle()?;
        if self.ended.is_none() {
            let _ = program.signal(SIGKILL);
        }
        match &self.program {
            Program::Running(program) => Some(program.pid),
            Program::Starting { .. } | Program::InProfile(_) => None,
        }
    }
}

impl Program {
    fn handle(&self) -> Option<&PidFd> {
        match self {
            Self::Starting { .. } => None,
            Self::Running(program) => Some(&program.handle),
            Self::InProfile(program) => Some(program),
        }
    }
}
