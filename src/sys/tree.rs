//! The processes below this one, and their end.

#![forbid(unsafe_code)]

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpid};

/// How long [`end`] goes on when processes don't die.
const PATIENCE: Duration = Duration::from_secs(5);

/// Kills everything below this process and waits until nothing is left. Orphans must come here
/// (see [`super::fork::adopt_orphans`]), so that nothing escapes by forking.
pub fn end() {
    end_until(has_no_children, None);
}

/// Kills everything below this process but the child `last`, until that has ended by itself. It is
/// not collected. The first process of a pid namespace does not end before every number of its
/// namespace is free, and a process group outside may have one.
pub fn end_beside(last: Pid) {
    end_until(|| has_ended(last), Some(last));
}

fn end_until(is_over: impl Fn() -> bool, spared: Option<Pid>) {
    let deadline = Instant::now() + PATIENCE;
    let mut killed = HashSet::new();
    while !is_over() && Instant::now() < deadline {
        let Below { children, further } = below();
        let children = children.iter().filter(|&&pid| Some(pid) != spared);
        let alive: Vec<Pid> = further
            .into_iter()
            .filter(|&pid| killed.insert(pid))
            .collect();
        // Whoever has others below ends after those, and starts no more of them: should this process be
        // killed by now, it goes on by the signal that tells of that, and ends what is left.
        let last = alive.is_empty();
        let signal = if last {
            Signal::SIGKILL
        } else {
            Signal::SIGSTOP
        };
        let reached = children.filter(|&&pid| kill(pid, signal).is_ok()).count();
        for pid in alive {
            let _ = kill(pid, Signal::SIGKILL);
        }
        if last && reached == 0 && !is_over() {
            sleep(Duration::from_millis(20)); // dying, or another user's
        }
        sleep(Duration::from_micros(500));
    }
}

/// Whether `pid` is `ancestor` or was started below it; `None` when it is gone.
pub fn is_below(ancestor: Pid, pid: Pid) -> Option<bool> {
    let mut pid = pid.as_raw();
    loop {
        if pid == ancestor.as_raw() {
            return Some(true);
        }
        if pid <= 1 {
            return Some(false);
        }
        pid = parent(pid)?;
    }
}

/// Collects what has died; whether no child is left.
pub fn has_no_children() -> bool {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
            Ok(WaitStatus::StillAlive) => return false,
            Err(Errno::ECHILD) => return true,
            // EINVAL: died of a signal that nix has no name for.
            Ok(_) | Err(_) => {}
        }
    }
}

/// Collects what has died beside the child `last`; whether that has ended.
fn has_ended(last: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::__WALL;
    loop {
        match waitid(Id::All, flags | WaitPidFlag::WNOWAIT).map(|status| status.pid()) {
            Ok(Some(pid)) if pid == last => return true,
            Ok(Some(pid)) => {
                let _ = waitid(Id::Pid(pid), flags);
            }
            Ok(None) => return false,
            Err(Errno::ECHILD) => return true,
            // As above; one that nobody can signal so is not `last`.
            Err(_) => {
                let _ = waitid(Id::All, flags);
            }
        }
    }
}

/// The processes below this one.
struct Below {
    children: Vec<Pid>,
    /// Those below them.
    further: Vec<Pid>,
}

/// As the parents say that /proc tells.
fn below() -> Below {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|n| n.parse::<i32>().ok())
        else {
            continue;
        };
        if let Some(parent) = parent(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let first = children.remove(&getpid().as_raw()).unwrap_or_default();
    let mut further = Vec::new();
    let mut left = first.clone();
    while let Some(pid) = left.pop() {
        let below = children.remove(&pid).unwrap_or_default();
        further.extend(below.iter().copied().map(Pid::from_raw));
        left.extend(below);
    }
    Below {
        children: first.into_iter().map(Pid::from_raw).collect(),
        further,
    }
}

fn parent(pid: i32) -> Option<i32> {
    fields(pid, |fields| fields.get(1)?.parse().ok()).ok()
}

/// What `read` makes of the fields of `/proc/PID/stat` from the third on.
///
/// # Errors
/// The process is gone, or may not be looked at.
pub fn fields<T>(pid: i32, read: impl FnOnce(&[&str]) -> Option<T>) -> io::Result<T> {
    let mut stat = [0; 1024];
    let length = File::open(format!("/proc/{pid}/stat"))?.read(&mut stat)?;
    let stat = stat.get(..length).unwrap_or_default();
    // The name before them may hold anything, a parenthesis as well.
    let after_name = stat.rsplit(|&byte| byte == b')').next();
    let fields = after_name.and_then(|text| str::from_utf8(text).ok());
    let fields: Option<Vec<&str>> = fields.map(|text| text.split_ascii_whitespace().collect());
    let found = fields.and_then(|fields| read(&fields));
    found.ok_or(Errno::ESRCH.into())
}
