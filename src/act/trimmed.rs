//! What of the session's own variables goes outside: what they name there must not be the sandbox's.
//!
//! A variable of the start can be trusted, the file that it leads to can't if the sandboxed side can
//! write it: a directory of the workspace on `PATH`, an editor in it, a library. Which variables make a
//! program load or run something nobody can list, so that any may name only what can't be written from
//! inside; a few are known to name nothing that is run. Of one that names files or a command, what is
//! relative lies in the working directory, and so inside.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use crate::command_text::{Fault, Ground, are_options_outside, look_at_command};
use crate::models::variable::{VariableForm, form};
use crate::request::Roots;

/// The search path where nothing of the session's own is left.
const PLAIN_PATH: &str = "/usr/bin:/bin";

/// What a session's variables are looked at by.
#[derive(Debug, Clone, Copy)]
pub struct SessionPaths<'a> {
    /// What the sandboxed side can write.
    pub roots: &'a Roots,
    /// What `~` stands for.
    pub home: Option<&'a OsStr>,
    /// The search path, as it was at the start.
    pub path: Option<&'a OsStr>,
}

impl SessionPaths<'_> {
    /// The directories in which a program outside looks for programs.
    fn search_path(&self) -> Vec<OsString> {
        let path = self.path.unwrap_or(OsStr::new(PLAIN_PATH));
        match places(OsStr::new("PATH"), path.as_bytes(), self) {
            Trimmed::Less { value, .. } => entries(value.as_bytes()),
            _ => entries(path.as_bytes()),
        }
    }

    /// Whether `word` is a path to what the sandboxed side could have put there. A socket leads to whoever
    /// listens, and is no program.
    fn leads_inside(&self, word: &[u8]) -> bool {
        let at_home = word.strip_prefix(b"~/").zip(self.home);
        let path = match at_home {
            Some((below, home)) => Path::new(home).join(OsStr::from_bytes(below)),
            None if word.starts_with(b"/") => Path::new(OsStr::from_bytes(word)).to_owned(),
            None => {
                return matches!(
                    word,
                    b"." | b".." | [b'.', b'/', ..] | [b'.', b'.', b'/', ..]
                );
            }
        };
        self.roots.entry_towards(&path).is_some()
            && !fs::metadata(&path).is_ok_and(|file| file.file_type().is_socket())
    }
}

/// What becomes of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trimmed {
    /// It goes as it is.
    Whole,
    /// It goes without these entries.
    Less {
        /// What is left.
        value: OsString,
        /// What is not.
        without: Vec<OsString>,
    },
    /// It does not go.
    Gone(Why),
}

/// Why a variable does not go, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It names what the sandboxed side can write.
    Leads,
    /// It is a command, or a list of some, that may do what that side says.
    Command(Fault),
    /// It is options, of which not each is known to load or start nothing of that side's.
    Options,
}

/// What the variable does. The names of programs are not escaped.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leads => write!(f, "leads to what the sandbox can write"),
            Self::Command(fault) => fault.fmt(f),
            Self::Options => write!(f, "may have a program load what the sandbox can write"),
        }
    }
}

/// What of `NAME=value`, as the session started with it, goes outside.
pub fn trimmed(name: &OsStr, value: &OsStr, session: &SessionPaths<'_>) -> Trimmed {
    let leads = |word: &[u8]| session.leads_inside(word);
    let value = value.as_bytes();
    let unless = |goes: bool, why: Why| if goes { Ok(()) } else { Err(why) };
    let form = form(name.as_bytes());
    let bad_file = |word: &[u8]| !is_whole(word) || leads(word);
    let goes = match form {
        VariableForm::Harmless => return Trimmed::Whole,
        // Go takes that word for none.
        VariableForm::Places if value == b"off" && name.as_bytes().starts_with(b"GO") => Ok(()),
        VariableForm::Places if !is_address(name, value) => return places(name, value, session),
        VariableForm::Files => unless(!files(value).any(bad_file), Why::Leads),
        VariableForm::Command(handed) => {
            let directories = session.search_path();
            let directories: Vec<&Path> = directories.iter().map(Path::new).collect();
            let ground = Ground {
                path: &directories,
                ..Ground::anywhere(&leads)
            };
            look_at_command(value, handed, &ground).map_err(|fault| match fault {
                Fault::Leads if words(value).any(leads) => Why::Leads,
                fault => Why::Command(fault),
            })
        }
        VariableForm::Options(program, before) => unless(
            are_options_outside(value, program, before, &Ground::anywhere(&leads)),
            Why::Options,
        ),
        VariableForm::Places | VariableForm::Any => unless(!words(value).any(leads), Why::Leads),
    };
    let absolute = |entry: &OsString| entry.as_bytes().starts_with(b"/");
    match goes {
        Ok(()) => Trimmed::Whole,
        Err(_) if value.contains(&b':') && entries(value).iter().all(absolute) => {
            without(value, |entry| match form {
                VariableForm::Files => files(entry).any(bad_file),
                _ => leads(entry) || words(entry).any(leads),
            })
        }
        Err(why) => Trimmed::Gone(why),
    }
}

/// Whether the value is an address on a network rather than a place here.
fn is_address(name: &OsStr, value: &[u8]) -> bool {
    let scheme = value.split(|&byte| byte == b':').next().unwrap_or_default();
    let is_list = name.as_bytes().ends_with(b"PATH");
    !is_list
        && value
            .get(scheme.len()..)
            .is_some_and(|rest| rest.starts_with(b"://"))
        && !scheme.is_empty()
        && scheme.iter().all(u8::is_ascii_alphanumeric)
        && scheme != b"file"
}

/// Files or directories: those are left out that are relative or lead inside. An empty list says nothing,
/// but for the path on which programs are looked for.
fn places(name: &OsStr, value: &[u8], session: &SessionPaths<'_>) -> Trimmed {
    let is_path = name == "PATH";
    if value.is_empty() && !is_path {
        return Trimmed::Whole;
    }
    // The loader and Lua part lists at a semicolon too.
    let is_bad = |part: &[u8]| !is_whole(part) || session.leads_inside(part);
    let list = without(value, |entry| entry.split(|byte| *byte == b';').any(is_bad));
    match list {
        Trimmed::Gone(_) if is_path => Trimmed::Less {
            value: PLAIN_PATH.into(),
            without: entries(value),
        },
        list => list,
    }
}

fn is_whole(entry: &[u8]) -> bool {
    entry.starts_with(b"/") || entry.starts_with(b"~/")
}

/// What could name a file in a list, or in commands of which each does nothing but read some.
fn files(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    const READS: [&[u8]; 2] = [b"source", b"so"];
    let words = value.split(|byte| b" \t\n:|".contains(byte));
    words.filter(|word| !word.is_empty() && !READS.contains(word))
}

fn entries(value: &[u8]) -> Vec<OsString> {
    let entries = value.split(|&byte| byte == b':');
    entries
        .map(|entry| OsString::from_vec(entry.to_vec()))
        .collect()
}

/// A list without the entries that are `bad`.
fn without(value: &[u8], bad: impl Fn(&[u8]) -> bool) -> Trimmed {
    let is_bad = |entry: &OsString| bad(entry.as_bytes());
    let (gone, left): (Vec<_>, Vec<_>) = entries(value).into_iter().partition(is_bad);
    if gone.is_empty() {
        return Trimmed::Whole;
    }
    if left.is_empty() {
        return Trimmed::Gone(Why::Leads);
    }
    Trimmed::Less {
        value: left.join(OsStr::new(":")),
        without: gone,
    }
}

/// What could be a path in a value, whatever stands around it.
fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| b" \t\n:;,=|@\"'".contains(byte))
        .map(|word| {
            // A path may follow an option at once.
            let start = word.iter().position(|&byte| byte == b'/');
            let start = start.filter(|_| word.starts_with(b"-")).unwrap_or(0);
            word.get(start..).unwrap_or_default()
        })
}

#[cfg(test)]
mod tests;
