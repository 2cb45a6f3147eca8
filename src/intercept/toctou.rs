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

use std::path::{Component, Path, PathBuf};

use nix::unistd::Pid;

use super::call::{CallFacts, ExecCall};
use super::fixed::FixedPrograms;
use super::kinship::{self, GUARDS, Guard, Processes, Seen};
use crate::request::{HalfRead, Request, Words};
use crate::sys::process_memory::{Map, Stretch};

/// How many stretches of memory are looked at before an exec counts as changeable.
const STRETCHES: usize = 16;
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
    /// Programs that were met before.
    pub fixed: FixedPrograms,
}

impl ExecRace {
    /// In the beginning; `confined`: a sandbox is in force.
    pub fn new(confined: bool) -> Self {
        Self {
            confined,
            guards: &GUARDS,
            every: false,
            fixed: FixedPrograms::default(),
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
        self.fixed.paths_may_differ();
    }

    /// A process executes: does it leave others in its memory, every exec is watched from now on.
    pub fn executes(&mut self, seen: &Seen) {
        self.every |= seen.leaves_others();
    }

    /// Remembers the program, so that its next exec needs no second look at the file, if it is
    /// beyond reach. `writable` are the sandbox's writable roots. Without a sandbox there is nothing
    /// beyond reach, and nothing to be gained: then it is enough that the file is the same.
    pub fn remember(
        &mut self,
        call: &ExecCall,
        request: &Request,
        facts: &CallFacts,
        writable: &[PathBuf],
    ) {
        if !self.every && call.is_by_path() && request.interpreter.is_none() {
            self.fixed.are_fixed(request, &facts.stat, writable);
        }
    }

    /// Whether somebody could change the exec before the kernel reads it again. `writable` are the
    /// sandbox's writable roots.
    pub fn is_possible(
        &mut self,
        world: &impl Processes,
        call: &ExecCall,
        request: &Request,
        facts: &CallFacts,
        writable: &[PathBuf],
    ) -> bool {
        let fixed = call.is_by_path()
            && self.fixed.are_fixed(request, &facts.stat, writable)
            && (self.confined || is_of_the_system(request));
        self.is_changeable(world, call, fixed, facts)
    }

    /// The same for a program that is [`known`](FixedPrograms::known).
    pub fn is_possible_for_known(
        &mut self,
        world: &impl Processes,
        call: &ExecCall,
        half: &HalfRead,
        facts: &CallFacts,
    ) -> bool {
        let fixed = self.confined || are_of_the_system(half.words());
        self.is_changeable(world, call, fixed, facts)
    }

    /// `fixed`: nobody can make the path lead to another file.
    fn is_changeable(
        &mut self,
        world: &impl Processes,
        call: &ExecCall,
        fixed: bool,
        facts: &CallFacts,
    ) -> bool {
        !(self.can_be_alone(world, call.tid()) && fixed && is_private(call.tid(), &facts.spans))
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
