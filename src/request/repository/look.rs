//! Looks at what git's configuration names: nothing that the sandboxed side can write.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::super::argv;
use super::Objection;
use super::alias::names_of;
use super::command::GitCommandLine;
use super::config::{Config, unclear};
use super::meaning::{GitValueUse, meaning};
use crate::command_text::{self, Fault, Ground, Handed};

/// Variables that git sets for a tool; each holds the path of a file that the tool is to show.
const FILES_OF_TOOLS: [&str; 4] = ["LOCAL", "REMOTE", "BASE", "MERGED"];

/// Where git starts what its configuration names.
pub(super) struct RepositoryStanding<'a> {
    /// The top of the working tree, and where git itself starts.
    pub(super) directories: [&'a Path; 2],
    /// What it is to do.
    pub(super) asked: &'a GitCommandLine<'a>,
    /// What it starts is looked at as well.
    pub(super) is_judged: bool,
}

impl RepositoryStanding<'_> {
    /// Calls `look` with what commands of git's are looked at by.
    pub(super) fn with_ground<T>(
        &self,
        config: &Config<'_>,
        look: impl FnOnce(&Ground<'_>) -> T,
    ) -> T {
        let leads = |word: &[u8]| {
            let path = config.resolve(word, self.directories[0]);
            path.is_none_or(|path| config.roots.entry_towards(&path).is_some())
        };
        let [top, start] = self.directories;
        let path: Vec<PathBuf> = config.path.iter().map(|entry| start.join(entry)).collect();
        let path: Vec<&Path> = path.iter().map(PathBuf::as_path).collect();
        look(&Ground {
            leads: &leads,
            path: &path,
            directories: &[top, start],
        })
    }
}

impl Config<'_> {
    /// Looks at each value that names something to start or to obey.
    pub(super) fn look(&self, standing: &RepositoryStanding<'_>) -> Result<(), Objection> {
        standing.with_ground(self, |ground| {
            let mut entries = self.entries.iter();
            entries.try_for_each(|(name, value)| self.look_at(name, value, standing, ground))
        })
    }

    fn look_at(
        &self,
        name: &str,
        value: &[u8],
        standing: &RepositoryStanding<'_>,
        ground: &Ground<'_>,
    ) -> Result<(), Objection> {
        let is_tool = name.starts_with("difftool.") || name.starts_with("mergetool.");
        if !standing.asked.obeys(name, self, standing.is_judged) {
            return Ok(());
        }
        match meaning(name, value) {
            GitValueUse::Place => self.look_at_place(name, value, standing),
            GitValueUse::Command(handed) => {
                let with_files = is_tool.then(|| with_files(value));
                let command = with_files
                    .as_deref()
                    .unwrap_or_else(|| started(name, value));
                look_at_command(name, command, handed, ground)
            }
            GitValueUse::CommandIfMarked => match value.strip_prefix(b"!") {
                Some(command) => look_at_command(name, command, Handed::Words, ground),
                None => Ok(()),
            },
            GitValueUse::Helper => look_at_command(name, &helper(value), Handed::Words, ground),
            GitValueUse::Name if value.contains(&b'/') => {
                Err(objection(name, value, &Fault::Leads))
            }
            GitValueUse::Harmless | GitValueUse::Name => Ok(()),
            GitValueUse::Unknown => self.look_at_words(name, value, standing),
        }
    }

    /// Looks at the words of a value that are plainly paths.
    fn look_at_words(
        &self,
        name: &str,
        value: &[u8],
        standing: &RepositoryStanding<'_>,
    ) -> Result<(), Objection> {
        let between =
            |byte: &u8| byte.is_ascii_whitespace() || b"'\"`;|&()<>=!$\\{}".contains(byte);
        let is_path = |word: &[u8]| {
            let address = word.windows(3).any(|three| three == b"://");
            let marks = [&b"/"[..], b"./", b"../", b"~/"];
            !address && marks.iter().any(|mark| word.starts_with(mark))
        };
        let mut words = value.split(between).filter(|word| is_path(word));
        words.try_for_each(|word| self.look_at_place(name, word, standing))
    }

    fn look_at_place(
        &self,
        name: &str,
        value: &[u8],
        standing: &RepositoryStanding<'_>,
    ) -> Result<(), Objection> {
        for directory in standing.directories {
            let path = self
                .resolve(value, directory)
                .ok_or_else(|| unclear(name))?;
            if let Some(entry) = self.roots.entry_towards(&path) {
                let entry = argv::word(entry.as_os_str());
                let name = argv::visible(name);
                return Err(Objection(format!(
                    "{name} names what the command could have written: {entry}"
                )));
            }
        }
        Ok(())
    }

    /// The words that an alias stands for, if `subcommand` is one.
    ///
    /// # Errors
    /// It is a command for a shell, or no words.
    pub(super) fn alias(&self, subcommand: &OsStr) -> Result<Option<Vec<OsString>>, Objection> {
        let Some(name) = subcommand.to_str() else {
            return Ok(None);
        };
        let names = names_of(name);
        let mut entries = self.entries.iter().rev();
        let Some((_, value)) = entries.find(|(known, _)| names.contains(known)) else {
            return Ok(None);
        };
        let name = argv::visible(name);
        let words = std::str::from_utf8(value).ok().and_then(shlex::split);
        match words {
            // What begins a comment for one reader does not for git.
            Some(words)
                if !words.is_empty() && !value.starts_with(b"!") && !value.contains(&b'#') =>
            {
                Ok(Some(words.into_iter().map(OsString::from).collect()))
            }
            _ => Err(Objection(format!(
                "`{name}` is an alias, which may start anything"
            ))),
        }
    }
}

fn look_at_command(
    name: &str,
    command: &[u8],
    handed: Handed,
    ground: &Ground<'_>,
) -> Result<(), Objection> {
    let filters = name.starts_with("filter.") || name.starts_with("merge.");
    let handed = match handed {
        // What says no name has contents, or files that git named.
        Handed::Names if filters && !names_files(command) => Handed::Contents,
        Handed::Names if name.starts_with("merge.") => Handed::Several,
        handed => handed,
    };
    let looked = command_text::look_at_command(command, handed, ground);
    looked.map_err(|fault| objection(name, command, &fault))
}

/// Whether git puts the name of a file, or of a commit, into the command of a filter or for merging.
fn names_files(command: &[u8]) -> bool {
    let is_name = |two: &[u8]| matches!(two, [b'%', b'f' | b'P' | b'S' | b'X' | b'Y']);
    command.windows(2).any(is_name)
}

/// The part of a value that is a command.
fn started<'a>(name: &str, value: &'a [u8]) -> &'a [u8] {
    const FOR: &[u8] = b" for ";
    let end = value.windows(FOR.len()).position(|part| part == FOR);
    let end = end.filter(|_| name == "core.gitproxy");
    value.get(..end.unwrap_or(value.len())).unwrap_or_default()
}

fn objection(name: &str, value: &[u8], fault: &Fault) -> Objection {
    let name = argv::visible(name);
    let value = argv::bounded_word(OsStr::from_bytes(value), SHOWN);
    let why = argv::visible(&fault.to_string());
    Objection(format!("{name} {why}: {value}"))
}

/// As much of a value is shown, in bytes.
const SHOWN: usize = 200;

/// The command that a credential helper is.
fn helper(value: &[u8]) -> Vec<u8> {
    match value {
        [b'!', command @ ..] => command.to_vec(),
        [b'/', ..] => value.to_vec(),
        _ => [b"git-credential-", value].concat(),
    }
}

/// The command of a tool, the variables that git sets for it replaced by what every program puts there.
fn with_files(value: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(value) else {
        return value.to_vec();
    };
    let mut text = text.to_owned();
    for name in FILES_OF_TOOLS {
        for spelled in [
            format!("\"${name}\""),
            format!("${{{name}}}"),
            format!("${name}"),
        ] {
            text = text.replace(&spelled, "%s");
        }
    }
    text.into_bytes()
}
