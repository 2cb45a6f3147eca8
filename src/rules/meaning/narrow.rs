//! Whether a command means something and nothing else: for rules that permit, and for exceptions
//! from rules that restrict.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::models::model::Effect;
use crate::models::reading::{Flag, Kind, Known, Part};
use crate::models::{CommandModel, Reading};

use super::departure::{Does, Likeness};
use super::{Condition, Departure, Meaning, Pattern, Subject};

impl Meaning {
    /// Which of the arguments that `reading` is of are named here, where all else agrees.
    pub fn named(&self, reading: &Reading<'_>) -> Vec<bool> {
        let last = reading.parts.last().map_or(0, |part| part.index + 1);
        let mut named: Vec<Option<bool>> = vec![None; last];
        let mut plain = 0;
        let mut option = false;
        // What stands where only a subcommand may is no operand.
        let of_subcommands =
            |model: &CommandModel| !model.subcommands.is_empty() && !model.takes_operands;
        let has_subcommands = reading.model.is_some_and(of_subcommands);
        for part in &reading.parts {
            let is_named = match &part.kind {
                Kind::Flag(flag) => {
                    option = self.names(flag);
                    option
                }
                Kind::Value(_) => option,
                Kind::Dashes => true,
                Kind::Subcommand { .. } => {
                    plain += 1;
                    plain <= self.places()
                }
                Kind::Operand { .. } => {
                    plain += 1;
                    plain <= self.places() || (self.names_rest() && !has_subcommands)
                }
            };
            if let Some(word) = named.get_mut(part.index) {
                // Of a cluster, each option.
                *word = Some(is_named && *word != Some(false));
            }
        }
        named.into_iter().map(|word| word == Some(true)).collect()
    }

    /// Whether operands that are not named may follow.
    pub fn leaves_operands_open(&self) -> bool {
        let rest = self.operands.as_ref().and_then(|o| o.rest.as_ref());
        rest.is_some_and(Vec::is_empty)
    }

    fn names(&self, flag: &Flag<'_>) -> bool {
        let mut options = self.options.iter();
        self.flags.iter().flatten().any(|name| flag.is(name))
            || options.any(|option| flag.is(&option.name))
    }

    /// The options that are named, some of them in groups.
    pub fn named_options(&self) -> Vec<Vec<String>> {
        let values = self.options.iter().map(|option| vec![option.name.clone()]);
        self.flags.iter().cloned().chain(values).collect()
    }

    /// Whether there is a pattern for operands whose number is open.
    fn names_rest(&self) -> bool {
        let rest = self.operands.as_ref().and_then(|o| o.rest.as_ref());
        rest.is_some_and(|rest| !rest.is_empty())
    }

    /// For how many words that are no options there is one here, or a pattern.
    fn places(&self) -> usize {
        let operands = self.operands.as_ref().map_or(0, |o| o.places.len());
        self.subcommand.len() + operands
    }

    /// Whether `command` says this and nothing that it doesn't name; if not, why. Behind a named
    /// subcommand and the operands that are given, nothing may follow.
    pub fn narrowly<'a>(&'a self, command: &Subject<'a>) -> Result<(), Departure<'a>> {
        let holds = |it: Condition<'a>| it.surely_holds(command).map_err(Departure::Unmet);
        self.of_words().try_for_each(holds)?;
        for flag in command.reading.flags() {
            self.permits(flag)?;
        }
        self.permits_words(command)?;
        let mut circumstances = self.circumstances().map(Condition::Circumstance);
        circumstances.try_for_each(holds)
    }

    /// Whether the option is named, or known to do nothing special.
    fn permits<'a>(&'a self, flag: &'a Flag<'a>) -> Result<(), Departure<'a>> {
        if self.names(flag) {
            return Ok(());
        }
        let leads = flag.has_effect(Effect::Directory);
        let effects = [
            (Effect::Runs, if leads { Does::Leads } else { Does::Runs }),
            (Effect::Script, Does::Runs),
            (Effect::Splits, Does::Runs),
            (Effect::Commas, Does::Runs),
            (Effect::Writes, Does::Writes),
            (Effect::Changes, Does::Changes),
            (Effect::Elsewhere, Does::Elsewhere),
            (Effect::Destroys, Does::Discards),
        ];
        let mut effects = effects.into_iter();
        let does = if matches!(flag.known, Known::Unknown) {
            Does::Unknown
        } else if let Some((_, does)) = effects.find(|(effect, _)| flag.has_effect(*effect)) {
            does
        } else if self.exact {
            Does::Follows
        } else {
            return Ok(());
        };
        Err(Departure::Option(flag, does))
    }

    fn permits_words<'a>(&'a self, command: &Subject<'a>) -> Result<(), Departure<'a>> {
        let parts = command.reading.parts.as_slice();
        let from = |at: usize| parts.get(at..).unwrap_or_default();
        let words = parts.iter().enumerate();
        let mut words = words.filter_map(|(at, part)| Some((at, part.plain()?)));
        for wanted in &self.subcommand {
            let (at, word) = words.next().ok_or(Departure::NoSubcommand(wanted))?;
            if !wanted
                .iter()
                .any(|wanted| wanted.as_bytes() == word.as_bytes())
            {
                return Err(Departure::OtherSubcommand(from(at), wanted));
            }
        }
        let places = self.operands.iter().flat_map(|operands| &operands.places);
        for patterns in places {
            let (_, word) = words.next().ok_or(Departure::NoOperand(patterns))?;
            if let Some(likeness) = unlike(command, patterns, word) {
                return Err(Departure::OtherOperand(word, patterns, likeness));
            }
        }
        match self.operands.as_ref().and_then(|o| o.rest.as_deref()) {
            None => match words.next() {
                Some((at, _)) if parts.get(at).is_some_and(Part::is_subcommand) => {
                    Err(Departure::Subcommand(from(at)))
                }
                Some((_, word)) => {
                    let among_others = self.operands.is_some();
                    Err(Departure::Unnamed { word, among_others })
                }
                None => Ok(()),
            },
            Some([]) => Ok(()),
            Some(rest) => words.try_for_each(|(_, word)| match unlike(command, rest, word) {
                Some(likeness) => Err(Departure::OtherRest(word, rest, likeness)),
                None => Ok(()),
            }),
        }
    }
}

/// How far a word is from being surely of one of these forms, if it isn't.
fn unlike(command: &Subject<'_>, patterns: &[Pattern], word: &OsStr) -> Option<Likeness> {
    if patterns.iter().any(|it| command.narrowly(it, word)) {
        return None;
    }
    let possible = patterns.iter().find(|it| command.widely(it, word));
    Some(match possible {
        Some(Pattern::Glob(glob)) if glob.widely(word) => Likeness::PastSlashes,
        Some(pattern) if pattern.is_open(word, command.cwd, command.paths) => Likeness::Open,
        Some(_) => Likeness::Possible,
        None => Likeness::None,
    })
}
