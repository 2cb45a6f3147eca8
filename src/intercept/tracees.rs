//! Threads that we trace: to replace what they execute, or to see what it was.
//!
//! **One thread of a process at a time.** A thread that executes ends the others, takes over the number of
//! the process, and waits until all tracers have noticed the others' end; who begins to trace a thread of
//! the process waits for that exec in turn (`cred_guard_mutex` in the kernel's `fs/exec.c`, ptrace(2)). With
//! two that are traced, each would wait for the other, and it could not be told whose exec it was. So the
//! exec of a second one waits until the first is let alone.
//!
//! # Replacing an exec
//!
//! A notification can't change a system call, but a tracer can. The supervisor puts a copy of the proxy's
//! file into the caller (a descriptor that the listener adds), seizes the calling thread with ptrace, and
//! answers the notification so that the kernel starts the call over. The thread stops on its way; the
//! supervisor sets its registers to `execveat(fd, "", argv, envp, AT_EMPTY_PATH)` and lets go. The empty
//! string is the end of the caller's own path. Only registers change: nothing is written to the caller's
//! memory, which a `vfork` parent may share. The new call is stopped by the listener as well, and passes when
//! it is exactly the one that was set up. The string and the descriptor are the caller's to change, so the
//! thread stays traced until it runs the proxy's file; one inside that runs another is killed. `execveat`
//! with `AT_EXECVE_CHECK` starts nothing: what is forbidden is answered with EACCES, the rest by the kernel.
//!
//! The proxy is a few hundred bytes of machine code in a sealed, anonymous file. It knows nothing and holds
//! nothing; it asks what to do by a system call that no kernel implements and that the listener answers. Any
//! process may make that call: without an exec that the supervisor replaced, the answer is that there is no
//! such call.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{FileStat, fstat};
use nix::unistd::Pid;

use super::call::{ExecCall, Side};
use super::caller::process_of;
use super::leaving::Leaving;
use super::limits::Load;
use super::stand_in::ProxyRole;
use super::verify::{self, Expected};
use crate::audit::ExecRecord;
use crate::evaluate::IndexedRules;
use crate::request::Originals;
use crate::sys::listener::Notification;
use crate::sys::proxy_image;
use crate::sys::registers::{self, ProxyExec};
use crate::sys::trace::{Sight, Traced};
use crate::sys::urgency;

/// See the module.
#[derive(Debug, Default)]
pub struct Tracees {
    /// The proxy's file, once it was needed.
    proxy_image: Option<(OwnedFd, FileStat)>,
    traced: HashMap<Pid, Tracee>,
    /// Threads outside whose exec was replaced. They are let alone: who is outside has nothing to gain
    /// by a race with us, and is a child of ours, perhaps, whose end is for others to collect.
    outside: HashMap<Pid, (ProxyExec, ProxyRole)>,
    /// Processes that run the proxy and have not asked yet.
    announced: HashMap<Pid, ProxyRole>,
    /// Execs that were let go unwatched.
    pub leaving: Leaving,
    /// Execs that wait until another thread of their process is let alone.
    second: Vec<(ExecCall, Hold)>,
}

/// What a thread is traced for.
#[derive(Debug)]
enum Hold {
    /// To see that its exec becomes this.
    Watch(Box<Expected>, ExecRecord),
    /// To have it run the proxy.
    Replace {
        /// The address of an empty string in its memory.
        empty: u64,
        role: ProxyRole,
    },
}

impl Hold {
    fn weight(&self) -> usize {
        match self {
            Self::Watch(expected, _) => expected.weight(),
            Self::Replace { role, .. } => role.weight(),
        }
    }

    /// It can't be done.
    fn fail(self, call: &ExecCall, errno: Errno) {
        match self {
            Self::Watch(_, record) => call.fail(record, errno),
            Self::Replace { role, .. } => {
                role.failed(&errno.desc());
                call.waiting.fail(errno);
            }
        }
    }

    fn role(&self) -> Option<&ProxyRole> {
        match self {
            Self::Watch(..) => None,
            Self::Replace { role, .. } => Some(role),
        }
    }
}

/// A thread that is traced.
#[derive(Debug)]
struct Tracee {
    traced: Traced,
    process: Pid,
    stage: TraceeStage,
    /// It is let alone when it stops, or has executed: another one waits.
    leaves: bool,
}

/// How far it is.
#[derive(Debug)]
enum TraceeStage {
    /// Nothing is left to see; it is let alone when it stops.
    Unwatched,
    /// Its exec was let through, and must become this.
    Watched(Box<Expected>, ExecRecord),
    /// Its exec was replaced, and is about to come back as the proxy's.
    Replaced(ProxyExec, ProxyRole),
    /// The proxy's exec was let through, and must become the proxy: the path is memory of the caller,
    /// and the descriptor its own to close.
    BecomesProxy(ProxyRole),
}

impl TraceeStage {
    fn weight(&self) -> usize {
        match self {
            Self::Unwatched => 0,
            Self::Watched(expected, _) => expected.weight(),
            Self::Replaced(_, role) | Self::BecomesProxy(role) => role.weight(),
        }
    }

    fn role(&self) -> Option<&ProxyRole> {
        match self {
            Self::Unwatched | Self::Watched(..) => None,
            Self::Replaced(_, role) | Self::BecomesProxy(role) => Some(role),
        }
    }
}

impl Tracees {
    /// Makes the caller run the proxy instead of what it asked for. `empty` is the address of an
    /// empty string in its memory.
    pub fn replace(&mut self, call: &ExecCall, empty: u64, role: ProxyRole) {
        self.hold(call, Hold::Replace { empty, role });
    }

    /// Lets the exec through, and watches what it becomes.
    pub fn watch(&mut self, call: &ExecCall, expected: Expected, mut record: ExecRecord) {
        record.watched();
        self.hold(call, Hold::Watch(Box::new(expected), record));
    }

    fn hold(&mut self, call: &ExecCall, hold: Hold) {
        if !self.has_room_for(hold.weight()) {
            return hold.fail(call, Errno::EAGAIN);
        }
        self.hold_in_turn(call.clone(), hold);
    }

    fn hold_in_turn(&mut self, call: ExecCall, hold: Hold) {
        let process = process_of(call.tid());
        // Outside, nobody stays traced.
        if call.side == Side::Inside && self.has_another(process, call.tid()) {
            return self.second.push((call, hold));
        }
        match hold {
            Hold::Watch(expected, record) => match self.trace(call.tid()) {
                Ok(traced) => {
                    self.insert(traced, process, TraceeStage::Watched(expected, record));
                    resume(&call);
                }
                Err(_) => Hold::Watch(expected, record).fail(&call, Errno::EPERM),
            },
            Hold::Replace { empty, role } => self.replace_now(&call, process, empty, role),
        }
    }

    /// Whether another thread of the process is traced than `tid`; if so, it is asked to leave, unless it is
    /// about to become the proxy.
    fn has_another(&mut self, process: Pid, tid: Pid) -> bool {
        let mut others = self.traced.values_mut();
        let other = others.find(|it| it.process == process && it.traced.tid() != tid);
        if let Some(other) = other {
            let is_free = matches!(
                other.stage,
                TraceeStage::Unwatched | TraceeStage::Watched(..)
            );
            if is_free && !other.leaves {
                other.leaves = true;
                // Of one that is gone we hear.
                let _ = other.traced.interrupt();
            }
            return true;
        }
        // It had no other thread, so that its number is that of the process.
        process != tid && self.leaving.is_traced(process)
    }

    fn replace_now(&mut self, call: &ExecCall, process: Pid, empty: u64, role: ProxyRole) {
        let Notification { tid, arch, .. } = call.waiting.notification;
        let image = self.proxy_image();
        let fd = match image.and_then(|image| call.waiting.add_fd(image)) {
            Ok(fd) => fd,
            Err(error) => {
                return Hold::Replace { empty, role }.fail(call, super::call::errno(&error));
            }
        };
        let replacement = ProxyExec {
            fd,
            empty,
            argv: call.argv,
            envp: call.envp,
        };
        let seized = self.trace(tid);
        let seized = seized.and_then(|traced| traced.interrupt().map(|()| traced));
        let Ok(mut traced) = seized else {
            return Hold::Replace { empty, role }.fail(call, Errno::EPERM);
        };
        call.waiting.restart();
        match traced.wait_for_stop() {
            Ok(true) => {}
            // Nobody has judged that.
            Ok(false) => {
                let _ = kill(process, Signal::SIGKILL);
                return role.tell_of_kill();
            }
            Err(error) => return role.failed(&error),
        }
        if let Err(error) = registers::replace(tid, arch, &replacement) {
            // It starts its own exec over, and is judged again.
            return role.failed(&error);
        }
        if call.side != Side::Inside {
            self.outside.insert(tid, (replacement, role));
        } else if traced.go_on().is_ok() {
            self.insert(traced, process, TraceeStage::Replaced(replacement, role));
        }
    }

    /// A hand on the thread; one that an exec left behind which failed is taken.
    fn trace(&mut self, tid: Pid) -> io::Result<Traced> {
        match self.traced.remove(&tid) {
            Some(tracee) => Ok(tracee.traced),
            None => Traced::seize(tid),
        }
    }

    fn insert(&mut self, traced: Traced, process: Pid, stage: TraceeStage) {
        let tid = traced.tid();
        let tracee = Tracee {
            traced,
            process,
            stage,
            leaves: false,
        };
        self.traced.insert(tid, tracee);
    }

    fn proxy_image(&mut self) -> io::Result<BorrowedFd<'_>> {
        let image = if let Some(image) = self.proxy_image.take() {
            image
        } else {
            let image = proxy_image::create()?;
            let stat = fstat(&image)?;
            (image, stat)
        };
        let (image, _) = self.proxy_image.insert(image);
        let image: &OwnedFd = image;
        Ok(image.as_fd())
    }

    /// Whether this exec is the one that we made of another, for the proxy: it may go on, and is
    /// watched. Whatever the thread was to become before is void otherwise.
    pub fn is_replacement(&mut self, notification: &Notification) -> bool {
        let tid = notification.tid;
        self.has_come(tid);
        self.announced.remove(&tid);
        if let Some((replacement, role)) = self.outside.remove(&tid)
            && replacement.is(notification)
        {
            self.announced.insert(process_of(tid), role);
            return true;
        }
        let Some(tracee) = self.traced.get_mut(&tid) else {
            return false;
        };
        match std::mem::replace(&mut tracee.stage, TraceeStage::Unwatched) {
            TraceeStage::Replaced(replacement, role) if replacement.is(notification) => {
                tracee.stage = TraceeStage::BecomesProxy(role);
                true
            }
            _ => false,
        }
    }

    /// What the proxy in the process `pid` is there for; told once.
    pub fn role(&mut self, pid: Pid) -> Option<ProxyRole> {
        self.announced.remove(&pid)
    }

    /// What the proxy in the process `pid` is there for, when it asks again.
    pub fn announce(&mut self, pid: Pid, role: ProxyRole) {
        self.announced.insert(pid, role);
    }

    /// Whether the thread is traced.
    pub fn is_traced(&self, tid: Pid) -> bool {
        self.traced.contains_key(&tid)
    }

    /// The thread has come with a call: see [`Leaving::has_come`].
    pub fn has_come(&mut self, tid: Pid) {
        if let Some(traced) = self.leaving.has_come(tid) {
            // It had no other thread.
            self.insert(traced, tid, TraceeStage::Unwatched);
        }
    }

    /// Lets an exec through that nobody can change as things are; they stay so until it has left.
    pub fn let_go_unwatched(&mut self, call: &ExecCall) {
        self.leaving.add(call.tid());
        resume(call);
    }

    /// How many are about to start a program outside.
    pub fn leaving(&self) -> usize {
        let traced = self.traced.values();
        let roles = traced
            .filter_map(|tracee| tracee.stage.role())
            .chain(self.outside.values().map(|(_, role)| role))
            .chain(self.announced.values())
            .chain(self.second.iter().filter_map(|(_, hold)| hold.role()));
        roles
            .filter(|role| matches!(role, ProxyRole::Start(..)))
            .count()
    }

    /// Whether one more exec may be held, of so many bytes.
    pub fn has_room_for(&mut self, bytes: usize) -> bool {
        if self.load().has_room_for(bytes) {
            return true;
        }
        // Whoever was killed in between never comes back for what is held.
        let is_there = |pid: &Pid| kill(*pid, None) != Err(Errno::ESRCH);
        self.announced.retain(|pid, _| is_there(pid));
        self.traced.retain(|tid, _| is_there(tid));
        self.outside.retain(|tid, _| is_there(tid));
        self.second.retain(|(call, _)| call.waiting.is_waiting());
        self.load().has_room_for(bytes)
    }

    fn load(&self) -> Load {
        let traced = self.traced.values().map(|tracee| tracee.stage.weight());
        let outside = self.outside.values().map(|(_, role)| role.weight());
        let announced = self.announced.values().map(ProxyRole::weight);
        let second = self.second.iter().map(|(_, hold)| hold.weight());
        traced
            .chain(outside)
            .chain(announced)
            .chain(second)
            .collect()
    }

    /// Looks what has become of the execs that were let through. What is not what was judged, and
    /// may not run, is killed.
    pub fn look(&mut self, rules: &IndexedRules, originals: &Originals) {
        self.leaving.look();
        let image = self.proxy_image.as_ref().map(|(_, stat)| *stat);
        let mut executed = Vec::new();
        self.traced.retain(|_, tracee| {
            let process = tracee.process;
            if matches!(tracee.stage, TraceeStage::Unwatched) {
                return !tracee.traced.has_stopped(process);
            }
            match tracee.traced.look(process, tracee.leaves) {
                Sight::Nothing => return true,
                Sight::Gone => return false,
                Sight::Executed => {}
            }
            let is_right = match &tracee.stage {
                TraceeStage::Unwatched => true,
                TraceeStage::Watched(expected, _) => {
                    expected.runs_in(process, rules, originals).unwrap_or(false)
                }
                TraceeStage::Replaced(..) => false,
                TraceeStage::BecomesProxy(_) => {
                    image.is_some_and(|image| verify::runs(process, &image))
                }
            };
            let stage = std::mem::replace(&mut tracee.stage, TraceeStage::Unwatched);
            if is_right {
                match stage {
                    TraceeStage::BecomesProxy(role) => executed.push((process, role)),
                    TraceeStage::Watched(_, record) => record.ran(),
                    TraceeStage::Unwatched | TraceeStage::Replaced(..) => {}
                }
                return false;
            }
            let _ = kill(process, Signal::SIGKILL);
            match stage {
                TraceeStage::Watched(expected, record) => {
                    verify::tell_of_kill(&expected.argv, record);
                }
                TraceeStage::Replaced(_, role) | TraceeStage::BecomesProxy(role) => {
                    role.tell_of_kill();
                }
                TraceeStage::Unwatched => {}
            }
            // Traced until it is dead: its parent learns of that only after its tracer.
            true
        });
        self.announced.extend(executed);
        for (call, hold) in std::mem::take(&mut self.second) {
            if call.waiting.is_waiting() {
                self.hold_in_turn(call, hold);
            }
        }
    }
}

/// Lets an exec through. The supervisor has nothing to do then but to wait.
pub fn resume(call: &ExecCall) {
    urgency::raise();
    call.waiting.resume();
}
