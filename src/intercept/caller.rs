//! What /proc tells of a process that asks for an exec, or of the proxy in its place.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::unistd::Pid;

use crate::request::{Program, Request, Trust, WorkingDirectory};
use crate::sys::{fds, identity, tree};

/// The attributes of a process that survive an exec.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskStatus {
    /// The process, by the number that this process sees.
    pub process: i32,
    /// The process and the thread, by the numbers that they see themselves.
    pub own_process: i32,
    /// See `own_process`.
    pub own_thread: i32,
    /// The process's group and session, by the numbers that it sees; 0 for one from outside.
    pub own_group: i32,
    /// See `own_group`.
    pub own_session: i32,
    /// The file mode creation mask.
    pub umask: u32,
    /// Ignored signals, bit n-1 for signal n.
    pub ignored: u64,
    /// It was stopped by a signal.
    pub is_stopped: bool,
}

/// The process of a thread; the thread itself when it is gone.
pub fn process_of(tid: Pid) -> Pid {
    status(tid).map_or(tid, |status| Pid::from_raw(status.process))
}

fn signals(digits: &str) -> u64 {
    u64::from_str_radix(digits, 16).unwrap_or_default()
}

/// As much is read of `/proc/TID/status` at once, in bytes; few have more.
const USUAL_STATUS: usize = 4096;

/// Reads `/proc/TID/status`.
///
/// # Errors
/// The process is gone, or may not be looked at.
pub fn status(tid: Pid) -> io::Result<TaskStatus> {
    let mut text = Vec::with_capacity(USUAL_STATUS);
    fs::File::open(format!("/proc/{tid}/status"))?.read_to_end(&mut text)?;
    let mut status = TaskStatus::default();
    for line in text.split(|&byte| byte == b'\n') {
        // The name of a program may be any bytes, and is cut where 15 are full.
        let line = std::str::from_utf8(line).unwrap_or_default();
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        let last = || value.rsplit('\t').next().and_then(|n| n.parse().ok());
        match name {
            "Tgid" => status.process = value.parse().unwrap_or_default(),
            "NStgid" => status.own_process = last().unwrap_or_default(),
            "NSpid" => status.own_thread = last().unwrap_or_default(),
            "NSpgid" => status.own_group = last().unwrap_or_default(),
            "NSsid" => status.own_session = last().unwrap_or_default(),
            "Umask" => status.umask = u32::from_str_radix(value, 8).unwrap_or(0o77),
            "SigIgn" => status.ignored = signals(value),
            "State" => status.is_stopped = value.starts_with('T'),
            _ => {}
        }
    }
    if status.process > 0 {
        Ok(status)
    } else {
        Err(Errno::ESRCH.into())
    }
}

/// The file that the process runs.
///
/// # Errors
/// The process is gone, or may not be looked at.
pub fn file(process: Pid) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/{process}/exe"))
}

/// A request for what the process in fact runs: its file, of which this is known, and its `words`, each with a
/// NUL behind it.
///
/// # Errors
/// The process is gone, or may not be looked at.
pub fn running(process: Pid, words: &[u8], trust: Trust) -> io::Result<Request> {
    let file = file(process)?;
    let words = words.strip_suffix(&[0]).unwrap_or(words);
    let argv = words.split(|&byte| byte == 0);
    let argv = argv.map(|word| OsStr::from_bytes(word).to_owned());
    let program = Program {
        asked: file.clone().into_os_string(),
        path: Some(file.clone()),
        real: Some(file),
        trust,
    };
    let cwd = working_directory(process)?;
    Ok(Request::new(program, argv.collect(), cwd))
}

/// Whom a process belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kin {
    /// Its parent.
    pub parent: Pid,
    /// How many threads it has.
    pub threads: u32,
}

/// Reads `/proc/TID/stat`.
///
/// # Errors
/// The process is gone, or may not be looked at.
pub fn kin(tid: Pid) -> io::Result<Kin> {
    tree::fields(tid.as_raw(), |fields| {
        let number = |nth: usize| fields.get(nth)?.parse::<i32>().ok();
        Some(Kin {
            parent: Pid::from_raw(number(1)?),
            threads: number(17)?.unsigned_abs(),
        })
    })
}

/// The parent of the thread's process.
///
/// # Errors
/// As for [`kin`].
pub fn parent(tid: Pid) -> io::Result<Pid> {
    Ok(kin(tid)?.parent)
}

/// As many of those that started a process are looked for.
const LINEAGE: usize = 32;

/// The processes that started one: its parent, that one's, and so on.
pub fn lineage(process: Pid) -> Vec<Pid> {
    let parent = |pid: &Pid| parent(*pid).ok().filter(|pid| pid.as_raw() > 1);
    std::iter::successors(parent(&process), parent)
        .take(LINEAGE)
        .collect()
}

/// The numbers of the process's open descriptors.
///
/// # Errors
/// The process is gone, or may not be looked at.
pub fn descriptors(pid: Pid) -> io::Result<Vec<RawFd>> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"))?;
    let number = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    Ok(entries.filter_map(number).collect())
}

/// The thread's working directory.
///
/// # Errors
/// The process is gone, or may not be looked at; or the directory has no absolute path.
pub fn working_directory(tid: Pid) -> io::Result<WorkingDirectory> {
    let path = fs::read_link(format!("/proc/{tid}/cwd"))?;
    WorkingDirectory::new(path).ok_or_else(|| Errno::ENOENT.into())
}

/// The thread's working directory, open; `path` is what [`working_directory`] said.
///
/// It is opened by its path outside the sandbox where that leads to the same directory, so that a
/// program outside is not held to the sandbox's read-only view of it.
///
/// # Errors
/// The process is gone, may not be looked at, or has changed its directory.
pub fn open_directory(tid: Pid, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let inside = open(format!("/proc/{tid}/cwd").as_str(), flags, Mode::empty())?;
    // Of the very one that was opened: another thread may change it at any time.
    if fds::path(&inside)? != path {
        return Err(Errno::ESTALE.into());
    }
    outside(path, inside)
}

/// A directory by its path outside the sandbox, where that is the same one as `inside`.
pub(super) fn outside(path: &Path, inside: OwnedFd) -> io::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    match open(path, flags, Mode::empty()) {
        Ok(outside) if same_file(&fstat(&outside)?, &fstat(&inside)?) => Ok(outside),
        _ => Ok(inside),
    }
}

/// Whether both are the same file, not merely the same path.
pub fn same_file(a: &FileStat, b: &FileStat) -> bool {
    identity::of(a) == identity::of(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_status_is_what_we_know() {
        let status = status(nix::unistd::gettid()).unwrap();
        assert_eq!(status.process, nix::unistd::getpid().as_raw());
        assert_eq!(status.own_thread, nix::unistd::gettid().as_raw());
        assert_ne!(
            status.ignored & 1 << (13 - 1),
            0,
            "the standard library ignores SIGPIPE"
        );
        assert_eq!(
            &*working_directory(nix::unistd::getpid()).unwrap(),
            std::env::current_dir().unwrap()
        );
    }
}
