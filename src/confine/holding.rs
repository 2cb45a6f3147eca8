//! What is held stays held while the sandbox stands.
//!
//! A mount lies on the entry of a directory. When somebody outside puts something else there, as git and
//! editors do, the kernel takes the mount away in every namespace; when the entry is moved, the mount goes
//! along. What is at the name then could be written from inside. So it is mounted again, by the code that did
//! it at the start:
//!
//! ```text
//!  supervisor   hears of it (the table of mounts has changed, something was moved away)
//!               looks at each name; plans anew; makes what stands for the missing
//!   └ holder    this binary again; enters the sandbox's namespaces and mounts what is not there
//! ```
//! Before a program inside hears that one outside has ended, and when the command ends, each name is looked at:
//! what that one has put there its caller can't write. What others do is heard of ([`UNHEARD`]), and what runs
//! beside the caller could write it until it is mended. So who reads rules again counts what was replaced meanwhile as written by the command
//! ([`Holding::tell`]).
//!
//! Where it can't be mended, the sandbox must end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::access::{Access, Cause, MountPlan};
use super::error::{ConfineError, During};
use super::holder::{self, Namespaces};
use super::placeholder::Placeholders;
use super::policy::Policy;
use super::protect::plan_again;
use crate::sys::lock;
use crate::sys::mounts::mounted_at;
use crate::sys::timer::Timer;

/// What is replaced again each time that it is held is given up after as many.
const ROUNDS: u32 = 16;
/// As often, what is missing is waited for.
const PATIENCE: u32 = 5;
/// For so long.
const PAUSE: Duration = Duration::from_millis(5);
/// As many directories are watched.
const DIRECTORIES: usize = 256;
/// So long after the start, moves are not heard of: an inotify instance takes 5 to 15 ms to close (the kernel waits
/// for its readers), which is as much as the whole of a short run. `strace -r` of a `run -c :` shows whether that
/// still pays.
const UNHEARD: Duration = Duration::from_millis(200);

/// Placeholders that a sandbox and who looks after it share.
pub(super) type SharedPlaceholders = Arc<Mutex<Placeholders>>;

/// Keeps what a sandbox holds.
#[derive(Debug, Clone)]
pub struct Holding {
    bell: Arc<Epoll>,
    held: Arc<Mutex<HeldNames>>,
}

/// Something that is held, and that was replaced while the command ran.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replaced {
    /// Where it is.
    pub path: PathBuf,
    /// It decides what is permitted, or may.
    pub decides: bool,
}

/// Is told of each at once.
pub type Witness = Box<dyn Fn(&Replaced) + Send + Sync>;

struct HeldNames {
    bell: Arc<Epoll>,
    policy: Policy,
    namespaces: Namespaces,
    plan: MountPlan,
    /// The number of each mount; `None` where that can't be looked at.
    numbers: BTreeMap<PathBuf, Option<u64>>,
    placeholders: SharedPlaceholders,
    moves: Moves,
    replaced: BTreeSet<Replaced>,
    witness: Option<Witness>,
    failure: Option<ConfineError>,
}

/// What rings the bell when something is moved away: the table of mounts says nothing of it.
enum Moves {
    /// Not yet ([`UNHEARD`]).
    Later(Timer),
    Heard(Inotify),
    /// The machine gives us nothing that would hear: what was only moved away is found out when a program outside
    /// ends.
    Never,
}

impl fmt::Debug for HeldNames {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HeldNames").finish_non_exhaustive()
    }
}

impl Holding {
    /// Of a sandbox that has just been made by `plan`.
    ///
    /// # Errors
    /// Something was replaced meanwhile and can't be held.
    pub(super) fn new(
        policy: &Policy,
        plan: MountPlan,
        namespaces: Namespaces,
        placeholders: SharedPlaceholders,
    ) -> Result<Self, ConfineError> {
        let step = "watching what is held";
        let bell = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).during(step)?;
        let changed = EpollEvent::new(EpollFlags::EPOLLPRI, 0);
        bell.add(&namespaces.table, changed).during(step)?;
        let later = Timer::new().during(step)?;
        later.set(Some(UNHEARD)).during(step)?;
        let due = EpollEvent::new(EpollFlags::EPOLLIN, 0);
        bell.add(&later, due).during(step)?;
        let bell = Arc::new(bell);
        let mut held = HeldNames {
            bell: Arc::clone(&bell),
            policy: policy.clone(),
            namespaces,
            plan,
            numbers: BTreeMap::new(),
            placeholders,
            moves: Moves::Later(later),
            replaced: BTreeSet::new(),
            witness: None,
            failure: None,
        };
        held.take_stock();
        held.mend(0)?;
        Ok(Self {
            bell,
            held: Arc::new(Mutex::new(held)),
        })
    }

    /// Readable when something may have been replaced.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.0.as_fd()
    }

    /// Looks at all that is held, and holds again what was replaced: nobody is at it any more. Whether all is held;
    /// if not, nobody inside may hear of it.
    pub fn look(&self) -> bool {
        lock(&self.held).keep(0)
    }

    /// The same when the bell rings: somebody may be at it.
    pub fn attend(&self) -> bool {
        lock(&self.held).keep(PATIENCE)
    }

    /// Why something is not held any more: then the sandbox must end.
    pub fn failure(&self) -> Option<ConfineError> {
        lock(&self.held).failure.clone()
    }

    /// What was replaced since the sandbox was made.
    pub fn replaced(&self) -> Vec<Replaced> {
        lock(&self.held).replaced.iter().cloned().collect()
    }

    /// Has `witness` told of what is replaced, before anything else is done about it.
    pub fn tell(&self, witness: Witness) {
        let mut held = lock(&self.held);
        held.replaced.iter().for_each(&witness);
        held.witness = Some(witness);
    }
}

impl HeldNames {
    /// Whether all is held.
    fn keep(&mut self, patience: u32) -> bool {
        if self.failure.is_none() {
            self.failure = self.mend(patience).err();
        }
        self.failure.is_none()
    }

    /// Who replaces something unlinks it and makes it again, so what is missing is waited for where there is
    /// `patience`; and what can't be held can be a moment later.
    fn mend(&mut self, patience: u32) -> Result<(), ConfineError> {
        let mut failed = None;
        for round in 0..ROUNDS {
            self.hear();
            let lost: Vec<PathBuf> = self.lost().map(Path::to_owned).collect();
            let Some(first) = lost.first() else {
                return Ok(());
            };
            self.note(&lost);
            let waits = round < patience;
            let is_there = |path: &PathBuf| path.symlink_metadata().is_ok();
            let result = if waits && !lost.iter().any(is_there) {
                Ok(())
            } else {
                self.hold_again(waits)
            };
            if waits || result.is_err() {
                std::thread::sleep(PAUSE);
            }
            let reason = match result {
                Ok(()) => "it is replaced again and again".to_owned(),
                Err(error) => error.to_string(),
            };
            failed = Some(ConfineError::Lost {
                path: first.clone(),
                reason,
            });
        }
        let is_held = self.lost().next().is_none();
        failed.filter(|_| !is_held).map_or(Ok(()), Err)
    }

    fn note(&mut self, lost: &[PathBuf]) {
        for path in lost {
            let Some(Access::Protected(cause)) = self.plan.get(path) else {
                continue;
            };
            let one = Replaced {
                path: path.clone(),
                decides: matches!(cause, Cause::Deciding(_) | Cause::Name),
            };
            if let Some(witness) = &self.witness
                && !self.replaced.contains(&one)
            {
                witness(&one);
            }
            self.replaced.insert(one);
        }
    }

    /// Silences the bell.
    fn hear(&mut self) {
        match &self.moves {
            Moves::Later(timer) if timer.has_run_out() => {
                // Dropped alone it would ring on, if a child has it.
                let _ = self.bell.delete(timer);
                self.listen();
            }
            Moves::Heard(moves) => while moves.read_events().is_ok() {},
            Moves::Later(_) | Moves::Never => {}
        }
    }

    /// Has moves heard of from now on.
    fn listen(&mut self) {
        let moved = EpollEvent::new(EpollFlags::EPOLLIN, 0);
        let moves = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK);
        let moves = moves.and_then(|moves| self.bell.add(&moves, moved).map(|()| moves));
        self.moves = moves.map_or(Moves::Never, Moves::Heard);
        self.watch_directories();
    }

    fn watch_directories(&self) {
        let Moves::Heard(moves) = &self.moves else {
            return;
        };
        let directories: BTreeSet<&Path> = self.plan.keys().filter_map(|it| it.parent()).collect();
        let flags = AddWatchFlags::IN_MOVED_FROM | AddWatchFlags::IN_ONLYDIR;
        for directory in directories.into_iter().take(DIRECTORIES) {
            // One that can't be watched is looked at when a program outside ends.
            let _ = moves.add_watch(directory, flags);
        }
    }

    /// Where the mounts are not that were there.
    fn lost(&self) -> impl Iterator<Item = &Path> {
        let lost = self.numbers.iter().filter(|(path, known)| {
            match mounted_at(&self.namespaces.root, path) {
                Ok(Some(found)) => Some(found) != **known,
                Err(error) if is_closed(&error) => known.is_some(),
                Ok(None) | Err(_) => true,
            }
        });
        lost.map(|(path, _)| path.as_path())
    }

    /// Holds again what is there, and what is missing unless that is waited for.
    fn hold_again(&mut self, waits: bool) -> Result<(), ConfineError> {
        let plan = {
            let mut placeholders = lock(&self.placeholders);
            let placeholders = (!waits).then_some(&mut *placeholders);
            plan_again(&self.policy, &self.plan, placeholders)?
        };
        let planned = plan.iter().map(|(path, access)| {
            let known = self.numbers.get(path).copied().flatten();
            // One that is to be stricter is another mount.
            let was = self.plan.get(path).map(|was| was.plain());
            let known = known.filter(|_| was == Some(access.plain()));
            (path.clone().into_os_string(), access.plain(), known)
        });
        let planned: Vec<_> = planned.collect();
        holder::mend(&self.namespaces, &planned)?;
        if waits {
            self.plan.extend(plan);
        } else {
            self.plan = plan;
        }
        self.take_stock();
        Ok(())
    }

    /// Notes which mounts there are, and has moves in their directories heard of.
    fn take_stock(&mut self) {
        let root = &self.namespaces.root;
        let number = |path| mounted_at(root, path).ok().flatten();
        let numbers = self.plan.keys().map(|path| (path.clone(), number(path)));
        self.numbers = numbers.collect();
        self.watch_directories();
    }
}

/// Whether nobody can tell what is there.
fn is_closed(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EACCES as i32)
}
