//! What a request runs, as far as that can be known: the files that say it, and whether a yes to it can hold
//! for the session.
//!
//! It can where every file that runs is known and none can be changed by the command, or be exchanged for
//! another. What runs is what models know of the words, and the text of shell scripts. A module that is
//! searched for by name, a directory, a program in a language that nobody reads here: any of
//! them can say something else the next time, so that a person is asked each time. What is in the command's
//! reach can even change between the question and the moment in which it is read, so that a look at it says
//! nothing for the next time.
//!
//! # Which yes holds for how long
//!
//! Only `approve` can make a `Permit`; the permit owns its request and the place; and `act` runs nothing but
//! a permit. What runs outside is therefore what was judged, and what was asked. A yes for the session holds
//! for questions with the same `Key`, which has all that the question showed and what it cut, the umask, the
//! variables where the program keeps its caller's, and the state (device, inode, size, times of change) of
//! the files that say what runs. There is such a yes only where each of these is known and the command can't
//! change it or put another in its place: what lies in a writable root can be
//! exchanged between any look at it and the moment in which it is read. Where something else says what runs
//! there is none either: a Makefile, a module, a directory, a script that isn't a shell's or
//! that sets variables, a wrapper that may choose directory, root or variables, an option that runs what
//! models can't know. Of a program without a model its file counts, and files that are named to it; with an
//! option or a directory among its words there is no yes for the session.
//!
//! What else the words name and the command can change may be no more than data, or an image's recipe, a
//! manifest, a playbook. It counts by its content, a directory by all that is in it
//! (`approve/covered/named.rs`): once that has changed, the question is asked again. What there is too much
//! of to compare (10,000 entries, 32 MiB in directories, 64 MiB in files) has no yes for the session, and
//! neither has what the words say is read from standard input (`kubectl apply -f -`), nor what comes by a named
//! pipe, a socket or a path of which nobody knows where it leads (`@/dev/fd/3`). What a program may read without
//! a word that says so counts as `input.rs` says; so does a descriptor that a path names. Where it writes files whose
//! names no word says (`split f`, `curl -O`) there is none either (`approve/covered/unsaid.rs`).
//!
//! A yes for once is for the files and directories that the words name as they were at the question, the working
//! directory too, for the files that those that are obeyed write out (`include x.mk`, `.read x`), and the texts of
//! scripts whose words stand for more than they say (`. "$PWD/x"`), and for the packages that models know of
//! (`node_modules`, a class path), as far as they are looked at. What of these is not there must not have come
//! to be there. What is asked about and does no more than to show what it reads (`tail -f x`) may show other
//! contents; nor does what `rm`, `mkdir` and the like remove or make count.

mod named;
mod starters;
mod unsaid;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::{FileReach, Files};
use super::input;
use super::stamp::Stamp;
use super::text::Uncovered;
use crate::evaluate::{
    CommandSource, CommandTree, IndexedRules, all_command_sources, command_sources, readings,
};
use crate::models::Reading;
use crate::models::model::Effect;
use crate::models::reading::{Doubt, Inner, Kind, REPOSITORY, What};
use crate::request::program::last_component;
use crate::request::{Program, Request, Trust, WorkingDirectory, argv};
use crate::script::{self, Dialect, ScriptCommand};
use crate::sys::read_capped::read_capped;

pub(super) use named::Named;
use named::{NamedPaths, Use};
use starters::names;
use unsaid::Unsaid;

/// How many commands, each within the other, are looked into.
const DEPTH: usize = 8;
/// How many words of commands are looked at, and each command for [`COMMAND`]; the first command has any number.
const WORDS: usize = 20_000;
/// What a command costs beside its words.
const COMMAND: usize = 20;
/// How many scripts are read.
const SCRIPTS: usize = 20;
/// The longest word that is shown of a command, in bytes.
const SHOWN: usize = 60;

/// The longest name of a file, in bytes.
const NAME: usize = 255;
/// What makes a form of a name.
const FORMS: [char; 3] = ['*', '?', '['];

const NOT_READ: &str = "it runs a script that can't be read in whole";
const TOO_MANY: &str = "there is more in it than can be looked at";

/// What is known of what a request runs.
#[derive(Debug)]
pub(super) struct Covered {
    /// The files that say it, as far as they are known.
    pub(super) files: Files,
    /// Files that its scripts read or write by themselves, absolute.
    pub(super) redirected: Vec<PathBuf>,
    /// The descriptors that it may read.
    pub(super) descriptors: Vec<i32>,
    /// The state of all the files, none of which the command can change; or why that can't be said.
    pub(super) stamps: Result<Vec<Stamp>, Uncovered>,
    /// What else is named to it that the command can change, as it is now.
    pub(super) named: Vec<Named>,
}

impl Covered {
    /// What is known of `request`, whose `tree` it is, in a sandbox that can write the `writable` roots; without
    /// one `None`.
    pub(super) fn of(
        rules: &IndexedRules,
        request: &Request,
        tree: &CommandTree,
        writable: Option<&[PathBuf]>,
    ) -> Self {
        let mut cover = Cover {
            rules,
            whole: request,
            reach: FileReach::of(writable),
            files: Files::default(),
            stamps: Vec::new(),
            redirected: Vec::new(),
            descriptors: Vec::new(),
            objection: None,
            looked_at: 0,
            scripts: Vec::new(),
            paths: NamedPaths::default(),
        };
        for source in all_command_sources(rules, request, tree) {
            cover.source(source);
        }
        cover.request(request, 0);
        let named = cover.named(&request.cwd);
        Self {
            files: cover.files,
            redirected: cover.redirected,
            descriptors: cover.descriptors,
            stamps: cover.objection.map_or(Ok(cover.stamps), Err),
            named,
        }
    }
}

struct Cover<'a> {
    rules: &'a IndexedRules,
    whole: &'a Request,
    reach: FileReach,
    files: Files,
    stamps: Vec<Stamp>,
    redirected: Vec<PathBuf>,
    descriptors: Vec<i32>,
    /// Why a yes can't hold for the session; the first reason.
    objection: Option<Uncovered>,
    /// How much of [`WORDS`].
    looked_at: usize,
    /// The scripts that were read.
    scripts: Vec<PathBuf>,
    /// What the words name.
    paths: NamedPaths,
}

impl Cover<'_> {
    fn object(&mut self, why: impl Into<Uncovered>) {
        self.objection.get_or_insert_with(|| why.into());
    }

    /// What the words name that the command can change.
    fn named(&mut self, cwd: &Path) -> Vec<Named> {
        let mut descriptors = named::note_mentioned(&mut self.files, cwd, &self.reach);
        let mut paths = std::mem::take(&mut self.paths);
        descriptors.append(&mut paths.descriptors);
        for number in descriptors {
            self.reads(number);
        }
        let is_covered = self.objection.is_none();
        let named = paths.noted(&mut self.files, is_covered, cwd, &self.reach);
        named.unwrap_or_else(|why| {
            self.object(why);
            Vec::new()
        })
    }

    fn request(&mut self, request: &Request, depth: usize) {
        let program = &request.program;
        match &program.trust {
            Trust::Trusted if self.reach.is_bounded() => return self.words(request, depth),
            Trust::Trusted | Trust::Writable { .. } | Trust::Unexamined => {}
            Trust::Misled { .. } => self.object("it goes by files that the command can change"),
            Trust::Unresolved | Trust::Anonymous | Trust::Disguised { .. } => {
                self.object(unknown(&program.asked));
            }
        }
        let Some(file) = program.real.as_deref() else {
            return self.object(unknown(&program.asked));
        };
        self.note(file);
        if let Trust::Writable { path } = &program.trust {
            self.object(changeable(path));
        }
        if let Some(interpreter) = &request.interpreter {
            return self.request(interpreter, depth + 1);
        }
        if has_its_name(program, file) {
            return self.words(request, depth);
        }
        let Some(original) = &request.copy_of else {
            return self.unknown(request);
        };
        let words = std::iter::once(original.clone().into_os_string());
        let words = words.chain(request.arguments().iter().cloned()).collect();
        let copied = Request::new(Program::named(original), words, request.cwd.clone());
        self.words(&copied, depth);
    }

    /// A program of which nothing is known but its file: it may read what is named to it. What an option
    /// of it would mean, or what of a directory it runs, nobody can say.
    fn unknown(&mut self, request: &Request) {
        self.reads(0);
        self.names(request, &[], Use::Unknown);
        for word in request.arguments() {
            let bytes = word.as_bytes();
            if bytes.starts_with(b"-") || bytes.starts_with(b"+") {
                let name = shown(last_component(&request.program.asked));
                self.object(format!("nothing is known of {name} {}", shown(word)));
            }
            let behind_equals = bytes.splitn(2, |&byte| byte == b'=').nth(1);
            for path in behind_equals.into_iter().chain([bytes]) {
                let path = request.cwd.join(OsStr::from_bytes(path));
                if path.symlink_metadata().is_ok() {
                    self.stamp(&path, Stamp::of(&path));
                }
            }
        }
    }

    /// What a program does whose name can be believed.
    fn words(&mut self, request: &Request, depth: usize) {
        let is_first = self.looked_at == 0;
        self.looked_at += COMMAND + request.argv.len();
        if depth > DEPTH || self.looked_at > WORDS && !is_first {
            return self.object(TOO_MANY);
        }
        let mut known = names(&request.program).filter_map(|name| self.rules.model(name));
        if known.next().is_none() {
            return self.unknown(request);
        }
        // Those of the whole are known, and of all within it.
        let is_known = std::ptr::eq(request, self.whole);
        let sources = (!is_known).then(|| command_sources(self.rules, request));
        for source in sources.into_iter().flatten() {
            self.source(source);
        }
        let readings = readings(self.rules, request);
        if let Some(other) = starters::use_of_words(request) {
            self.reads(0);
            // Of what goes elsewhere by it, as into a file or a script, a yes is for what it is.
            let is_shown = is_known && !readings.is_empty() && readings.iter().all(shows);
            let other = if is_shown {
                other
            } else {
                other.max(Use::Unknown)
            };
            self.names(request, &readings, other);
        }
        for reading in readings {
            self.reading(request, &reading, depth);
        }
    }

    /// What the words of a command name, and what is made of that: `other` where no model says it.
    fn names(&mut self, request: &Request, readings: &[Reading<'_>], other: Use) {
        let words = request.arguments();
        let uses = named::uses(readings, words.len(), other);
        for (word, used) in words.iter().zip(uses) {
            let Some(used) = used else { continue };
            self.paths.add(&request.cwd, word, used);
            if named::is_input(word) {
                self.object(input::unknown(0));
            }
        }
    }

    fn reading(&mut self, request: &Request, reading: &Reading<'_>, depth: usize) {
        let name = shown(last_component(&request.program.asked));
        let is_shell = starters::is_shell(&request.program);
        if reading.obeyed_file().is_some() {
            let file = obeyed_file(request, reading);
            self.object(format!("{name} does what {file} says"));
        }
        self.unsaid(Unsaid::of(request, reading));
        for file in reading.words_from() {
            self.source(CommandSource::File(request.cwd.join(file)));
        }
        for part in &reading.parts {
            match &part.kind {
                Kind::Subcommand { word, model: None } => {
                    self.object(format!("nothing is known of {name} {}", shown(word)));
                }
                Kind::Flag(flag) if is_shell && !starters::is_plain_option(&flag.written) => {
                    let option = shown(OsStr::from_bytes(&flag.written));
                    self.object(format!("{name} {option} may have it read other files"));
                }
                _ => {}
            }
        }
        for doubt in &reading.doubts {
            let option = |option: &[u8]| shown(OsStr::from_bytes(option));
            let why = match doubt {
                Doubt::File(file) if is_shell => {
                    self.file(&request.cwd.join(file.word), &request.cwd, depth);
                    continue;
                }
                Doubt::File(file) => {
                    let path = request.cwd.join(file.word);
                    self.source(CommandSource::FileIfThere(path));
                    format!("what {} loads can change", shown(file.word))
                }
                Doubt::Code(_) => format!("it is not known here what a program of {name}'s runs"),
                Doubt::Runs(it) => format!("{name} {} runs what can change", option(it)),
                Doubt::UnknownOption(it) => format!("nothing is known of {name} {}", option(it)),
                Doubt::Subcommand(it) => format!("nothing is known of {name} {}", shown(it.word)),
                Doubt::Input | Doubt::Keys => format!("{name} takes commands from its input"),
                Doubt::TooMany => TOO_MANY.to_owned(),
            };
            self.object(why);
        }
        let started = &started_by(request, reading);
        let finds_modules = reading.obeyed_file().is_some();
        for inner in &reading.inner {
            // It looks for a module of that name first.
            if let What::Words(words) = &inner.what
                && finds_modules
                && let Some(module) = words.first()
            {
                self.source(CommandSource::FileIfThere(request.cwd.join(module)));
            }
            if !is_shell && !starters::starts_it_as_it_is(&request.program, inner) {
                let where_to = "in another directory or with other variables";
                self.object(format!("{name} may start what it runs {where_to}"));
            }
            self.inner(started, inner, depth);
        }
    }

    /// Where it writes files that its words don't name.
    fn unsaid(&mut self, unsaid: Unsaid) {
        self.redirected.extend(unsaid.paths);
        if let Some((folder, form)) = unsaid.form {
            self.files.note_names(&folder, &form);
        }
        if unsaid.is_open {
            self.object("it writes files whose names are not known yet");
        }
    }

    fn inner(&mut self, request: &Request, inner: &Inner<'_>, depth: usize) {
        if inner.appends {
            let name = shown(last_component(&request.program.asked));
            self.object(format!("{name} adds words that are not known yet"));
        }
        match &inner.what {
            What::Words(words) => {
                let words = words.iter().map(|&word| word.to_owned()).collect();
                self.command(request, words, depth + 1);
            }
            What::Script(text) => self.script(request, text, depth + 1),
        }
    }

    /// A command that is looked up by its name when it starts; one with a slash is a file that may change.
    fn command(&mut self, request: &Request, words: Vec<OsString>, depth: usize) {
        let Some(asked) = words.first() else {
            return;
        };
        let name = asked.as_bytes();
        if script::reads_script(name) {
            if let Some(file) = words.get(1) {
                self.paths.add(&request.cwd, file, Use::Obeyed);
                self.files_of(&request.cwd.join(file));
            }
            return self.object("it runs a script that reads another");
        }
        let is_known = self.rules.model(asked).is_some();
        if name.contains(&b'/') {
            self.files_of(&request.cwd.join(asked));
        }
        if name.contains(&b'/')
            || (script::is_builtin(name) && (!is_known || script::reads_file(name)))
        {
            self.object(unknown(asked));
        }
        let inner = Request::new(Program::named(asked), words, request.cwd.clone());
        self.words(&inner, depth);
    }

    /// A file that a shell reads, which runs in the directory `cwd`.
    fn file(&mut self, path: &Path, cwd: &WorkingDirectory, depth: usize) {
        self.note(path);
        if self.scripts.iter().any(|known| known == path) {
            return;
        }
        self.scripts.push(path.to_owned());
        if self.scripts.len() > SCRIPTS {
            return self.object(TOO_MANY);
        }
        let text = read_capped(path, script::MAX_FOUND, Duration::ZERO);
        let Ok(text) = text else {
            return self.object(NOT_READ);
        };
        let request = Request::new(Program::named(path), Vec::new(), cwd.clone());
        self.script(&request, &text, depth + 1);
    }

    fn script(&mut self, request: &Request, text: &[u8], depth: usize) {
        let script = script::parse(text, Dialect::Sh);
        if !script.problems.is_empty() || script.limited {
            self.object(NOT_READ);
        }
        if script.sets_variables || !script.lists.is_empty() {
            self.object("it runs a script that sets variables");
        }
        // A copy may be copied in turn.
        if script.copied.iter().any(|(_, is_output)| !is_output) {
            for (number, _) in &script.copied {
                self.reads(i32::try_from(*number).unwrap_or(i32::MAX));
            }
        }
        if script.commands.iter().any(says_more) {
            self.paths.add_text(&request.cwd, text);
        }
        for command in &script.commands {
            self.script_command(request, command, depth);
        }
    }

    fn script_command(&mut self, request: &Request, command: &ScriptCommand, depth: usize) {
        if let Some(set) = command.assignments.first() {
            let name = shown(OsStr::from_bytes(&set.name));
            self.object(format!("it runs a script that sets {name}"));
        }
        for redirection in &command.redirections {
            if redirection.target.unknown().is_some() {
                self.object(NOT_READ);
            }
            let target = redirection.target.recognised();
            let path = request.cwd.join(OsStr::from_bytes(&target));
            if !redirection.writes {
                self.paths
                    .add(&request.cwd, OsStr::from_bytes(&target), Use::Unknown);
            }
            self.redirected.push(path);
        }
        let Some(name) = command.words.first() else {
            return;
        };
        if name.known().is_some_and(|name| script::is_inert(&name)) {
            return;
        }
        if command.words.iter().any(|word| word.unknown().is_some()) {
            self.object(NOT_READ);
        }
        // A function of that name may not be there yet, or not any more; its body is among the commands.
        let words = command.words.iter();
        let words = words.map(|word| OsString::from_vec(word.recognised()));
        self.command(request, words.collect(), depth);
    }

    /// It may read the descriptor of this number.
    fn reads(&mut self, number: i32) {
        if !self.descriptors.contains(&number) {
            self.descriptors.push(number);
        }
    }

    /// Notes a file that runs, or says what runs.
    fn note(&mut self, path: &Path) {
        let is_open = self.reach.includes(path);
        let stamp = self.files.note(path, is_open);
        self.stamp(path, stamp);
    }

    /// Where a command takes others from. One that isn't there counts too, since it could come to be.
    fn source(&mut self, source: CommandSource) {
        let (path, is_word) = match source {
            CommandSource::File(path) => (path, false),
            CommandSource::FileIfThere(path) => (path, true),
            CommandSource::Keys => return self.reads(0),
            CommandSource::Descriptor(number) => return self.reads(number),
        };
        let is_open = self.reach.includes(&path);
        let Some((folder, name)) = path.parent().zip(path.file_name().and_then(OsStr::to_str))
        else {
            return;
        };
        if path.is_file() {
            self.note(&path);
        } else if !is_open || name.len() > NAME {
            // Nobody can put anything there; or it is a text, and no name.
        } else if !is_word && path.is_dir() {
            self.files.note_tree(&path);
        } else if is_word && !name.contains(FORMS) {
            // Interpreters put endings behind the name of a module, which may be one of a package.
            if let Some((package, _)) = name.split_once('.').filter(|(it, _)| !it.is_empty()) {
                let package = folder.join(package);
                if package.is_dir() {
                    self.files.note_tree(&package);
                }
            }
            self.files.note_form(folder, &format!("{name}.*"));
            self.files.note_form(folder, &format!("{name}/*"));
        } else if let Some((folder, form)) = split_form(&path).filter(|_| !is_word) {
            self.files.note_form(&folder, form);
        } else {
            self.files.note(&path, is_open);
        }
    }

    /// The same of one that is known to be read, though not by a command that can be covered.
    fn files_of(&mut self, path: &Path) {
        if path.is_file() {
            self.note(path);
        }
    }

    /// What counts of a file for the session.
    fn stamp(&mut self, path: &Path, stamp: Option<Stamp>) {
        let Some(stamp) = stamp else {
            return self.object(format!("{} is not a file", shown(path.as_os_str())));
        };
        if self.reach.includes(path) {
            self.object(changeable(path));
        }
        if !self.stamps.contains(&stamp) {
            self.stamps.push(stamp);
        }
    }
}

/// The file that tells a program what to do, of those that it looks for: the first that there is where
/// it starts, or above; all of them where there is none.
fn obeyed_file(request: &Request, reading: &Reading<'_>) -> String {
    let files = reading.obeyed().filter(|file| *file != REPOSITORY);
    let files: Vec<&str> = files.collect();
    for folder in request.cwd.ancestors() {
        let is_there = |file: &&&str| folder.join(file).symlink_metadata().is_ok();
        if let Some(file) = files.iter().find(is_there) {
            return (*file).to_owned();
        }
    }
    match files.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Whether words of a command in a script stand for more than they say.
fn says_more(command: &ScriptCommand) -> bool {
    let targets = command.redirections.iter().map(|it| &it.target);
    let mut words = command.words.iter().chain(targets);
    words.any(|word| word.unknown().is_some())
}

/// Whether a program that is read so writes nothing but its output, as far as it is known.
fn shows(reading: &Reading<'_>) -> bool {
    let mut values = reading.values_with(Effect::Writes).flatten();
    reading.doubts.is_empty() && reading.writes.is_empty() && values.next().is_none()
}

/// `request` in the directory where it starts others.
fn started_by(request: &Request, reading: &Reading<'_>) -> Request {
    let last = reading.values_with(Effect::Directory).flatten().last();
    let directory = last.and_then(|last| WorkingDirectory::new(request.cwd.join(last)));
    Request {
        cwd: directory.unwrap_or_else(|| request.cwd.clone()),
        ..request.clone()
    }
}

/// A path with stars in it, as a directory and the form of what is in it.
fn split_form(path: &Path) -> Option<(PathBuf, &str)> {
    let text = path.to_str()?;
    let (before, _) = text.split_once('*')?;
    let (folder, _) = before.rsplit_once('/')?;
    let form = text.get(folder.len() + 1..)?;
    Some((Path::new("/").join(folder), form))
}

fn changeable(path: &Path) -> Uncovered {
    format!("the command can change {}", shown(path.as_os_str()))
}

/// Whether a model of its name says what is in `file`: the sandboxed side could not have written it, though
/// perhaps a link to it; or nobody looked, as where no rule is on it and it stays inside anyway.
fn has_its_name(program: &Program, file: &Path) -> bool {
    match &program.trust {
        Trust::Writable { path } => !file.starts_with(path),
        trust => *trust == Trust::Unexamined,
    }
}

fn unknown(program: &OsStr) -> Uncovered {
    format!("nothing is known of what {} runs", shown(program))
}

fn shown(word: &OsStr) -> String {
    argv::bounded_word(word, SHOWN)
}

#[cfg(test)]
mod tests;
