//! What is asked: one program, its arguments, and where.
//!
//! A [`Request`] is made by an interceptor or by `rules explain`; nothing here runs anything.

#![forbid(unsafe_code)]

pub mod argv;
mod copies;
mod directory;
pub mod earlier;
mod followed;
pub mod interpreter;
mod loaded;
pub mod program;
mod repository;
mod search_path;
pub mod views;
mod walk;
mod words;
mod writable;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use copies::Originals;
pub use directory::WorkingDirectory;
pub use earlier::Earlier;
pub use followed::Followed;
pub use interpreter::Interpreter;
pub use loaded::places_loaded;
pub use program::{Program, Trust};
pub use repository::alias::{Aliased, alias_set, aliased};
pub use repository::config_file::Entry;
pub use search_path::SearchPath;
pub use walk::{Identity, PathTrace, Roots, SHIPPED, Way, trace};
pub use words::{HalfRead, Words};
pub use writable::Writable;

/// How many scripts may interpret one another, as in the kernel.
pub const INTERPRETERS: usize = 4;

/// One exec asked for. Everything is bytes, as the kernel has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The file that would run, under the names that rules may know it by.
    pub program: Program,
    /// The whole argument vector. `argv[0]` is the caller's to choose, and may be missing.
    pub argv: Vec<OsString>,
    /// The working directory.
    pub cwd: WorkingDirectory,
    /// The variables that the program would see; `None` where nobody knows them.
    pub environment: Option<Arc<[(OsString, OsString)]>>,
    /// Those of them, by name, that it would not get outside the sandbox as it has them here: set inside,
    /// or leading to what the sandbox can write.
    pub withheld: Vec<OsString>,
    /// Those that a rule would pass, and whose values lead to what the sandbox can write.
    pub leading: Vec<OsString>,
    /// For a script: what the kernel runs to read it, as a request of its own.
    pub interpreter: Option<Box<Request>>,
    /// The program that the file is a copy of, under another name.
    pub copy_of: Option<PathBuf>,
    /// Where the paths among its words lead; `None` where nobody looked.
    pub followed: Option<Followed>,
    /// Variables that it has outside in any case: they bind it to what it was judged by.
    pub pins: Vec<(OsString, OsString)>,
    /// What git would obey as its aliases, where its subcommand could be one and somebody looked.
    pub aliases: Vec<Entry>,
}

impl Request {
    /// A request for a program that is no script.
    pub fn new(program: Program, argv: Vec<OsString>, cwd: WorkingDirectory) -> Self {
        Self {
            program,
            argv,
            cwd,
            environment: None,
            withheld: Vec::new(),
            leading: Vec::new(),
            interpreter: None,
            copy_of: None,
            followed: None,
            pins: Vec::new(),
            aliases: Vec::new(),
        }
    }

    /// A request for what the words of this one start, in the same directory.
    #[must_use]
    pub fn for_inner(&self, program: Program, argv: Vec<OsString>) -> Self {
        Self {
            followed: self.followed.clone(),
            ..Self::new(program, argv, self.cwd.clone())
        }
    }

    /// The same, for itself and its interpreters, where somebody has followed `paths`, absolute; the
    /// sandboxed side can write the `writable` roots.
    #[must_use]
    pub fn following(mut self, paths: Vec<PathBuf>, writable: &[PathBuf]) -> Self {
        let followed = Followed::of(paths, writable);
        self.change_chain(|one| one.followed = Some(followed.clone()));
        self
    }

    /// The same with variables that are known.
    #[must_use]
    pub fn with_environment(mut self, variables: Vec<(OsString, OsString)>) -> Self {
        self.environment = Some(variables.into());
        self
    }

    /// The same with the aliases that git would know, if it is git and its subcommand could be one.
    #[must_use]
    pub fn with_aliases(mut self) -> Self {
        self.aliases = repository::aliases(&self);
        self
    }

    /// Whether it is a git whose subcommand is none: its settings say what it runs.
    pub fn is_set_by_git(&self) -> bool {
        repository::is_set(self.words())
    }

    /// The same, trusted less where it is git, or starts it, and the sandboxed side could have written what
    /// git would obey; else bound to the repository that git has here.
    #[must_use]
    pub fn with_repository(mut self, writable: &Writable) -> Self {
        if self.program.trust == Trust::Trusted {
            let own = |name: &str| std::env::var_os(name);
            match repository::examine(&self, writable, repository::GitStarter::Inside, &own) {
                Ok(pins) => self.pins = pins,
                Err(repository::Objection(why)) => self.program.trust = Trust::Misled { why },
            }
        }
        self
    }

    /// Why it, if it starts git, must not do so outside, where a program that is outside starts it, with
    /// these variables; in words. What git would obey could be the sandboxed side's.
    pub fn misleading_repository(&self, writable: &Writable) -> Option<String> {
        let own = |name: &str| self.variable(name);
        let origin = repository::GitStarter::Outside;
        let examined = repository::examine(self, writable, origin, &own);
        examined.err().map(|repository::Objection(why)| why)
    }

    /// The same as if [`with_repository`](Self::with_repository) had objected; `None` for a program of
    /// which that is not asked.
    pub fn misled(&self) -> Option<Self> {
        if self.program.trust != Trust::Trusted || !self.words().start_git() {
            return None;
        }
        let mut misled = self.clone();
        misled.program.trust = Trust::Misled { why: String::new() };
        Some(misled)
    }

    /// The same where nobody looks what it goes by.
    #[must_use]
    pub fn unexamined(mut self) -> Self {
        if self.program.trust == Trust::Trusted {
            self.program.trust = Trust::Unexamined;
        }
        self
    }

    /// Takes note of the variables in `entries`, `NAME=value` each, for itself and its interpreters.
    /// What has no name is left out.
    pub fn know_environment(&mut self, entries: &[OsString]) {
        let variables: Arc<[_]> = variables(entries).collect();
        self.change_chain(|one| one.environment = Some(variables.clone()));
    }

    /// The same with the interpreters that the file and each interpreter name, as far as the
    /// kernel follows them. The file is `passed` to execve(2) by this name; `writable` is as for [`Program::at`].
    #[must_use]
    pub fn with_interpreters(mut self, passed: &OsStr, writable: &[PathBuf]) -> Self {
        self.interpreter = self.interpreted(passed, writable, 0).map(Box::new);
        self
    }

    /// The same with the programs that the file and its interpreters are copies of; `wanted` is as
    /// for [`Originals::of`]. The file is opened by `open` where its own path may lead elsewhere.
    #[must_use]
    pub fn with_original(
        mut self,
        originals: &Originals,
        mut open: Option<&Path>,
        wanted: &dyn Fn(&OsStr) -> bool,
    ) -> Self {
        self.change_chain(|one| {
            let real = one.program.real.as_deref();
            let open = open.take();
            let found = real.and_then(|real| originals.of(real, open.unwrap_or(real), wanted));
            one.copy_of = found.map(Into::into);
        });
        self
    }

    fn interpreted(&self, passed: &OsStr, writable: &[PathBuf], depth: usize) -> Option<Self> {
        let named = Interpreter::of(self.program.real.as_deref()?).ok()??;
        let argv = named.argv(passed, &self.argv);
        let asked = named.path.as_os_str();
        let path = self.cwd.join(&named.path);
        let program = Program::at(asked, &path, Some(asked), writable);
        let mut request = Self::new(program, argv, self.cwd.clone());
        request.environment.clone_from(&self.environment);
        if depth < INTERPRETERS {
            let next = request.interpreted(asked, writable, depth + 1);
            request.interpreter = next.map(Box::new);
        }
        Some(request)
    }

    /// Its variables, as far as they are known.
    pub fn variables(&self) -> impl Iterator<Item = &(OsString, OsString)> {
        self.environment.as_deref().into_iter().flatten()
    }

    /// The value of the first variable of this name, if it is known.
    pub fn variable(&self, name: &str) -> Option<OsString> {
        let mut found = self.variables().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.clone())
    }

    /// Itself and its interpreters, each that of the one before.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |one| one.interpreter.as_deref())
    }

    /// Changes each of these.
    fn change_chain(&mut self, mut change: impl FnMut(&mut Self)) {
        let mut next = Some(self);
        while let Some(one) = next {
            change(one);
            next = one.interpreter.as_deref_mut();
        }
    }

    /// What follows the program: `argv[1..]`, empty when there is no `argv[0]` either.
    pub fn arguments(&self) -> &[OsString] {
        self.argv.get(1..).unwrap_or_default()
    }
}

/// `NAME=value`.
pub fn entry(name: &OsStr, value: &OsStr) -> OsString {
    OsString::from_vec([name.as_bytes(), b"=", value.as_bytes()].concat())
}

/// Name and value of a `NAME=value`.
pub fn variable(entry: &OsStr) -> Option<(&OsStr, &OsStr)> {
    let bytes = entry.as_bytes();
    let equals = bytes.iter().position(|&b| b == b'=').filter(|&at| at > 0)?;
    let (name, value) = bytes.split_at_checked(equals)?;
    Some((OsStr::from_bytes(name), OsStr::from_bytes(value.get(1..)?)))
}

/// The variables in `entries`, without what has no name.
pub fn variables(entries: &[OsString]) -> impl Iterator<Item = (OsString, OsString)> {
    let found = entries.iter().filter_map(|entry| variable(entry));
    found.map(|(name, value)| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests;
