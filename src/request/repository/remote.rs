//! Other repositories that a command works on, on this machine: hooks run there too.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::super::argv;
use super::super::walk::Roots;
use super::command::GitCommandLine;
use super::config_file::Entry;
use crate::models::model::Effect;
use crate::models::reading::{Flag, Known};
use crate::models::{self, Reading};

/// Subcommands whose first operand is a repository.
const NAMING: [&str; 6] = [
    "push",
    "fetch",
    "pull",
    "ls-remote",
    "send-pack",
    "fetch-pack",
];
/// Subcommands that work on others.
const REACHING: [&str; 5] = ["remote", "submodule", "archive", "maintenance", "help"];
/// Options of theirs that a value follows.
const WITH_VALUE: [&str; 24] = [
    "--push-option",
    "--repo",
    "--receive-pack",
    "--exec",
    "--recurse-submodules",
    "--jobs",
    "--depth",
    "--deepen",
    "--shallow-since",
    "--shallow-exclude",
    "--refmap",
    "--server-option",
    "--upload-pack",
    "--negotiation-tip",
    "--filter",
    "--submodule-prefix",
    "--bundle-uri",
    "--strategy",
    "--strategy-option",
    "--cleanup",
    "--sort",
    "--recurse-submodules-default",
    "--remote",
    "--set-upstream-to",
];
const LETTERS_WITH_VALUE: &[u8] = b"ojsX";

/// The addresses of repositories that `asked` may work on.
pub(super) fn addresses(asked: &GitCommandLine<'_>, config: &[Entry]) -> Vec<OsString> {
    if !asked.is(&NAMING) && !asked.is(&REACHING) || is_automatic(asked) {
        return Vec::new();
    }
    let mut addresses: Vec<OsString> = Vec::new();
    for (name, value) in config {
        let (section, key) = (name.split('.').next(), name.rsplit('.').next());
        if section == Some("remote") && matches!(key, Some("url" | "pushurl")) {
            addresses.push(OsStr::from_bytes(value).to_owned());
        }
        let instead = [".insteadof", ".pushinsteadof"];
        let ending = instead.iter().find_map(|end| name.strip_suffix(end));
        if let Some(address) = ending.and_then(|name| name.strip_prefix("url.")) {
            addresses.push(address.into());
        }
    }
    if asked.is(&NAMING) {
        let is_remote = |word: &OsStr| {
            let name = format!("remote.{}.url", word.display());
            word == "." || config.iter().any(|(known, _)| *known == name)
        };
        let named = operands(asked.arguments).into_iter();
        addresses.extend(named.filter(|word| !is_remote(word)).map(OsStr::to_owned));
    }
    addresses
}

/// Whether `asked` makes a repository in a place that it names in full, and that the sandboxed side can't
/// write: of the directory in which it is started, `clone` and `init` then read nothing.
pub(super) fn makes_elsewhere(asked: &GitCommandLine<'_>, roots: &Roots) -> bool {
    let (Some(subcommand), Some(model)) = (asked.subcommand, models::builtin("git")) else {
        return false;
    };
    let words = std::iter::once(subcommand.to_owned()).chain(asked.arguments.iter().cloned());
    let words: Vec<OsString> = words.collect();
    let reading: Reading<'_> = models::read(model, &words);
    let is_plain = |flag: &Flag<'_>| {
        let mut effects = Effect::STARTING_OR_WRITING.into_iter();
        let names_a_place = flag
            .value
            .is_some_and(|value| value.as_bytes().contains(&b'/'));
        flag.known != Known::Unknown && !names_a_place && !effects.any(|it| flag.has_effect(it))
    };
    let is_outside = |path: &Path| path.is_absolute() && roots.entry_towards(path).is_none();
    let plain: Vec<_> = reading.plain().skip(1).collect();
    reading.flags().all(is_plain)
        && match *plain {
            [(target, false)] => asked.is(&["init", "init-db"]) && is_outside(Path::new(target)),
            [(source, false), (target, false)] => {
                let from_outside = local(source).is_none_or(|path| is_outside(&path));
                asked.is(&["clone"])
                    && !is_command(source)
                    && from_outside
                    && is_outside(Path::new(target))
            }
            _ => false,
        }
}

/// Whether it is the upkeep that git does by itself after a commit or a merge: of its tasks the one that
/// fetches is none.
fn is_automatic(asked: &GitCommandLine<'_>) -> bool {
    const OWN: [&str; 5] = ["--auto", "--quiet", "--no-quiet", "--detach", "--no-detach"];
    let Some((task, words)) = asked.arguments.split_first() else {
        return false;
    };
    asked.is(&["maintenance"])
        && task == "run"
        && words.iter().any(|word| word == "--auto")
        && words.iter().all(|word| OWN.iter().any(|own| word == own))
}

/// The operands that are repositories.
fn operands(words: &[OsString]) -> Vec<&OsStr> {
    let (mut found, mut several, mut ended) = (Vec::new(), false, false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let bytes = word.as_bytes();
        if ended || !bytes.starts_with(b"-") || bytes == b"-" {
            found.push(word.as_os_str());
        } else if bytes == b"--" {
            ended = true;
        } else if let Some(repository) = bytes.strip_prefix(b"--repo=") {
            return vec![OsStr::from_bytes(repository)];
        } else if takes_value(bytes) {
            let value = words.next();
            if bytes.starts_with(b"--rep") {
                found.extend(value.map(OsString::as_os_str));
            }
        } else {
            several |= bytes.starts_with(b"--mu") || bytes.starts_with(b"--al");
        }
    }
    if !several {
        found.truncate(1);
    }
    found
}

fn takes_value(word: &[u8]) -> bool {
    if word.starts_with(b"--") {
        // It may be cut short.
        let mut known = WITH_VALUE.iter().map(|name| name.as_bytes());
        return !word.contains(&b'=') && known.any(|name| name.starts_with(word));
    }
    let last = word.last();
    last.is_some_and(|letter| LETTERS_WITH_VALUE.contains(letter))
}

/// Whether `address` is a command that git runs to reach a repository.
pub(super) fn is_command(address: &OsStr) -> bool {
    address.as_bytes().starts_with(b"ext::")
}

/// What is to be said of `address`, a path where nothing is.
pub(super) fn missing(address: &OsStr) -> String {
    let is_name = !address.as_bytes().contains(&b'/');
    let address = argv::word(address);
    if is_name {
        format!(
            "no remote is called {address}, so git takes it for a path, where the command could put a \
             repository"
        )
    } else {
        format!("a path where the command could put a repository: {address}")
    }
}

/// The path that `address` is, if it is on this machine.
pub(super) fn local(address: &OsStr) -> Option<PathBuf> {
    let bytes = address.as_bytes();
    if let Some(path) = bytes.strip_prefix(b"file://") {
        return Some(OsStr::from_bytes(path).into());
    }
    let position = |byte: u8| bytes.iter().position(|&b| b == byte);
    let scheme = bytes.windows(3).position(|three| three == b"://");
    let colon = position(b':');
    let host = colon.is_some_and(|colon| position(b'/').is_none_or(|slash| colon < slash));
    (scheme.is_none() && !host).then(|| address.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(words: &[&str]) -> Option<String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let found = operands(&words);
        found.first().map(|word| word.display().to_string())
    }

    #[test]
    fn the_repository_is_the_first_operand() {
        for (words, expected) in [
            (&["origin", "main"][..], Some("origin")),
            (&["-u", "./x"], Some("./x")),
            (&["-o", "origin", "./x"], Some("./x")),
            (&["-fo", "origin", "./x"], Some("./x")),
            (&["--push-opt", "origin", "./x"], Some("./x")),
            (&["--repo=./x", "origin"], Some("./x")),
            (&["--repo", "./x", "origin"], Some("./x")),
            (&["--", "./x"], Some("./x")),
            (&["--force", "--depth=1"], None),
        ] {
            assert_eq!(first(words).as_deref(), expected, "{words:?}");
        }
    }

    #[test]
    fn what_is_local() {
        for address in ["./x", "/x", "x", "file:///x", "a/b:c"] {
            assert!(local(OsStr::new(address)).is_some(), "{address}");
        }
        for address in ["https://h/x", "git@h:x/y", "ssh://h/x", "h:x"] {
            assert!(local(OsStr::new(address)).is_none(), "{address}");
        }
    }
}
