//! A command as heuristics see it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::evaluate::command_tree::{called, models_of};
use crate::evaluate::index::IndexedRules;
use crate::models::{self, CommandModel, Reading};
use crate::request::Words;

/// A program's names and its arguments.
#[derive(Clone)]
pub(super) struct ExaminedCommand<'a> {
    rules: &'a IndexedRules,
    words: Words<'a>,
    names: Vec<&'a [u8]>,
    /// What follows the program.
    pub(super) arguments: Vec<&'a [u8]>,
    /// The commands that it starts with words behind them that can't be known.
    pub(super) feeds: Vec<ExaminedCommand<'a>>,
    /// It is the interpreter of a file, and the other words are that file's.
    pub(super) is_interpreter: bool,
}

impl<'a> ExaminedCommand<'a> {
    /// The command of these words.
    pub(super) fn of(rules: &'a IndexedRules, words: Words<'a>) -> Self {
        let paths = [words.path, words.real].into_iter().flatten();
        let whole = std::iter::once(words.asked)
            .chain(paths.map(Path::as_os_str))
            .chain(words.argv.first().map(OsString::as_os_str));
        let mut names = Vec::with_capacity(2);
        for name in whole.map(|name| called(name).as_bytes()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let arguments = words.arguments().iter().map(|word| word.as_bytes());
        Self {
            rules,
            words,
            names,
            arguments: arguments.collect(),
            feeds: Vec::new(),
            is_interpreter: false,
        }
    }

    /// Its arguments as each model reads them that one of its names has.
    pub(super) fn readings(&self) -> impl Iterator<Item = Reading<'a>> {
        self.readings_of(|_| true)
    }

    /// The same, only by models that are as asked.
    pub(super) fn readings_of(
        &self,
        is_asked: fn(&CommandModel) -> bool,
    ) -> impl Iterator<Item = Reading<'a>> {
        let arguments = self.words.arguments();
        let models = models_of(self.rules, self.words).into_iter();
        let models = models.filter(move |model| is_asked(model));
        models.map(|model| models::read(model, arguments))
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
