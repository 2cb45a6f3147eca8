//! The sandbox: namespaces, Landlock, system call filter; each layer reported.
//!
//! ```text
//!  start ── plan ── fork into namespaces ──┬─ caller: waits for the report, gets a Sandbox
//!                                          │
//!            first process of the sandbox: ids, mounts, capabilities, Landlock, descriptors,
//!            filter; says how it went; then runs `init`
//! ```
//! Where the machine does not let us have namespaces, the child says so and ends, and another is
//! forked that goes without them.
//!
//! # The first process
//!
//! The supervisor forks init into new namespaces. Init mounts what the sandbox sees, drops capabilities, sets
//! no\_new\_privs, enters Landlock, closes inherited descriptors, and installs one seccomp filter. It sends
//! the filter's listener to the supervisor, closes its own copy, and starts the command.
//!
//! # The layers
//!
//! | layer | what it does |
//! | --- | --- |
//! | namespaces | user (where needed), mount, pid, ipc and, with the network off, network. All mounts read-only but the writable roots; in a root that holds work, `.git`, `.codex` and `.agents` read-only too, whether they exist or not; so is what decides, and what other programs obey |
//! | proc | a `/proc` that shows the sandbox's processes alone |
//! | landlock | files, TCP, and signals and abstract sockets that lead outside: a second guard |
//! | filter | besides stopping execs: refuses foreign architectures and x32, mounts, new namespaces, io\_uring, keyrings, bpf, handles, sockets but local pairs while the network is off, leases, priorities of whole process groups, input pushed into a terminal; calls newer than its table look unimplemented |
//! | privileges | no capabilities, no\_new\_privs |
//!
//! `codex-shell doctor` puts all of it in force once and reports. A layer that the machine does not offer is
//! reported at each start with what is lost, and `--require LAYER` refuses to start without it. Without
//! namespaces, the filter also refuses changes of file attributes and everything that reaches into other
//! processes. Without namespaces *and* Landlock nothing starts.
//!
//! A directory that the sandbox is given as a descriptor is opened anew on its own mounts: what is reached
//! through the old one would not be read-only.
//!
//! With `--sandbox danger-full-access` there is no sandbox: execs are judged, and nothing holds what they do;
//! `clone3` alone is answered as absent, for its flags can't be seen, and `clone` serves. A process that
//! swaps its words with a second thread, or for a child that shares its memory, is still caught; one that
//! writes into another process's memory is not, since it could write into the supervisor's as well.

#![forbid(unsafe_code)]

mod access;
mod caches;
mod calls;
mod child;
mod directory_lock;
mod error;
mod filter;
mod git_chain;
mod given;
mod hard_link;
pub mod holder;
mod holding;
mod landlock;
mod layers;
mod layout;
mod made;
mod mounts;
pub mod named;
mod namespaces;
pub mod obeyed;
mod pattern;
mod placeholder;
mod policy;
mod present;
mod protect;
pub mod protection;
mod reach;
mod refusals;
mod trail;
mod unseen;

use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::CloneFlags;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use crate::sys::clone::{self, Forked};
use crate::sys::{lock, messages};

pub use access::{Cause, PROTECTED};
pub use error::ConfineError;
pub use holding::{Holding, Replaced, Witness};
pub use layers::{LayerName, LayerState, Layers, Status};
pub use made::{Made, Unmade};
pub use pattern::{PathPattern, found_in};
pub use placeholder::is_at as is_placeholder;
pub use policy::{Mode, Policy};
pub use protection::{Deciding, Protection, Role};
pub use reach::{Denied, Reach, Remedy};
pub use refusals::{Refusals, Refused, Told};

use access::MountPlan;
use child::InitReport;
use error::During;
use filter::FilterScope;
use holder::Namespaces;
use holding::SharedPlaceholders;
use namespaces::CallerIds;
use placeholder::Placeholders;

/// What [`start`] is asked for.
#[derive(Debug)]
pub struct Setup<'a> {
    /// What the sandbox permits.
    pub policy: &'a Policy,
    /// Layers without which nothing starts.
    pub require: &'a [LayerName],
    /// Descriptors that the first process keeps, beside 0, 1, 2 and the listener.
    pub keep: &'a [RawFd],
    /// The sandbox stays in the caller's session, with its controlling terminal, where signals
    /// can be held back all the same; otherwise it gets a session of its own.
    pub terminal: bool,
    /// The number, inside, of the first process that the first process starts; where it can't be had,
    /// it is another. The first process then leads a group of its own, or a session: whoever joins that
    /// group can signal it, and nobody of the caller's.
    pub number: Option<Pid>,
    /// The filter has a listener, to which every exec comes; otherwise nobody is told of any.
    pub listen: bool,
    /// The listener is asked for what the filter would refuse, and must refuse it by
    /// [`Sandbox::refusals`], and about what is written to standard error; otherwise the filter does
    /// it alone.
    pub tell: bool,
}

/// What the first process has.
#[derive(Debug)]
pub struct Inside {
    /// Where the filter's notifications come in, if it has a listener; closed on exec.
    pub listener: Option<OwnedFd>,
    /// This process is number 1 of its namespace, and its end is the end of all it started. Orphans
    /// are its to reap either way.
    pub pid_namespace: bool,
}

/// A running sandbox.
///
/// Keep it until the first process has ended, and drop it then: that removes the directories that
/// stood for protected names, and a signal that ends the caller would leave them behind. Dropping it
/// earlier ends what still runs.
#[derive(Debug)]
pub struct Sandbox {
    /// The first process; readable once it has ended.
    pub init: OwnedFd,
    /// The first process, as the caller numbers it. The caller reaps it.
    pub init_pid: Pid,
    /// How each layer went.
    pub layers: Layers,
    /// Whether all processes end with the first.
    pub pid_namespace: bool,
    /// What to answer a call with that is neither an exec nor the proxy's.
    pub refusals: Refusals,
    /// What keeps held what is held; `None` where there are no mounts.
    pub holding: Option<Holding>,
    /// Goes last.
    ground: HeldPlaceholders,
}

impl Sandbox {
    /// Nothing runs in it any more, and nothing will: removes the directories that stood for protected
    /// names. Dropping it can wait.
    pub fn vacate(&mut self) {
        lock(&self.ground.placeholders).remove();
    }
}

/// Placeholders, and the process whose end makes them superfluous.
#[derive(Debug)]
struct HeldPlaceholders {
    init: OwnedFd,
    placeholders: SharedPlaceholders,
}

impl Drop for HeldPlaceholders {
    fn drop(&mut self) {
        let mut placeholders = lock(&self.placeholders);
        if placeholders.is_empty() {
            return;
        }
        // Were they removed earlier, the mounts on them would be gone while programs still run.
        let _ = clone::kill(&self.init);
        let mut ended = [PollFd::new(self.init.as_fd(), PollFlags::POLLIN)];
        while poll(&mut ended, PollTimeout::NONE) == Err(nix::errno::Errno::EINTR) {}
        placeholders.remove();
    }
}

/// Has every exec of the programs that this thread starts from now on come to the listener that is
/// returned; nothing else is looked at. The thread itself is bound too, for good.
///
/// Also says whether set-user-id programs still work: they don't unless this process has
/// CAP_SYS_ADMIN.
///
/// # Errors
/// The filter can't be installed.
pub fn listen_from_here() -> Result<(OwnedFd, bool), ConfineError> {
    child::listen_from_here()
}

/// Forks the sandbox's first process. In it, every layer is put in force; then `init` runs with
/// the listener, and its return value is the exit status.
///
/// The first process is killed when the calling thread ends. What it starts can neither dump nor trace
/// it: a child of it must make itself dumpable again before it execs.
///
/// Fails when this process has other threads, when a layer can't be put in force for a reason other
/// than the machine's lack of it, or when one that `setup` requires is lacking. Nothing runs then.
pub fn start(setup: &Setup<'_>, init: impl FnOnce(Inside) -> u8) -> Result<Sandbox, ConfineError> {
    let identity = CallerIds::of_caller().during("asking for capabilities")?;
    let mut namespaces = match setup.policy.mode {
        Mode::DangerFullAccess => NamespaceChoice::No,
        Mode::ReadOnly | Mode::WorkspaceWrite => NamespaceChoice::Yes,
    };
    loop {
        let (job, placeholders) = InitSetup::new(setup, identity, namespaces)?;
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC).during("making a pipe")?;
        let (ours, theirs) = messages::pair().during("making a channel")?;
        let (init_pid, pidfd) = match clone::fork_into(job.flags()) {
            Ok(Forked::Child) => {
                drop((reader, ours));
                child::run(&job, writer, theirs, init)
            }
            Ok(Forked::Parent { pid, pidfd }) => (pid, pidfd),
            Err(error) if job.in_namespaces() && namespaces::barred(&error) => {
                namespaces = NamespaceChoice::Barred(format!("clone: {error}"));
                continue;
            }
            Err(error) => return Err(error).during("forking the first process"),
        };
        drop(writer);
        // It does not run `init` unless its report is read: an error before that ends it.
        let ground = HeldPlaceholders {
            init: pidfd.try_clone().during("copying a descriptor")?,
            placeholders: SharedPlaceholders::default(),
        };
        *lock(&ground.placeholders) = placeholders;
        let report = InitReport::receive(reader);
        if !matches!(report, InitReport::Ready(_)) {
            // It ends by itself, unless what it said was not understood.
            let _ = clone::kill(&pidfd);
            let _ = waitpid(init_pid, None);
        }
        match report {
            InitReport::Barred(reason) => namespaces = NamespaceChoice::Barred(reason),
            InitReport::Failed(error) => return Err(error),
            InitReport::Ready(layers) => {
                let holding = job.holding(&ours, &ground.placeholders);
                if holding.is_err() {
                    let _ = clone::kill(&pidfd);
                    let _ = waitpid(init_pid, None);
                }
                return Ok(Sandbox {
                    holding: holding?,
                    init: pidfd,
                    init_pid,
                    layers,
                    pid_namespace: job.in_namespaces(),
                    refusals: Refusals::new(job.scope(), job.reach()),
                    ground,
                });
            }
        }
    }
}

/// Whether there are to be namespaces.
#[derive(Debug)]
enum NamespaceChoice {
    Yes,
    /// The mode does without.
    No,
    /// The machine does not let us: why.
    Barred(String),
}

/// All that the first process needs to know.
#[derive(Debug)]
struct InitSetup<'a> {
    setup: &'a Setup<'a>,
    identity: CallerIds,
    namespaces: NamespaceChoice,
    plan: MountPlan,
    cwd: PathBuf,
}

impl<'a> InitSetup<'a> {
    fn new(
        setup: &'a Setup<'a>,
        identity: CallerIds,
        namespaces: NamespaceChoice,
    ) -> Result<(Self, Placeholders), ConfineError> {
        let (plan, placeholders) = match &namespaces {
            NamespaceChoice::Yes => protect::plan(setup.policy)?,
            NamespaceChoice::No => Default::default(),
            NamespaceChoice::Barred(reason) => {
                protect::check_unheld(setup.policy, reason)?;
                Default::default()
            }
        };
        let job = Self {
            setup,
            identity,
            namespaces,
            plan,
            cwd: std::env::current_dir().during("asking for the working directory")?,
        };
        Ok((job, placeholders))
    }

    fn in_namespaces(&self) -> bool {
        matches!(self.namespaces, NamespaceChoice::Yes)
    }

    fn scope(&self) -> FilterScope {
        match self.setup.policy.mode {
            Mode::DangerFullAccess => FilterScope::Unconfined,
            Mode::ReadOnly | Mode::WorkspaceWrite => FilterScope::Sandbox {
                network: self.setup.policy.network,
                namespaces: self.in_namespaces(),
            },
        }
    }

    fn reach(&self) -> Option<Reach> {
        let plan = self.in_namespaces().then(|| self.plan.clone());
        let policy = self.setup.policy;
        (policy.mode != Mode::DangerFullAccess).then(|| Reach::new(policy, plan, &self.cwd))
    }

    /// What keeps held what the plan holds, with the namespaces that come by `channel`.
    fn holding(
        &self,
        channel: &OwnedFd,
        placeholders: &SharedPlaceholders,
    ) -> Result<Option<Holding>, ConfineError> {
        if !self.in_namespaces() {
            return Ok(None);
        }
        let namespaces = Namespaces::receive(channel, self.identity.user_namespace)?;
        let (policy, plan) = (self.setup.policy, self.plan.clone());
        Holding::new(policy, plan, namespaces, Arc::clone(placeholders)).map(Some)
    }

    fn flags(&self) -> CloneFlags {
        if self.in_namespaces() {
            namespaces::flags(self.identity, self.setup.policy.network)
        } else {
            CloneFlags::empty()
        }
    }
}
