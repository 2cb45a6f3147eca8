//! What becomes of an exec that was stopped: judged, or let go because nothing speaks of it; watched,
//! or not.

use std::sync::Arc;

use nix::errno::Errno;

use super::call::{CallFacts, ExecCall, Read, Side, Stopped};
use super::exec::StoppedExec;
use super::kinship;
use super::session::{Phase, STARTUP_END};
use super::stand_in::ProxyRole;
use super::supervisor::Supervisor;
use super::tracees;
use super::verify::Expected;
use crate::approve::place::Inheritance;
use crate::audit::Audit;
use crate::evaluate::{CommandTree, depends_on_repository};
use crate::flow;
use crate::request::{HalfRead, Request};
use crate::sys::listener::Waiting;

/// How an exec is let go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayOn {
    /// It is looked what it becomes.
    Watched,
    /// Nobody can change it, and nobody gets a means to while it is under way.
    Unwatched,
    /// There is nothing to gain by changing it.
    Free,
}

impl Supervisor {
    /// How an exec is let go on. Where there are rules that restrict, somebody in the sandbox could
    /// change it into one that they would not let through; else there is nothing to get around but the
    /// heuristics, which promise nothing.
    pub fn way_on(&mut self, call: &ExecCall, request: &Request, facts: &CallFacts) -> WayOn {
        if !self.restricted {
            self.remember(call, request, facts);
            return WayOn::Free;
        }
        let writable = self.session.writable.as_deref().unwrap_or_default();
        let possible = self
            .race
            .is_possible(&self.processes, call, request, facts, writable);
        self.watched_if(possible, call)
    }

    fn watched_if(&mut self, changeable: bool, call: &ExecCall) -> WayOn {
        // One that is traced for an exec before, which failed, costs no more to watch.
        let unwatched =
            !changeable && !self.tracees.is_traced(call.tid()) && self.tracees.leaving.has_room();
        if unwatched {
            WayOn::Unwatched
        } else {
            WayOn::Watched
        }
    }

    /// Makes the caller run the proxy instead of what it asked for.
    pub fn replace(&mut self, Stopped { call, facts }: &Stopped, role: ProxyRole) {
        if self.restricted {
            let seen = kinship::observe(&self.processes, call.tid());
            self.race.executes(&seen);
        }
        self.tracees.replace(call, facts.empty, role);
    }

    /// Remembers a program that nobody in the sandbox can change: its next exec costs less.
    pub fn remember(&mut self, call: &ExecCall, request: &Request, facts: &CallFacts) {
        let writable = self.session.writable.as_deref().unwrap_or_default();
        self.race.remember(call, request, facts, writable);
    }

    /// Gives a means to change an exec under way: once none is that is not watched.
    pub(super) fn give(&mut self, call: &Waiting) {
        self.tracees.has_come(call.notification.tid);
        self.tracees.leaving.hold(call);
    }

    /// Answers an exec.
    pub(super) fn answer_exec(&mut self, call: ExecCall) {
        if call.has_unknown_flags() {
            return call.waiting.fail(Errno::EINVAL);
        }
        if call.is_check() {
            return self.answer_check(&call);
        }
        // Before `is_our_own`, which ends this phase.
        let starts_shell = call.side == Side::Inside && matches!(self.phase, Phase::Shell { .. });
        if self.tracees.is_replacement(&call.waiting.notification) || self.is_our_own(&call) {
            if starts_shell {
                self.start_shell(call);
            } else {
                tracees::resume(&call);
            }
            return;
        }
        if self.phase == Phase::Startup && call.path() == Ok(STARTUP_END.into()) {
            self.phase = Phase::Command;
            return call.waiting.fail(Errno::ENOENT);
        }
        let session = Arc::clone(&self.session);
        let writable = session.writable.as_deref().unwrap_or_default();
        let rules = &session.rules;
        let read = call.read(rules, writable, &self.race.fixed, &self.originals);
        let startup = self.phase == Phase::Startup && call.side == Side::Inside;
        let audit = session.audit.during_startup(startup);
        // Where there is no sandbox, nothing is outside of one.
        let outside = (call.side != Side::Inside && session.writable.is_some())
            .then_some((&session.environment, || call.environment()));
        let whole = match read {
            Ok(Read::Half(half, facts)) if flow::is_plain(rules, &half, &audit, outside) => {
                return self.go_on_unspoken(&call, half, &facts, &audit);
            }
            Ok(read) => call.whole(read, rules, writable),
            Err(errno) => Err(errno),
        };
        let (mut request, facts) = match whole {
            Ok((request, facts)) if depends_on_repository(rules, &request) => {
                (session.with_repository(request), facts)
            }
            Ok(whole) => whole,
            Err(errno) => return call.waiting.fail(errno),
        };
        // What is outside already keeps its variables, and so does what start-up files start.
        if call.side == Side::Inside && !startup {
            session.withhold(&mut request);
        }
        let inheritance = match self.inheritance(&call, &mut request) {
            Ok(inheritance) => inheritance,
            Err(errno) => return call.waiting.fail(errno),
        };
        let stopped = Stopped::new(call, facts);
        let exec = StoppedExec::new(self, stopped, inheritance);
        flow::consider(&session.rules, request, exec, &audit);
    }

    /// Starts the shell that we chose. That it starts is not judged, but what its text shows as a whole is,
    /// since each program in it shows only its own words when it starts.
    fn start_shell(&mut self, call: ExecCall) {
        let session = Arc::clone(&self.session);
        let rules = &session.rules;
        let writable = session.writable.as_deref().unwrap_or_default();
        let read = call.read(rules, writable, &self.race.fixed, &self.originals);
        // What can't be read the kernel refuses itself.
        let Ok((request, facts)) = read.and_then(|read| call.whole(read, rules, writable)) else {
            return tracees::resume(&call);
        };
        let tree = CommandTree::of(rules, &request);
        let asks = || session.asks_about_flows(&request);
        let Some(judgement) = flow::judge_shell(rules, &request, &tree, asks) else {
            return tracees::resume(&call);
        };
        // It is no start-up file.
        let phase = std::mem::replace(&mut self.phase, Phase::Command);
        let stopped = Stopped::new(call, facts);
        let exec = StoppedExec::new(self, stopped, Inheritance::Free);
        flow::follow(rules, request, &tree, &judgement, exec, &session.audit);
        self.phase = phase;
    }

    /// Lets an exec go on of which no rule and no heuristic speaks; one that somebody could make
    /// another of is watched.
    fn go_on_unspoken(
        &mut self,
        call: &ExecCall,
        half: HalfRead,
        facts: &CallFacts,
        audit: &Audit,
    ) {
        if !self.restricted || call.side != Side::Inside {
            return tracees::resume(call);
        }
        let world = &self.processes;
        let possible = self.race.is_possible_for_known(world, call, &half, facts);
        match self.watched_if(possible, call) {
            WayOn::Watched => {
                let record = audit.unspoken(&half.argv);
                let expected = Expected::unspoken(half, facts.runs);
                self.tracees.watch(call, expected, record);
            }
            WayOn::Unwatched | WayOn::Free => self.tracees.let_go_unwatched(call),
        }
    }

    /// Answers whether a file could be executed, as the kernel would, if the rules have nothing against it. Nothing
    /// is started, so that nothing can be changed meanwhile.
    fn answer_check(&self, call: &ExecCall) {
        let session = &self.session;
        let (rules, writable) = (&session.rules, session.writable.as_deref());
        let writable = writable.unwrap_or_default();
        let read = call.read(rules, writable, &self.race.fixed, &self.originals);
        match read.and_then(|read| call.whole(read, rules, writable)) {
            Ok((request, _)) if flow::could_be_executed(rules, &request) => call.waiting.resume(),
            Ok(_) => call.waiting.fail(Errno::EACCES),
            Err(errno) => call.waiting.fail(errno),
        }
    }

    /// Whether it is an exec of our own making: the shell that we chose, or the program for which
    /// a proxy stands in. That is no request: nobody in the sandbox asked for it, or it was judged before.
    fn is_our_own(&mut self, call: &ExecCall) -> bool {
        match call.side {
            Side::Inside => {}
            Side::Outside => {
                let outside = self.outside.as_mut();
                return outside.is_some_and(|o| o.is_start(call.tid()));
            }
            Side::Profiled(id) => return self.profiled.is_start(id, call.tid()),
        }
        self.processes.command.get_or_insert(call.tid());
        let Phase::Shell { login } = self.phase else {
            return false;
        };
        self.phase = if login {
            Phase::Startup
        } else {
            Phase::Command
        };
        true
    }
}
