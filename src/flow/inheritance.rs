//! What a program outside may start there because it is out itself.
//!
//! What a program outside starts is judged as well: a thread of the supervisor has a filter with a listener of
//! its own, and starts the programs, which inherit it. There is nowhere further out, so there a permit means
//! that the program goes on. What no rule names stays out, because what starts it is, with three exceptions.
//! What takes commands from its input, another descriptor or the terminal, as
//! models know it of editors, pagers and shells without a script, would do what the sandbox says: a person is
//! asked. So would what xargs starts, where that isn't known to take words for data and to start nothing by
//! them. For a descriptor that is so unless it is empty, a pipe that was made outside, or a file that can't
//! be written from inside. less is put in its secure mode by a variable, in which it takes no commands. The
//! same goes for a program that the sandbox could have written, and for one that does what such a file says:
//! a script, a Makefile, a list for `xargs -a`; or that is given one, where nobody knows that it takes it for data
//! (a program without a model, an option that the model doesn't have, a text in a language of its own). But where a rule or a person let out what does what such
//! files say, as make does, what it starts is asked about no more for the files. And a git, whatever starts
//! it, is looked at as one that is let out, and refused. Programs that gain rights when they start
//! (set-user-id) would not work under that filter unless the supervisor is privileged, and are started
//! without; so is `codex-shell` itself, which judges for itself.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::act::environment::SessionEnvironment;
use crate::approve::place::Inheritance;
use crate::evaluate::{
    CommandSource, CommandTree, IndexedRules, command_sources, started_in_place, unaccounted_files,
};
use crate::request::program::last_component;
use crate::request::{Originals, Program, Request, Roots, Words, argv};

/// The longest name of a program in a reason, in bytes.
const NAME_LIMIT: usize = 100;
/// The longest name of a file, likewise.
const SHOWN: usize = 200;
const MISLED: &str = "would obey what the sandbox can write: ";
const HIDDEN: &str =
    "has separate mounts or a separate root directory, so that its repository is unknown";

/// Who is outside and starts something there.
pub trait Starter {
    /// The variables that what it starts has, `NAME=value` each.
    ///
    /// # Errors
    /// Whatever keeps from looking at them.
    fn variables(&self) -> Result<Vec<OsString>, Errno>;
    /// Why a git that it starts must not run, by the repository; in words.
    fn misleading_repository(&self, git: &Request) -> Option<String>;
    /// It may have other files than we have.
    fn is_hidden(&self) -> bool;
    /// Descriptor `number` could be what the sandboxed side writes.
    fn reads_from_inside(&self, number: i32) -> bool;
    /// It, or what started it outside, does already what files say that the sandboxed side can write: a rule or a
    /// person let it out so.
    fn is_led_by_files(&self) -> bool;
    /// The program that was let out and led to it; for people.
    fn name(&self) -> String;
}

/// What is known of the session where something is outside.
#[derive(Debug)]
pub struct Heritage<'a> {
    /// The rules.
    pub rules: &'a IndexedRules,
    /// The variables as they were at the start.
    pub environment: &'a SessionEnvironment,
    /// Where the sandboxed side can write.
    pub roots: Roots,
    /// For copies of git.
    pub originals: &'a Originals,
}

impl Heritage<'_> {
    /// What comes of it for `request` that `starter` is out. Its variables are looked up if they count.
    ///
    /// # Errors
    /// The starter's, whose variables can't be looked at.
    pub fn inheritance(
        &self,
        request: &mut Request,
        starter: &impl Starter,
    ) -> Result<Inheritance, Errno> {
        let entries = starter.variables()?;
        let variable = misleading(self.rules, self.environment, &entries);
        let variable =
            variable.map(|name| format!("{} leads to what the sandbox can write", shown(name)));
        let is_free = !self.is_limited(request) && own_file_inside(request, &self.roots).is_none();
        if is_free && variable.is_none() {
            return Ok(Inheritance::Free);
        }
        if request.environment.is_none() {
            request.know_environment(&entries);
        }
        let gits = self.gits(request);
        let is_hidden = !gits.is_empty() && starter.is_hidden();
        let mut misled = gits.iter().map(|git| starter.misleading_repository(git));
        let misled = misled
            .find_map(|why| why)
            .map(|why| MISLED.to_owned() + &why);
        if let Some(why) = misled.or_else(|| is_hidden.then(|| HIDDEN.to_owned())) {
            let starter = starter.name();
            return Ok(Inheritance::Refused(format!(
                "it is started by {starter}, outside, and {why}"
            )));
        }
        let why = self.open_source(request, starter).or_else(|| {
            let file = self.file_inside(request, true).or(variable)?;
            (!starter.is_led_by_files()).then_some(file)
        });
        Ok(why.map_or(Inheritance::Free, |why| {
            let starter = starter.name();
            Inheritance::Asked(format!("it is started by {starter}, outside, and {why}"))
        }))
    }

    /// Whether it, which runs outside, does what files say that the sandboxed side can write.
    pub fn is_led(&self, running: &Request) -> bool {
        own_file_inside(running, &self.roots).is_some()
            || self.is_limited(running) && self.file_inside(running, false).is_some()
    }

    /// What `request` is of git: itself, or what it runs in its own place, as a loader does, by its name or as
    /// a copy of git.
    fn gits(&self, request: &Request) -> Vec<Request> {
        if request.words().start_git() {
            return vec![request.clone()];
        }
        let wanted = |name: &OsStr| self.rules.ask_for_copies_of(name);
        let original = |one: &Request| {
            let file = one.cwd.join(&one.program.asked).canonicalize().ok()?;
            let original = self.originals.of(&file, &file, &wanted)?;
            let words = std::iter::once(original.into());
            let words = words.chain(one.arguments().iter().cloned()).collect();
            Some(one.for_inner(Program::named(original), words))
        };
        let mut all = CommandTree::of(self.rules, request).in_process(request);
        let copies: Vec<Request> = all.iter().filter_map(original).collect();
        all.extend(copies);
        all.retain(|one| one.words().start_git());
        all
    }

    /// What is open and controlled by the sandboxed side tells `request` what to do; in words for people.
    fn open_source(&self, request: &Request, starter: &impl Starter) -> Option<String> {
        let mut sources = command_sources(self.rules, request).into_iter();
        let from = sources.find_map(|source| match source {
            CommandSource::Keys => Some("the terminal or its input".to_owned()),
            CommandSource::Descriptor(number) if starter.reads_from_inside(number) => {
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

    /// Whether it is looked what tells `request`, or an interpreter of it, what to do.
    fn is_limited(&self, request: &Request) -> bool {
        request
            .chain()
            .any(|one| one.copy_of.is_some() || may_be_limited(self.rules, one.words()))
    }

    /// A file that the sandboxed side can write or exchange, and that tells `request` what to do; in words for
    /// people. With `if_there` those count that need not be named, and are there; else none that is missing.
    fn file_inside(&self, request: &Request, if_there: bool) -> Option<String> {
        let roots = &self.roots;
        let own = own_file_inside(request, roots);
        if let Some(why) = own.or_else(|| called_inside(request, roots)) {
            return Some(why);
        }
        let mut sources = command_sources(self.rules, request).into_iter();
        let path = sources.find_map(|source| match source {
            CommandSource::File(path) => {
                let entry = roots.entry_towards(&path);
                entry.filter(|_| if_there || is_there(&path)).map(|_| path)
            }
            CommandSource::FileIfThere(path) if if_there => {
                let entry = roots.entry_towards(&path);
                entry.filter(|_| is_there(&path)).map(|_| path)
            }
            CommandSource::FileIfThere(_) | CommandSource::Keys | CommandSource::Descriptor(_) => {
                None
            }
        });
        if let Some(path) = path.or_else(|| loaded_inside(request, roots)) {
            let file = shown(path.as_os_str());
            return Some(format!(
                "does what {file} says, which the sandbox can write"
            ));
        }
        let named = if_there.then(|| unaccounted_files(self.rules, request))?;
        let Some(named) = named else {
            let why =
                "its words name more than is looked at, and some may be what the sandbox can write";
            return Some(why.to_owned());
        };
        let is_open = |&(path, is_part): &(&PathBuf, &bool)| {
            let is_there = path.symlink_metadata().is_ok() || !is_part && is_there(path);
            is_there && roots.entry_towards(path).is_some()
        };
        let (file, _) = named.iter().find(is_open)?;
        let file = shown(file.as_os_str());
        Some(format!(
            "may do what {file} says, which the sandbox can write: nobody knows what it makes of that"
        ))
    }
}

/// The first of `entries`, `NAME=value` each, that leads to what could be the sandboxed side's and counts for a
/// program outside.
fn misleading<'a>(
    rules: &IndexedRules,
    environment: &SessionEnvironment,
    entries: &'a [OsString],
) -> Option<&'a OsStr> {
    environment.misleading(entries, |name| rules.says_what_is_acted_on(name))
}

/// Whether what a program outside starts by these words is surely as free as that, by the words and `variables`
/// alone. Cheap where the variables are those of the start.
pub(super) fn is_surely_free(
    rules: &IndexedRules,
    environment: &SessionEnvironment,
    words: Words<'_>,
    variables: impl FnOnce() -> Result<Vec<OsString>, Errno>,
) -> bool {
    !may_be_limited(rules, words)
        && variables().is_ok_and(|entries| misleading(rules, environment, &entries).is_none())
}

/// Whether what a program outside starts by these words could be limited in what it inherits. Cheap.
fn may_be_limited(rules: &IndexedRules, words: Words<'_>) -> bool {
    words.start_git()
        || words.other_path().is_some()
        || rules.may_be_commanded(words)
        || rules.may_be_unaccounted(words)
}

/// The name of the file of a program that runs, for people.
pub fn name_of(file: Option<&Path>) -> String {
    file.map_or_else(
        || "a program".to_owned(),
        |file| argv::bounded_word(last_component(file.as_os_str()), NAME_LIMIT),
    )
}

/// That the sandboxed side can write or exchange the file of `request`, or of an interpreter, or what that has loaded;
/// in words for people.
fn own_file_inside(request: &Request, roots: &Roots) -> Option<String> {
    request.chain().find_map(|one| {
        let program = &one.program;
        let file = program.path.as_ref().or(program.real.as_ref());
        let file = file.filter(|path| roots.entry_towards(path).is_some());
        file.map(|file| {
            let file = shown(file.as_os_str());
            format!("{file} is a file that the sandbox can write")
        })
        .or_else(|| program.loads_from_inside(roots))
    })
}

/// That `request`, no script, is called by a path that the sandboxed side can write, beside which it may look for its
/// parts; in words for people.
fn called_inside(request: &Request, roots: &Roots) -> Option<String> {
    let called = request.words().other_path();
    let called = called.filter(|_| request.interpreter.is_none())?;
    let entry = roots.entry_towards(&request.cwd.join(called));
    entry.map(|_| {
        format!(
            "it is called {}, which the sandbox can write",
            shown(called.as_os_str())
        )
    })
}

/// Whether `path` is there, or with an end that programs add, as node makes `x.js` of `x`. Where very much is beside
/// it, nobody looks.
fn is_there(path: &Path) -> bool {
    const BESIDE: usize = 10_000;
    let Some((folder, name)) = path.parent().zip(path.file_name()) else {
        return true;
    };
    let longer = |other: &OsStr| {
        let end = other.as_bytes().strip_prefix(name.as_bytes());
        end.is_some_and(|end| end.starts_with(b"."))
    };
    let beside = || fs::read_dir(folder).into_iter().flatten().flatten();
    path.symlink_metadata().is_ok()
        || beside()
            .enumerate()
            .any(|(nth, entry)| nth >= BESIDE || longer(&entry.file_name()))
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

fn shown(word: &OsStr) -> String {
    argv::bounded_word(word, SHOWN)
}
