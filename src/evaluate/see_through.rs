//! Prefix rules that restrict, read as what their words mean: as the words of a command are, by the same
//! model.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use crate::models::model::{OptionModel, Style};
use crate::models::reading::{Flag, Inner, Kind, Known, Part, What};
use crate::models::{self, CommandModel, Phrased, Plain, Reading};
use crate::rules::model::PrefixRule;

/// How many choices of a pattern's alternatives are tried. A command for which these don't do has so many
/// of a rule's words that it counts as if it matched.
const CHOICES: usize = 256;

/// The words by which `rule` matches a command that is read so; `None` if it doesn't.
///
/// A pattern is read as the command that its words are, with each choice of its alternatives. Each of its
/// options must be one of the command's, however that is spelled and wherever it stands, with its value;
/// each other word one of the command's subcommands and operands, by any name, in their order. What could be
/// the value of an unknown option may be passed over.
pub(super) fn seen_through<'a>(
    rule: &PrefixRule,
    command: &Phrased<'_, 'a>,
) -> Option<Vec<&'a OsStr>> {
    let program = command.reading.program?;
    let is_plain = |word: &String| !is_option(program, word);
    if rule.rest.iter().flatten().all(is_plain) {
        let is_met = |word: &Plain<'_>, place: &Vec<String>| is_one(word, place);
        return in_order(&rule.rest, command, &is_met);
    }
    let mut search = PatternSearch {
        program,
        command,
        words: Vec::new(),
        left: CHOICES,
    };
    search.along(&rule.rest)
}

/// Whether a word of a pattern may be read as an option, or as the end of all options.
pub(super) fn is_option(program: &CommandModel, word: &str) -> bool {
    may_be_option(word) || program.syntax.bundle == Some(true)
}

/// The same where nobody knows the program; but for the first word of one that takes those in a bundle.
pub(super) fn may_be_option(word: &str) -> bool {
    word.starts_with(['-', '+']) || word.contains('=')
}

fn is_one(word: &Plain<'_>, place: &[String]) -> bool {
    place.iter().any(|wanted| word.is(OsStr::new(wanted)))
}

/// The words of a command that are what each of `wanted` wants, in their order, in any of its phrasings.
fn in_order<'a, T>(
    wanted: &[T],
    command: &Phrased<'_, 'a>,
    is_met: &dyn Fn(&Plain<'_>, &T) -> bool,
) -> Option<Vec<&'a OsStr>> {
    command.phrasings().find_map(|phrasing| {
        let from = |nth| phrasing.words().skip(nth);
        let ordered = phrasing
            .words()
            .take_while(|word| !word.is_optional)
            .count();
        let mut rest = from(0);
        let found = wanted.iter().enumerate().map(|(nth, wanted)| {
            if command.reading.is_in_any_order() && nth >= ordered {
                rest = from(ordered);
            }
            let word = rest.find(|word| !word.is_optional || is_met(word, wanted))?;
            is_met(word, wanted).then_some(word.written)
        });
        let found: Option<Vec<Option<&OsStr>>> = found.collect();
        Some(found?.into_iter().flatten().collect())
    })
}

/// A way through a pattern.
struct PatternSearch<'b, 'a> {
    program: &'a CommandModel,
    command: &'b Phrased<'b, 'a>,
    /// The alternatives that are chosen.
    words: Vec<OsString>,
    left: usize,
}

impl<'a> PatternSearch<'_, 'a> {
    /// Chooses what is left of the pattern. The recursion is as deep as the pattern is long.
    fn along(&mut self, places: &[Vec<String>]) -> Option<Vec<&'a OsStr>> {
        let Some((place, rest)) = places.split_first() else {
            return self.met();
        };
        for wanted in place {
            self.words.push(wanted.into());
            // What begins a choice must be met, or the rest need not be tried.
            let found = if place.len() == 1 {
                self.along(rest)
            } else {
                self.met().and_then(|_| match self.left.checked_sub(1) {
                    Some(left) => {
                        self.left = left;
                        self.along(rest)
                    }
                    None => Some(Vec::new()),
                })
            };
            self.words.pop();
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The command's words that are what the chosen ones ask for.
    fn met(&self) -> Option<Vec<&'a OsStr>> {
        self.meets(&models::read(self.program, &self.words))
    }

    fn meets(&self, wanted: &Reading<'_>) -> Option<Vec<&'a OsStr>> {
        let ends_options = |it: &Reading<'_>| it.parts.iter().any(|part| part.kind == Kind::Dashes);
        let is_met = wanted.flags().all(|flag| self.has(flag))
            && wanted
                .inner
                .iter()
                .all(|inner| self.has_inner(wanted, inner))
            && (!ends_options(wanted) || ends_options(self.command.reading));
        let parts = wanted.parts.iter().enumerate();
        let plain = parts.filter_map(|(nth, part)| match part.kind {
            Kind::Subcommand { word, .. } => Some(word),
            Kind::Operand { word, doubtful } => {
                let before = nth.checked_sub(1).and_then(|nth| wanted.parts.get(nth));
                let is_value = doubtful && before.is_some_and(|it| self.has_value(it, word));
                (!is_value).then_some(word)
            }
            _ => None,
        });
        let plain: Vec<&OsStr> = plain.collect();
        let is_one = |word: &Plain<'_>, wanted: &&OsStr| word.is(wanted);
        is_met.then(|| in_order(&plain, self.command, &is_one))?
    }

    /// Whether the command has an option of the pattern, with its value.
    fn has(&self, wanted: &Flag<'_>) -> bool {
        let name = str::from_utf8(&wanted.written).unwrap_or_default();
        let says = |value: &OsStr| {
            let mut all = self.command.reading.could_say(name, value);
            all.any(|value| Some(value) == wanted.value)
        };
        let is_value = |it: Option<&OsStr>| wanted.value.is_none() || it.is_none_or(says);
        let is_overridden =
            wanted.value.is_some() && self.command.reading.overriding(name).is_some();
        // Of `--`, which ends the options of most, find and its like know nothing, and numbers may be operands.
        let is_number = || {
            let digits = wanted.written.get(1..).unwrap_or_default();
            self.program.syntax.digits == Some(true) && digits.iter().all(u8::is_ascii_digit)
        };
        let may_be_word = self.program.syntax.style == Some(Style::Words) || is_number();
        let is_word = |part: &Part<'_>| {
            let Kind::Operand { word, .. } = part.kind else {
                return false;
            };
            may_be_word && word.as_bytes() == &*wanted.written
        };
        let mut says_same = wanted.also.into_iter().flat_map(|flag| flag.split(' '));
        is_overridden
            || self.values(wanted).any(is_value)
            || says_same.any(|flag| self.command.reading.has(flag))
            || self.command.reading.parts.iter().any(is_word)
    }

    /// Whether the command has, as the value of an option that could be the one `before`, what the pattern has
    /// behind that: nobody knows whether it takes one.
    fn has_value(&self, before: &Part<'_>, word: &OsStr) -> bool {
        match &before.kind {
            Kind::Flag(flag) => self.values(flag).any(|value| value == Some(word)),
            _ => false,
        }
    }

    /// The value of each of the command's options that could be `wanted`; `None` where it has none.
    fn values<'c>(&'c self, wanted: &'c Flag<'_>) -> impl Iterator<Item = Option<&'a OsStr>> + 'c {
        let reading = self.command.reading;
        let parts = reading.parts.iter().enumerate();
        parts.filter_map(move |(nth, part)| match &part.kind {
            Kind::Flag(flag) if is_same(wanted, flag) => {
                Some(flag.value.or_else(|| reading.doubtful_at(nth + 1)))
            }
            _ => None,
        })
    }

    /// Whether the command runs what the pattern does with words of its own, if it does: `find -exec rm`.
    fn has_inner(&self, pattern: &Reading<'_>, inner: &Inner<'_>) -> bool {
        let last = inner.words.end.checked_sub(1);
        let What::Words(wanted) = &inner.what else {
            return true;
        };
        let runs = |inner: &Inner<'_>| match &inner.what {
            What::Words(words) => words.starts_with(wanted),
            What::Script(_) => false,
        };
        pattern.parts.iter().any(|part| Some(part.index) == last)
            || self.command.reading.inner.iter().any(runs)
    }
}

/// Whether the command's `flag` could be the one that a pattern has.
fn is_same(wanted: &Flag<'_>, flag: &Flag<'_>) -> bool {
    let written = str::from_utf8(&wanted.written).is_ok_and(|name| flag.could_be(name));
    let named = |option: &OptionModel| option.names.iter().any(|name| flag.could_be(name));
    written
        || wanted.written == flag.written
        || matches!(wanted.known, Known::As(option) if named(option))
}

#[cfg(test)]
mod tests;
