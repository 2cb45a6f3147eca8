//! The commands within a command, and the files it writes.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::form;
use super::model::{CommandModel, Effect, Form, InnerModel, Which};
use super::reading::{Doubt, Flag, Inner, Kind, Known, Operand, Part, Reading, What};

/// How many places one inner command may begin at, where options are unknown.
const STARTS: usize = 16;

/// Adds to a reading what the words that were told apart mean. `program` is the model of the
/// whole, `collected` the commands that stood between words that begin and end them.
pub(super) fn complete<'a>(
    reading: &mut Reading<'a>,
    program: &'a CommandModel,
    collected: Vec<Collected<'a>>,
) {
    let mut found = Vec::new();
    let mut doubts = Vec::new();
    let mut writes = Vec::new();
    for nth in 0..reading.parts.len() {
        effects(reading, nth, &mut found, &mut doubts);
    }
    // Each has all operands in it.
    let splits = (0..reading.parts.len()).filter_map(|nth| split(reading, program, nth));
    let mut splits = splits.take(SPLITS + 1).collect::<Vec<_>>();
    if splits.len() > SPLITS {
        splits.truncate(SPLITS);
        doubts.push(Doubt::TooMany);
    }
    found.extend(splits);
    for one in collected {
        let Collected {
            from,
            option,
            words,
        } = one;
        found.push(Inner {
            words: from..from + words.len(),
            option: Some(option),
            what: What::Words(words),
            appends: true,
        });
    }
    let operands = Operands::of(reading);
    if program.syntax.response == Some(true) {
        let response = |operand: &&Operand<'a>| operand.word.as_bytes().starts_with(b"@");
        let files = operands.words.iter().filter(response);
        doubts.extend(files.map(|file| Doubt::File(*file)));
    }
    if let Some(model) = reading.model {
        for inner in model.inner.iter().filter(|inner| applies(inner, reading)) {
            let option = asked_for_by(inner, reading);
            operands.inner(inner, option, &mut found, &mut doubts);
        }
        if !model.writes_unless.iter().any(|name| reading.has(name)) {
            writes.extend(operands.some(model.writes_operands));
        }
        let none_of_these = !model.subcommands.is_empty() && !model.takes_operands;
        let first = operands.words.first().filter(|_| none_of_these);
        doubts.extend(first.map(|word| Doubt::Subcommand(*word)));
    }
    reading.changes = changes(reading, program, &operands);
    reading.inner = found;
    reading.doubts = doubts;
    reading.writes = writes;
}

/// The subcommands and operands that set the system's state, each by what the model around it says.
fn changes<'a>(
    reading: &Reading<'a>,
    program: &'a CommandModel,
    operands: &Operands<'a>,
) -> Vec<Operand<'a>> {
    let mut around = Some(program);
    let mut changes = Vec::new();
    for part in &reading.parts {
        let Kind::Subcommand { word, model } = part.kind else {
            continue;
        };
        let forms = around.map_or(&[][..], |model| &model.changes);
        let names = model.into_iter().flat_map(|model| &model.names);
        let mut names = names.map(String::as_bytes).chain([word.as_bytes()]);
        if names.any(|name| form::is_of(forms, name)) {
            let index = part.index;
            changes.push(Operand { index, word });
        }
        around = model;
    }
    let forms = around.map_or(&[][..], |model| &model.changes);
    let set = |operand: &&Operand<'a>| form::is_of(forms, operand.word.as_bytes());
    changes.extend(operands.words.iter().filter(set));
    changes
}

/// The command of the same program that the words `behind` the first `own` are.
pub(super) fn again<'a>(
    program: &'a CommandModel,
    own: usize,
    behind: &'a [OsString],
) -> Inner<'a> {
    let name = program.names.first().map_or("", String::as_str);
    let words = behind.iter().map(OsString::as_os_str);
    Inner {
        what: What::Words(std::iter::once(OsStr::new(name)).chain(words).collect()),
        appends: false,
        // The word that ends the command before it stands for the program.
        words: own.saturating_sub(1)..own + behind.len(),
        option: None,
    }
}

/// A command that stood between words that begin and end it.
pub(super) struct Collected<'a> {
    /// Where it begins.
    pub(super) from: usize,
    /// The part that it follows.
    pub(super) option: usize,
    pub(super) words: Vec<&'a OsStr>,
}

fn effects<'a>(
    reading: &Reading<'a>,
    nth: usize,
    found: &mut Vec<Inner<'a>>,
    doubts: &mut Vec<Doubt<'a>>,
) {
    let Some((index, flag)) = flag_at(reading, nth) else {
        return;
    };
    if flag.known == Known::Unknown {
        doubts.push(Doubt::UnknownOption(flag.written.to_vec()));
    }
    let Known::As(option) = flag.known else {
        return;
    };
    for effect in &option.effects {
        match effect {
            Effect::Runs => doubts.push(Doubt::Runs(flag.written.to_vec())),
            Effect::Script => found.extend(flag.value.map(|value| Inner {
                what: What::Script(Cow::Borrowed(value.as_bytes())),
                appends: false,
                words: index..index + 1,
                option: Some(nth),
            })),
            Effect::Commas => found.extend(flag.value.map(|value| {
                Inner {
                    what: What::Words(
                        value
                            .as_bytes()
                            .split(|&b| b == b',')
                            .map(OsStr::from_bytes)
                            .collect(),
                    ),
                    appends: true,
                    words: index..index + 1,
                    option: Some(nth),
                }
            })),
            Effect::Splits | Effect::Writes | Effect::Destroys | Effect::Changes => {}
        }
    }
}

/// How many options may have their values split into a command.
const SPLITS: usize = 16;

/// The program again, its arguments from the value of an option that is split, then what follows.
fn split<'a>(reading: &Reading<'a>, program: &CommandModel, nth: usize) -> Option<Inner<'a>> {
    let (index, flag) = flag_at(reading, nth)?;
    let value = flag.value.filter(|_| flag.has_effect(Effect::Splits))?;
    let name = program.names.first().map_or("", String::as_str);
    let mut script = name.as_bytes().to_vec();
    script.push(b' ');
    script.extend_from_slice(value.as_bytes());
    for (word, _) in reading.plain() {
        script.push(b' ');
        quote(word.as_bytes(), &mut script);
    }
    let last = reading.parts.last().map_or(0, |last| last.index + 1);
    Some(Inner {
        what: What::Script(Cow::Owned(script)),
        appends: false,
        words: index..last,
        option: Some(nth),
    })
}

/// The part of this number, if it is an option, and its word.
fn flag_at<'b, 'a>(reading: &'b Reading<'a>, nth: usize) -> Option<(usize, &'b Flag<'a>)> {
    match reading.parts.get(nth)? {
        Part {
            index,
            kind: Kind::Flag(flag),
        } => Some((*index, flag)),
        _ => None,
    }
}

/// A word as a shell reads it back.
fn quote(word: &[u8], script: &mut Vec<u8>) {
    script.push(b'\'');
    for &byte in word {
        match byte {
            b'\'' => script.extend_from_slice(b"'\\''"),
            byte => script.push(byte),
        }
    }
    script.push(b'\'');
}

fn applies(inner: &InnerModel, reading: &Reading<'_>) -> bool {
    inner.follows.is_empty()
        && (inner.when.is_empty() || inner.when.iter().any(|name| reading.has(name)))
        && !inner.unless.iter().any(|name| reading.has(name))
}

/// The part of `reading` that is one of the options which `inner` is for.
fn asked_for_by(inner: &InnerModel, reading: &Reading<'_>) -> Option<usize> {
    reading.parts.iter().position(|part| match &part.kind {
        Kind::Flag(flag) => inner.when.iter().any(|name| flag.is(name)),
        _ => false,
    })
}

/// The operands of the deepest command.
struct Operands<'a> {
    words: Vec<Operand<'a>>,
    /// How many of them stand before a `--`.
    before_dashes: Option<usize>,
    /// The first could be the value of an unknown option.
    doubtful: bool,
}

impl<'a> Operands<'a> {
    fn of(reading: &Reading<'a>) -> Self {
        let mut operands = Self {
            words: Vec::new(),
            before_dashes: None,
            doubtful: false,
        };
        for part in &reading.parts {
            match part.kind {
                Kind::Operand { word, doubtful } => {
                    let index = part.index;
                    operands.words.push(Operand { index, word });
                    operands.doubtful |= doubtful;
                }
                Kind::Dashes => operands.before_dashes = Some(operands.words.len()),
                _ => {}
            }
        }
        operands
    }

    fn some(&self, which: Option<Which>) -> Vec<Operand<'a>> {
        match which {
            None => Vec::new(),
            Some(Which::All) => self.words.clone(),
            Some(Which::First) => self.words.first().copied().into_iter().collect(),
            Some(Which::Rest) => self.words.iter().skip(1).copied().collect(),
            Some(Which::Last) if self.words.len() < 2 => Vec::new(),
            Some(Which::Last) => self.words.last().copied().into_iter().collect(),
        }
    }

    /// Every place where the command may begin.
    fn starts(&self, inner: &InnerModel) -> std::ops::Range<usize> {
        let dashes = self.before_dashes.filter(|_| inner.dashes);
        let first = dashes.unwrap_or(inner.after);
        if self.doubtful {
            first..self.words.len()
        } else {
            first..first.saturating_add(1).min(self.words.len())
        }
    }

    fn inner(
        &self,
        model: &InnerModel,
        option: Option<usize>,
        found: &mut Vec<Inner<'a>>,
        doubts: &mut Vec<Doubt<'a>>,
    ) {
        if model.form == Form::Keys {
            doubts.push(Doubt::Keys);
            return;
        }
        if model.form == Form::Input {
            let none = self.doubtful || self.words.len() <= model.after;
            doubts.extend((none || !model.when.is_empty()).then_some(Doubt::Input));
            return;
        }
        if !model.of.is_empty() {
            let is_one = |operand: &&Operand<'a>| form::is_of(&model.of, operand.word.as_bytes());
            let operands = self.words.iter().filter(is_one);
            doubts.extend(operands.map(|operand| Doubt::Code(*operand)));
            return;
        }
        let starts = self.starts(model);
        if starts.len() > STARTS {
            doubts.push(Doubt::TooMany);
        }
        for start in starts.take(STARTS) {
            let Some(words) = self.behind(model, start) else {
                continue;
            };
            let (Some(first), Some(last)) = (words.first(), words.last()) else {
                continue;
            };
            let (what, end) = match model.form {
                Form::Words => {
                    let words = words.iter().map(|operand| operand.word).collect();
                    (What::Words(words), last.index + 1)
                }
                Form::Line => (What::Script(Cow::Owned(joined(words))), last.index + 1),
                Form::Script => {
                    let script = What::Script(Cow::Borrowed(first.word.as_bytes()));
                    (script, first.index + 1)
                }
                Form::File => {
                    doubts.push(Doubt::File(*first));
                    continue;
                }
                Form::Code => {
                    doubts.push(Doubt::Code(*first));
                    continue;
                }
                Form::Input | Form::Keys => continue,
            };
            found.push(Inner {
                what,
                appends: model.appends,
                words: first.index..end,
                option,
            });
        }
    }

    /// The words of a command that begins at `start`, behind what must or may come before it;
    /// `None` if there are none.
    fn behind(&self, model: &InnerModel, start: usize) -> Option<&[Operand<'a>]> {
        let mut words = self.words.get(start..)?;
        if !model.behind.is_empty() {
            let (first, rest) = words.split_first()?;
            if !model.behind.iter().any(|known| **known == *first.word) {
                return None;
            }
            words = rest;
        }
        if model.assignments {
            // env takes a lone dash for an option.
            let assigns = |word: &OsStr| word.as_bytes().contains(&b'=') || word == "-";
            let skipped = words.iter().take_while(|it| assigns(it.word)).count();
            words = words.get(skipped..)?;
        }
        (!words.is_empty()).then_some(words)
    }
}

fn joined(words: &[Operand<'_>]) -> Vec<u8> {
    let words: Vec<&[u8]> = words.iter().map(|it| it.word.as_bytes()).collect();
    words.join(&b' ')
}
