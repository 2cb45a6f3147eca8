//! Who runs in the memory of a process that executes, beside it.
//!
//! Processes share memory after `vfork`; every other way is asked about first, after which nobody
//! comes here. A parent stands still until its child has executed or ended. So those in one memory are
//! a line, each waiting for the next, and only the last one runs; but whoever dies in the line lets his
//! parent go on, beside a child that is an orphan then. A process is alone if it is the line, or the
//! line's second, and nobody has strayed from it: then nobody can let anybody go on.
//!
//! Who dies loses his memory first, and his children later. In between they are nobody's orphans, and
//! he does not show whose memory he had: he counts as having had this one.
//!
//! Nearly always, the process that executes was started last of all on the machine. Numbers are given in
//! turn, so nobody has started after it as long as the last one given is its own: it has no thread but
//! one and no children. Whoever comes into a memory is started by one who is in it; so beside a process
//! that began its memory, be it when it was forked or by an exec, only those could be that are newer
//! than it, and there is none. Only one that was started in its parent's memory may be there with
//! others. If that parent is there still, the two share it; if not, it is about to end, or the process an
//! orphan. What is left to look at is therefore the parent.

use std::cell::OnceCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::str;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::caller::{Kin, kin};
use crate::sys::pidfd::PidFd;
use crate::sys::{process_memory, tree};

/// What can be seen of processes. `None` is what can't.
pub trait Processes {
    /// Parent and number of threads.
    fn kin(&self, pid: Pid) -> Option<Kin>;
    /// The parent of a process than which no process and no thread is newer; `None` when one is, or may be.
    fn parent_of_newest(&self, pid: Pid) -> Option<Pid>;
    /// Whether both run in the same memory; not, when one has none any more.
    fn share_memory(&self, a: Pid, b: Pid) -> Option<bool>;
    /// What is left of it.
    fn left(&self, pid: Pid) -> Option<Left>;
    /// The children of a process of one thread, in whole, as far as each is there afterwards.
    fn children(&self, pid: Pid) -> Option<Vec<Pid>>;
    /// Whose children orphans become.
    fn init(&self) -> Pid;
    /// Whether its memory was made by an exec that nobody inside could share.
    fn is_root(&self, pid: Pid) -> bool;
}

/// What is left of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Its memory.
    Memory,
    /// Its children alone.
    Children,
    /// Its number.
    Nothing,
}

/// How the memory of a process is related to its parent's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Above {
    /// It is another.
    Apart,
    /// It is the same.
    Shared,
    /// The parent is about to end, or gone: what it shared shows no more.
    Unknown,
}

/// What was seen of a process that executes.
#[derive(Debug)]
pub struct Seen {
    /// Its threads.
    threads: Option<u32>,
    above: Above,
    /// The threads of a parent that shares its memory.
    parents_threads: Option<u32>,
    /// The memory of such a parent.
    further: Above,
    /// Whether no child of its own is about to die, beside which others may be in its memory.
    children_apart: bool,
    /// Whether nobody else may be in its memory whose parent there has died; it counts itself.
    others_apart: bool,
}

impl Seen {
    /// Whether others may stay in the memory that it leaves by its exec, with nothing to show for it:
    /// who shared it with its threads, and who was about to become an orphan.
    pub fn leaves_others(&self) -> bool {
        !has_one_thread(self) || !self.children_apart
    }
}

/// Something that must hold for a process to be alone in its memory.
pub type Guard = fn(&Seen) -> bool;

/// All that must.
pub const GUARDS: [Guard; 4] = [
    has_one_thread,
    has_a_parent_that_stands_still,
    is_first_or_second,
    is_no_stray_nor_beside_one,
];

fn has_one_thread(seen: &Seen) -> bool {
    seen.threads == Some(1)
}

/// Its one thread is the one that waits: it has a child that has not executed.
fn has_a_parent_that_stands_still(seen: &Seen) -> bool {
    match seen.above {
        Above::Apart => true,
        Above::Shared => seen.parents_threads == Some(1),
        Above::Unknown => false,
    }
}

/// A third one has a parent whose death lets the first go on.
fn is_first_or_second(seen: &Seen) -> bool {
    seen.above != Above::Shared || seen.further == Above::Apart
}

fn is_no_stray_nor_beside_one(seen: &Seen) -> bool {
    seen.children_apart && seen.others_apart
}

/// Looks at the process of one thread `tid`, which executes.
pub fn observe(world: &impl Processes, tid: Pid) -> Seen {
    let newest = world.parent_of_newest(tid);
    let own = match newest {
        Some(parent) => Some(Kin { parent, threads: 1 }),
        None => world.kin(tid),
    };
    let parent = own.map(|kin| kin.parent);
    let above = above(world, tid, parent, true);
    let sharing = parent.filter(|_| above == Above::Shared);
    let parents = sharing.and_then(|parent| world.kin(parent).map(|kin| (parent, kin)));
    let further = parents.map_or(Above::Unknown, |(parent, kin)| {
        self::above(world, parent, Some(kin.parent), false)
    });
    // Whose parent is the first process may be an orphan, of one who shared its memory.
    let began = above == Above::Apart && newest.is_some_and(|parent| parent != world.init());
    let apart = parent.filter(|_| above == Above::Apart);
    Seen {
        threads: own.map(|kin| kin.threads),
        above,
        parents_threads: parents.map(|(_, kin)| kin.threads),
        further,
        children_apart: newest.is_some() || children_are_apart(world, tid, tid),
        others_apart: began || others_are_apart(world, tid, sharing, apart),
    }
}

/// `executes`: it waits in its exec, and has memory as long as anything may come of that.
fn above(world: &impl Processes, pid: Pid, parent: Option<Pid>, executes: bool) -> Above {
    if world.is_root(pid) {
        return Above::Apart;
    }
    let Some(parent) = parent else {
        return Above::Unknown;
    };
    let has_memory = |pid| world.left(pid) == Some(Left::Memory);
    match world.share_memory(pid, parent) {
        Some(true) => Above::Shared,
        Some(false) if (executes || has_memory(pid)) && has_memory(parent) => Above::Apart,
        _ => Above::Unknown,
    }
}

/// Whether no child of `member`, which is `tid` or shares its memory, is there as well, or is about to
/// die and may have been.
fn children_are_apart(world: &impl Processes, member: Pid, tid: Pid) -> bool {
    let is_apart = |pid| {
        world.share_memory(tid, pid) == Some(false)
            && matches!(world.left(pid), Some(Left::Memory | Left::Nothing))
    };
    let children = world.children(member);
    children.is_some_and(|children| children.into_iter().all(|pid| pid == tid || is_apart(pid)))
}

/// Whether nobody strays in the memory of `tid`, whose `parent` shares it: no orphan, nor a child of
/// one who is about to die. That would be an orphan himself, or a child of one of these two; those of
/// `tid` were looked at before. Of one process it is known already that it is `apart`.
fn others_are_apart(
    world: &impl Processes,
    tid: Pid,
    parent: Option<Pid>,
    apart: Option<Pid>,
) -> bool {
    // In this order: who is dead by now has left his children to those who take in orphans.
    if !parent.is_none_or(|parent| children_are_apart(world, parent, tid)) {
        return false;
    }
    let orphans = world.children(world.init());
    orphans.is_some_and(|orphans| {
        orphans.into_iter().all(|pid| {
            if pid == tid || Some(pid) == parent {
                world.is_root(pid)
            } else {
                // One that died since may have left others here.
                Some(pid) == apart
                    || world.share_memory(tid, pid) == Some(false)
                        && world.left(pid) == Some(Left::Memory)
            }
        })
    })
}

/// The processes of this machine.
#[derive(Debug)]
pub struct Running {
    /// The sandbox's first process.
    init: Pid,
    /// Its list of children.
    orphans: OnceCell<Option<File>>,
    newest: OnceCell<Option<File>>,
    /// The process of the first exec.
    pub command: Option<Pid>,
}

impl Running {
    /// With the sandbox's first process.
    pub fn new(init: Pid) -> Self {
        Self {
            init,
            orphans: OnceCell::new(),
            newest: OnceCell::new(),
            command: None,
        }
    }

    /// The last number that was given to a process or a thread.
    fn last_number(&self) -> Option<i32> {
        let path = "/proc/sys/kernel/ns_last_pid";
        let file = self.newest.get_or_init(|| File::open(path).ok());
        let mut text = [0; 16];
        let length = file.as_ref()?.read_at(&mut text, 0).ok()?;
        let text = str::from_utf8(text.get(..length)?).ok()?;
        text.trim_end().parse().ok()
    }
}

impl Processes for Running {
    fn kin(&self, pid: Pid) -> Option<Kin> {
        kin(pid).ok()
    }

    fn parent_of_newest(&self, pid: Pid) -> Option<Pid> {
        let is_last = self.last_number() == Some(pid.as_raw());
        // A thread that is not a process's first can't be opened.
        is_last.then(|| PidFd::open(pid).ok()?.parent().ok())?
    }

    fn share_memory(&self, a: Pid, b: Pid) -> Option<bool> {
        process_memory::is_one(a, b).ok()
    }

    fn left(&self, pid: Pid) -> Option<Left> {
        if process_memory::is_there(pid) {
            return Some(Left::Memory);
        }
        let left = |fields: &[&str]| match *fields.first()? {
            "Z" | "X" => Some(Left::Nothing),
            _ => Some(Left::Children),
        };
        tree::fields(pid.as_raw(), left).ok()
    }

    fn children(&self, pid: Pid) -> Option<Vec<Pid>> {
        if pid != self.init {
            return children(&list_of_children(pid).ok()?).ok();
        }
        let list = self.orphans.get_or_init(|| list_of_children(pid).ok());
        children(list.as_ref()?).ok()
    }

    fn init(&self) -> Pid {
        self.init
    }

    fn is_root(&self, pid: Pid) -> bool {
        self.command == Some(pid)
    }
}

/// The file that lists the children of a process of one thread.
fn list_of_children(pid: Pid) -> io::Result<File> {
    File::open(format!("/proc/{pid}/task/{pid}/children"))
}

/// The children in a list. Whoever is left out although he is there is so because one that is listed was
/// collected meanwhile, and of that one nothing is left to see.
fn children(list: &File) -> io::Result<Vec<Pid>> {
    let mut text = [0; 4096];
    let length = list.read_at(&mut text, 0)?;
    let list = text.get(..length).unwrap_or_default();
    // More than that nobody has; and a list that fills it may have been cut off.
    if length == text.len() {
        return Err(Errno::E2BIG.into());
    }
    let numbers = list.split(|&b| b == b' ').filter(|word| !word.is_empty());
    let pids = numbers.map(|word| {
        let number = str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        number
            .map(Pid::from_raw)
            .ok_or_else(|| Errno::EINVAL.into())
    });
    pids.collect()
}
