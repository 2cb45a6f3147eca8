//! Rules about what a command means, filed by program and by subcommand.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::models::Reading;
use crate::rules::model::{PrefixRule, ProgramName};
use crate::rules::{Decision, RuleSet};

/// How many words after the program rules are filed by.
const FILED_WORDS: usize = 3;

/// The rules, by number: command rules, and the prefix rules that restrict a program whose options
/// can be told apart.
#[derive(Debug, Default)]
pub(super) struct Meanings {
    programs: HashMap<Box<[u8]>, Shelf>,
    /// Rules on programs that are no single name.
    globs: Vec<usize>,
}

/// The rules that agree on the words so far.
#[derive(Debug, Default)]
struct Shelf {
    here: Vec<usize>,
    next: HashMap<Box<[u8]>, Shelf>,
}

impl Meanings {
    /// Files the rules; `has_model` says of which programs the options are known.
    pub(super) fn of(rules: &RuleSet, has_model: &dyn Fn(&OsStr) -> bool) -> Self {
        let mut meanings = Self::default();
        for (number, rule) in rules.prefix_rules.iter().enumerate() {
            let restricts = rule.decision > Decision::Allow && !rule.canonical;
            if restricts && has_model(OsStr::new(&rule.program)) {
                meanings.file(&rule.program, &plain_words(rule), number);
            }
        }
        let first = rules.prefix_rules.len();
        for (number, rule) in (first..).zip(&rules.command_rules) {
            for program in &rule.programs {
                match program {
                    ProgramName::Glob(_) => meanings.globs.push(number),
                    ProgramName::Literal(name) => {
                        let words: Vec<&[String]> =
                            rule.meaning.subcommand.iter().map(Vec::as_slice).collect();
                        meanings.file(name, &words, number);
                    }
                }
            }
        }
        meanings
    }

    fn file(&mut self, program: &str, words: &[&[String]], number: usize) {
        let shelf = self.programs.entry(program.as_bytes().into());
        shelf.or_default().file(words, number, FILED_WORDS);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.programs.is_empty() && self.globs.is_empty()
    }

    /// Whether a rule could be on the program `name`.
    pub(super) fn has_rules_on(&self, name: &OsStr) -> bool {
        !self.globs.is_empty() || self.programs.contains_key(name.as_bytes())
    }

    /// Calls `found` with each rule on the program `name` that the words of `reading` don't rule
    /// out; with some of them more than once.
    pub(super) fn candidates(
        &self,
        name: &OsStr,
        reading: &Reading<'_>,
        found: &mut dyn FnMut(usize),
    ) {
        self.globs.iter().copied().for_each(&mut *found);
        let Some(shelf) = self.programs.get(name.as_bytes()) else {
            return;
        };
        shelf.along(reading, found);
    }
}

impl Shelf {
    fn file(&mut self, words: &[&[String]], number: usize, left: usize) {
        match words.split_first() {
            Some((alternatives, rest)) if left > 0 => {
                for word in *alternatives {
                    let next = self.next.entry(word.as_bytes().into());
                    next.or_default().file(rest, number, left - 1);
                }
            }
            _ => self.here.push(number),
        }
    }

    /// Calls `found` with the rules of each shelf that the plain words of `reading` lead to from
    /// here. Words that a rule may pass over, as they could be the value of an option or be meant
    /// by one of its options, may lead nowhere.
    fn along(&self, reading: &Reading<'_>, found: &mut dyn FnMut(usize)) {
        self.here.iter().copied().for_each(&mut *found);
        let mut open = vec![self];
        for (word, doubtful) in reading.plain() {
            let mut reached: Vec<&Self> = Vec::new();
            for shelf in open.iter().filter(|shelf| !shelf.next.is_empty()) {
                let next = names(word, reading).filter_map(|name| shelf.next.get(name));
                reached.extend(next);
            }
            let is_new = |next: &&Self| !open.iter().any(|known| std::ptr::eq(*known, *next));
            let new: Vec<&Self> = reached.iter().copied().filter(is_new).collect();
            let rules = new.iter().flat_map(|shelf| &shelf.here);
            rules.copied().for_each(&mut *found);
            if doubtful || is_option(word.as_bytes()) {
                open.extend(new);
            } else {
                open = reached;
            }
            if open.is_empty() {
                break;
            }
        }
    }
}

/// What rules may call a plain word: itself and, of a subcommand, its other names.
fn names<'a>(word: &'a OsStr, reading: &'a Reading<'_>) -> impl Iterator<Item = &'a [u8]> {
    let subcommands = reading.subcommands();
    let models = subcommands.filter(move |(written, _)| *written == word);
    let names = models.flat_map(|(_, model)| &model.names);
    let others = names.map(String::as_bytes);
    std::iter::once(word.as_bytes()).chain(others.filter(move |name| *name != word.as_bytes()))
}

fn is_option(word: &[u8]) -> bool {
    word.starts_with(b"-")
}

/// The words of a pattern up to the first that may be an option or stand for one; options that
/// leave no choice are left out, and a command's words may be passed over for them.
fn plain_words(rule: &PrefixRule) -> Vec<&[String]> {
    let option = |word: &String| is_option(word.as_bytes());
    let places = rule.rest.iter().filter(|place| !place.iter().all(option));
    places
        .take_while(|place| !place.iter().any(option))
        .map(Vec::as_slice)
        .collect()
}

#[cfg(test)]
mod tests;
