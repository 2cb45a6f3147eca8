//! Whether a command means something and nothing else: for rules that permit, and for exceptions
//! from rules that restrict.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::models::model::Effect;
use crate::models::reading::{Flag, Kind, Known};
use crate::models::{CommandModel, Reading};

use super::{Meaning, OptionValue, Subject};

const MISSING_VALUE: &str = "an option whose value it names is missing";
const UNKNOWN_VALUE: &str = "the value of an option is not known";
const OVERRIDDEN: &str = "another word can change what an option says";
const OTHER_VALUE: &str = "an option has another value";
const UNKNOWN: &str = "an option is unknown";
const RUNS: &str = "an option runs another program";
const WRITES: &str = "an option writes a file";
const CHANGES: &str = "an option changes the system's state";
const ELSEWHERE: &str = "an option chooses another server, account or configuration";

/// The reasons that are some option's, which can be named.
pub const ABOUT_OPTIONS: [&str; 5] = [UNKNOWN, RUNS, WRITES, CHANGES, ELSEWHERE];

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
    pub fn narrowly(&self, command: &Subject<'_>) -> Result<(), &'static str> {
        let reading = command.reading;
        let has = |name: &String| reading.has(name);
        if !self.flags.iter().all(|group| group.iter().any(has)) {
            return Err("an option that it wants is missing");
        }
        if self.without.iter().any(has) {
            return Err("an option that it excludes is there");
        }
        for option in &self.options {
            has_value(command, option)?;
        }
        for flag in reading.flags() {
            self.permits(flag)?;
        }
        self.permits_words(command)?;
        self.permits_place(command)
    }

    /// Whether the option is named, or known to do nothing special.
    fn permits(&self, flag: &Flag<'_>) -> Result<(), &'static str> {
        if self.names(flag) {
            return Ok(());
        }
        if matches!(flag.known, Known::Unknown) {
            return Err(UNKNOWN);
        }
        for (effect, why) in [
            (Effect::Runs, RUNS),
            (Effect::Script, RUNS),
            (Effect::Splits, RUNS),
            (Effect::Commas, RUNS),
            (Effect::Writes, WRITES),
            (Effect::Changes, CHANGES),
            (Effect::Elsewhere, ELSEWHERE),
            (Effect::Destroys, "an option discards something"),
        ] {
            if flag.has_effect(effect) {
                return Err(why);
            }
        }
        if self.exact {
            return Err("an option is not named, and nothing else may follow");
        }
        Ok(())
    }

    fn permits_words(&self, command: &Subject<'_>) -> Result<(), &'static str> {
        let mut words = command.reading.plain().map(|(word, _)| word);
        for wanted in &self.subcommand {
            let word = words.next().ok_or("it has no such subcommand")?;
            if !wanted
                .iter()
                .any(|wanted| wanted.as_bytes() == word.as_bytes())
            {
                return Err("it has another subcommand");
            }
        }
        let places = self.operands.iter().flat_map(|operands| &operands.places);
        for patterns in places {
            let word = words.next().ok_or("an operand is missing")?;
            if !patterns
                .iter()
                .any(|pattern| command.narrowly(pattern, word))
            {
                return Err("an operand is another one");
            }
        }
        let rest = self.operands.as_ref().and_then(|o| o.rest.as_deref());
        let open = |word: &OsStr| {
            rest.is_some_and(|rest| {
                rest.is_empty() || rest.iter().any(|pattern| command.narrowly(pattern, word))
            })
        };
        if words.all(open) {
            Ok(())
        } else if rest.is_none() {
            Err("an operand is not named; `args = [..., rest()]` would take any")
        } else {
            Err("an operand is another one than rest(...) takes")
        }
    }

    fn permits_place(&self, command: &Subject<'_>) -> Result<(), &'static str> {
        if !self.cwd.is_empty() && command.is_in(&self.cwd, |way| !way.is_open) != Some(true) {
            return Err("the working directory is another one");
        }
        for wanted in &self.environment {
            match command.variable(wanted, Subject::narrowly) {
                Some(true) => {}
                Some(false) => return Err("a variable is another one"),
                None => return Err("the variables are not known"),
            }
        }
        Ok(())
    }
}

/// Whether an option has a value that is named, each time that it is there or, where that is known, by default.
fn has_value(command: &Subject<'_>, option: &OptionValue) -> Result<(), &'static str> {
    let values = command.reading.values(&option.name);
    if values.is_empty() {
        return Err(MISSING_VALUE);
    }
    let reading = command.reading;
    let is_reset = reading.resets() && reading.default_values(&option.name).is_empty();
    if is_reset || reading.overriding(&option.name).is_some() {
        return Err(OVERRIDDEN);
    }
    for value in values {
        let value = value.ok_or(UNKNOWN_VALUE)?;
        let mut wanted = option.values.iter();
        if !wanted.any(|pattern| command.narrowly(pattern, value)) {
            return Err(OTHER_VALUE);
        }
    }
    Ok(())
}
