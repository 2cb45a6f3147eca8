//! Whether anybody could change an exec between our answer and the kernel's second look at it: the
//! time of check, and the time of use.
//!
//! **The invariant.** What restricts is judged on a copy; the kernel reads the original again. An exec
//! that goes on is therefore one of two:
//!
//! - *watched*: the thread is stopped before its first instruction as the new program, and what runs is
//!   compared with what was judged ([`super::verify`]). So is every exec that was replaced by the
//!   proxy's, whose path is the caller's memory, too.
//! - *unwatched*, and then until its thread has left the call nothing can write the words: the path is
//!   one that nothing inside can make lead elsewhere; path and words lie in memory that no file and no
//!   other mapping shows; everybody in that memory stands still ([`super::kinship`]); and nobody has
//!   been given a means to write another's memory, or to have his own written later.
//!
//! Such means are asked for by a call that comes here first. It is answered once each exec that was let
//! go unwatched has left its call ([`super::leaving`]): waited for is that fact, not a time. From then
//! on, every exec is watched. A process that executes may leave others in the memory that it had, with
//! nothing to show for it: after that, every exec is watched as well.
//!
//! `toctou/model.rs` tries every order of what can happen, and each guard's absence.
//!
//! Nearly always, nobody can change anything: a shell's child has one thread and memory of its own, and
//! names a program by a path that the sandboxed side can't write. To watch costs a fifth of what an exec
//! does.
//!
//! Without a sandbox, whoever can write another process's memory can write the supervisor's too, or
//! the rules. There only what a process does by itself, and programs that a user may put in place,
//! are reasons to watch.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use nix::sys::stat::{FileStat, stat};
use nix::unistd::Pid;

use super::call::{Asked, ExecCall};
use super::kinship::{self, GUARDS, Guard, Processes, Seen};
use crate::request::{HalfRead, Program, Request, Trust, Words};
use crate::sys::process_memory::{Map, Stretch};

/// How many stretches of memory are looked at before an exec counts as changeable.
const STRETCHES: usize = 16;
/// How many paths are remembered as beyond the sandboxed side's reach.
const PATHS: usize = 4096;
/// Where the programs are that the system brings.
const SYSTEM: [&str; 3] = ["/usr", "/bin", "/sbin"];

/// What is known of the sandboxed side's means to change an exec under way.
#[derive(Debug)]
pub struct ExecRace {
    /// A sandbox is in force.
    confined: bool,
    /// What an exec that goes on unwatched is asked.
    guards: &'static [Guard],
    /// Every exec is watched.
    every: bool,
    /// There are processes for which paths lead elsewhere than for this one.
    moves: bool,
    /// Paths on which nothing can be written from inside, and the programs behind them.
    fixed: HashMap<PathBuf, Fixed>,
}

/// A program, no script, that the sandboxed side can't change.
#[derive(Debug, Clone)]
pub struct Fixed {
    /// Its path, every link followed.
    pub real: PathBuf,
    /// What it is a copy of.
    pub copy_of: Option<PathBuf>,
    /// Its identity.
    pub stat: FileStat,
}

impl ExecRace {
    /// In the beginning; `confined`: a sandbox is in force.
    pub fn new(confined: bool) -> Self {
        Self {
            confined,
            guards: &GUARDS,
            every: false,
            moves: false,
            fixed: HashMap::new(),
        }
    }

    /// Somebody asks for a means to write another process's memory, or to have his own written later:
    /// from now on every exec is watched. Those that are not must have left before he gets it.
    pub fn begin(&mut self) {
        self.every = true;
    }

    /// Somebody asks for a root directory or mounts of its own, which others may share: from now on
    /// each process's root is looked up, and every exec is watched.
    pub fn begin_moves(&mut self) {
        self.begin();
        self.moves = true;
    }

    /// A process executes: does it leave others in its memory, every exec is watched from now on.
    pub fn executes(&mut self, seen: &Seen) {
        self.every |= seen.leaves_others();
    }

    /// The program at `path`, as the caller `tid` sees it, if it was seen to be beyond reach and is
    /// the same still. Of moves `outside` the listener knows nothing.
    pub fn known(&self, path: &Path, tid: Pid, outside: bool) -> Option<&Fixed> {
        let fixed = self.fixed.get(path)?;
        let now = if self.moves || outside {
            stat(&in_root_of(tid, path)).ok()?
        } else {
            stat(path).ok()?
        };
        let key = |s: &FileStat| (s.st_dev, s.st_ino, s.st_ctime, s.st_ctime_nsec, s.st_mode);
        (key(&now) == key(&fixed.stat)).then_some(fixed)
    }

    /// Remembers the program, so that its next exec needs no second look at the file, if it is
    /// beyond reach. `writable` are the sandbox's writable roots. Without a sandbox there is nothing
    /// beyond reach, and nothing to be gained: then it is enough that the file is the same.
    pub fn remember(
        &mut self,
        call: &ExecCall,
        request: &Request,
        asked: &Asked,
        writable: &[PathBuf],
    ) {
        if !self.every && call.is_by_path() && request.interpreter.is_none() {
            self.is_fixed(request, asked, writable);
        }
    }

    /// Whether somebody could change the exec before the kernel reads it again. `writable` are the
    /// sandbox's writable roots.
    pub fn is_possible(
        &mut self,
        world: &impl Processes,
        call: &ExecCall,
        request: &Request,
        asked: &Asked,
        writable: &[PathBuf],
    ) -> bool {
        let fixed = call.is_by_path()
            && self.is_fixed(request, asked, writable)
            && (self.confined || is_of_the_system(request));
        self.is_changeable(world, call, fixed, asked)
    }

    /// The same for a program that is [`known`](Self::known).
    pub fn is_possible_for_known(
        &mut self,
        world: &impl Processes,
        call: &ExecCall,
        half: &HalfRead,
        asked: &Asked,
    ) -> bool {
        let fixed = self.confined || are_of_the_system(half.words());
        self.is_changeable(world, call, fixed, asked)
    }

    /// `fixed`: nobody can make the path lead to another file.
    fn is_changeable(
        &mut self,
        world: &impl Processes,
        call: &ExecCall,
        fixed: bool,
        asked: &Asked,
    ) -> bool {
        !(self.can_be_alone(world, call.tid()) && fixed && is_private(call.tid(), &asked.spans))
    }

    /// Whether nobody can write the memory of the thread `tid`, which executes.
    fn can_be_alone(&mut self, world: &impl Processes, tid: Pid) -> bool {
        if self.every {
            return false;
        }
        let seen = kinship::observe(world, tid);
        self.executes(&seen);
        self.guards.iter().all(|guard| guard(&seen))
    }

    /// Whether nothing on the path can be written from inside.
    fn is_fixed(&mut self, request: &Request, asked: &Asked, writable: &[PathBuf]) -> bool {
        let mut next = Some(request);
        while let Some(one) = next {
            let path = Path::new(&one.program.asked);
            if !self.fixed.contains_key(path) && !is_path_fixed(one, writable) {
                return false;
            }
            next = one.interpreter.as_deref();
        }
        let Program {
            asked: path, real, ..
        } = &request.program;
        if let (Some(real), None) = (real, &request.interpreter)
            && self.fixed.len() < PATHS
            && !self.fixed.contains_key(Path::new(path))
        {
            let fixed = Fixed {
                real: real.clone(),
                copy_of: request.copy_of.clone(),
                stat: asked.stat,
            };
            self.fixed.insert(path.into(), fixed);
        }
        true
    }
}

/// Whether the system brings the program, and what interprets it.
fn is_of_the_system(request: &Request) -> bool {
    are_of_the_system(request.words())
        && request.interpreter.as_deref().is_none_or(is_of_the_system)
}

fn are_of_the_system(words: Words<'_>) -> bool {
    let climbs = |path: &Path| path.components().any(|part| part == Component::ParentDir);
    let is_there =
        |path: &Path| SYSTEM.iter().any(|place| path.starts_with(place)) && !climbs(path);
    is_there(Path::new(words.asked)) && words.real.is_some_and(is_there)
}

/// A path to what `tid`, which may have a root of its own, finds at an absolute `path`.
fn in_root_of(tid: Pid, path: &Path) -> PathBuf {
    let mut whole = OsString::from(format!("/proc/{tid}/root"));
    whole.push(path);
    PathBuf::from(whole)
}

fn is_path_fixed(request: &Request, writable: &[PathBuf]) -> bool {
    let path = Path::new(&request.program.asked);
    let bytes = path.as_os_str().as_bytes();
    let inside = writable.iter().any(|root| path.starts_with(root));
    if !path.is_absolute() || bytes.starts_with(b"/proc") || inside {
        return false;
    }
    let name = Some(path.as_os_str());
    let program = Program::at(path.as_os_str(), path, name, writable);
    program.trust == Trust::Trusted && program.real == request.program.real
}

/// Whether the memory between each pair of addresses is the process's own.
fn is_private(tid: Pid, spans: &[(u64, u64)]) -> bool {
    let Ok(map) = Map::open(tid) else {
        return false;
    };
    let mut seen: Vec<Stretch> = Vec::new();
    for &(start, end) in spans {
        let mut at = start;
        while at < end {
            let known = seen.iter().find(|s| s.start <= at && at < s.end).copied();
            let stretch = match known {
                Some(stretch) => stretch,
                None => match map.stretch(at) {
                    Ok(stretch) if stretch.own && seen.len() < STRETCHES => {
                        seen.push(stretch);
                        stretch
                    }
                    _ => return false,
                },
            };
            at = stretch.end;
        }
    }
    true
}

#[cfg(test)]
mod model;
