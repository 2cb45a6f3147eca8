//! A command as heuristics see it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// A program's names and its arguments.
#[derive(Debug, Default, Clone)]
pub(super) struct Command<'a> {
    /// The program as it was written; empty for a request, which has several names.
    written: &'a [u8],
    names: Vec<&'a [u8]>,
    /// What follows the program.
    pub(super) arguments: Vec<&'a [u8]>,
}

impl<'a> Command<'a> {
    /// The command that `words` spell; `None` when there are none.
    pub(super) fn of(words: &[&'a [u8]]) -> Option<Self> {
        let (program, arguments) = words.split_first()?;
        let mut command = Self {
            written: program,
            names: Vec::with_capacity(1),
            arguments: arguments.to_vec(),
        };
        command.add_name(program);
        Some(command)
    }

    /// Adds the last component of `name`, as a login shell's or any other `argv[0]` has it.
    pub(super) fn add_name(&mut self, name: &'a [u8]) {
        let last = name
            .rsplit(|&byte| byte == b'/')
            .find(|part| !part.is_empty())
            .unwrap_or(name);
        let last = last.strip_prefix(b"-").unwrap_or(last);
        if !self.names.contains(&last) {
            self.names.push(last);
        }
    }

    /// Whether it is a request, not part of what one says.
    pub(super) fn is_request(&self) -> bool {
        self.written.is_empty()
    }

    /// The program as it was written; empty for a request.
    pub(super) fn written(&self) -> &'a [u8] {
        self.written
    }

    /// The program as it was written, and its arguments.
    pub(super) fn words(&self) -> Vec<OsString> {
        let words = std::iter::once(&self.written).chain(&self.arguments);
        words
            .map(|word| OsStr::from_bytes(word).to_owned())
            .collect()
    }

    /// Whether one of the program's names is among `names`.
    pub(super) fn is_any(&self, names: &[&str]) -> bool {
        self.names
            .iter()
            .any(|known| names.iter().any(|name| name.as_bytes() == *known))
    }

    /// Whether one of the program's names begins with `prefix`.
    pub(super) fn starts_with(&self, prefix: &str) -> bool {
        self.names
            .iter()
            .any(|name| name.starts_with(prefix.as_bytes()))
    }

    /// The arguments before a `--`.
    pub(super) fn options(&self) -> impl Iterator<Item = &'a [u8]> {
        self.arguments
            .iter()
            .copied()
            .take_while(|argument| *argument != b"--")
    }
}

/// Whether `argument` is a cluster of short options, such as `-rf`, with one of `letters`.
pub(super) fn cluster_has(argument: &[u8], letters: &[u8]) -> bool {
    match argument {
        [b'-', b'-', ..] => false,
        [b'-', cluster @ ..] => cluster.iter().any(|letter| letters.contains(letter)),
        _ => false,
    }
}

/// Whether `argument` is the long option `option`, with a value or without, or shortened to no
/// less than `least`.
pub(super) fn is_long(argument: &[u8], option: &str, least: &str) -> bool {
    let name = argument
        .split(|&byte| byte == b'=')
        .next()
        .unwrap_or(argument);
    name.starts_with(least.as_bytes()) && option.as_bytes().starts_with(name)
}

/// The components of a path, `.` and empty ones dropped and `..` applied; whether it is absolute.
pub(super) fn components(path: &[u8]) -> (bool, Vec<&[u8]>) {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    (path.starts_with(b"/"), parts)
}
