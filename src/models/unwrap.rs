//! From a command to the commands within it, to any depth that is worth looking at.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::CommandModel;
use super::reader::read;
use super::reading::{Doubt, Reading, What};

/// How many commands, each within the other, are seen through.
const DEPTH: usize = 8;
/// How many commands there may be in one.
const COMMANDS: usize = 128;
/// How many bytes of words are looked at.
const BYTES: usize = 4 << 20;

/// The words of each of some commands.
pub type Commands = Vec<Vec<OsString>>;

/// How to look into a command.
#[derive(Clone, Copy)]
pub struct Unwrap<'m, 'f> {
    /// The model of the program called so.
    pub model: &'f dyn Fn(&OsStr) -> Option<&'m CommandModel>,
    /// The commands of a script; `None` if it can't be read.
    pub script: &'f dyn Fn(&[u8]) -> Option<Commands>,
    /// What a command runs without starting it, by its whole words.
    pub within: &'f dyn Fn(&[OsString]) -> Commands,
}

/// The commands within a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unwrapped {
    /// In the order in which they were found.
    pub commands: Vec<InnerCommand>,
    /// There are more, or some that can't be read.
    pub incomplete: bool,
}

/// A command that another one runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InnerCommand {
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// Which command runs it: 0 is the one that was asked about, then as in the list, from 1.
    pub parent: usize,
    /// How deep it is: 1 for what the command itself runs.
    pub depth: usize,
}

impl Unwrap<'_, '_> {
    /// The commands within one whose arguments have these readings.
    pub fn all(self, readings: &[Reading<'_>]) -> Unwrapped {
        let mut found = Unwrapped::default();
        for reading in readings {
            self.add(reading, 0, 0, &mut found);
        }
        let mut bytes = 0;
        let mut next = 0;
        while let Some(command) = found.commands.get(next).cloned() {
            next += 1;
            let size: usize = command.words.iter().map(|word| word.len() + 1).sum();
            bytes += size;
            if bytes > BYTES {
                found.incomplete = true;
                break;
            }
            self.look_into(&command, next, &mut found);
        }
        found
    }

    fn look_into(self, command: &InnerCommand, number: usize, found: &mut Unwrapped) {
        let Some((program, arguments)) = command.words.split_first() else {
            return;
        };
        for words in (self.within)(&command.words) {
            keep(words, number, command.depth, found);
        }
        if let Some(model) = (self.model)(last_component(program)) {
            let reading = read(model, arguments);
            self.add(&reading, number, command.depth, found);
        }
    }

    fn add(self, reading: &Reading<'_>, parent: usize, depth: usize, found: &mut Unwrapped) {
        found.incomplete |= reading.doubts.contains(&Doubt::TooMany);
        for inner in &reading.inner {
            match &inner.what {
                What::Words(words) => {
                    let words = words.iter().map(|&word| word.to_owned()).collect();
                    keep(words, parent, depth, found);
                }
                What::Script(script) => match (self.script)(script) {
                    Some(commands) => {
                        for words in commands {
                            keep(words, parent, depth, found);
                        }
                    }
                    None => found.incomplete = true,
                },
            }
        }
    }
}

fn keep(words: Vec<OsString>, parent: usize, depth: usize, found: &mut Unwrapped) {
    if words.is_empty() {
        return;
    }
    if depth >= DEPTH || found.commands.len() >= COMMANDS {
        found.incomplete = true;
        return;
    }
    found.commands.push(InnerCommand {
        words,
        parent,
        depth: depth + 1,
    });
}

fn last_component(name: &OsStr) -> &OsStr {
    let name = name.as_bytes();
    let last = name
        .rsplit(|&byte| byte == b'/')
        .find(|part| !part.is_empty());
    OsStr::from_bytes(last.unwrap_or(name))
}
