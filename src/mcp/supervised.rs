//! The forked side of a call: becomes its keeper, which keeps its supervisor.
//!
//! Everything comes by the fork: the rules are parsed once, in the server.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::hash::BuildHasher;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::socket::MsgFlags;
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getpid, getppid, setsid};

use super::channel::{self, Asked, Ended, Event, LastWord, Reply};
use crate::act::environment::SessionEnvironment;
use crate::approve::{Answer, Approver, Question, command, fixed};
use crate::audit::{Audit, Notable, Outcome, Watcher};
use crate::confine::{LayerName, Layers, Mode, Policy};
use crate::evaluate::{IndexedRules, Placement};
use crate::exit::Exit;
use crate::intercept::keeper;
use crate::intercept::launcher::Command;
use crate::intercept::run::{Run, run};
use crate::intercept::supervisor::{Phase, Session};
use crate::request::{Program, Request, Trust};
use crate::sys::{fds, fork};

/// As many notable execs are told.
const TOLD: u64 = 200;
/// The longest rule that is offered, in bytes of its words.
const PATTERN_LIMIT: usize = 1000;

/// A call, ready to start.
#[derive(Debug)]
pub(super) struct Plan {
    /// What the sandbox permits.
    pub(super) policy: Policy,
    /// Layers without which nothing starts.
    pub(super) require: Vec<LayerName>,
    /// The shell with its script.
    pub(super) command: Command,
    /// The shell reads its start-up files first.
    pub(super) login: bool,
    /// Where it starts.
    pub(super) directory: PathBuf,
    /// How long it may take.
    pub(super) timeout: Duration,
    /// The rules.
    pub(super) rules: Arc<IndexedRules>,
    /// The server's own variables.
    pub(super) environment: SessionEnvironment,
    /// Who is asked.
    pub(super) ask: Ask,
    /// The records.
    pub(super) audit: Audit,
    /// Secrets of the server by which it knows a request again.
    pub(super) keys: Keys,
}

/// Who is asked.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    /// The server knows who.
    Server,
    /// This program.
    Program(command::Program),
    /// Nobody.
    Fixed(Answer),
}

/// Makes keys of requests that nobody can foresee.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys(RandomState, RandomState);

impl Keys {
    fn of(&self, question: &Question) -> [u64; 2] {
        let request = question.request();
        let parts = (
            &request.program.real,
            &request.argv,
            &request.cwd,
            &question.text().because,
        );
        [self.0.hash_one(parts), self.1.hash_one(parts)]
    }
}

/// The command's 0, 1 and 2.
#[derive(Debug)]
pub(super) struct Streams {
    /// Standard input.
    pub(super) input: OwnedFd,
    /// Standard output.
    pub(super) output: OwnedFd,
    /// Standard error.
    pub(super) errors: OwnedFd,
}

/// Forks the call's keeper, which tells `events` what happens. Its end, or `SIGTERM` to it, ends
/// everything.
///
/// The process must have one thread.
///
/// # Errors
/// What fork(2) answered.
pub(super) fn start(plan: Plan, streams: Streams, events: OwnedFd) -> io::Result<Pid> {
    let server = getpid();
    fork::fork(move || {
        // A panic must not unwind into the copy of the server that this process is.
        catch_unwind(AssertUnwindSafe(|| {
            become_keeper(server, plan, streams, events)
        }))
        .unwrap_or(Exit::Internal)
        .code()
    })
}

fn become_keeper(server: Pid, plan: Plan, streams: Streams, events: OwnedFd) -> Exit {
    let events = Arc::new(events);
    let prepared = prepare(server, &plan, streams, &events);
    let kept = prepared.and_then(|()| {
        let events = Arc::clone(&events);
        keeper::keep(move || supervise(plan, &events))
    });
    match kept {
        Ok(exit) => exit,
        Err(error) => {
            let ended = Ended::Failed(format!("the call can't be started: {error}"));
            // A server that is gone has nobody to tell.
            let _ = channel::send(&*events, &Event::Ended(ended.into()), None);
            Exit::Internal
        }
    }
}

/// Leaves the server behind: its session, its descriptors, its directory.
fn prepare(server: Pid, plan: &Plan, streams: Streams, events: &OwnedFd) -> io::Result<()> {
    fork::signal_on_parent_death(Signal::SIGTERM as i32);
    if getppid() != server {
        return Err(io::Error::other("the server is gone"));
    }
    setsid()?;
    dup2_stdin(&streams.input)?;
    dup2_stdout(&streams.output)?;
    dup2_stderr(&streams.errors)?;
    drop(streams);
    let keep: Vec<RawFd> = plan
        .audit
        .descriptor()
        .into_iter()
        .chain([events.as_raw_fd()])
        .collect();
    fds::close_all_except(&keep)?;
    std::env::set_current_dir(&plan.directory)
        .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", plan.directory.display())))
}

fn supervise(plan: Plan, events: &Arc<OwnedFd>) -> Exit {
    let approver: Arc<dyn Approver> = match plan.ask {
        Ask::Server => Arc::new(Remote {
            events: Arc::clone(events),
            keys: plan.keys,
            writable: plan.policy.writable.clone(),
        }),
        Ask::Program(program) => Arc::new(program),
        Ask::Fixed(answer) => Arc::new(fixed::Fixed(answer)),
    };
    let told = Arc::new(Told {
        events: Arc::clone(events),
        count: AtomicU64::new(0),
    });
    let confined = plan.policy.mode != Mode::DangerFullAccess;
    let session = Session {
        rules: plan.rules,
        approver,
        audit: Arc::new(plan.audit.watched_by(Arc::<Told>::clone(&told))),
        environment: plan.environment,
        writable: confined.then(|| plan.policy.writable_roots().to_vec()),
    };
    let order = Run {
        policy: &plan.policy,
        require: &plan.require,
        command: &plan.command,
        phase: Phase::Shell { login: plan.login },
        pass: &[],
        timeout: Some(plan.timeout),
    };
    let tell = |event: Event| drop(channel::send(&**events, &event, None));
    let audit = Arc::clone(&session.audit);
    let mut refused = Vec::new();
    let ended = match run(&order, session, |layers| tell(Event::Started(lost(layers)))) {
        Ok(ended) => {
            for kind in &ended.refused {
                audit.refused(&kind.record());
                refused.push(kind.into());
            }
            match ended.exit {
                Exit::TimedOut => Ended::TimedOut,
                exit => Ended::Exit(exit.code()),
            }
        }
        Err(error) => Ended::Failed(error.to_string()),
    };
    let more = told.count.load(Ordering::Relaxed).saturating_sub(TOLD);
    tell(Event::Ended(LastWord {
        ended,
        more,
        refused,
    }));
    Exit::Success
}

fn lost(layers: &Layers) -> Vec<String> {
    let missing = layers.missing();
    missing
        .map(|(name, reason)| format!("no {}: {} ({reason})", name.as_str(), name.lost()))
        .collect()
}

/// Tells the server of the first execs that are notable, and counts all.
#[derive(Debug)]
struct Told {
    events: Arc<OwnedFd>,
    count: AtomicU64,
}

impl Watcher for Told {
    fn saw(&self, notable: Notable) {
        let before = match notable.outcome {
            // Belongs to the one before.
            Outcome::Dropped { .. } => self.count.load(Ordering::Relaxed).saturating_sub(1),
            _ => self.count.fetch_add(1, Ordering::Relaxed),
        };
        if before < TOLD {
            // As above.
            let _ = channel::send(&*self.events, &Event::Saw(notable), None);
        }
    }
}

/// Has the server ask.
#[derive(Debug)]
struct Remote {
    events: Arc<OwnedFd>,
    keys: Keys,
    writable: Vec<PathBuf>,
}

impl Approver for Remote {
    fn ask(&self, question: &Question, withdrawn: BorrowedFd<'_>) -> Answer {
        match self.put(question, withdrawn) {
            Ok(Reply::Yes) => Answer::Yes,
            Ok(Reply::No(why)) => Answer::No(why),
            Err(error) => Answer::No(format!("nobody could be asked: {error}")),
        }
    }
}

impl Remote {
    fn put(&self, question: &Question, withdrawn: BorrowedFd<'_>) -> io::Result<Reply> {
        let (ours, theirs) = channel::pair()?;
        let asked = Event::Asking(self.asked(question));
        channel::send(&*self.events, &asked, Some(theirs.as_fd()))?;
        drop(theirs);
        let mut ready = [
            PollFd::new(ours.as_fd(), PollFlags::POLLIN),
            PollFd::new(withdrawn, PollFlags::POLLIN),
        ];
        while poll(&mut ready, PollTimeout::NONE) == Err(nix::errno::Errno::EINTR) {}
        let [answered, _] = ready;
        if answered.any() != Some(true) {
            return Ok(Reply::No("no longer wanted".into()));
        }
        let answer = channel::receive(&ours, MsgFlags::empty())?;
        answer
            .map(|(reply, _)| reply)
            .ok_or_else(|| io::Error::other("the server closed the question"))
    }
}

impl Remote {
    fn asked(&self, question: &Question) -> Asked {
        let text = question.text();
        let pattern = pattern(question.request(), &self.writable);
        Asked {
            command: text.command.clone(),
            program: text.program.clone(),
            directory: text.directory.clone(),
            outside: text.placement == Placement::Outside,
            because: text.because.clone(),
            justification: text.justification.clone(),
            dropped_variables: text.dropped_variables.clone(),
            by_rule: text.by_rule,
            pattern: pattern.filter(|_| !text.by_rule),
            key: self.keys.of(question),
        }
    }
}

/// The words of a rule that matches this command; a rule that permits matches trusted programs only.
fn pattern(request: &Request, writable: &[PathBuf]) -> Option<Vec<String>> {
    let Program { asked, path, .. } = &request.program;
    let argv0 = request.argv.first().map(OsString::as_os_str);
    let program = Program::at(asked, path.as_deref()?, argv0, writable);
    if program.trust != Trust::Trusted || program.real != request.program.real {
        return None;
    }
    let text = |word: &OsString| word.to_str().map(str::to_owned);
    let program = text(&request.program.base_name().to_owned())?;
    let rest = request.arguments().iter().map(text);
    let words: Vec<String> = std::iter::once(Some(program))
        .chain(rest)
        .collect::<Option<_>>()?;
    let length: usize = words.iter().map(String::len).sum();
    (length <= PATTERN_LIMIT).then_some(words)
}
