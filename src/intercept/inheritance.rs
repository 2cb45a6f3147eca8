//! What a program outside may start there because it is out itself.
//!
//! Most of what it starts stays beside it. Not so a program that takes commands from its input, the terminal
//! or a file, which the sandboxed side controls, or that this could have written itself; nor a git, whatever
//! starts it, in a repository that the sandboxed side could have written. Below a program that was let out
//! though it does what such a file says, as make does, files don't count any more.
//!
//! # What a program outside starts
//!
//! What such a program starts is judged as well: a thread of the supervisor has a filter with a listener of
//! its own, and starts the programs, which inherit it. There is nowhere further out, so there a permit means
//! that the program goes on. What no rule names stays out, because what starts it is, with three exceptions
//! (`intercept/inheritance.rs`). What takes commands from its input, another descriptor or the terminal, as
//! models know it of editors, pagers and shells without a script, would do what the sandbox says: a person is
//! asked. So would what xargs starts, where that isn't known to take words for data and to start nothing by
//! them. For a descriptor that is so unless it is empty, a pipe that was made outside, or a file that can't
//! be written from inside. less is put in its secure mode by a variable, in which it takes no commands. The
//! same goes for a program that the sandbox could have written, and for one that does what such a file says:
//! a script, a Makefile, a list for `xargs -a`. But where a rule or a person let out what does what such
//! files say, as make does, what it starts is asked about no more for the files. And a git, whatever starts
//! it, is looked at as one that is let out, and refused. Programs that gain rights when they start
//! (set-user-id) would not work under that filter unless the supervisor is privileged, and are started
//! without; so is `codex-shell` itself, which judges for itself.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{Pid, getpid};

use super::call::{ExecCall, Side};
use super::caller;
use super::supervisor::Supervisor;
use crate::approve::is_null;
use crate::approve::place::Inheritance;
use crate::evaluate::{
    CommandSource, CommandTree, IndexedRules, command_sources, started_in_place,
};
use crate::request::program::last_component;
use crate::request::{Program, Request, Roots, Trust, Words, argv};
use crate::sys::read_capped::read_capped;

/// As many ancestors are looked at.
const ANCESTORS: usize = 64;
/// The longest name of a program in a reason, in bytes.
const NAME_LIMIT: usize = 100;
/// The longest name of a file, likewise.
const SHOWN: usize = 200;
const MISLED: &str = "would obey what the sandbox can write: ";
const HIDDEN: &str =
    "has mounts or a root directory of its own, so that nobody can tell which repository it has";
/// The most that is read of the words of a process, in bytes.
const WORDS: usize = 4 << 20;

impl Supervisor {
    /// Whether what a caller on that side starts could be limited in what it inherits. Cheap.
    pub(super) fn limits_inheritance(&self, side: Side, words: Words<'_>) -> bool {
        side != Side::Inside && (words.start_git() || self.session.rules.may_be_commanded(words))
    }

    /// Whether a variable of a call from outside leads to what the sandboxed side could have written, or may. Cheap
    /// where the variables are those of the start.
    pub(super) fn is_misled_by_variable(&self, call: &ExecCall) -> bool {
        let is_misled =
            |entries: Vec<OsString>| self.session.environment.misleading(&entries).is_some();
        self.session.writable.is_some()
            && call.side != Side::Inside
            && call.environment().map_or(true, is_misled)
    }

    /// What comes of it for `request` that its caller is out. Its variables are looked up if they count.
    ///
    /// # Errors
    /// The error to answer the caller with, which can't be looked at.
    pub(super) fn inheritance(
        &self,
        call: &ExecCall,
        request: &mut Request,
    ) -> Result<Inheritance, Errno> {
        let Some(roots) = &self.session.writable else {
            return Ok(Inheritance::Free);
        };
        if call.side == Side::Inside {
            return Ok(Inheritance::Free);
        }
        let known = &Roots::of(roots);
        let entries = call.environment()?;
        let variable = self.session.environment.misleading(&entries);
        let variable =
            variable.map(|name| format!("{} leads to what the sandbox can write", shown(name)));
        let is_free = !self.is_limited(request) && own_file_inside(request, known).is_none();
        if is_free && variable.is_none() {
            return Ok(Inheritance::Free);
        }
        if request.environment.is_none() {
            request.know_environment(&entries);
        }
        let gits = self.gits(request);
        let is_hidden = !gits.is_empty() && call.side == Side::Outside && !is_in_view(call.tid());
        let mut misled = gits
            .iter()
            .map(|git| self.session.misleading_repository(git));
        let misled = misled
            .find_map(|why| why)
            .map(|why| MISLED.to_owned() + &why);
        if let Some(why) = misled.or_else(|| is_hidden.then(|| HIDDEN.to_owned())) {
            let starter = self.starter(call);
            return Ok(Inheritance::Refused(format!(
                "it is started by {starter}, outside, and {why}"
            )));
        }
        let why = self.open_source(call, request, known).or_else(|| {
            let file = file_inside(&self.session.rules, request, known, true).or(variable)?;
            (!self.is_led_by_files(call, known)).then_some(file)
        });
        Ok(why.map_or(Inheritance::Free, |why| {
            let starter = self.starter(call);
            Inheritance::Asked(format!("it is started by {starter}, outside, and {why}"))
        }))
    }

    /// What `request` is of git: itself, or what it runs in its own place, as a loader does, by its name or as
    /// a copy of git.
    fn gits(&self, request: &Request) -> Vec<Request> {
        if request.words().start_git() {
            return vec![request.clone()];
        }
        let wanted = |name: &OsStr| self.session.rules.ask_for_copies_of(name);
        let original = |one: &Request| {
            let file = one.cwd.join(&one.program.asked).canonicalize().ok()?;
            let original = self.originals.of(&file, &file, &wanted)?;
            let words = std::iter::once(original.into());
            let words = words.chain(one.arguments().iter().cloned()).collect();
            Some(one.for_inner(Program::named(original), words))
        };
        let mut all = CommandTree::of(&self.session.rules, request).in_process(request);
        let copies: Vec<Request> = all.iter().filter_map(original).collect();
        all.extend(copies);
        all.retain(|one| one.words().start_git());
        all
    }

    /// What is open and controlled by the sandboxed side tells `request` what to do; in words for people.
    fn open_source(&self, call: &ExecCall, request: &Request, roots: &Roots) -> Option<String> {
        let mut sources = command_sources(&self.session.rules, request).into_iter();
        let from = sources.find_map(|source| match source {
            CommandSource::Keys => Some("the terminal or its input".to_owned()),
            CommandSource::Descriptor(number)
                if self.reads_from_inside(call.tid(), number, roots) =>
            {
                Some(match number {
                    0 => "its input".to_owned(),
                    number => format!("descriptor {number}"),
                })
            }
            _ => None,
        })?;
        Some(format!(
            "takes commands from {from}, which the sandbox controls"
        ))
    }

    /// Whether descriptor `number` could be what the sandboxed side writes: not where it is empty, a pipe
    /// that was made outside, or a file that can't be written from inside.
    fn reads_from_inside(&self, tid: Pid, number: i32, roots: &Roots) -> bool {
        let link = format!("/proc/{tid}/fd/{number}");
        let (Ok(file), Ok(path)) = (fs::metadata(&link), fs::read_link(&link)) else {
            // It is closed, or nobody knows.
            return fs::symlink_metadata(&link).is_ok();
        };
        if self.passed_files.has(&file) {
            return true;
        }
        let kind = file.file_type();
        if kind.is_char_device() {
            return !is_null(&file);
        }
        if kind.is_fifo() {
            return !path.as_os_str().as_bytes().starts_with(b"pipe:[");
        }
        !kind.is_file() || roots.entry_towards(&path).is_some()
    }

    /// Whether the caller, or what started it outside, does already what files say that the sandboxed side
    /// can write: a rule or a person let it out so.
    fn is_led_by_files(&self, call: &ExecCall, roots: &Roots) -> bool {
        let processes = self.ancestors_outside(call);
        processes.into_iter().any(|pid| {
            // What is there now need not have been when it was started.
            request_of(pid).is_some_and(|running| {
                own_file_inside(&running, roots).is_some()
                    || self.is_limited(&running)
                        && file_inside(&self.session.rules, &running, roots, false).is_some()
            })
        })
    }

    /// Whether it is looked what tells `request`, or an interpreter of it, what to do.
    fn is_limited(&self, request: &Request) -> bool {
        chain(request)
            .any(|one| one.copy_of.is_some() || self.limits_inheritance(Side::Outside, one.words()))
    }

    /// The process that makes the call, and those that led to it, up to the one that was let out.
    fn ancestors_outside(&self, call: &ExecCall) -> Vec<Pid> {
        let mut pids = vec![caller::process_of(call.tid())];
        while let Some(&pid) = pids.last().filter(|_| pids.len() < ANCESTORS) {
            match caller::parent(pid) {
                Ok(parent) if !self.was_let_out(call.side, pid) && parent.as_raw() > 1 => {
                    if parent == getpid() {
                        break;
                    }
                    pids.push(parent);
                }
                _ => break,
            }
        }
        pids
    }

    fn was_let_out(&self, side: Side, pid: Pid) -> bool {
        match side {
            Side::Inside => false,
            Side::Outside => self.outside.as_ref().is_some_and(|it| it.has_started(pid)),
            Side::Profiled(id) => self.profiled.has_started(id, pid),
        }
    }

    /// The program that was let out and led to this exec, or the nearest if that is gone; for people.
    fn starter(&self, call: &ExecCall) -> String {
        let processes = self.ancestors_outside(call);
        let first = processes.last().copied();
        let first = first.filter(|&pid| self.was_let_out(call.side, pid));
        name_of(first.unwrap_or_else(|| caller::process_of(call.tid())))
    }
}

/// Whether the process has the file systems that we have.
fn is_in_view(tid: Pid) -> bool {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
    let root = |process: &str| {
        let root = fs::metadata(format!("/proc/{process}/root")).ok();
        root.map(|root| (root.dev(), root.ino()))
    };
    let its = tid.to_string();
    let is_same = namespace(&its) == namespace("self") && root(&its) == root("self");
    is_same && root("self").is_some()
}

/// The request and those for its interpreters.
fn chain(request: &Request) -> impl Iterator<Item = &Request> {
    std::iter::successors(Some(request), |one| one.interpreter.as_deref())
}

/// The file of `request`, or of an interpreter, that the sandboxed side can write or exchange.
fn own_file_inside(request: &Request, roots: &Roots) -> Option<PathBuf> {
    let files = chain(request).filter_map(|one| {
        let program = &one.program;
        program.path.as_ref().or(program.real.as_ref())
    });
    let mut inside = files.filter(|path| roots.entry_towards(path).is_some());
    inside.next().cloned()
}

/// A file that the sandboxed side can write or exchange, and that tells `request` what to do; in words for
/// people. With `if_there` those count that need not be named, and are there.
fn file_inside(
    rules: &IndexedRules,
    request: &Request,
    roots: &Roots,
    if_there: bool,
) -> Option<String> {
    if let Some(file) = own_file_inside(request, roots) {
        let file = shown(file.as_os_str());
        return Some(format!("{file} is a file that the sandbox can write"));
    }
    let mut sources = command_sources(rules, request).into_iter();
    let path = sources.find_map(|source| match source {
        CommandSource::File(path) => roots.entry_towards(&path).map(|_| path),
        CommandSource::FileIfThere(path) if if_there => {
            let is_there = path.symlink_metadata().is_ok();
            let entry = is_there.then(|| roots.entry_towards(&path)).flatten();
            entry.map(|_| path)
        }
        CommandSource::FileIfThere(_) | CommandSource::Keys | CommandSource::Descriptor(_) => None,
    });
    let path = path.or_else(|| loaded_inside(request, roots))?;
    let file = shown(path.as_os_str());
    Some(format!(
        "does what {file} says, which the sandbox can write"
    ))
}

/// A file that the sandboxed side can write and that a loader, which `request` starts, is given to run or to load.
fn loaded_inside(request: &Request, roots: &Roots) -> Option<PathBuf> {
    let loaded = started_in_place(request)?;
    // All up to the program: its own words are as those of any other.
    let given = request.arguments();
    let given = given.get(..given.len().saturating_sub(loaded.arguments().len()))?;
    let words = given.iter().map(|word| word.as_bytes());
    let parts = words.flat_map(|word| word.split(|byte| b":;= ".contains(byte)));
    let parts = parts.filter(|part| part.contains(&b'/') || part.starts_with(b"."));
    let mut paths = parts.map(|part| request.cwd.join(OsStr::from_bytes(part)));
    paths.find(|path| roots.entry_towards(path).is_some())
}

/// What a process runs, as far as its words and its file say it.
fn request_of(pid: Pid) -> Option<Request> {
    let words = format!("/proc/{pid}/cmdline");
    let words = read_capped(Path::new(&words), WORDS, Duration::ZERO).ok()?;
    caller::running(pid, &words, Trust::Unexamined).ok()
}

fn shown(word: &OsStr) -> String {
    argv::bounded_word(word, SHOWN)
}

/// The name of the file that a process runs, for people.
fn name_of(pid: Pid) -> String {
    let file = fs::read_link(format!("/proc/{pid}/exe"));
    file.map_or_else(
        |_| "a program".to_owned(),
        |file| argv::bounded_word(last_component(file.as_os_str()), NAME_LIMIT),
    )
}
