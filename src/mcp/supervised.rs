//! The forked side of a call: becomes its keeper, which keeps its supervisor.
//!
//! What calls have in common comes by the fork: the rules are parsed once, in the server. The rest
//! comes by the socket, as soon as there is a call. After a call that left nothing behind, the crew
//! is there for another one.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::sched_yield;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getpid, getsid, setsid};

use super::channel::{self, CallEnd, Event, LastWord};
use super::order::{Order, Recipe};
use super::remote::{self, Remote};
use super::{denials, made, workdir};
use crate::act::environment::SessionEnvironment;
use crate::approve::Approver;
use crate::audit::{Audit, Notable, Observer};
use crate::confine::{Layers, Mode, Policy, Unmade, Witness};
use crate::exit::Exit;
use crate::intercept::ahead::{Ahead, Start};
use crate::intercept::ending::Remains;
use crate::intercept::handed;
use crate::intercept::keeper::{self, Heard};
use crate::intercept::launcher::Command;
use crate::intercept::run::{RunError, RunPlan, run};
use crate::intercept::session::{Phase, Session};
use crate::report::refusals;
use crate::sys::{fds, fork, tree, urgency};

/// As many notable execs are told.
const TOLD: u64 = 200;

/// Forks a keeper whose supervisor waits for an [`Order`] from `events`, and tells there what happens.
/// Its end, or `SIGTERM` to it, ends everything.
///
/// The process must have one thread.
///
/// # Errors
/// What fork(2) answered.
pub(super) fn start(recipe: Recipe, events: OwnedFd) -> io::Result<Pid> {
    let server = getpid();
    fork::fork(move || {
        // A panic must not unwind into the copy of the server that this process is.
        catch_unwind(AssertUnwindSafe(|| become_keeper(server, &recipe, events)))
            .unwrap_or(Exit::Internal)
            .code()
    })
}

fn become_keeper(server: Pid, recipe: &Recipe, events: OwnedFd) -> Exit {
    let events = Arc::new(events);
    let fail = |error: &io::Error| {
        tell(&events, &Event::Ended(failed(error)));
        Exit::Internal
    };
    match prepare(server, recipe, &events) {
        Ok(()) => keeper::keep(None, || supervise(recipe, &events), fail),
        Err(error) => fail(&error),
    }
}

fn tell(events: &OwnedFd, event: &Event) {
    // A server that is gone has nobody to tell.
    let _ = channel::send(events, event, None);
}

fn failed(error: &dyn std::error::Error) -> LastWord {
    CallEnd::Failed(format!("the call can't be started: {error}")).into()
}

/// Leaves the server behind: its session and its descriptors.
fn prepare(server: Pid, recipe: &Recipe, events: &OwnedFd) -> io::Result<()> {
    keeper::follow(server)?;
    setsid()?;
    rest()?;
    let keep: Vec<RawFd> = recipe
        .audit
        .descriptor()
        .into_iter()
        .chain([events.as_raw_fd()])
        .collect();
    fds::close_all_except(&keep)
}

fn supervise(recipe: &Recipe, events: &Arc<OwnedFd>) -> Exit {
    let mut told = BTreeSet::new();
    while serve_one(recipe, events, &mut told) {}
    Exit::Success
}

/// Makes ready for an order, waits for it, and carries it out. Whether another may come.
fn serve_one(recipe: &Recipe, events: &Arc<OwnedFd>, told: &mut BTreeSet<PathBuf>) -> bool {
    let settled = recipe.wanted.settled().filter(Ahead::serves);
    let patched = recipe.patched.as_ref();
    let ahead = settled.as_ref();
    let ahead = ahead.map(|policy| Ahead::new(policy, &recipe.require, patched));
    let ahead = ahead.transpose();
    // What the order will need is then there; see the launcher's rehearsal.
    let _ = handed::pack(&Command::nothing()).and_then(handed::unpack);
    let sandbox = ahead.as_ref().ok().and_then(Option::as_ref);
    if let Some(gate) = sandbox.and_then(Ahead::gate) {
        // A server that is gone starts nothing.
        let _ = channel::send(&**events, &Event::Ready, Some(gate));
    }
    let taken = match wait(events, sandbox.map(Ahead::end)) {
        Ok(true) => take(events),
        Ok(false) => Ok(None),
        Err(error) => Err(error),
    };
    let (mut last, remains) = match (taken, ahead) {
        // There will be no call.
        (Ok(None), _) => {
            tree::end();
            return false;
        }
        (Err(error), _) => (failed(&error), Remains::default()),
        (Ok(_), Err(error)) => (
            CallEnd::Failed(error.to_string()).into(),
            Remains::default(),
        ),
        (Ok(Some(taken)), Ok(ahead)) => match policy(recipe, settled, &taken, events, told) {
            Ok(policy) => carry_out(recipe, taken, &policy, ahead, events),
            Err(why) => (CallEnd::NotStarted(why).into(), Remains::default()),
        },
    };
    last.stays &= nothing_is_left(&remains);
    let stays = last.stays;
    tell(events, &Event::Ended(last));
    // The client has its answer before the next sandbox is made.
    urgency::lower();
    let _ = sched_yield();
    drop(remains);
    stays && rest().is_ok()
}

/// Whether no process and no thread of a call is left, one that still asks, say; nothing but what
/// `remains` until that is dropped.
fn nothing_is_left(remains: &Remains) -> bool {
    (remains.is_some() || tree::has_no_children()) && fork::is_possible()
}

/// Lets go of what came with an order.
fn rest() -> io::Result<()> {
    std::env::set_current_dir("/")?;
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&nothing)?;
    dup2_stdout(&nothing)?;
    dup2_stderr(&nothing)?;
    Ok(())
}

/// Waits for an order; false when there will be none, as the server is gone, or the sandbox.
fn wait(events: &OwnedFd, sandbox: Option<BorrowedFd<'_>>) -> io::Result<bool> {
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let mut signals = SignalFd::with_flags(&keeper::signals(), flags)?;
    loop {
        let mut fds = vec![
            PollFd::new(events.as_fd(), PollFlags::POLLIN),
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
        ];
        fds.extend(sandbox.map(|end| PollFd::new(end, PollFlags::POLLIN)));
        match poll(&mut fds, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            result => result?,
        };
        let ready: Vec<bool> = fds.iter().map(|fd| fd.any() == Some(true)).collect();
        let [order, signal, rest @ ..] = ready.as_slice() else {
            return Ok(false);
        };
        if *order {
            return Ok(true);
        }
        if rest.contains(&true) {
            return Ok(false);
        }
        // That a child stopped is said by one as well.
        while *signal && let Some(heard) = keeper::heard(&mut signals) {
            if !matches!(heard, Heard::Child) {
                return Ok(false);
            }
        }
    }
}

/// A call that is to be carried out.
struct Taken {
    order: Order,
    /// A file that holds the command.
    command: OwnedFd,
    /// Whether its directory could be entered; if not, why.
    entered: Result<(), String>,
}

/// Takes an order, and the call's streams for this process's own; `None` when the server is gone.
fn take(events: &OwnedFd) -> io::Result<Option<Taken>> {
    let Some((text, descriptors)) = handed::receive(events)? else {
        return Ok(None);
    };
    let command = handed::take_streams(descriptors)?;
    let order: Order = serde_json::from_slice(&text)?;
    Ok(Some(Taken {
        entered: workdir::enter(&order.directory),
        order,
        command,
    }))
}

/// What the sandbox permits, which the server remembers from now on; `settled` where nothing can change
/// it.
fn policy(
    recipe: &Recipe,
    settled: Option<Policy>,
    taken: &Taken,
    events: &OwnedFd,
    told: &mut BTreeSet<PathBuf>,
) -> Result<Policy, String> {
    // Who starts the command elsewhere can't enter the directory either, and has to be waited for.
    if !taken.order.begun {
        taken.entered.clone()?;
    }
    let policy = settled.map_or_else(|| recipe.wanted.policy(), Ok)?;
    let announced = remote::announce(events, &policy.workspaces, told);
    announced.map_err(|error| format!("the call can't be started: {error}"))?;
    Ok(policy)
}

fn carry_out(
    recipe: &Recipe,
    taken: Taken,
    policy: &Policy,
    ahead: Option<Ahead>,
    events: &Arc<OwnedFd>,
) -> (LastWord, Remains) {
    let Taken {
        order,
        command,
        entered,
    } = taken;
    let unmade = Unmade::of(policy);
    let told = Arc::new(AuditForwarder {
        events: Arc::clone(events),
        count: AtomicU64::new(0),
    });
    let confined = policy.mode != Mode::DangerFullAccess;
    let audit = recipe.audit.clone().for_call(order.client.clone());
    let audit = Arc::new(audit.observed_by(Arc::<AuditForwarder>::clone(&told)));
    let session = session(recipe, policy, Arc::clone(&audit), events);
    let call = RunPlan {
        policy,
        require: &recipe.require,
        phase: Phase::Shell { login: order.login },
        pass: &[],
        terminal: None,
        lead: getsid(None).ok(),
        timeout: Some(order.timeout),
        // The server looks after it.
        overdue: None,
        patched: recipe.patched.as_ref(),
    };
    let report = |layers: &Layers| {
        let lost = lost(layers);
        if !lost.is_empty() {
            tell(events, &Event::Lost(lost));
        }
    };
    let result = match ahead {
        Some(ahead) if order.begun => ahead.run(&call, &Start::Elsewhere, session, report),
        ahead => handed::unpack(command)
            .map_err(RunError::from)
            .and_then(|command| match ahead {
                Some(ahead) => {
                    let start = Start::Here(&command, &order.directory);
                    ahead.run(&call, &start, session, report)
                }
                None => run(&call, &command, session, report),
            }),
    };
    let (mut refused, mut denials, mut remains) = (vec![], vec![], Remains::default());
    let mut replaced = None;
    let told_to_end = matches!(&result, Ok(ended) if matches!(ended.exit, Exit::ToldToEnd(_)));
    let ended = match result {
        Ok(ended) => {
            remains = ended.remains;
            replaced = refusals::replaced(&ended.replaced);
            for kind in &ended.refused.calls {
                audit.refused(&kind.record());
                // What programs could do without is no news for an agent.
                refused.extend(kind.failed.then(|| kind.into()));
            }
            for denial in &ended.refused.paths {
                audit.denied(&denial.record());
            }
            denials = denials::told(&ended.refused.paths);
            match ended.exit {
                Exit::TimedOut => CallEnd::TimedOut,
                exit => CallEnd::Exit(exit.code()),
            }
        }
        Err(error) => CallEnd::Failed(error.to_string()),
    };
    let ended = match entered {
        Ok(()) => ended,
        Err(why) => CallEnd::NotStarted(why),
    };
    let last = LastWord {
        stays: matches!(ended, CallEnd::Exit(_)) && !told_to_end,
        ended,
        more: told.count.load(Ordering::Relaxed).saturating_sub(TOLD),
        refused,
        denials,
        made: made::told(unmade.made()),
        replaced,
        confined,
    };
    (last, remains)
}

/// What judging and acting need of a call.
fn session(recipe: &Recipe, policy: &Policy, audit: Arc<Audit>, events: &Arc<OwnedFd>) -> Session {
    let confined = policy.mode != Mode::DangerFullAccess;
    let roots = policy.writable_roots();
    let environment = SessionEnvironment::new(std::env::vars_os(), roots);
    let ground = policy.ground();
    Session {
        rules: Arc::clone(&recipe.rules),
        approver: approver(recipe, policy, &environment, events),
        audit,
        environment,
        writable: confined.then(|| roots.to_vec()),
        held: ground.held,
        earlier: ground.earlier,
        profiles: recipe
            .profiles
            .clone()
            .within(policy.workspaces.clone())
            .under(recipe.rules.rules())
            .protecting(policy.protection.clone()),
        require: recipe.require.clone(),
        witness: Some(witness(events)),
    }
}

/// Tells the server what counts as written by the command from now on.
fn witness(events: &Arc<OwnedFd>) -> Witness {
    let events = Arc::clone(events);
    Box::new(move |one| {
        if one.decides {
            tell(&events, &Event::Replaced(one.path.clone().into()));
        }
    })
}

fn approver(
    recipe: &Recipe,
    policy: &Policy,
    environment: &SessionEnvironment,
    events: &Arc<OwnedFd>,
) -> Arc<dyn Approver> {
    let unattended = recipe.ask.as_ref().and_then(|it| it.approver(environment));
    unattended.unwrap_or_else(|| {
        Arc::new(Remote {
            events: Arc::clone(events),
            keys: recipe.keys.clone(),
            writable: policy.writable.clone(),
        })
    })
}

fn lost(layers: &Layers) -> Vec<String> {
    let missing = layers.missing();
    missing
        .map(|(name, reason)| format!("no {}: {} ({reason})", name.as_str(), name.lost()))
        .collect()
}

/// Tells the server of the first execs that are notable, and counts all.
#[derive(Debug)]
struct AuditForwarder {
    events: Arc<OwnedFd>,
    count: AtomicU64,
}

impl Observer for AuditForwarder {
    fn saw(&self, notable: Notable) {
        let before = self.count.fetch_add(1, Ordering::Relaxed);
        if before < TOLD {
            // A reader that is gone needs none.
            let _ = channel::send(&*self.events, &Event::Saw(notable), None);
        }
    }
}
