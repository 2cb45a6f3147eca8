//! From a command to the commands within it, to any depth that is worth looking at.

use std::collections::HashSet;
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
    /// What a command runs without starting it, by its whole words, and nothing within that.
    pub within: &'f dyn Fn(&[OsString]) -> Option<Vec<OsString>>,
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
    /// The commands within those, of the words `roots`, whose arguments have these readings. None is looked
    /// into twice, however many ways lead to it, so the work is linear in the words.
    pub fn all(self, roots: &[&[OsString]], readings: &[Reading<'_>]) -> Unwrapped {
        let mut search = Search {
            unwrap: self,
            found: Unwrapped::default(),
            known: roots.iter().map(|words| words.to_vec()).collect(),
            bytes: 0,
        };
        for reading in readings {
            search.add(reading, 0, 0);
        }
        let mut next = 0;
        while let Some(command) = search.found.commands.get(next).cloned() {
            next += 1;
            search.look_into(&command, next);
        }
        search.found
    }
}

struct Search<'m, 'f> {
    unwrap: Unwrap<'m, 'f>,
    found: Unwrapped,
    /// The words of each that was found.
    known: HashSet<Vec<OsString>>,
    /// How many bytes of words those have.
    bytes: usize,
}

impl Search<'_, '_> {
    fn look_into(&mut self, command: &InnerCommand, number: usize) {
        let Some((program, arguments)) = command.words.split_first() else {
            return;
        };
        if let Some(words) = (self.unwrap.within)(&command.words) {
            self.keep(words, number, command.depth);
        }
        if let Some(model) = (self.unwrap.model)(last_component(program)) {
            let reading = read(model, arguments);
            self.add(&reading, number, command.depth);
        }
    }

    fn add(&mut self, reading: &Reading<'_>, parent: usize, depth: usize) {
        self.found.incomplete |= reading.doubts.contains(&Doubt::TooMany);
        for inner in &reading.inner {
            match &inner.what {
                What::Words(words) => {
                    let words = words.iter().map(|&word| word.to_owned()).collect();
                    self.keep(words, parent, depth);
                }
                What::Script(script) => match (self.unwrap.script)(script) {
                    Some(commands) => {
                        for words in commands {
                            self.keep(words, parent, depth);
                        }
                    }
                    None => self.found.incomplete = true,
                },
            }
        }
    }

    fn keep(&mut self, words: Vec<OsString>, parent: usize, depth: usize) {
        if words.is_empty() || !self.known.insert(words.clone()) {
            return;
        }
        self.bytes += words.iter().map(|word| word.len() + 1).sum::<usize>();
        let many = self.found.commands.len() >= COMMANDS || self.bytes > BYTES;
        if depth >= DEPTH || many {
            self.found.incomplete = true;
            return;
        }
        self.found.commands.push(InnerCommand {
            words,
            parent,
            depth: depth + 1,
        });
    }
}

fn last_component(name: &OsStr) -> &OsStr {
    let name = name.as_bytes();
    let last = name
        .rsplit(|&byte| byte == b'/')
        .find(|part| !part.is_empty());
    OsStr::from_bytes(last.unwrap_or(name))
}
