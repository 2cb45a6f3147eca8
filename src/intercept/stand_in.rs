//! A process that was made to run the proxy: what it stands for, and what it is told.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::libc::{SIGKILL, SIGURG};
use nix::unistd::{Pid, getpgid, getpgrp, getsid};

use super::call::low_half;
use super::memory::Memory;
use super::{caller, limits};
use crate::act::escalate::Escalation;
use crate::sys::child::{self, Change, Child, Group, Inherited, Launch};
use crate::sys::listener::{Notification, Waiting};
use crate::sys::pidfd::PidFd;
use crate::sys::proxy_image::{BUFFER, HELLO, Order, SIGNALLED};

/// `si_code` of a signal from the kernel, such as one typed at the terminal.
const FROM_KERNEL: i32 = 0x80;

/// What a proxy is there for.
#[derive(Debug)]
pub enum Role {
    /// To say these words and fail.
    Refuse(String),
    /// To be the process that the caller of this program waits for.
    Start(Box<Escalation>),
}

impl Role {
    /// The memory of its strings, in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Refuse(words) => words.len(),
            Self::Start(escalation) => {
                limits::weigh(&escalation.permit.request().argv)
                    + limits::weigh(&escalation.program.argv)
                    + limits::weigh(&escalation.environment)
            }
        }
    }
}

/// A proxy whose program runs, or is about to.
#[derive(Debug)]
pub struct StandIn {
    proxy: PidFd,
    program: Program,
    /// Whether the terminal's signals reach the program without our help.
    same_group: bool,
    ended: Option<Order>,
    stop: bool,
}

#[derive(Debug)]
enum Program {
    /// The proxy's first question waits until it is known how the start went.
    Starting {
        question: Waiting,
        command: String,
    },
    Running(Child),
}

/// What became of a proxy's first question.
#[derive(Debug)]
pub enum Begun {
    /// It speaks and ends.
    Speaking(Order),
    /// Its program is to be started so.
    Starting {
        /// The proxy.
        stand_in: Box<StandIn>,
        /// The program.
        launch: Box<Launch>,
        /// What it starts is nobody's to judge.
        unconfined: bool,
    },
}

/// Takes a proxy's first question: says what it is to say, or how its program is started.
///
/// # Errors
/// The proxy is gone.
pub fn begin(question: &Waiting, role: Role) -> io::Result<Begun> {
    let Notification { args, tid: pid, .. } = question.notification;
    let [kind, mask, ..] = args;
    if kind != HELLO {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let escalation = match role {
        Role::Refuse(words) => return Ok(Begun::Speaking(speak(question, &words)?)),
        Role::Start(escalation) => escalation,
    };
    let command = crate::request::argv::bounded(&escalation.permit.request().argv, BUFFER / 4);
    let unconfined = escalation.permit.is_unconfined();
    let proxy = PidFd::open(pid)?;
    let launch = inherited(pid, &proxy, mask)
        .and_then(|(inherited, same_group)| Ok((escalation.launch(inherited)?, same_group)));
    let (launch, same_group) = match launch {
        Ok(launch) => launch,
        Err(error) => return Ok(Begun::Speaking(failure(question, &command, &error)?)),
    };
    let stand_in = StandIn {
        proxy,
        program: Program::Starting {
            question: question.clone(),
            command,
        },
        same_group,
        ended: None,
        stop: false,
    };
    Ok(Begun::Starting {
        stand_in: Box::new(stand_in),
        launch: Box::new(launch),
        unconfined,
    })
}

fn failure(question: &Waiting, command: &str, error: &io::Error) -> io::Result<Order> {
    let words = format!("codex-shell: error: {command}: can't be run outside: {error}");
    speak(question, &words)
}

fn speak(question: &Waiting, words: &str) -> io::Result<Order> {
    let Notification {
        args, tid, arch, ..
    } = question.notification;
    let [_, _, buffer, ..] = args;
    let mut text: Vec<u8> = words.bytes().take(BUFFER - 1).collect();
    text.push(b'\n');
    Memory::of(tid, arch).write(buffer, &text)?;
    Ok(Order::Say(u16::try_from(text.len()).unwrap_or(0)))
}

/// What the program takes over from the proxy, which has it from the caller; and whether it stays
/// in the same process group.
fn inherited(pid: Pid, proxy: &PidFd, blocked: u64) -> io::Result<(Inherited, bool)> {
    let status = caller::status(pid)?;
    let numbers = caller::descriptors(pid)?;
    let descriptors = numbers.into_iter().map(|n| Ok((proxy.descriptor(n)?, n)));
    let (group, same_group) = match (getsid(Some(pid))?, getpgid(Some(pid))?) {
        (session, _) if session != getsid(None)? => (Group::NewSession, false),
        (_, group) if group == getpgrp() => (Group::Same, true),
        (_, group) => (Group::Join(group), true),
    };
    let inherited = Inherited {
        descriptors: descriptors.collect::<io::Result<_>>()?,
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
        self.proxy.as_fd()
    }

    /// The program was started, or could not be; the proxy is told. Whether it goes on.
    pub fn started(&mut self, child: io::Result<Child>) -> bool {
        let Program::Starting { question, command } = &self.program else {
            return true;
        };
        match child {
            Ok(child) => {
                question.answer(Order::Wait.encode());
                self.program = Program::Running(child);
                self.look();
                true
            }
            Err(error) => {
                match failure(question, command, &error) {
                    Ok(order) => question.answer(order.encode()),
                    Err(_) => question.fail(Errno::EPERM),
                }
                false
            }
        }
    }

    /// Answers a later question of the proxy: passes the signal on, or tells what happened.
    pub fn answer(&mut self, question: &Notification) -> Order {
        let [kind, signal, _, code, ..] = question.args;
        if let Some(order) = self.ended {
            return order;
        }
        if std::mem::take(&mut self.stop) {
            return Order::Stop;
        }
        let typed = self.same_group && low_half(code) == FROM_KERNEL;
        if let Program::Running(program) = &self.program
            && kind == SIGNALLED
            && !typed
            && low_half(signal) != SIGURG
        {
            // It may have ended this moment; the proxy is told of that next.
            let _ = program.handle.signal(low_half(signal));
        }
        Order::Wait
    }

    /// Looks whether the program has ended or stopped, and wakes the proxy to be told.
    pub fn look(&mut self) {
        let Program::Running(program) = &self.program else {
            return;
        };
        while let Some(change) = child::change(program.pid) {
            match change {
                Change::Exited(status) => self.ended = Some(Order::Exit(status)),
                Change::Killed(signal) => self.ended = Some(Order::Die(signal)),
                Change::Stopped => self.stop = true,
                Change::Continued => self.stop = false,
            }
            if change != Change::Continued {
                let _ = self.proxy.signal(SIGURG);
            }
        }
    }

    /// Kills the program if it still runs: nobody waits for it any more. Returns which it was.
    pub fn end(&mut self) -> Option<Pid> {
        let Program::Running(program) = &self.program else {
            return None;
        };
        if self.ended.is_none() {
            let _ = program.handle.signal(SIGKILL);
        }
        Some(program.pid)
    }
}
