//! The processes below this one, and their end.

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpid};

/// How long [`end`] goes on when processes don't die.
const PATIENCE: Duration = Duration::from_secs(5);

/// Kills everything below this process and waits until nothing is left. Orphans must come here
/// (see [`super::fork::adopt_orphans`]), so that nothing escapes by forking.
pub fn end() {
    let deadline = Instant::now() + PATIENCE;
    while has_children() && Instant::now() < deadline {
        let killed = descendants()
            .into_iter()
            .filter(|&pid| kill(pid, Signal::SIGKILL).is_ok());
        if killed.count() == 0 && has_children() {
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

/// Collects what has died; whether any child is left.
fn has_children() -> bool {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
            Ok(nix::sys::wait::WaitStatus::StillAlive) => return true,
            Err(Errno::ECHILD) => return false,
            // EINVAL: died of a signal that nix has no name for.
            Ok(_) | Err(_) => {}
        }
    }
}

/// Every process below this one, by the parents that /proc tells.
fn descendants() -> Vec<Pid> {
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
    let mut found = Vec::new();
    let mut left = vec![getpid().as_raw()];
    while let Some(pid) = left.pop() {
        let below = children.remove(&pid).unwrap_or_default();
        found.extend(below.iter().copied().map(Pid::from_raw));
        left.extend(below);
    }
    found
}

fn parent(pid: i32) -> Option<i32> {
    let mut stat = Vec::new();
    let file = fs::File::open(format!("/proc/{pid}/stat")).ok()?;
    std::io::Read::read_to_end(&mut { file }, &mut stat).ok()?;
    fields_after_name(&stat)?.get(1)?.parse().ok()
}

/// The fields of `/proc/PID/stat` from the third on.
pub fn fields_after_name(stat: &[u8]) -> Option<Vec<&str>> {
    // The name before them may hold anything, a parenthesis as well.
    let after_name = stat.iter().rposition(|&b| b == b')')?;
    let rest = std::str::from_utf8(stat.get(after_name + 1..)?).ok()?;
    Some(rest.split_ascii_whitespace().collect())
}
