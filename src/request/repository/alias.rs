//! What git would run in the place of a subcommand that it doesn't have, by its configuration: a hint. Nothing is
//! permitted by it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use super::super::walk::Roots;
use super::super::{Request, Words};
use super::command::{self, GitCommandLine, GitReading};
use super::config::Config;
use super::config_file::Entry;
use super::overrides::entry;
use super::{ALIASES, GitStarter, discover, found};
use crate::models;

/// There are no more aliases in a configuration than are looked at.
const MOST: usize = 1024;
/// With one of these in it a command of an alias is a shell's.
const OF_SHELLS: &[u8] = b"|&;<>()$`\\\"' \t\n*?[#~=%";

/// Whether git runs what it takes a subcommand that it doesn't have for.
const AUTOCORRECT: &str = "help.autocorrect";
/// Variables that say where git finds its settings.
const PATHS: [&str; 4] = [
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "HOME",
    "XDG_CONFIG_HOME",
];
/// With these values it only says what may have been meant.
const SHOWN: [&[u8]; 6] = [b"0", b"false", b"off", b"no", b"show", b"never"];
/// What is no less alike git corrects.
const ALIKE: usize = 6;
/// No name of a subcommand is alike to one of so many bytes.
const LONGEST: usize = 64;

/// What git runs by an alias, or in place of what it takes for a slip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aliased {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// The directories that git goes to first, one from another; `None`: it is the top of the working tree.
    pub directories: Option<Vec<OsString>>,
    /// It has the variables that git has.
    pub keeps_variables: bool,
    /// It is the same process: git starts what an alias says anew, and goes on with what it has corrected.
    pub same_process: bool,
}

/// What a git of these `words` runs by an alias, if its subcommand is one of those in the words and in what is
/// `configured`; or each command that it may be corrected to, where that is. `more` arguments may be put behind
/// the words.
pub fn aliased(words: Words<'_>, configured: &[Entry], more: bool) -> Vec<Aliased> {
    let GitReading::Git(asked) = command::read(words) else {
        return Vec::new();
    };
    if configured.is_empty() && asked.settings.is_empty() && !names_others(&asked) {
        return Vec::new();
    }
    let mut own: Vec<Entry> = asked
        .settings
        .iter()
        .map(|it| entry(it.as_bytes()))
        .collect();
    if names_others(&asked) {
        own.push(corrected());
    }
    own.retain(|(name, _)| is_read(name));
    let entries: Vec<&Entry> = configured.iter().chain(&own).collect();
    let Some(before) = before_unknown(words, &asked).filter(|_| !entries.is_empty()) else {
        return Vec::new();
    };
    let options = before.iter().zip(before.iter().skip(1));
    let options = options.filter(|(name, _)| *name == "-C").count();
    let none = Aliased {
        argv: Vec::new(),
        directories: Some(asked.directories.iter().map(|&it| it.to_owned()).collect()),
        keeps_variables: before.len() == options * 2,
        same_process: false,
    };
    if let Some(found) = by_alias(&asked, &entries, &none, more) {
        return vec![found];
    }
    let corrected = asked.subcommand.map(|it| corrections(it, &entries));
    let corrected = corrected.into_iter().flatten().map(|subcommand| {
        let own = ["git".into(), subcommand.into()];
        let words = own.into_iter().chain(asked.arguments.iter().cloned());
        Aliased {
            argv: words.collect(),
            same_process: true,
            ..none.clone()
        }
    });
    corrected.collect()
}

/// That git may correct a subcommand, for all that anybody knows.
fn corrected() -> Entry {
    (AUTOCORRECT.to_owned(), b"true".to_vec())
}

/// Whether the words name settings that stand elsewhere.
fn names_others(asked: &GitCommandLine<'_>) -> bool {
    let includes = |it: &&OsStr| entry(it.as_bytes()).0.starts_with("include");
    !asked.settings_from_variables.is_empty() || asked.settings.iter().any(includes)
}

/// The subcommands that git may take this one for, which is none and no alias.
fn corrections<'a>(subcommand: &OsStr, entries: &[&'a Entry]) -> Vec<&'a str> {
    let mut settings = entries.iter().rev();
    let setting = settings.find(|(name, _)| name == AUTOCORRECT);
    let is_on = setting.is_some_and(|(_, value)| {
        let value = value.to_ascii_lowercase();
        !SHOWN.contains(&value.as_slice())
    });
    let written = subcommand.to_str().filter(|it| is_on && it.len() < LONGEST);
    let Some(written) = written else {
        return Vec::new();
    };
    let git = models::builtin("git").into_iter();
    let known = git.flat_map(|git| git.subcommands.iter().flat_map(|it| &it.names));
    let known = known.map(String::as_str);
    known.filter(|name| is_alike(written, name)).collect()
}

/// Whether git takes what is `written` for a slip of `meant`. Neighbours may be exchanged at no cost, a letter that
/// is missing costs one, a wrong one two, one too many three.
fn is_alike(written: &str, meant: &str) -> bool {
    let (written, meant) = (written.as_bytes(), meant.as_bytes());
    let mut rows: Vec<Vec<usize>> = vec![(0..=meant.len()).collect()];
    for (nth, &letter) in written.iter().enumerate() {
        let mut row = vec![(nth + 1) * 3];
        for (at, &other) in meant.iter().enumerate() {
            let before = |back: usize, column: usize| {
                let row = (nth + 1).checked_sub(back).and_then(|it| rows.get(it));
                row.and_then(|row| row.get(column))
                    .copied()
                    .unwrap_or(usize::MAX / 2)
            };
            let changed = before(1, at) + if letter == other { 0 } else { 2 };
            let added = row.last().copied().unwrap_or(usize::MAX / 2) + 1;
            let is_swapped = nth > 0
                && at > 0
                && written.get(nth - 1) == Some(&other)
                && meant.get(at - 1) == Some(&letter);
            let swapped = if is_swapped {
                before(2, at - 1)
            } else {
                usize::MAX
            };
            row.push(changed.min(added).min(before(1, at + 1) + 3).min(swapped));
        }
        rows.push(row);
    }
    let cost = rows.last().and_then(|row| row.last());
    meant.starts_with(written) || cost.is_some_and(|cost| *cost < ALIKE)
}

/// What the subcommand that is `asked` for stands for among the `entries`, if it is an alias; the rest of `none`.
fn by_alias(
    asked: &GitCommandLine<'_>,
    entries: &[&Entry],
    none: &Aliased,
    more: bool,
) -> Option<Aliased> {
    let value_of = |name: &OsStr| {
        let names = names_of(name.to_str()?);
        let mut entries = entries.iter().rev();
        let (_, value) = entries.find(|(known, _)| names.contains(known))?;
        Some(value.as_slice())
    };
    let mut found = none.clone();
    let mut subcommand = asked.subcommand?.to_owned();
    let mut arguments = asked.arguments.to_vec();
    for _ in 0..ALIASES {
        let Some(value) = Some(&subcommand)
            .filter(|it| !is_own(it))
            .and_then(|it| value_of(it))
        else {
            break;
        };
        if let Some(command) = value.strip_prefix(b"!") {
            found.argv = by_shell(command, &arguments, more);
            found.directories = None;
            found.keeps_variables = false;
            return Some(found);
        }
        let words = std::str::from_utf8(value).ok().and_then(shlex::split)?;
        let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
        let words = [words, arguments].concat();
        let GitReading::Git(next) = command::globals(&words) else {
            return None;
        };
        if next.subcommand? == subcommand {
            // Git refuses it.
            break;
        }
        next.subcommand?.clone_into(&mut subcommand);
        arguments = next.arguments.to_vec();
        let own = ["git".into(), subcommand.clone()];
        found.argv = own.into_iter().chain(arguments.iter().cloned()).collect();
    }
    (!found.argv.is_empty()).then_some(found)
}

/// What is configured as aliases where `request` is git and its subcommand could be one; nothing where that can't
/// be known.
pub(super) fn configured(request: &Request) -> Vec<Entry> {
    let GitReading::Git(asked) = command::read(request.words()) else {
        return Vec::new();
    };
    if before_unknown(request.words(), &asked).is_none() {
        return Vec::new();
    }
    let variables = |name: &str| match &request.environment {
        Some(_) => request.variable(name),
        None => std::env::var_os(name),
    };
    // From another directory than git's, such a path leads elsewhere.
    let is_relative = |name: &&str| {
        let value = variables(name).filter(|value| !value.is_empty());
        value.is_some_and(|value| !value.as_bytes().starts_with(b"/"))
    };
    if PATHS.iter().any(is_relative) {
        return vec![corrected()];
    }
    // Whoever wrote it, git obeys it.
    let roots = Roots::of(&[]);
    let program = request.program.real.as_deref();
    let Ok(mut config) = Config::of_user(&roots, GitStarter::Outside, &variables, program) else {
        return vec![corrected()];
    };
    let start = asked.start(&request.cwd);
    let repository = if asked.git_dir.is_some() {
        found(&asked, &start, &roots)
    } else {
        discover::chosen(&start, &variables, &roots)
    };
    if let Ok(Some(repository)) = repository {
        // What is wrong with the rest of it makes no difference to those that are known by then.
        let _ = repository.look(&roots, &mut config);
    }
    let mut entries = config.entries;
    entries.retain(|(name, _)| is_read(name));
    entries.truncate(MOST);
    entries
}

/// Whether these words are a git's whose subcommand is none of its own.
pub(super) fn is_set(words: Words<'_>) -> bool {
    match command::read(words) {
        GitReading::Git(asked) => before_unknown(words, &asked).is_some(),
        _ => false,
    }
}

/// The words before the subcommand that git is `asked` for by `words`, if that is none of its own.
fn before_unknown<'a>(words: Words<'a>, asked: &GitCommandLine<'_>) -> Option<&'a [OsString]> {
    let all = words.arguments();
    let at = all.len().checked_sub(asked.arguments.len() + 1)?;
    let subcommand = asked.subcommand?;
    let is_there = all.get(at).is_some_and(|word| word == subcommand);
    (is_there && !is_own(subcommand)).then_some(all.get(..at)?)
}

/// Whether git has the subcommand by itself.
pub(super) fn is_own(subcommand: &OsStr) -> bool {
    models::builtin("git").is_some_and(|git| git.subcommand(subcommand).is_some())
}

/// The alias that a git of these `words` puts into a configuration.
pub fn alias_set(words: Words<'_>) -> Option<Entry> {
    let GitReading::Git(asked) = command::read(words) else {
        return None;
    };
    let operands = asked.arguments.iter();
    let mut operands = operands.filter(|word| !word.as_bytes().starts_with(b"-"));
    let mut operand = || operands.next().map(|word| word.as_bytes());
    let name = match operand() {
        Some(b"set" | b"add") => operand()?,
        name => name?,
    };
    let set = entry(&[name, b"=", operand()?].concat());
    (asked.subcommand? == "config" && is_read(&set.0)).then_some(set)
}

/// Whether the setting of this name is looked at here.
fn is_read(name: &str) -> bool {
    name.starts_with("alias.") || name == AUTOCORRECT
}

/// The names under which what the subcommand `name` stands for is configured.
pub(super) fn names_of(name: &str) -> [String; 2] {
    [
        format!("alias.{}", name.to_lowercase()),
        format!("alias.{name}.command"),
    ]
}

/// How git starts the `command` of an alias with these arguments, and maybe `more`.
fn by_shell(command: &[u8], arguments: &[OsString], more: bool) -> Vec<OsString> {
    let word = OsStr::from_bytes(command).to_owned();
    let shell = if command.iter().any(|byte| OF_SHELLS.contains(byte)) {
        let mut script = command.to_vec();
        if more || !arguments.is_empty() {
            script.extend_from_slice(b" \"$@\"");
        }
        vec!["/bin/sh".into(), "-c".into(), OsString::from_vec(script)]
    } else {
        Vec::new()
    };
    let words = shell.into_iter().chain([word]);
    words.chain(arguments.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_what_git_would_run() {
        let configured: Vec<Entry> = [
            ("alias.p", "push -f"),
            ("alias.pp", "p --no-verify"),
            ("alias.s", "!git push"),
            ("alias.ls", "!ls"),
            ("alias.status", "push"),
            ("alias.x", "x"),
            ("alias.odd", "push 'a"),
            ("alias.q", "--no-pager push"),
        ]
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .to_vec();
        for (command, expected) in [
            ("git p x", "git push -f x"),
            ("git P", "git push -f"),
            ("git pp", "git push -f --no-verify"),
            ("git q", "git push"),
            ("git -C d --no-pager p", "git push -f"),
            ("git s", "/bin/sh -c 'git push' 'git push'"),
            ("git s a", "/bin/sh -c 'git push \"$@\"' 'git push' a"),
            ("git ls -a", "ls -a"),
            ("git -c alias.p=pull p", "git pull"),
            (
                "git -c alias.n='!rm -rf' n x",
                "/bin/sh -c 'rm -rf \"$@\"' 'rm -rf' x",
            ),
            ("git status", ""),
            ("git x", ""),
            ("git odd", ""),
            ("git none", ""),
            ("git", ""),
            ("ls p", ""),
            ("gh p", ""),
        ] {
            let words = |text: &str| -> Vec<OsString> {
                let words = shlex::split(text).unwrap().into_iter();
                words.map(OsString::from).collect()
            };
            let argv = words(command);
            let found = aliased(
                Words {
                    asked: &argv[0],
                    path: None,
                    real: None,
                    argv: &argv,
                },
                &configured,
                false,
            );
            let argv = found.into_iter().next().map(|found| found.argv);
            assert_eq!(argv.unwrap_or_default(), words(expected), "{command}");
        }
    }

    #[test]
    fn a_slip_is_what_git_would_correct_it_to() {
        let corrected = |subcommand: &str, value: &str, meant: &str| {
            let entry = (AUTOCORRECT.to_owned(), value.as_bytes().to_vec());
            corrections(OsStr::new(subcommand), &[&entry]).contains(&meant)
        };
        for (written, meant) in [
            ("pusj", "push"),
            ("psuh", "push"),
            ("pu", "push"),
            ("puush", "push"),
            ("xpush", "push"),
            ("ph", "push"),
            ("satus", "status"),
        ] {
            for value in ["immediate", "1", "-1", "20", "true", "Prompt", "yes"] {
                assert!(corrected(written, value, meant), "{written} {value}");
            }
            for value in ["0", "false", "show", "Never", "off"] {
                assert!(!corrected(written, value, meant), "{written} {value}");
            }
        }
        assert!(!corrected("lgo", "1", "push"));
        assert!(corrections(OsStr::new("pusj"), &[]).is_empty());
    }
}
