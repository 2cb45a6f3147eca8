//! The supervisor: answers the listeners until the sandbox has ended.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::asking::{Asking, Pending};
use super::call::{ExecCall, Side};
use super::groups::Groups;
use super::inheritance::Handed;
use super::kinship::Running;
use super::outside::Outside;
use super::profiled::{News, Profiled};
use super::refused::{Pass, Refuser};
use super::stand_in::{self, Begun, Role, StandIn};
use super::stopped::{Material, StoppedExec};
use super::toctou::ExecRace;
use super::tracees::Tracees;
use crate::act::environment::SessionEnvironment;
use crate::approve::place::{Caller, Confinement, Inheritance};
use crate::approve::{Approver, Question};
use crate::audit::{Audit, ExecRecord};
use crate::config::Profiles;
use crate::confine::{Holding, LayerName, Layers, Status, Witness};
use crate::evaluate::{IndexedRules, with_repository};
use crate::flow::{self, Inquiry};
use crate::request::{Earlier, Originals, Request, Writable};
use crate::sys::arch::PROXY;
use crate::sys::child::{Child, Launch};
use crate::sys::listener::{Listener, Waiting};
use crate::sys::proxy_image::Order;

/// What the supervisor works with.
pub struct Session {
    /// The rules.
    pub rules: Arc<IndexedRules>,
    /// Who is asked.
    pub approver: Arc<dyn Approver>,
    /// The records.
    pub audit: Arc<Audit>,
    /// The variables as they were at the start.
    pub environment: SessionEnvironment,
    /// Where the sandboxed side can write; `None` when there is no sandbox to be outside of.
    pub writable: Option<Vec<PathBuf>>,
    /// What lies in there and is read-only all the same.
    pub held: Vec<PathBuf>,
    /// What could be written before.
    pub earlier: Earlier,
    /// The sandboxes that rules ask for.
    pub profiles: Profiles,
    /// Layers without which none of those is built, either.
    pub require: Vec<LayerName>,
    /// Who is told at once when something is replaced that is held.
    pub witness: Option<Witness>,
}

impl Session {
    /// Where those are that were not let out.
    pub fn caller_inside(&self) -> Caller {
        match self.writable {
            Some(_) => Caller::Sandbox,
            None => Caller::NoSandbox,
        }
    }

    /// As there: why a git that is started outside must not run.
    pub fn misleading_repository(&self, request: &Request) -> Option<String> {
        request.misleading_repository(&self.ground())
    }

    /// The request with what is known of the repository that a git in it would obey.
    pub fn with_repository(&self, request: Request) -> Request {
        with_repository(&self.rules, request, &self.ground())
    }

    /// The same where what a program outside starts is not judged.
    pub fn with_repository_alone(&self, request: Request) -> Request {
        let ground = Writable {
            is_judged_outside: false,
            ..self.ground()
        };
        request.with_repository(&ground)
    }

    fn ground(&self) -> Writable {
        Writable {
            roots: self.writable.clone().unwrap_or_default(),
            held: self.held.clone(),
            earlier: self.earlier.clone(),
            is_judged_outside: true,
        }
    }

    /// Whether a person is to be asked about what flows within the text of `shell`, which each of its commands is
    /// looked up for: a rule that decides about what it flows into does so when that starts.
    pub fn asks_about_flows(&self, shell: &Request) -> bool {
        let Some(text) = shell.argv.last() else {
            return true;
        };
        let (cwd, ground) = (shell.cwd.clone(), self.ground());
        let inquiry = Inquiry::here(&self.rules, &self.environment, cwd, &ground);
        inquiry.judge_script(text.as_bytes()).asks_about_flows()
    }

    /// Where there are no mounts, nothing is read-only in a root.
    pub fn without_mounts(&mut self, layers: &Layers) {
        if *layers.status(LayerName::Namespaces) != Status::InForce {
            self.held.clear();
        }
    }

    /// Has the witness told of what is replaced in a sandbox.
    pub(super) fn attend(&mut self, holding: Option<&Holding>) -> Option<Holding> {
        if let (Some(holding), Some(witness)) = (holding, self.witness.take()) {
            holding.tell(witness);
        }
        holding.cloned()
    }

    /// Takes note of the variables that a request from inside would lose outside, where a rule or a model
    /// asks for any.
    pub fn withhold(&self, request: &mut Request) {
        if self.writable.is_some()
            && let Some(variables) = request.environment.clone()
        {
            let may_pass = |name: &OsStr| self.rules.may_pass(name);
            self.environment.withhold(request, &variables, may_pass);
        }
    }
}

/// How far the run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The next exec is the launcher's own start of the shell that we chose: it is not judged.
    Shell {
        /// It reads its start-up files first.
        login: bool,
    },
    /// The login shell's start-up files: what they start runs inside and is not asked about, unless
    /// it is forbidden. Ends with an exec of [`STARTUP_END`].
    Startup,
    /// The command itself.
    Command,
}

/// What a login shell is made to execute between its start-up files and the script. There is no
/// such file, and whoever executes it only makes the supervisor stricter.
pub const STARTUP_END: &str = "/codex-shell/startup-has-ended";

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
    pub stand_ins: HashMap<Pid, StandIn>,
    /// Questions that wait for a person.
    pub asking: Asking,
    /// The way outside, once it was needed.
    pub outside: Option<Outside>,
    pub(super) groups: Groups,
    /// What programs outside got from the sandbox.
    pub(super) handed: Handed,
    /// Programs outside that have a sandbox of their own.
    pub profiled: Profiled,
    /// Calls that the sandbox refuses.
    pub refuser: Refuser,
    /// What keeps held what the sandbox holds.
    pub holding: Option<Holding>,
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
            asking: Asking::new()?,
            outside: None,
            handed: Handed::default(),
            profiled: Profiled::default(),
            refuser: Refuser::default(),
            holding: None,
        })
    }

    /// What it works with.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// How far the run has come.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Where the caller of an exec is that came from `side`.
    pub fn caller(&self, side: Side) -> Caller {
        match side {
            Side::Inside => self.session.caller_inside(),
            Side::Outside => Caller::Outside,
            Side::Profiled(id) => Caller::Profile(self.profiled.profiles(id).to_vec()),
        }
    }

    /// The sandbox's listener, readable when a call waits.
    pub fn listener(&self) -> &Listener {
        &self.listener
    }

    /// The process that the run is there for, once it has come to its first exec.
    pub fn command(&self) -> Option<Pid> {
        self.processes.command
    }

    /// Answers one call.
    ///
    /// # Errors
    /// The listener itself fails, or something is not held any more; a caller that died is none.
    pub fn answer_one(&mut self, side: Side) -> io::Result<()> {
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
            self.answer_proxy(&waiting)?;
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

    fn answer_proxy(&mut self, question: &Waiting) -> io::Result<()> {
        let pid = question.notification.tid;
        if let Some(stand_in) = self.stand_ins.get_mut(&pid) {
            let order = stand_in.answer(&question.notification);
            // What the program has put in the place of what is held, nobody may write who hears of its end.
            if !matches!(order, Order::Wait)
                && let Some(holding) = &self.holding
            {
                holding.look().map_err(io::Error::other)?;
            }
            question.answer(order.encode());
            if matches!(order, Order::Exit(_) | Order::Die(_)) {
                self.forget(pid);
            }
            return Ok(());
        }
        let Some(role) = self.tracees.role(pid) else {
            question.fail(Errno::ENOSYS);
            return Ok(());
        };
        if self.begin(question, role).is_err() {
            question.fail(Errno::EPERM);
        }
        Ok(())
    }

    /// Answers a proxy's first question.
    fn begin(&mut self, question: &Waiting, role: Role) -> io::Result<()> {
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
        self.handed.note(&launch.inherited.descriptors);
        if let Confinement::Profile(sandbox) = place {
            let require = &self.session.require;
            self.profiled.start(pid, launch, sandbox, require)?;
            return Ok(());
        }
        let outside = match &mut self.outside {
            Some(outside) => outside,
            none => none.insert(Outside::open()?),
        };
        let breaks = !outside.keeps_privileges && launch.gains_privileges();
        if *place == Confinement::Unjudged || breaks || launch.is_ourselves() {
            // Under the filter it would not be what it is, or could not judge for itself.
            self.started(pid, launch.start());
        } else {
            outside.start(pid, launch);
        }
        Ok(())
    }

    /// Tells proxies that their programs were started.
    pub fn take_started(&mut self) {
        let started = self.outside.as_mut().map(Outside::started);
        for (pid, child) in started.into_iter().flatten() {
            self.started(pid, child);
        }
    }

    /// Tells a proxy what becomes of its program, which has a sandbox of its own.
    pub fn take_news(&mut self, id: Pid) {
        let Some((pid, news)) = self.profiled.news(id) else {
            return;
        };
        let Some(stand_in) = self.stand_ins.get_mut(&pid) else {
            return;
        };
        let goes_on = match news {
            News::Started {
                program,
                own_session,
            } => stand_in.started_in_profile(program, own_session),
            News::Changed(change) => stand_in.changed(change),
            News::Failed(reason) => stand_in.failed(&reason),
        };
        if !goes_on {
            self.forget(pid);
        }
    }

    fn started(&mut self, pid: Pid, child: io::Result<Child>) {
        let Some(stand_in) = self.stand_ins.get_mut(&pid) else {
            // Its proxy died meanwhile.
            if let Ok(child) = child {
                let _ = child.handle.signal(nix::libc::SIGKILL);
            }
            return;
        };
        if !stand_in.started(child) {
            self.forget(pid);
        }
    }

    /// The proxy in the process `pid` has been told how its program ended, or is gone itself.
    pub fn forget(&mut self, pid: Pid) {
        self.profiled.forget(pid);
        if let Some(mut stand_in) = self.stand_ins.remove(&pid)
            && let Some(program) = stand_in.end()
            && let Some(outside) = &mut self.outside
        {
            outside.forget(program);
        }
    }

    /// Carries on with the execs whose questions were answered.
    pub fn take_answers(&mut self) {
        for (pending, answer) in self.asking.answers() {
            if pending.call.waiting.is_waiting() {
                let (exec, question, record) = self.stopped(pending);
                flow::resume(question, answer, record, exec);
            }
        }
    }

    /// An exec that was asked about.
    pub(super) fn stopped(&mut self, pending: Pending) -> (StoppedExec<'_>, Question, ExecRecord) {
        let Pending {
            question,
            call,
            held,
            record,
        } = pending;
        let exec = StoppedExec {
            supervisor: self,
            call,
            material: Material::Held(Box::new(held)),
            // That was asked.
            inheritance: Inheritance::Free,
        };
        (exec, question, record)
    }

    /// Whether nothing was started outside, and nobody is asked.
    pub fn is_confined_to_the_sandbox(&self) -> bool {
        self.outside.is_none()
            && self.profiled.is_empty()
            && self.programs_outside() == 0
            && !self.asking.is_open()
    }

    /// How many programs run outside, or are about to.
    pub fn programs_outside(&self) -> usize {
        self.stand_ins.len() + self.tracees.leaving()
    }

    /// Looks what has become of the execs that were let through, and of the programs outside.
    pub fn look(&mut self) {
        self.stand_ins.values_mut().for_each(StandIn::look);
        self.tracees.look(&self.session.rules, &self.originals);
    }
}
