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
        if reading.plain().any(|(_, doubtful)| doubtful) {
            return shelf.visit(found);
        }
        let words: Vec<&OsStr> = reading
            .plain()
            .map(|(word, _)| word)
            .take(FILED_WORDS)
            .collect();
        shelf.along(&words, reading, found);
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

    /// The depth of the recursion is bounded by [`FILED_WORDS`].
    fn along(&self, words: &[&OsStr], reading: &Reading<'_>, found: &mut dyn FnMut(usize)) {
        self.here.iter().copied().for_each(&mut *found);
        let Some((word, rest)) = words.split_first() else {
            return;
        };
        if self.next.is_empty() {
            return;
        }
        let mut subcommands = reading.subcommands();
        let model = subcommands.find(|(written, _)| written == word);
        let names = model.map_or(&[][..], |(_, model)| model.names.as_slice());
        let names = names.iter().map(String::as_bytes);
        for name in names.filter(|name| *name != word.as_bytes()) {
            if let Some(shelf) = self.next.get(name) {
                shelf.along(rest, reading, found);
            }
        }
        if let Some(shelf) = self.next.get(word.as_bytes()) {
            shelf.along(rest, reading, found);
        }
    }

    /// The depth of the recursion is bounded by [`FILED_WORDS`].
    fn visit(&self, found: &mut dyn FnMut(usize)) {
        self.here.iter().copied().for_each(&mut *found);
        for shelf in self.next.values() {
            shelf.visit(found);
        }
    }
}

/// The words of a pattern up to the first that may be an option or stand for one, options that
/// leave no choice left out.
fn plain_words(rule: &PrefixRule) -> Vec<&[String]> {
    let option = |word: &String| word.starts_with('-');
    let places = rest_without_options(rule);
    places
        .take_while(|place| !place.iter().any(option))
        .map(Vec::as_slice)
        .collect()
}

fn rest_without_options(rule: &PrefixRule) -> impl Iterator<Item = &Vec<String>> {
    let option = |word: &String| word.starts_with('-');
    rule.rest
        .iter()
        .filter(move |place| !place.iter().all(option))
}
