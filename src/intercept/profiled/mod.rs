//! Programs outside that have a sandbox of their own, because a rule says so.
//!
//! ```text
//!  supervisor ◀──────── channel ────────┐ listener, the program, what becomes of it
//!   └ helper       this binary again; builds the sandbox, holds what the program has
//!      └ first     the sandbox's first process ──────────┘
//!         └ program … every exec below here is a notification to the supervisor
//! ```
//! The sandbox's filter has the one listener that there can be, so that what the program starts is
//! judged as for any program outside. Where the sandbox can't be built, nothing runs.
//!
//! # How it is built
//!
//! **Allow, outside, in a profile.** A rule's `run = profile(...)` gives the program a sandbox of its own.
//! The supervisor can't fork and go on, having threads, so it starts a *helper*: this binary again, with all
//! that the program takes over. The helper forks the sandbox's first process by the code that makes the
//! session's, with the profile's policy; that process starts the program. File and directory are opened again
//! from within, since by a descriptor from outside what is read-only could be written, and must be the very
//! same. The filter's listener goes to the supervisor, so what the program starts is judged as for any
//! program outside; a permit leads no further out. The first process tells what becomes of the program and
//! stays until nothing is left; the helper clears away what the sandbox needed. Without namespaces there is
//! no such sandbox, and then the program does not run.
//!
//! What a profile permits is a sandbox mode or a table of `codex-shell.toml`, with what the rule adds.
//! Workspace-write means the session's workspaces, wherever the program starts. Where several rules match,
//! the most confined place counts: inside, then a profile, then outside. Of several profiles the strictest
//! mode counts, and the network or a directory only if each has it.

mod helper;
mod job;

use std::collections::HashMap;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::MsgFlags;
use nix::sys::stat::Mode;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::refused::{RefusedKind, Refuser};
use crate::approve::place::SeparateSandbox;
use crate::confine::{LayerName, Refusals};
use crate::rules::model::Profile;
use crate::sys::change::Change;
use crate::sys::child::{Child, Inherited, Launch};
use crate::sys::listener::Listener;
use crate::sys::messages;
use crate::sys::pidfd::PidFd;

pub use helper::{WORD, main};
use job::{Job, Said};

/// How long sandboxes may take to be cleared away at the end, all together.
const PATIENCE: Duration = Duration::from_secs(2);

/// The sandboxes that run, by the numbers of their helpers.
#[derive(Debug)]
pub struct Profiled<K> {
    /// Their sandboxes have listeners.
    listens: bool,
    running: HashMap<Pid, ProfiledRun<K>>,
    /// What those refused that have ended.
    refused: Vec<RefusedKind>,
}

#[derive(Debug)]
struct ProfiledRun<K> {
    profiles: Vec<Profile>,
    helper: Child,
    channel: OwnedFd,
    /// Who stands in for the program, while somebody does.
    stand_in: Option<K>,
    listener: Option<Arc<Listener>>,
    /// The program, once its own exec has come.
    program: Option<Pid>,
    refuser: Refuser,
}

/// What became of a program, for who stands in for it.
#[derive(Debug)]
pub enum ProfiledNews {
    /// It runs.
    Started {
        /// The program.
        program: PidFd,
        /// The terminal's signals don't reach it by themselves.
        own_session: bool,
    },
    /// Something happened to it.
    Changed(Change),
    /// It does not run, and why.
    Failed(String),
}

impl<K: Copy + PartialEq> Profiled<K> {
    /// None yet; what these programs start is judged if it `listens`.
    pub fn new(listens: bool) -> Self {
        Self {
            listens,
            running: HashMap::new(),
            refused: Vec::new(),
        }
    }

    /// Whether none runs, and none has run.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty() && self.refused.is_empty()
    }

    /// Starts a program for `stand_in`, in this sandbox, which must have the layers `require`.
    ///
    /// # Errors
    /// The helper can't be started.
    pub fn start(
        &mut self,
        stand_in: K,
        launch: Launch,
        sandbox: &SeparateSandbox,
        require: &[LayerName],
    ) -> io::Result<()> {
        let SeparateSandbox { profiles, policy } = sandbox;
        let (ours, theirs) = messages::pair()?;
        let job = Job::new(policy, require, &launch.inherited, self.listens);
        let helper = for_helper(launch, &job, theirs)?.start()?;
        let id = helper.pid;
        let running = ProfiledRun {
            profiles: profiles.clone(),
            channel: ours,
            stand_in: Some(stand_in),
            listener: None,
            program: None,
            refuser: Refuser::new(Refusals::of_profile(policy)),
            helper,
        };
        self.running.insert(id, running);
        Ok(())
    }

    /// Each sandbox's channel, readable when there is news, and its listener, once there is one.
    pub fn sources(&self) -> impl Iterator<Item = (Pid, BorrowedFd<'_>, Option<&Listener>)> {
        self.running.iter().map(|(&id, running)| {
            let listener = running.listener.as_deref();
            (id, running.channel.as_fd(), listener)
        })
    }

    /// The profiles that a sandbox was made for; none once it is gone.
    pub fn profiles(&self, id: Pid) -> &[Profile] {
        let running = self.running.get(&id);
        running.map_or(&[], |running| &running.profiles)
    }

    /// The listener of a sandbox.
    pub fn listener(&self, id: Pid) -> Option<&Arc<Listener>> {
        self.running.get(&id)?.listener.as_ref()
    }

    /// Nobody is left who could call the listener of a sandbox.
    pub fn is_silent(&mut self, id: Pid) {
        if let Some(running) = self.running.get_mut(&id) {
            running.listener = None;
        }
    }

    /// What answers the calls that a sandbox refuses.
    pub fn refuser(&mut self, id: Pid) -> Option<&mut Refuser> {
        Some(&mut self.running.get_mut(&id)?.refuser)
    }

    /// Whether an exec in a sandbox is that of the program itself: the first.
    pub fn is_start(&mut self, id: Pid, tid: Pid) -> bool {
        let running = self.running.get_mut(&id);
        running.is_some_and(|running| match running.program {
            Some(_) => false,
            None => running.program.replace(tid).is_none(),
        })
    }

    /// Whether this is the program itself.
    pub fn has_started(&self, id: Pid, pid: Pid) -> bool {
        let running = self.running.get(&id);
        running.is_some_and(|running| running.program == Some(pid))
    }

    /// Takes the next message from a sandbox: for whom it is, and what it says.
    pub fn news(&mut self, id: Pid) -> Option<(K, ProfiledNews)> {
        let running = self.running.get_mut(&id)?;
        let said = messages::receive(&running.channel, MsgFlags::MSG_DONTWAIT);
        let (said, with) = match said {
            Ok(Some(said)) => said,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Ok(None) | Err(_) => return self.ended(id),
        };
        let stand_in = running.stand_in;
        let news = match (said, with) {
            (Said::Listening, Some(listener)) => {
                running.listener = Some(Arc::new(Listener::new(listener)));
                return None;
            }
            (Said::Started { own_session }, Some(program)) => ProfiledNews::Started {
                program: PidFd::from(program),
                own_session,
            },
            (Said::Changed(change), _) => ProfiledNews::Changed(change),
            (Said::Failed(reason), _) => ProfiledNews::Failed(reason),
            (Said::Listening | Said::Started { .. }, None) => return self.ended(id),
        };
        match (stand_in, news) {
            (Some(stand_in), news) => Some((stand_in, news)),
            (None, ProfiledNews::Started { program, .. }) => {
                // Nobody stands in for it any more.
                let _ = program.signal(nix::libc::SIGKILL);
                None
            }
            (None, _) => None,
        }
    }

    /// A sandbox is gone, and with it the program, if that was still there.
    fn ended(&mut self, id: Pid) -> Option<(K, ProfiledNews)> {
        let running = self.running.remove(&id)?;
        let _ = running.helper.handle.signal(nix::libc::SIGKILL);
        let _ = waitpid(running.helper.pid, None);
        self.refused.extend(running.refuser.into_refusal().calls);
        let news = ProfiledNews::Changed(Change::Killed(9));
        running.stand_in.map(|stand_in| (stand_in, news))
    }

    /// `stand_in` does not stand in for a program any more.
    pub fn forget(&mut self, stand_in: K) {
        for running in self.running.values_mut() {
            if running.stand_in == Some(stand_in) {
                running.stand_in = None;
            }
        }
    }
}

impl<K> Profiled<K> {
    /// Ends them all. A helper that is left alone removes what it put in place for its sandbox.
    pub fn end(&mut self) {
        self.refused = self.take_refused();
        let deadline = Instant::now() + PATIENCE;
        // Collected first: that closes every channel.
        let helpers: Vec<Child> = self.running.drain().map(|(_, it)| it.helper).collect();
        for helper in helpers {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
            let mut ended = [PollFd::new(helper.handle.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut ended, left);
        }
    }

    /// What the sandboxes refused, those that run and those that have ended.
    pub fn take_refused(&mut self) -> Vec<RefusedKind> {
        let mut kinds = std::mem::take(&mut self.refused);
        for running in self.running.values_mut() {
            kinds.extend(std::mem::take(&mut running.refuser).into_refusal().calls);
        }
        kinds
    }
}

impl<K> Drop for Profiled<K> {
    fn drop(&mut self) {
        self.end();
    }
}

/// How the helper is started to start `launch`. Its own limits and signals are ours: the program's
/// could end it.
fn for_helper(launch: Launch, job: &Job, channel: OwnedFd) -> io::Result<Launch> {
    let word = |text: String| CString::new(text).map_err(io::Error::from);
    let mut argv = vec![
        word("codex-shell".to_owned())?,
        word(WORD.to_owned())?,
        word(serde_json::to_string(job)?)?,
    ];
    argv.extend(launch.argv);
    let mut descriptors = launch.inherited.descriptors;
    descriptors.push((channel, job.channel));
    descriptors.push((launch.executable, job.executable));
    let ourselves = OFlag::O_PATH | OFlag::O_CLOEXEC;
    Ok(Launch {
        executable: open("/proc/self/exe", ourselves, Mode::empty())?,
        argv,
        environment: launch.environment,
        directory: launch.directory,
        inherited: Inherited {
            descriptors,
            umask: 0o22,
            limits: Vec::new(),
            ignored: 0,
            blocked: u64::MAX,
            nice: launch.inherited.nice,
            group: launch.inherited.group,
        },
    })
}
