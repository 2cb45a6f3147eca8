//! Whether anybody could change an exec between our answer and the kernel's second look at it.
//!
//! Nearly always nobody can: a shell's child has one thread and memory of its own, and names a
//! program by a path that the sandboxed side can't write. Only where that can't be shown is an
//! exec watched, which costs a fifth of what the exec does.
//!
//! Without a sandbox, whoever can write another process's memory can write the supervisor's too, or
//! the rules. There only what a process does by itself, and programs that a user may put in place,
//! are reasons to watch.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::stat::{FileStat, stat};
use nix::unistd::Pid;

use super::call::{Asked, ExecCall};
use super::caller;
use crate::request::{HalfRead, Program, Request, Trust, Words};
use crate::sys::process_memory::{self, Map, Stretch};

/// How many stretches of memory are looked at before an exec counts as changeable.
const STRETCHES: usize = 16;
/// How many paths are remembered as beyond the sandboxed side's reach.
const PATHS: usize = 4096;
/// Where the programs are that the system brings.
const SYSTEM: [&str; 3] = ["/usr", "/bin", "/sbin"];
/// By then, the kernel has long taken its second look.
const SECOND_LOOK: Duration = Duration::from_millis(20);

/// What is known of the sandboxed side's means to change an exec under way.
#[derive(Debug)]
pub struct Tampering {
    /// A sandbox is in force.
    confined: bool,
    watched: Watched,
    /// There are processes with several threads.
    threads: bool,
    /// There are processes for which paths lead elsewhere than for this one.
    moves: bool,
    /// Paths on which nothing can be written from inside, and the programs behind them.
    fixed: HashMap<PathBuf, Fixed>,
}

/// Which execs are watched.
#[derive(Debug, Clone, Copy)]
enum Watched {
    /// Those that somebody could change. When another one was let go last.
    Changeable(Option<Instant>),
    /// Every one: processes may write each other's memory in ways that don't show.
    Every,
}

/// A program, no script, that the sandboxed side can't change.
#[derive(Debug, Clone)]
pub struct Fixed {
    /// Its path, every link followed.
    pub real: PathBuf,
    /// Its identity.
    pub stat: FileStat,
}

impl Tampering {
    /// In the beginning; `confined`: a sandbox is in force.
    pub fn new(confined: bool) -> Self {
        Self {
            confined,
            watched: Watched::Changeable(None),
            threads: !confined,
            moves: false,
            fixed: HashMap::new(),
        }
    }

    /// Somebody asks for a means to write another process's memory: from now on every exec is
    /// watched. Returns once every exec that was not is under way beyond recall.
    pub fn begin(&mut self) {
        if let Watched::Changeable(Some(last)) = self.watched
            && let Some(left) = SECOND_LOOK.checked_sub(last.elapsed())
        {
            sleep(left);
        }
        self.watched = Watched::Every;
    }

    /// Somebody starts a thread: from now on it is looked which processes have several.
    pub fn begin_threads(&mut self) {
        self.threads = true;
    }

    /// Somebody asks for a root directory or mounts of its own, which others may share: from now on
    /// each process's root is looked up, and every exec is watched.
    pub fn begin_moves(&mut self) {
        self.begin();
        self.moves = true;
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
        let watched = matches!(self.watched, Watched::Every);
        if !watched && call.is_by_path() && request.interpreter.is_none() {
            self.is_fixed(request, asked, writable);
        }
    }

    /// Whether somebody could change the exec before the kernel reads it again. `writable` are the
    /// sandbox's writable roots.
    pub fn is_possible(
        &mut self,
        call: &ExecCall,
        request: &Request,
        asked: &Asked,
        writable: &[PathBuf],
    ) -> bool {
        let fixed = call.is_by_path()
            && self.is_fixed(request, asked, writable)
            && (self.confined || is_of_the_system(request));
        self.is_changeable(call, fixed, asked)
    }

    /// The same for a program that is [`known`](Self::known).
    pub fn is_possible_for_known(
        &mut self,
        call: &ExecCall,
        half: &HalfRead,
        asked: &Asked,
    ) -> bool {
        let fixed = self.confined || are_of_the_system(half.words());
        self.is_changeable(call, fixed, asked)
    }

    /// `fixed`: nobody can make the path lead to another file.
    fn is_changeable(&mut self, call: &ExecCall, fixed: bool, asked: &Asked) -> bool {
        let tid = call.tid();
        let safe = fixed
            && matches!(self.watched, Watched::Changeable(_))
            && (!self.threads || is_alone(tid, self.confined))
            && is_private(tid, &asked.spans);
        if safe {
            self.watched = Watched::Changeable(Some(Instant::now()));
        }
        !safe
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
            let (real, stat) = (real.clone(), asked.stat);
            self.fixed.insert(path.into(), Fixed { real, stat });
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

/// Whether no other thread runs in the caller's memory: its process has one, and so has its
/// parent's if they share it, which stands still until its child has another (vfork). `told`: it
/// would be known if a parent did not stand still.
fn is_alone(tid: Pid, told: bool) -> bool {
    let one = |tid| caller::kin(tid).is_ok_and(|kin| kin.threads == 1);
    caller::kin(tid).is_ok_and(|kin| {
        kin.threads == 1
            && match process_memory::is_one(tid, kin.parent) {
                Ok(true) => told && one(kin.parent),
                Ok(false) => true,
                Err(_) => false,
            }
    })
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
