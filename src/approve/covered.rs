//! For which requests a yes can hold for the session: those of which everything that runs is known, and
//! either can't be changed from inside the sandbox or is a file whose state is noted.
//!
//! What runs is what models know of the words, and the text of shell scripts. A module that is searched for
//! by name, a directory, standard input, a program in a language that nobody reads here: any of them can say
//! something else the next time, so that a person is asked each time.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::stamp::Stamp;
use crate::evaluate::{IndexedRules, readings};
use crate::models::Reading;
use crate::models::reading::{Doubt, Inner, Kind, REPOSITORY, What};
use crate::request::program::last_component;
use crate::request::{Program, Request, Trust, argv};
use crate::script::{self, Dialect, Script, ScriptCommand, Word};
use crate::sys::read_capped::read_capped;

/// Programs whose files of commands are read as shell scripts here.
const SHELLS: [&[u8]; 6] = [b"ash", b"bash", b"dash", b"ksh", b"mksh", b"sh"];
/// How many commands, each within the other, are looked into.
const DEPTH: usize = 8;
/// How many commands are looked at.
const COMMANDS: usize = 1000;
/// The longest word that is shown of a command, in bytes.
const SHOWN: usize = 60;

const NOT_READ: &str = "it runs a script that can't be read in whole";
const TOO_MANY: &str = "there is more in it than can be looked at";

/// Why a yes can't hold for the session, in a few words for people.
pub(super) type Uncovered = String;

/// The files that say what `request` does and that may change between two questions, as they are now.
///
/// # Errors
/// What it does depends on something else as well.
pub(super) fn stamps(rules: &IndexedRules, request: &Request) -> Result<Vec<Stamp>, Uncovered> {
    let mut cover = Cover {
        rules,
        cwd: request.cwd.to_path_buf(),
        stamps: Vec::new(),
        commands: 0,
    };
    cover.request(request, 0)?;
    Ok(cover.stamps)
}

struct Cover<'a> {
    rules: &'a IndexedRules,
    cwd: PathBuf,
    stamps: Vec<Stamp>,
    commands: usize,
}

impl Cover<'_> {
    fn request(&mut self, request: &Request, depth: usize) -> Result<(), Uncovered> {
        let program = &request.program;
        match &program.trust {
            Trust::Trusted => return self.words(request, depth),
            Trust::Writable { .. } | Trust::Unexamined => {}
            Trust::Misled { .. } => {
                return Err("it goes by files that the command can change".to_owned());
            }
            Trust::Unresolved | Trust::Anonymous | Trust::Disguised { .. } => {
                return Err(unknown(&program.asked));
            }
        }
        let file = program.real.as_deref();
        let file = file.ok_or_else(|| unknown(&program.asked))?;
        self.stamp(file)?;
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
        self.words(&copied, depth)
    }

    /// A program of which nothing is known but its file: it may read what is named to it. What an option
    /// of it would mean, or what of a directory it runs, nobody can say.
    fn unknown(&mut self, request: &Request) -> Result<(), Uncovered> {
        for word in request.arguments() {
            let bytes = word.as_bytes();
            if bytes.starts_with(b"-") || bytes.starts_with(b"+") {
                let name = shown(last_component(&request.program.asked));
                return Err(format!("nothing is known of {name} {}", shown(word)));
            }
            let behind_equals = bytes.splitn(2, |&byte| byte == b'=').nth(1);
            for path in behind_equals.into_iter().chain([bytes]) {
                let path = self.cwd.join(OsStr::from_bytes(path));
                if path.symlink_metadata().is_ok() {
                    self.stamp(&path)?;
                }
            }
        }
        Ok(())
    }

    /// What a program does whose name can be believed.
    fn words(&mut self, request: &Request, depth: usize) -> Result<(), Uncovered> {
        self.commands += 1;
        if depth > DEPTH || self.commands > COMMANDS {
            return Err(TOO_MANY.to_owned());
        }
        let mut known = names(&request.program).filter_map(|name| self.rules.model(name));
        if known.next().is_none() {
            return self.unknown(request);
        }
        let is_shell = names(&request.program).any(|name| SHELLS.contains(&name.as_bytes()));
        for reading in readings(self.rules, request) {
            self.reading(request, &reading, is_shell, depth)?;
        }
        Ok(())
    }

    fn reading(
        &mut self,
        request: &Request,
        reading: &Reading<'_>,
        is_shell: bool,
        depth: usize,
    ) -> Result<(), Uncovered> {
        let name = shown(last_component(&request.program.asked));
        if reading.obeyed_file().is_some() {
            let file = self.obeyed_file(reading);
            return Err(format!("{name} does what {file} says"));
        }
        for part in &reading.parts {
            if let Kind::Subcommand { word, model: None } = part.kind {
                return Err(format!("nothing is known of {name} {}", shown(word)));
            }
        }
        for doubt in &reading.doubts {
            let option = |option: &[u8]| shown(OsStr::from_bytes(option));
            return Err(match doubt {
                Doubt::File(file) if is_shell => {
                    self.file(&self.cwd.join(file.word), depth)?;
                    continue;
                }
                Doubt::File(file) => format!("what {} loads can change", shown(file.word)),
                Doubt::Code(_) => format!("nobody knows here what a program of {name}'s runs"),
                Doubt::Runs(it) => format!("{name} {} runs what can change", option(it)),
                Doubt::UnknownOption(it) => format!("nothing is known of {name} {}", option(it)),
                Doubt::Subcommand(it) => format!("nothing is known of {name} {}", shown(it.word)),
                Doubt::Input | Doubt::Keys => format!("{name} takes commands from its input"),
                Doubt::TooMany => TOO_MANY.to_owned(),
            });
        }
        reading
            .inner
            .iter()
            .try_for_each(|inner| self.inner(request, inner, depth))
    }

    /// The file that tells a program what to do, of those that it looks for: the first that there is where
    /// it starts, or above; all of them where there is none.
    fn obeyed_file(&self, reading: &Reading<'_>) -> String {
        let files = reading.obeyed().filter(|file| *file != REPOSITORY);
        let files: Vec<&str> = files.collect();
        for folder in self.cwd.ancestors() {
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

    fn inner(
        &mut self,
        request: &Request,
        inner: &Inner<'_>,
        depth: usize,
    ) -> Result<(), Uncovered> {
        if inner.appends {
            let name = shown(last_component(&request.program.asked));
            return Err(format!("{name} adds words that nobody knows yet"));
        }
        match &inner.what {
            What::Words(words) => {
                let words = words.iter().map(|&word| word.to_owned()).collect();
                self.command(request, words, depth + 1)
            }
            What::Script(text) => self.script(request, text, depth + 1),
        }
    }

    /// A command that is looked up by its name when it starts; one with a slash is a file that may change.
    fn command(
        &mut self,
        request: &Request,
        words: Vec<OsString>,
        depth: usize,
    ) -> Result<(), Uncovered> {
        let Some(asked) = words.first() else {
            return Ok(());
        };
        let name = asked.as_bytes();
        if script::reads_script(name) {
            return Err("it runs a script that reads another".to_owned());
        }
        let is_known = self.rules.model(asked).is_some();
        if name.contains(&b'/') || (script::is_builtin(name) && !is_known) {
            return Err(unknown(asked));
        }
        let inner = Request::new(Program::named(asked), words, request.cwd.clone());
        self.words(&inner, depth)
    }

    /// A file that a shell reads.
    fn file(&mut self, path: &Path, depth: usize) -> Result<(), Uncovered> {
        let before = self.stamp(path)?;
        let text = read_capped(path, script::MAX_BYTES, Duration::ZERO);
        let text = text.map_err(|_| NOT_READ.to_owned())?;
        if self.stamp(path)? != before {
            return Err(NOT_READ.to_owned());
        }
        let cwd = crate::request::WorkingDirectory::new(&*self.cwd).ok_or(NOT_READ)?;
        let request = Request::new(Program::named(path), Vec::new(), cwd);
        self.script(&request, &text, depth + 1)
    }

    fn script(&mut self, request: &Request, text: &[u8], depth: usize) -> Result<(), Uncovered> {
        let script = script::parse(text, Dialect::Sh);
        if !script.problems.is_empty() || script.limited {
            return Err(NOT_READ.to_owned());
        }
        let mut commands = script.commands.iter();
        commands.try_for_each(|command| self.script_command(request, &script, command, depth))
    }

    fn script_command(
        &mut self,
        request: &Request,
        script: &Script,
        command: &ScriptCommand,
        depth: usize,
    ) -> Result<(), Uncovered> {
        if let Some(set) = command.assignments.first() {
            let name = shown(OsStr::from_bytes(&set.name));
            return Err(format!("it runs a script that sets {name}"));
        }
        let name = command.words.first().map(Word::known);
        let Some(name) = name else {
            return Ok(());
        };
        let name = name.ok_or(NOT_READ)?;
        if script::is_inert(&name) {
            return Ok(());
        }
        let words: Option<Vec<OsString>> = command
            .words
            .iter()
            .map(|word| word.known().map(OsString::from_vec))
            .collect();
        let words = words.ok_or(NOT_READ)?;
        // Its body is among the commands.
        if script.functions.contains(&name) {
            return Ok(());
        }
        self.command(request, words, depth)
    }

    fn stamp(&mut self, path: &Path) -> Result<Stamp, Uncovered> {
        let stamp = Stamp::of(path);
        let stamp = stamp.ok_or_else(|| format!("{} is no file", shown(path.as_os_str())))?;
        if !self.stamps.contains(&stamp) {
            self.stamps.push(stamp.clone());
        }
        Ok(stamp)
    }
}

/// Whether a model of its name says what is in `file`: the sandboxed side could not have written it, though
/// perhaps a link to it; or nobody looked, as where no rule is on it and it stays inside anyway.
fn has_its_name(program: &Program, file: &Path) -> bool {
    match &program.trust {
        Trust::Writable { path } => !file.starts_with(path),
        trust => *trust == Trust::Unexamined,
    }
}

/// The names that say what a program is: those of the file, or what was asked for where there is none.
fn names(program: &Program) -> impl Iterator<Item = &OsStr> {
    let files = [&program.path, &program.real].into_iter().flatten();
    let asked = program.path.is_none().then_some(program.asked.as_os_str());
    let names = files.map(|path| path.as_os_str()).chain(asked);
    names.map(last_component)
}

fn unknown(program: &OsStr) -> Uncovered {
    format!("nothing is known of what {} runs", shown(program))
}

fn shown(word: &OsStr) -> String {
    argv::bounded(&[word.to_owned()], SHOWN)
}

#[cfg(test)]
mod tests;
