//! What a command must not write although it lies in a writable root.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::request::Earlier;
use crate::sys::read_capped::read_capped;

/// What a command must not write, beside the names that are protected everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Protection {
    /// The files and directories that decide what is permitted, whether they exist or not.
    pub deciding: Vec<Deciding>,
    /// The user's home directories: canonical.
    pub homes: Vec<PathBuf>,
    /// The session's own variables that name files which other programs obey.
    pub naming: Vec<(OsString, OsString)>,
    /// Those of the names that other programs obey that may be written all the same.
    pub unprotected: Vec<String>,
    /// What could be written before.
    pub earlier: Earlier,
}

impl Protection {
    /// What either protects.
    #[must_use]
    pub(super) fn and(mut self, other: &Self) -> Self {
        for deciding in &other.deciding {
            if !self.deciding.contains(deciding) {
                self.deciding.push(deciding.clone());
            }
        }
        for home in &other.homes {
            if !self.homes.contains(home) {
                self.homes.push(home.clone());
            }
        }
        for naming in &other.naming {
            if !self.naming.contains(naming) {
                self.naming.push(naming.clone());
            }
        }
        self.unprotected
            .retain(|name| other.unprotected.contains(name));
        self
    }
}

/// A file or directory that decides what is permitted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Deciding {
    /// Where it is read: absolute.
    pub path: PathBuf,
    /// What it is read for.
    pub role: Role,
    /// A directory is read there, or would be.
    pub is_directory: bool,
}

/// What is read somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// The directory of everything that is the user's own: `$CODEX_HOME`.
    Home,
    /// Rules, or a directory of them.
    Rules,
    /// Settings.
    Settings,
    /// The list of trusted projects.
    Trust,
    /// A project's rules and settings, which count only as they were trusted.
    Project,
    /// The program that answers questions.
    Asker,
    /// The shell, or what a patched one starts.
    Shell,
    /// The records of what was run.
    Audit,
    /// The output of calls that was too long to be returned.
    Output,
}

impl Role {
    /// Whether who writes it permits himself what he likes. What only spoils a record, or makes a
    /// project's rules count for less, is held where that can be done.
    pub(super) fn is_vital(self) -> bool {
        matches!(
            self,
            Self::Rules | Self::Settings | Self::Trust | Self::Asker
        )
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Home | Self::Settings => "settings are read from it",
            Self::Rules => "rules are read from it",
            Self::Trust => "it says which projects are trusted",
            Self::Project => "a project's rules are read from it",
            Self::Asker => "it answers questions",
            Self::Shell => "it is the shell that runs scripts",
            Self::Audit => "it is the record of what ran",
            Self::Output => "it holds what calls have put out",
        })
    }
}

/// Bytes of the machine's list of users that are read.
const LONGEST_LIST: usize = 1 << 20;

/// The home directories of the user who runs this process, canonical: `$HOME`, and the one that the
/// machine's list of users has. Other users' lists are not asked: that may take a network.
pub fn homes() -> Vec<PathBuf> {
    let listed = read_capped(
        Path::new("/etc/passwd"),
        LONGEST_LIST,
        std::time::Duration::ZERO,
    )
    .ok()
    .and_then(|list| listed(&list, nix::unistd::geteuid().as_raw()));
    let set = std::env::var_os("HOME").map(PathBuf::from);
    let mut homes: Vec<PathBuf> = [set, listed]
        .into_iter()
        .flatten()
        .filter_map(|home| fs::canonicalize(home).ok())
        .filter(|home| home.parent().is_some())
        .collect();
    homes.dedup();
    homes
}

/// The home directory of `user` in a list of users.
fn listed(list: &[u8], user: u32) -> Option<PathBuf> {
    list.split(|&byte| byte == b'\n').find_map(|line| {
        let fields: Vec<&[u8]> = line.split(|&byte| byte == b':').collect();
        let [_, _, id, _, _, home, ..] = fields.as_slice() else {
            return None;
        };
        let id: u32 = std::str::from_utf8(id).ok()?.parse().ok()?;
        (id == user && home.starts_with(b"/")).then(|| OsStr::from_bytes(home).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_home_directory_is_in_the_list() {
        let list = b"root:x:0:0::/root:/bin/sh\nbroken\nme:x:1000:1000:Me,,:/home/me:/bin/zsh\n\
                     \xff:x:7:7::rel:/bin/sh\n";
        assert_eq!(listed(list, 0), Some("/root".into()));
        assert_eq!(listed(list, 1000), Some("/home/me".into()));
        assert_eq!(listed(list, 7), None);
        assert_eq!(listed(list, 8), None);
    }
}
