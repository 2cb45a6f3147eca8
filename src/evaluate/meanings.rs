//! Rules about what a command means, filed by program and by subcommand.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use globset::GlobSet;

use crate::models::{Phrased, Plain};
use crate::rules::meaning::glob;
use crate::rules::model::{PrefixRule, ProgramName};
use crate::rules::{Decision, RuleSet};

use super::see_through::may_be_option;

/// How many words after the program rules are filed by.
const FILED_WORDS: usize = 3;

/// The rules, by number: command rules, and the prefix rules that restrict a program whose options
/// can be told apart.
#[derive(Debug, Default)]
pub(super) struct Meanings {
    programs: HashMap<Box<[u8]>, ConditionShelf>,
    /// Rules on programs that are no single name, in the order of `globs`.
    on_globs: Vec<usize>,
    /// The names of their programs; `None` where there are none, or too many to tell.
    globs: Option<GlobSet>,
}

/// The rules that agree on the words so far.
#[derive(Debug, Default)]
struct ConditionShelf {
    here: Vec<usize>,
    next: HashMap<Box<[u8]>, ConditionShelf>,
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
        let mut globs = Vec::new();
        let first = rules.prefix_rules.len();
        for (number, rule) in (first..).zip(&rules.command_rules) {
            for program in &rule.programs {
                match program {
                    ProgramName::Glob(glob) => {
                        globs.push(glob);
                        meanings.on_globs.push(number);
                    }
                    ProgramName::Literal(name) => {
                        let words: Vec<&[String]> =
                            rule.meaning.subcommand.iter().map(Vec::as_slice).collect();
                        meanings.file(name, &words, number);
                    }
                }
            }
        }
        if !globs.is_empty() {
            meanings.globs = glob::set(globs.into_iter());
        }
        meanings
    }

    fn file(&mut self, program: &str, words: &[&[String]], number: usize) {
        let shelf = self.programs.entry(program.as_bytes().into());
        shelf.or_default().file(words, number, FILED_WORDS);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.programs.is_empty() && self.on_globs.is_empty()
    }

    /// Whether a rule could be on the program `name`.
    pub(super) fn has_rules_on(&self, name: &OsStr) -> bool {
        let is_glob = || match &self.globs {
            Some(globs) => globs.is_match(name),
            None => !self.on_globs.is_empty(),
        };
        self.programs.contains_key(name.as_bytes()) || is_glob()
    }

    /// Calls `found` with each rule on the program `name` that the command's words don't rule
    /// out; with some of them more than once.
    pub(super) fn candidates(
        &self,
        name: &OsStr,
        phrased: &Phrased<'_, '_>,
        found: &mut dyn FnMut(usize),
    ) {
        let by_glob = match &self.globs {
            Some(globs) => globs.matches(name),
            None => (0..self.on_globs.len()).collect(),
        };
        let by_glob = by_glob.into_iter();
        by_glob
            .filter_map(|nth| self.on_globs.get(nth))
            .copied()
            .for_each(&mut *found);
        let Some(shelf) = self.programs.get(name.as_bytes()) else {
            return;
        };
        let program = phrased.reading.program;
        if program.is_some_and(|program| program.syntax.bundle == Some(true)) {
            // A first word without a dash may be options, in a rule as in a command.
            return shelf.all(found);
        }
        shelf.along(phrased, found);
    }
}

impl ConditionShelf {
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

    /// Calls `found` with the rules here and on. The depth of the recursion is bounded by [`FILED_WORDS`].
    fn all(&self, found: &mut dyn FnMut(usize)) {
        self.here.iter().copied().for_each(&mut *found);
        self.next.values().for_each(|next| next.all(found));
    }

    /// Calls `found` with the rules of each shelf that the command's plain words lead to from
    /// here, in each way to say them. Words that a rule may pass over may lead nowhere.
    fn along(&self, phrased: &Phrased<'_, '_>, found: &mut dyn FnMut(usize)) {
        self.here.iter().copied().for_each(&mut *found);
        let rounds = if phrased.reading.is_in_any_order() {
            FILED_WORDS
        } else {
            1
        };
        for phrasing in phrased.phrasings() {
            let words = phrasing.words();
            let tasks = words.clone().filter(|word| word.is_optional);
            let again = (1..rounds).flat_map(|_| tasks.clone());
            self.along_these(words.chain(again), found);
        }
    }

    fn along_these<'b, 'a: 'b>(
        &self,
        words: impl Iterator<Item = &'b Plain<'a>>,
        found: &mut dyn FnMut(usize),
    ) {
        let mut open = vec![self];
        for word in words {
            let mut reached: Vec<&Self> = Vec::new();
            for shelf in open.iter().filter(|shelf| !shelf.next.is_empty()) {
                reached.extend(word.spellings().filter_map(|name| shelf.next.get(name)));
            }
            let is_new = |next: &&Self| !open.iter().any(|known| std::ptr::eq(*known, *next));
            let new: Vec<&Self> = reached.iter().copied().filter(is_new).collect();
            let rules = new.iter().flat_map(|shelf| &shelf.here);
            rules.copied().for_each(&mut *found);
            if word.is_optional {
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

/// The words of a pattern up to the first that may be an option, whose value the next may be.
fn plain_words(rule: &PrefixRule) -> Vec<&[String]> {
    let option = |word: &String| may_be_option(word);
    let plain = |place: &&Vec<String>| !place.iter().any(option);
    let places = rule.rest.iter().take_while(plain);
    places.map(Vec::as_slice).collect()
}

#[cfg(test)]
mod tests;
