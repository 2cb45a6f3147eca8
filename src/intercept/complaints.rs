//! Which paths the sandbox kept from being written, as far as programs complain of it.
//!
//! A mount that refuses a write tells nobody, and to be asked about each call that writes would double
//! what it costs. But a program that fails says why, on standard error, and that is little. The
//! supervisor reads the message before it is written. A path in it counts only when the sandbox keeps it
//! from being written and nothing else does: what is told is never more than what is so.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;

use super::caller;
use super::kept::KeptInside;
use super::memory::Memory;
use crate::audit::RefusedPath;
use crate::confine::{Denied, Reach};
use crate::models::{self, CommandModel};
use crate::report::refusals;
use crate::request::argv;
use crate::sys::arch::calls;
use crate::sys::listener::Notification;
use crate::sys::pidfd::PidFd;

/// As many paths are remembered; the sandboxed side decides how many it complains of.
const PATHS: usize = 32;
/// As many threads may have begun a line, of at most as many bytes: the C library writes one in pieces.
const THREADS: usize = 64;
const LONGEST: usize = 4096;
/// As many buffers of one call are read.
const BUFFERS: usize = 16;

/// A path that was denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The path, and what would permit it.
    pub denied: Denied,
    /// How often a program complained of it.
    pub times: u64,
    /// Why the first program that did was inside though a rule would let it out. In words for people.
    pub why_inside: Option<String>,
    /// Whoever complained did so where it can be read, and as far as that shows did not succeed all the same.
    pub failed: bool,
}

impl Denial {
    /// The record of it.
    pub fn record(&self) -> RefusedPath {
        let permits = self.denied.remedy.text();
        RefusedPath {
            path: argv::word(self.denied.path.as_os_str()),
            times: self.times,
            remedy: match &*permits {
                "" => refusals::way(&self.denied),
                _ => permits,
            },
        }
    }
}

/// Reads complaints, and remembers.
#[derive(Debug, Default)]
pub struct Complaints {
    begun: HashMap<Pid, Vec<u8>>,
    /// The last line of a thread that may name a path.
    above: HashMap<Pid, String>,
    kept: KeptInside,
    denials: Vec<Denial>,
    /// Programs that complained of the path of a denial, by its index.
    complainers: Vec<(usize, PidFd)>,
}

impl Complaints {
    /// Reads a message that is about to be written to standard error, and gives the lines that end
    /// in it.
    pub fn hear(&mut self, call: &Notification, reach: Option<&Reach>) -> Vec<String> {
        let mut text = self.begun.remove(&call.tid).unwrap_or_default();
        text.extend(message(call).unwrap_or_default());
        let mut lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
        let begun = lines.pop().unwrap_or_default();
        if !begun.is_empty() && begun.len() <= LONGEST && self.begun.len() < THREADS {
            self.begun.insert(call.tid, begun.to_vec());
        }
        let lines = lines.into_iter().map(String::from_utf8_lossy);
        let lines: Vec<String> = lines.map(Cow::into_owned).collect();
        if let Some(reach) = reach {
            for line in &lines {
                self.take(line, call.tid, reach);
                self.note(line, call.tid);
            }
        }
        lines
    }

    /// A program stays inside, in the process of a thread, though a rule would let it out.
    pub(super) fn keep(&mut self, tid: Pid, program: Option<PathBuf>, why: String) {
        self.kept.note(tid, program, why);
    }

    /// Remembers a line that the next one may be the reason of.
    fn note(&mut self, line: &str, tid: Pid) {
        if line.contains('/') && (self.above.len() < THREADS || self.above.contains_key(&tid)) {
            self.above.insert(tid, line.to_owned());
        }
    }

    fn take(&mut self, line: &str, tid: Pid, reach: &Reach) {
        let above = self.above.get(&tid).map_or("", String::as_str);
        let mut complaints = reach.errnos().iter();
        let said = complaints.find_map(|errno| {
            let complaint = errno.desc();
            let mut paths = named(line, complaint)?;
            // `failed to open 'PATH'`, and on a line below it why.
            if line.trim_start().starts_with(complaint) {
                paths.extend(paths_in(above));
            }
            Some((*errno, paths))
        });
        let Some((errno, named)) = said else {
            return;
        };
        let Ok(directory) = caller::working_directory(tid) else {
            return;
        };
        let mut paths = named.into_iter().map(|name| directory.join(name));
        let Some(path) = paths.find_map(|path| reach.refuses(&path, errno)) else {
            return;
        };
        let mut denials = self.denials.iter_mut();
        let index = match denials.position(|known| known.denied.path == path) {
            Some(index) => index,
            None if self.denials.len() < PATHS => {
                self.denials.push(Denial {
                    denied: reach.denied(path, errno),
                    times: 0,
                    why_inside: self.kept.why(tid).map(str::to_owned),
                    failed: false,
                });
                self.denials.len() - 1
            }
            None => return,
        };
        if let Some(denial) = self.denials.get_mut(index) {
            denial.times = denial.times.saturating_add(1);
            if denial.failed || !is_read(tid) {
                return;
            }
            let process = caller::process_of(tid);
            match PidFd::open(process) {
                Ok(handle) if self.complainers.len() < PATHS && !is_shell(process) => {
                    self.complainers.push((index, handle));
                }
                _ => denial.failed = true,
            }
        }
    }

    /// All paths, by the order in which they came.
    pub fn into_denials(mut self) -> Vec<Denial> {
        for (index, process) in self.complainers {
            if let Some(denial) = self.denials.get_mut(index) {
                denial.failed |= process.exit_status() != Some(0);
            }
        }
        self.denials
    }
}

/// Whether what a thread writes to standard error goes somewhere.
fn is_read(tid: Pid) -> bool {
    let target = fs::read_link(format!("/proc/{tid}/fd/2"));
    target.is_ok_and(|target| target != Path::new("/dev/null"))
}

/// Whether a process is a shell, which goes on after a command that failed.
fn is_shell(process: Pid) -> bool {
    let program = caller::file(process).ok();
    let name = program.as_deref().and_then(Path::file_name);
    let model = name.and_then(OsStr::to_str).and_then(models::builtin);
    model.is_some_and(CommandModel::is_shell)
}

/// The bytes that the caller is about to write, or the first of them.
fn message(call: &Notification) -> Option<Vec<u8>> {
    let [_, address, count, ..] = call.args;
    let count = usize::try_from(count).ok()?;
    let memory = Memory::of(call.tid, call.arch);
    let mut text = Vec::new();
    if call.is(calls::write) {
        append(&mut text, memory, address, count);
        return Some(text);
    }
    let word = call.arch.pointer();
    let mut vector = Vec::new();
    append(&mut vector, memory, address, 2 * word * count.min(BUFFERS));
    for pair in vector.chunks_exact(2 * word) {
        let (base, length) = pair.split_at_checked(word)?;
        let length = usize::try_from(number(length)).ok()?;
        append(&mut text, memory, number(base), length);
    }
    Some(text)
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

/// Appends `length` bytes of the caller's memory, or fewer: no more than there may be in all.
fn append(text: &mut Vec<u8>, memory: Memory, address: u64, length: usize) {
    let length = length.min(LONGEST.saturating_sub(text.len()));
    let mut buffer = vec![0; length];
    let read = memory.read(address, &mut buffer).unwrap_or(0);
    text.extend(buffer.into_iter().take(read));
}

const QUOTES: [char; 5] = ['\'', '"', '`', '\u{2018}', '\u{2019}'];

/// What `line` may name as the path that it complains of, the likeliest first; `None` when it does not
/// complain.
fn named<'a>(line: &'a str, complaint: &str) -> Option<Vec<&'a str>> {
    let at = line
        .to_ascii_lowercase()
        .find(&complaint.to_ascii_lowercase())?;
    let (before, rest) = line.split_at_checked(at)?;
    let after = rest.get(complaint.len()..)?;
    // `complaint: 'PATH'`, `complaint, open 'PATH'`
    let behind = after
        .starts_with([':', ','])
        .then(|| after.split(QUOTES).nth(1));
    let pieces = before
        .rsplit(": ")
        .flat_map(|piece| {
            std::iter::once(piece).chain(piece.rsplit_once(", ").map(|(first, _)| first))
        })
        .map(|piece| piece.trim_end_matches([' ', ':', '(']));
    let behind = behind.flatten().into_iter();
    Some(behind.chain(pieces.flat_map(paths_in)).collect())
}

/// The path at the end of a piece of a message, then what else it quotes, from the last: who moves something
/// names both ends.
fn paths_in(piece: &str) -> Vec<&str> {
    let quoted = piece.split(QUOTES).skip(1).step_by(2);
    let mut paths: Vec<&str> = path_in(piece).into_iter().collect();
    let mut quoted: Vec<&str> = quoted.collect();
    quoted.reverse();
    quoted.retain(|path| !paths.contains(path));
    paths.extend(quoted);
    paths
}

/// The path at the end of a piece of a message: quoted, alone, or the last word when it has a slash.
fn path_in(piece: &str) -> Option<&str> {
    if piece.ends_with(QUOTES) {
        return piece.trim_end_matches(QUOTES).rsplit(QUOTES).next();
    }
    let word = piece.rsplit(' ').next()?;
    // Shells say the line, and dash names a file so that it redirects into.
    let is_line = word.bytes().all(|byte| byte.is_ascii_digit());
    let is_alone = word == piece && !is_line || piece.strip_prefix("cannot create ") == Some(word);
    let is_path = !word.is_empty() && (is_alone || word.contains('/'));
    // What follows says what could not be done with it.
    let quoted = || {
        piece
            .rsplit(QUOTES)
            .nth(1)
            .filter(|_| piece.matches(QUOTES).count() > 1)
    };
    is_path.then_some(word).or_else(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_as_programs_write_them() {
        let complaint = nix::errno::Errno::EROFS.desc();
        for line in [
            "touch: cannot touch '/a/b': Read-only file system",
            "mkdir: cannot create directory \u{2018}/a/b\u{2019}: Read-only file system",
            "mv: cannot move 'f' to '/a/b': Read-only file system",
            "mv: inter-device move failed: 'f' to '/a/b'; unable to remove target: Read-only file system",
            "bash: line 1: /a/b: Read-only file system",
            "sed: couldn't open temporary file /a/b: Read-only file system",
            "PermissionError: [Errno 30] Read-only file system: '/a/b'",
            "Error: EROFS: read-only file system, open '/a/b'",
            "open /a/b: read-only file system",
            "fatal: Unable to create '/a/b': Read-only file system",
            "warning: failed to write cache, path: /a/b, error: Read-only file system (os error 30)",
        ] {
            let named = named(line, complaint).unwrap();
            assert_eq!(named.first(), Some(&"/a/b"), "{line}");
        }
        let both = named(
            "mv: cannot move '/a' to 'b': Device or resource busy",
            "Device or resource busy",
        );
        assert_eq!(both.unwrap().get(..2), Some(&["b", "/a"][..]));
        let dash = named("sh: 1: cannot create b: Read-only file system", complaint);
        assert_eq!(dash.unwrap(), ["b", "sh"]);
        let tar = named("tar: /a/b: Cannot open: Read-only file system", complaint);
        assert_eq!(tar.unwrap(), ["/a/b", "tar"]);
        assert_eq!(named("touch: '/a/b': Permission denied", complaint), None);
        assert_eq!(named("Read-only file system", complaint), Some(vec![]));
    }
}
