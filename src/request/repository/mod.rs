//! Whether a git may be let out: what it would obey must not be the sandboxed side's to write.
//!
//! A repository's configuration and hooks name programs, and git runs them. Which repository it finds
//! depends on files as well, which could be swapped between here and there. So this looks not for what is
//! hostile but for what is known not to be: a repository that the sandbox holds, or one with nothing on the
//! way up that could be written. Git is then told which one it is, where it could find another.
//!
//! # What counts as hostile
//!
//! A repository is a program: its configuration and hooks name commands. Which one git finds depends on files
//! as well, and how it looks for it changes from release to release. So `request/repository` doesn't look for
//! what is hostile, but for what is known not to be: a workspace's `.git`, which the sandbox holds, as the
//! policy says, or a repository with nothing on the way up that could be written; no pointer, link, include,
//! alternate or command of its configuration that leads into a writable root; no submodule, as the sandboxed
//! side could put another repository in its place. Submodules can also stand in history, or come while git
//! runs: git enters most by starting another git, which is looked at as well; what enters them by itself
//! (`--recurse-submodules` of grep and ls-files) stays inside. The same goes for your own configuration, and
//! for a local repository that git would push to. Everything else stays inside, with the reason.
//!
//! A setting that git runs as a command (`repository/meaning.rs`) is read as variables with commands are
//! (`command_text.rs`): `sh mon.sh` names a file of the working tree. Settings from `-c`, `--config-env` and
//! variables count as those of files do, and an alias is what it stands for. A setting counts unless the
//! subcommand is known not to obey it in the process that it is itself (`repository/obeyed_by.rs`; its tests
//! try each with git): push shows no differences, so a `textconv` says nothing of it. What it starts is
//! looked at when it starts; where nothing would be, below a patched shell, each setting counts. Of a git
//! that another program outside starts no rule names the words, and they may be the sandboxed side's: those
//! must start nothing, or what can't be written from inside, and each of its options must be known
//! (`repository/nested.rs`). That goes for whatever program starts it: no name or words of a program say that
//! it starts none. A git that is started outside can't be told which repository it is, so in a directory
//! where the sandboxed side could make one it does not run. Git is what has its name, what is a copy of it
//! byte for byte, and what a loader, valgrind or an emulator runs in its own place. One that has mounts or a
//! root directory of its own does not run: nobody here can tell what lies where it looks.
//!
//! Where the sandboxed side could make a repository that git would find first, between the directory where it
//! starts and the one that was looked at, git is started with `GIT_DIR` and `GIT_WORK_TREE`, so that nothing
//! made in between counts. Of git's answers only `--git-common-dir` and `--git-path` change by it: they are
//! absolute.

pub(super) mod alias;
mod binding;
mod command;
mod config;
pub(super) mod config_file;
mod contents;
mod discover;
mod files;
mod index;
mod look;
mod meaning;
mod nested;
mod obeyed_by;
mod overrides;
mod remote;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use super::walk::{Roots, WalkEnd, walk_to};
use super::{Earlier, Request, Words, Writable, argv};
use command::{GitCommandLine, GitReading};
use config::Config;
use discover::Repository;
use look::RepositoryStanding;

/// Variables of the environment, by name.
pub(super) type VariableLookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Why git stays inside, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Objection(pub(super) String);

impl Objection {
    fn new(what: &str) -> Self {
        Self(what.to_owned())
    }
}

/// Who starts a git, and made its variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GitStarter {
    /// The sandboxed side, whose variables don't reach it.
    Inside,
    /// A program outside. What it chooses by variables was judged, or is looked at here; it can't be bound
    /// to what was looked at.
    Outside,
}

const ANOTHER: &str = "another repository that the command could have written";

/// By it `git difftool` has `git diff` start the tool.
const SHOWING: &str = "GIT_EXTERNAL_DIFF";

/// Aliases that lead one to another.
const ALIASES: usize = 8;

impl Words<'_> {
    /// Whether they start git, or a program that starts it.
    pub fn start_git(self) -> bool {
        command::read(self) != GitReading::Other
    }
}

/// Whether `request`, if it starts git, may do so where the sandboxed side can write `writable`; if so, the
/// variables that bind it to the repository that was looked at. `variables` are those that it may have.
///
/// # Errors
/// It may not.
pub(super) fn examine(
    request: &Request,
    writable: &Writable,
    origin: GitStarter,
    variables: VariableLookup<'_>,
) -> Result<Vec<(OsString, OsString)>, Objection> {
    let asked = match command::read(request.words()) {
        GitReading::Other => return Ok(Vec::new()),
        GitReading::Git(_)
            if origin == GitStarter::Inside && shows_by_another(request, variables) =>
        {
            return Err(Objection(format!(
                "{SHOWING} is set, which it would not get outside"
            )));
        }
        GitReading::Unknown(_) if writable.roots.is_empty() => return Ok(Vec::new()),
        GitReading::Git(asked) => asked,
        GitReading::Unknown(option) => return Err(unknown(option)),
    };
    // A hook of this name need not be the program; and each git below either is looked at by itself.
    if origin == GitStarter::Outside && command::is_named_as_hook(request.words()) {
        return Ok(Vec::new());
    }
    let roots = &Roots::with_held(writable);
    if writable.roots.is_empty() {
        let start = asked.start(&request.cwd);
        let repository = found(&asked, &start, roots).ok().flatten();
        return match repository.and_then(|found| found.doubt(&writable.earlier)) {
            Some(why) => Err(Objection(why)),
            None => Ok(Vec::new()),
        };
    }
    let examination = Examination {
        request,
        earlier: &writable.earlier,
        roots,
        is_judged: writable.is_judged_outside,
        origin,
        variables,
    };
    examination.examine(&asked, request.arguments(), 0)
}

/// Whether `request` has another program in git's place show differences than it would have outside.
fn shows_by_another(request: &Request, variables: VariableLookup<'_>) -> bool {
    let own = variables(SHOWING);
    let entries = request.variables();
    let mut set = entries.filter(|(name, value)| name == SHOWING && !value.is_empty());
    set.any(|(_, value)| own.as_ref() != Some(value))
}

/// Whether a git of these words runs what its settings say.
pub(super) fn is_set(words: Words<'_>) -> bool {
    alias::is_set(words)
}

/// What is configured as aliases where `request` is git and its subcommand could be one.
pub(super) fn aliases(request: &Request) -> Vec<config_file::Entry> {
    alias::configured(request)
}

fn unknown(option: &OsStr) -> Objection {
    let option = argv::word(option);
    Objection(format!("an option that isn't known here: {option}"))
}

/// One look at a git and what it would obey.
struct Examination<'a> {
    request: &'a Request,
    earlier: &'a Earlier,
    roots: &'a Roots,
    /// What git starts is looked at as well.
    is_judged: bool,
    origin: GitStarter,
    variables: VariableLookup<'a>,
}

impl Examination<'_> {
    /// Looks at what git would obey that is asked so, in these `words`. So many `aliases` led there.
    fn examine(
        &self,
        asked: &GitCommandLine<'_>,
        words: &[OsString],
        aliases: usize,
    ) -> Result<Vec<(OsString, OsString)>, Objection> {
        let (roots, cwd) = (self.roots, &*self.request.cwd);
        let program = self.request.program.real.as_deref();
        let mut config = Config::of_user(roots, self.origin, self.variables, program)?;
        config.add_options(asked, self.variables)?;
        let start = asked.start(cwd);
        let stand = |top| RepositoryStanding {
            directories: [top, &start],
            asked,
            is_judged: self.is_judged,
        };
        if asked.subcommand.is_none() || asked.is(&["version"]) {
            config.look(&stand(cwd))?;
            return Ok(Vec::new());
        }
        if let Some(other) = command::served(asked) {
            return match roots.entry_towards(&start.join(other)) {
                Some(entry) => Err(Objection::at(ANOTHER, &entry)),
                None => config.look(&stand(&start)).map(|()| Vec::new()),
            };
        }
        let repository = self.repository(asked, &start)?;
        if let Some(repository) = &repository {
            repository.look(roots, &mut config)?;
        }
        let recurses = config.get("submodule.recurse");
        let always = recurses.is_some_and(|value| value != b"false");
        let shows = config.get("diff.submodule");
        let starts = !self.is_judged && command::starts_git_in_submodules(asked, shows);
        if starts || command::goes_into_submodules(asked, always) {
            return Err(Objection::new(
                "it goes into submodules, in whose place the command could put other repositories",
            ));
        }
        let tree = repository.as_ref().and_then(|found| found.tree.as_deref());
        let standing = stand(tree.unwrap_or(&start));
        if !self.is_merely_alias(asked, &config) {
            config.look(&standing)?;
        }
        if self.origin == GitStarter::Outside {
            nested::look(asked, &config, &standing)?;
        }
        for address in remote::addresses(asked, &config.entries) {
            if remote::is_command(&address) {
                let address = argv::word(&address);
                return Err(Objection(format!(
                    "an address that is a command: {address}"
                )));
            }
            let path = remote::local(&address).map(|path| start.join(path));
            let entry = path.as_deref().and_then(|path| roots.entry_towards(path));
            if let (Some(path), Some(entry)) = (path, entry) {
                return Err(match path.symlink_metadata() {
                    Ok(_) => Objection::at(ANOTHER, &entry),
                    Err(_) => Objection(remote::missing(&address)),
                });
            }
        }
        self.alias(asked, words, &config, aliases)?;
        let pins = repository.map(|repository| repository.pins(asked, self.request));
        Ok(pins.unwrap_or_default())
    }

    fn repository(
        &self,
        asked: &GitCommandLine<'_>,
        start: &Path,
    ) -> Result<Option<Repository>, Objection> {
        let (roots, chosen) = (self.roots, discover::choosing(self.variables));
        let repository = match (self.origin, chosen) {
            (GitStarter::Inside, Some(name)) => return Err(Objection(format!("{name} is set"))),
            _ if asked.makes_repository() => made(asked, start, roots)?,
            (GitStarter::Outside, Some(_)) if asked.git_dir.is_none() => {
                discover::chosen(start, self.variables, roots)?
            }
            _ => found(asked, start, roots)?,
        };
        if let Some(Repository { pinned: true, .. }) = repository
            && self.origin == GitStarter::Outside
        {
            let what = "the command could make a repository that git would find first";
            return Err(Objection::at(what, start));
        }
        let doubt = repository.as_ref().and_then(|it| it.doubt(self.earlier));
        doubt.map_or(Ok(repository), |why| Err(Objection(why)))
    }

    /// Whether the subcommand is nothing but an alias: git obeys what it stands for, which is looked at.
    fn is_merely_alias(&self, asked: &GitCommandLine<'_>, config: &Config<'_>) -> bool {
        let Some(subcommand) = asked.subcommand else {
            return false;
        };
        let mut file = OsString::from("git-");
        file.push(subcommand);
        let mut path = config.path.iter();
        let is_program = config.path.is_empty() || path.any(|it| it.join(&file).exists());
        let stands_for = config.alias(subcommand).ok().flatten();
        let leads_on = stands_for.is_some_and(|it| it.first().is_some_and(|it| it != subcommand));
        leads_on && self.is_judged && !alias::is_own(subcommand) && !is_program
    }

    /// Looks at what the subcommand stands for, if it is an alias. Git's own subcommands are none, but
    /// which those are depends on its release.
    fn alias(
        &self,
        asked: &GitCommandLine<'_>,
        words: &[OsString],
        config: &Config<'_>,
        aliases: usize,
    ) -> Result<(), Objection> {
        let Some(subcommand) = asked.subcommand else {
            return Ok(());
        };
        let before = words.len().checked_sub(asked.arguments.len() + 1);
        let before = before.and_then(|before| words.get(..before));
        let (Some(stands_for), Some(before)) = (config.alias(subcommand)?, before) else {
            return Ok(());
        };
        if stands_for.first().is_some_and(|first| first == subcommand) {
            return Ok(());
        }
        if aliases >= ALIASES {
            return Err(Objection::new("an alias of too many others"));
        }
        let words = [before, &stands_for, asked.arguments].concat();
        match command::globals(&words) {
            GitReading::Git(stands_for) => {
                let is_plain = asked.is_plain;
                let stands_for = GitCommandLine {
                    is_plain,
                    ..stands_for
                };
                self.examine(&stands_for, &words, aliases + 1).map(|_| ())
            }
            GitReading::Unknown(option) => Err(unknown(option)),
            GitReading::Other => Ok(()),
        }
    }
}

/// The repository that is named, or that git finds.
fn found(
    asked: &GitCommandLine<'_>,
    start: &Path,
    roots: &Roots,
) -> Result<Option<Repository>, Objection> {
    let fixed = || match walk_to(start, roots, WalkEnd::Directory) {
        Ok(found) if found.writable.is_none() => Ok(()),
        _ => Err(Objection::at(
            "the command could swap a directory on the way",
            start,
        )),
    };
    if let Some(git_dir) = asked.git_dir {
        fixed()?;
        return discover::sound(&start.join(git_dir), None, roots).map(Some);
    }
    let repository = discover::find(start, roots)?;
    let pinned = repository.as_ref().is_some_and(|found| found.pinned);
    // With a directory of its own to go to it may come to another one than we did.
    if !asked.directories.is_empty() && !pinned {
        fixed()?;
    }
    Ok(repository)
}

/// What `init` or `clone` would make, where the sandboxed side can't write it meanwhile: `init`, the
/// directory's own `.git`, which the sandbox may hold.
fn made(
    asked: &GitCommandLine<'_>,
    start: &Path,
    roots: &Roots,
) -> Result<Option<Repository>, Objection> {
    let meanwhile = |path: &Path| {
        let what = "a new repository, which the command could write while it is made";
        Err(Objection::at(what, path))
    };
    if remote::makes_elsewhere(asked, roots) {
        return Ok(None);
    }
    let words = asked.arguments.iter();
    let plain = words.filter(|word| !word.as_encoded_bytes().starts_with(b"-"));
    let open = match walk_to(start, roots, WalkEnd::Directory) {
        Ok(found) => found.writable.is_some() || found.open.last() != Some(&false),
        Err(_) => true,
    };
    if !open {
        let mut paths = plain.map(|word| start.join(word));
        return match paths.find_map(|path| roots.entry_towards(&path)) {
            Some(entry) => meanwhile(&entry),
            None => Ok(None),
        };
    }
    let inner = start.join(".git");
    let held = if let Ok(file) = fs::symlink_metadata(&inner) {
        file.is_dir() && roots.protect(&file)
    } else {
        let real = fs::canonicalize(start).map(|real| real.join(".git"));
        real.is_ok_and(|inner| roots.protect_missing(&inner))
    };
    let quiet = |word: &OsString| word == "-q" || word == "--quiet";
    if !held || !asked.is(&["init", "init-db"]) || !asked.arguments.iter().all(quiet) {
        return meanwhile(start);
    }
    if discover::is_repository(&inner) {
        return discover::sound(&inner, Some(start.to_owned()), roots).map(Some);
    }
    Ok(None)
}
