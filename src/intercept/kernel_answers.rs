//! Execs that the kernel stopped: how the supervisor answers them.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::unistd::Pid;

use super::asking::Asking;
use super::call::{Side, Stopped, errno};
use super::exec::Answerer;
use super::incoming_exec::WayOn;
use super::material::{self, EscalationMaterial};
use super::session::{Phase, Session};
use super::stand_in::ProxyRole;
use super::supervisor::Supervisor;
use super::verify::Expected;
use super::{caller, limits, tracees};
use crate::act::escalate::Escalation;
use crate::approve::Permit;
use crate::approve::place::Caller;
use crate::audit::ExecRecord;
use crate::request::{Request, argv, entry};
use crate::sys::pidfd::PidFd;

impl Answerer for Supervisor {
    type Waiting = Stopped;

    const FOLLOWS: bool = true;

    fn session(&self) -> &Arc<Session> {
        &self.session
    }

    fn asking(&mut self) -> &mut Asking<Stopped> {
        &mut self.asking
    }

    fn is_in_startup(&self) -> bool {
        self.phase == Phase::Startup
    }

    fn side(&self, waiting: &Stopped) -> Caller {
        match waiting.call.side {
            Side::Inside => self.session.caller_inside(),
            Side::Outside => Caller::Outside,
            Side::Profiled(id) => Caller::Profile(self.profiled.profiles(id).to_vec()),
        }
    }

    fn thread(waiting: &Stopped) -> Option<Pid> {
        Some(waiting.call.tid())
    }

    fn is_waiting(waiting: &Stopped) -> bool {
        waiting.call.waiting.is_waiting()
    }

    fn gone(&self, waiting: &mut Stopped) -> io::Result<OwnedFd> {
        // Of use for a call that was just read.
        waiting.facts.spans = Vec::new();
        PidFd::open(caller::process_of(waiting.call.tid())).map(OwnedFd::from)
    }

    fn take_material(
        &mut self,
        Stopped { call, facts }: &Stopped,
        request: &Request,
        pass_env: &[String],
    ) -> io::Result<EscalationMaterial> {
        self.remember(call, request, facts);
        let directory = caller::open_directory(call.tid(), &request.cwd)?;
        let variables = match &request.environment {
            // As they were judged.
            Some(variables) => variables.iter().map(|(n, v)| entry(n, v)).collect(),
            None => call.environment()?,
        };
        let given = (variables, material::bounds(call.tid())?);
        let (session, file) = (&self.session, &facts.stat);
        Ok(EscalationMaterial::new(
            session, request, file, directory, given, pass_env,
        ))
    }

    fn has_room_for(&mut self, bytes: usize) -> bool {
        self.tracees.has_room_for(bytes) && self.programs_outside() < limits::OUTSIDE
    }

    fn keep(&mut self, Stopped { call, .. }: &Stopped, request: &Request, told: &str) {
        const COMMAND: usize = 100;
        const TOLD: usize = 400;
        if call.side == Side::Inside {
            let command = argv::bounded(&request.argv, COMMAND);
            let mut told = argv::visible(told);
            told.truncate(told.floor_char_boundary(TOLD));
            let told = format!("`{command}` {told}");
            let program = request.program.real.clone();
            self.refuser.keep(call.tid(), program, told);
        }
    }

    fn go_on(&mut self, waiting: Stopped, permit: Permit, record: ExecRecord, asked: bool) {
        let (request, files, inputs) = permit.into_parts();
        let Stopped { call, facts } = waiting;
        let way_on = if call.side != Side::Inside {
            // Who is outside already has nothing to gain by a race with us.
            WayOn::Free
        } else if asked {
            WayOn::Watched
        } else {
            self.way_on(&call, &request, &facts)
        };
        match way_on {
            WayOn::Watched => {
                let expected = Expected::new(request, facts.runs).by(files, inputs);
                self.tracees.watch(&call, expected, record);
            }
            // Told first: what it starts may be recorded next.
            WayOn::Unwatched => {
                record.ran();
                self.tracees.let_go_unwatched(&call);
            }
            WayOn::Free => {
                record.ran();
                tracees::resume(&call);
            }
        }
    }

    fn stand_in(&mut self, waiting: Stopped, escalation: Escalation, record: ExecRecord) {
        self.replace(&waiting, ProxyRole::Start(Box::new(escalation), record));
    }

    fn refuse(&mut self, waiting: &Stopped, words: &str) {
        self.replace(waiting, ProxyRole::Refuse(words.to_owned()));
    }

    fn fail(&self, waiting: &Stopped, _: &str, record: ExecRecord, error: &io::Error) {
        let errno = errno(error);
        record.failed(&errno.desc());
        waiting.call.waiting.fail(errno);
    }
}
