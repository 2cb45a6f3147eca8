//! The commands within a command, and the files it writes.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::model::{CommandModel, Effect, Form, InnerModel, Which};
use super::reading::{Doubt, Flag, Inner, Kind, Known, Reading, What};

/// How many places one inner command may begin at, where options are unknown.
const STARTS: usize = 16;

/// Adds to a reading what the words that were told apart mean. `program` is the model of the
/// whole, `collected` the commands that stood between words that begin and end them.
pub(super) fn complete<'a>(
    reading: &mut Reading<'a>,
    program: &'a CommandModel,
    collected: Vec<Vec<&'a OsStr>>,
) {
    let mut found = Vec::new();
    let mut doubts = Vec::new();
    let mut writes = Vec::new();
    for flag in reading.flags() {
        effects(flag, &mut found, &mut doubts, &mut writes);
    }
    for flag in reading.flags().filter(|f| f.has_effect(Effect::Splits)) {
        found.extend(flag.value.map(|value| split(reading, program, value)));
    }
    for words in collected {
        found.push(Inner {
            what: What::Words(words),
            appends: true,
        });
    }
    let operands = Operands::of(reading);
    if let Some(model) = reading.model {
        for inner in model.inner.iter().filter(|inner| applies(inner, reading)) {
            operands.inner(inner, &mut found, &mut doubts);
        }
        writes.extend(operands.some(model.writes_operands));
    }
    reading.inner = found;
    reading.doubts = doubts;
    reading.writes = writes;
}

fn effects<'a>(
    flag: &Flag<'a>,
    found: &mut Vec<Inner<'a>>,
    doubts: &mut Vec<Doubt<'a>>,
    writes: &mut Vec<&'a OsStr>,
) {
    if flag.known == Known::Unknown {
        doubts.push(Doubt::UnknownOption(flag.written.to_vec()));
    }
    let Known::As(option) = flag.known else {
        return;
    };
    for effect in &option.effects {
        match effect {
            Effect::Runs => doubts.push(Doubt::Runs(flag.written.to_vec())),
            Effect::Writes => writes.extend(flag.value),
            Effect::Script => found.extend(flag.value.map(|value| Inner {
                what: What::Script(Cow::Borrowed(value.as_bytes())),
                appends: false,
            })),
            Effect::Splits | Effect::Destroys => {}
        }
    }
}

/// The program again, its arguments from the value of an option that is split, then what follows.
fn split<'a>(reading: &Reading<'a>, program: &CommandModel, value: &OsStr) -> Inner<'a> {
    let name = program.names.first().map_or("", String::as_str);
    let mut script = name.as_bytes().to_vec();
    script.push(b' ');
    script.extend_from_slice(value.as_bytes());
    for (word, _) in reading.plain() {
        script.push(b' ');
        quote(word.as_bytes(), &mut script);
    }
    Inner {
        what: What::Script(Cow::Owned(script)),
        appends: false,
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

/// The operands of the deepest command.
struct Operands<'a> {
    words: Vec<&'a OsStr>,
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
                    operands.words.push(word);
                    operands.doubtful |= doubtful;
                }
                Kind::Dashes => operands.before_dashes = Some(operands.words.len()),
                _ => {}
            }
        }
        operands
    }

    fn some(&self, which: Option<Which>) -> Vec<&'a OsStr> {
        match which {
            None => Vec::new(),
            Some(Which::All) => self.words.clone(),
            Some(Which::First) => self.words.first().copied().into_iter().collect(),
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

    fn inner(&self, model: &InnerModel, found: &mut Vec<Inner<'a>>, doubts: &mut Vec<Doubt<'a>>) {
        let starts = self.starts(model);
        if starts.len() > STARTS {
            doubts.push(Doubt::TooMany);
        }
        for start in starts.take(STARTS) {
            let Some(words) = self.behind(model, start) else {
                continue;
            };
            let what = match model.form {
                Form::Words => What::Words(words.to_vec()),
                Form::Line => What::Script(Cow::Owned(joined(words))),
                Form::Script => {
                    let script = words.first().map(|word| word.as_bytes());
                    What::Script(Cow::Borrowed(script.unwrap_or_default()))
                }
                Form::File => {
                    doubts.extend(words.first().map(|file| Doubt::File(file)));
                    continue;
                }
                Form::Code => {
                    doubts.extend(words.first().map(|code| Doubt::Code(code)));
                    continue;
                }
            };
            let appends = model.appends;
            found.push(Inner { what, appends });
        }
    }

    /// The words of a command that begins at `start`, behind what must or may come before it;
    /// `None` if there are none.
    fn behind(&self, model: &InnerModel, start: usize) -> Option<&[&'a OsStr]> {
        let mut words = self.words.get(start..)?;
        if !model.behind.is_empty() {
            let (first, rest) = words.split_first()?;
            if !model.behind.iter().any(|known| **known == **first) {
                return None;
            }
            words = rest;
        }
        if model.assignments {
            // env takes a lone dash for an option.
            let assigns = |word: &OsStr| word.as_bytes().contains(&b'=') || word == "-";
            let skipped = words.iter().take_while(|word| assigns(word)).count();
            words = words.get(skipped..)?;
        }
        (!words.is_empty()).then_some(words)
    }
}

fn joined(words: &[&OsStr]) -> Vec<u8> {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    words.join(&b' ')
}
