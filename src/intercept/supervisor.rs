//! The supervisor: answers the listeners until the sandbox has ended.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::unistd::Pid;

use super::asking::Asking;
use super::call::{ExecCall, Side, Stopped};
use super::event_loop::{After, Intercept};
use super::exec::Answerer;
use super::groups::Groups;
use super::kinship::Running;
use super::outside::Outside;
use super::passed_files::PassedFiles;
use super::profiled::Profiled;
use super::refused::{Pass, Refuser, SandboxRefusals};
use super::session::{Phase, Session};
use super::stand_in::{self, Begun, Killed, Proxy, ProxyRole, StandIn};
use super::toctou::ExecRace;
use super::tracees::Tracees;
use crate::approve::place::Confinement;
use crate::confine::Holding;
use crate::flow;
use crate::request::Originals;
use crate::sys::arch::PROXY;
use crate::sys::child::{Child, Launch};
use crate::sys::listener::{Listener, Waiting};
use crate::sys::proxy_image::ProxyOrder;

/// Answers system calls that were stopped.
pub struct Supervisor {
    pub(super) session: Arc<Session>,
    listener: Arc<Listener>,
    pub(super) phase: Phase,
    /// The sandbox's processes, of which the first exec's is what the run is there for.
    pub(super) processes: Running,
    /// Whether there are rules that restrict.
    pub(super) restricted: bool,
    /// What the sandboxed side could do to an exec under way.
    pub(super) race: ExecRace,
    pub(super) originals: Originals,
    /// Threads that we have a hand on.
    pub tracees: Tracees,
    /// Processes that run the proxy for a program that runs, or is about to.
    pub stand_ins: HashMap<Pid, StandIn<Proxy>>,
    killed: Killed,
    /// Questions that wait for a person.
    pub asking: Asking<Stopped>,
    /// The way outside, once it was needed.
    pub outside: Option<Outside>,
    pub(super) groups: Groups,
    /// What programs outside got from the sandbox.
    pub(super) passed_files: PassedFiles,
    /// Programs outside that have a sandbox of their own.
    pub profiled: Profiled<Pid>,
    /// Calls that the sandbox refuses.
    pub refuser: Refuser,
    /// What keeps held what the sandbox holds.
    holding: Option<Holding>,
    /// A hung-up listener is left out, or waiting for the end of the first process would not wait.
    silent: Option<Side>,
}

impl Supervisor {
    /// Takes over a sandbox's listener.
    ///
    /// # Errors
    /// The channel for answers can't be made.
    pub fn new(
        session: Session,
        listener: Arc<Listener>,
        phase: Phase,
        groups: Groups,
        refuser: Refuser,
        holding: Option<Holding>,
    ) -> io::Result<Self> {
        Ok(Self {
            processes: Running::new(groups.init()),
            groups,
            restricted: session.rules.rules().restricts(),
            race: ExecRace::new(session.writable.is_some()),
            originals: Originals::default(),
            session: Arc::new(session),
            listener,
            phase,
            tracees: Tracees::default(),
            stand_ins: HashMap::new(),
            killed: Killed::default(),
            asking: Asking::new()?,
            outside: None,
            passed_files: PassedFiles::default(),
            profiled: Profiled::new(true),
            refuser,
            holding,
            silent: None,
        })
    }

    /// Answers one call. A caller that died is no error.
    fn answer_one(&mut self, side: Side) -> io::Result<()> {
        let listener = match side {
            Side::Inside => Some(&self.listener),
            Side::Outside => self.outside.as_ref().map(|outside| &outside.listener),
            Side::Profiled(id) => self.profiled.listener(id),
        };
        let Some(listener) = listener else {
            return Ok(());
        };
        let Some(waiting) = Waiting::next(listener)? else {
            return Ok(());
        };
        if waiting.notification.is(PROXY) {
            self.answer_proxy(&waiting);
        } else if let Some(call) = ExecCall::new(&waiting, side) {
            self.answer_exec(call);
        } else {
            self.answer_other(&waiting, side);
        }
        Ok(())
    }

    /// Answers what the sandbox refuses, and more that the filter brings: messages on standard error,
    /// one process writing another's memory, two processes in the same, and a thread; and a root
    /// directory or mounts of a process's own.
    fn answer_other(&mut self, call: &Waiting, side: Side) {
        let refuser = match side {
            Side::Inside | Side::Outside => Some(&mut self.refuser),
            Side::Profiled(id) => self.profiled.refuser(id),
        };
        let Some(refuser) = refuser else {
            return call.fail(Errno::ENOSYS);
        };
        match refuser.answer(&call.notification) {
            Ok(Pass::Heard) => call.resume(),
            Ok(Pass::Move) => {
                self.race.begin_moves();
                self.give(call);
            }
            // Nobody there can reach into the session's sandbox.
            Ok(Pass::Asked) if side != Side::Inside => call.resume(),
            Ok(Pass::Asked) => {
                self.race.begin();
                self.give(call);
            }
            Err(errno) => call.fail(Errno::from_raw(errno)),
        }
    }

    fn answer_proxy(&mut self, question: &Waiting) {
        let pid = question.notification.tid;
        if let Some(stand_in) = self.stand_ins.get_mut(&pid) {
            let order = stand_in.answer(&question.notification);
            // What the program has put in the place of what is held, nobody may write who hears of its end.
            if order != ProxyOrder::Wait && !self.holding.as_ref().is_none_or(Holding::look) {
                return;
            }
            question.answer(order.encode());
            if matches!(order, ProxyOrder::Exit(_) | ProxyOrder::Die(_)) {
                self.forget(pid);
            }
            return;
        }
        let Some(role) = self.tracees.role(pid) else {
            return question.fail(Errno::ENOSYS);
        };
        if self.begin(question, role).is_err() {
            question.fail(Errno::EPERM);
        }
    }

    /// Answers a proxy's first question.
    fn begin(&mut self, question: &Waiting, role: ProxyRole) -> io::Result<()> {
        let pid = question.notification.tid;
        match stand_in::begin(question, role, &self.groups)? {
            Begun::Speaking(order) => question.answer(order.encode()),
            Begun::Telling(order, role) => {
                self.tracees.announce(pid, role);
                question.answer(order.encode());
            }
            Begun::Starting {
                stand_in,
                launch,
                place,
            } => {
                self.stand_ins.insert(pid, *stand_in);
                if let Err(error) = self.start(pid, *launch, &place) {
                    self.started(pid, Err(error));
                }
            }
        }
        Ok(())
    }

    /// Starts the program that the process `pid` stands in for.
    fn start(&mut self, pid: Pid, launch: Launch, place: &Confinement) -> io::Result<()> {
        self.passed_files.note(&launch.inherited.descriptors);
        if let Confinement::Profile(sandbox) = place {
            let require = &self.session.require;
            self.profiled.start(pid, launch, sandbox, require)?;
            return Ok(());
        }
        let outside = match &mut self.outside {
            Some(outside) => outside,
            none => none.insert(Outside::open()?),
        };
        let loses_rights = !outside.keeps_privileges && launch.gains_privileges();
        if flow::starts_are_judged(place, loses_rights, launch.is_ourselves()) {
            outside.start(pid, launch);
        } else {
            self.started(pid, launch.start());
        }
        Ok(())
    }

    /// Tells proxies that their programs were started.
    fn take_started(&mut self) {
        let started = self.outside.as_mut().map(Outside::started);
        for (pid, child) in started.into_iter().flatten() {
            self.started(pid, child);
        }
    }

    /// Tells a proxy what becomes of its program, which has a sandbox of its own.
    fn take_news(&mut self, id: Pid) {
        let Some((pid, news)) = self.profiled.news(id) else {
            return;
        };
        let Some(stand_in) = self.stand_ins.get_mut(&pid) else {
            return;
        };
        if !stand_in.take(news) {
            self.forget(pid);
        }
    }

    fn started(&mut self, pid: Pid, child: io::Result<Child>) {
        let Some(stand_in) = self.stand_ins.get_mut(&pid) else {
            // Its proxy died meanwhile.
            if let Ok(child) = child {
                self.killed.kill(&child);
            }
            return;
        };
        if !stand_in.started(child) {
            self.forget(pid);
        }
    }

    /// The proxy in the process `pid` has been told how its program ended, or is gone itself.
    fn forget(&mut self, pid: Pid) {
        self.profiled.forget(pid);
        if let Some(mut stand_in) = self.stand_ins.remove(&pid)
            && let Some(program) = self.killed.end(&mut stand_in)
            && let Some(outside) = &mut self.outside
        {
            outside.forget(program);
        }
    }

    /// How many programs run outside, or are about to.
    pub fn programs_outside(&self) -> usize {
        self.stand_ins.len() + self.tracees.leaving()
    }
}

/// What a supervisor attends to, in this order.
#[derive(Debug, Clone, Copy)]
pub(super) enum SupervisorEvent {
    /// The proxy that runs in this process is dead.
    ProxyEnded(Pid),
    /// Somebody answered a question.
    Answer,
    /// A program was started outside, or could not be.
    Started,
    /// A system call waits.
    Call(Side),
    /// A sandbox that a rule asked for has something to say.
    News(Pid),
}

impl Intercept for Supervisor {
    type Event = SupervisorEvent;

    fn sources<'a>(&'a self, mut look: impl FnMut(SupervisorEvent, BorrowedFd<'a>, PollFlags)) {
        let mut look = |event, fd| look(event, fd, PollFlags::POLLIN);
        for (pid, stand_in) in &self.stand_ins {
            look(SupervisorEvent::ProxyEnded(*pid), stand_in.process());
        }
        look(SupervisorEvent::Answer, self.asking.bell());
        if let Some(outside) = &self.outside {
            look(SupervisorEvent::Started, outside.bell());
            look(
                SupervisorEvent::Call(Side::Outside),
                outside.listener.as_fd(),
            );
        }
        for (id, channel, listener) in self.profiled.sources() {
            look(SupervisorEvent::News(id), channel);
            if let Some(listener) = listener {
                look(SupervisorEvent::Call(Side::Profiled(id)), listener.as_fd());
            }
        }
        if self.silent != Some(Side::Inside) {
            look(SupervisorEvent::Call(Side::Inside), self.listener.as_fd());
        }
    }

    fn attend(&mut self, event: SupervisorEvent, ready: PollFlags) -> io::Result<After> {
        let hung_up = !ready.contains(PollFlags::POLLIN);
        match event {
            SupervisorEvent::ProxyEnded(pid) => self.forget(pid),
            SupervisorEvent::Answer => self.take_answers(),
            SupervisorEvent::Started => self.take_started(),
            SupervisorEvent::Call(Side::Profiled(id)) if hung_up => self.profiled.is_silent(id),
            SupervisorEvent::Call(side) if hung_up => {
                self.silent = Some(side);
                return Ok(After::Silence);
            }
            SupervisorEvent::Call(side) => self.answer_one(side)?,
            SupervisorEvent::News(id) => self.take_news(id),
        }
        Ok(After::GoesOn)
    }

    /// At the execs that were let through, too.
    fn look(&mut self) {
        self.killed.look();
        self.stand_ins.values_mut().for_each(StandIn::look);
        self.tracees.look(&self.session.rules, &self.originals);
    }

    fn is_asking(&self) -> bool {
        self.asking.is_open()
    }

    /// Known once it has come to its first exec.
    fn command(&self) -> Option<Pid> {
        self.processes.command
    }

    fn is_confined_to_the_sandbox(&self) -> bool {
        self.outside.is_none()
            && self.profiled.is_empty()
            && self.programs_outside() == 0
            && !self.asking.is_open()
    }

    /// The listener tells when nobody is left.
    fn after_the_last_word(&self) -> After {
        After::GoesOn
    }

    fn end(&mut self) {
        self.profiled.end();
    }

    fn take_refused(&mut self) -> SandboxRefusals {
        let mut refused = std::mem::take(&mut self.refuser).into_refusal();
        refused.calls.extend(self.profiled.take_refused());
        refused
    }
}
