//! A command's operands, and the commands and programs that they are.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::form;
use super::model::{CommandModel, Form, InnerModel, Takes, Which};
use super::reading::{Doubt, Flag, Inner, Kind, Operand, Reading, What};

/// How many places one inner command may begin at, where options are unknown.
const STARTS: usize = 16;

/// The operands of the deepest command.
pub(super) struct Operands<'a> {
    pub(super) words: Vec<Operand<'a>>,
    /// How many of them stand before a `--`.
    before_dashes: Option<usize>,
    /// The first could be the value of an unknown option.
    doubtful: bool,
}

impl<'a> Operands<'a> {
    pub(super) fn of(reading: &Reading<'a>) -> Self {
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

    /// Those of `model` that `which` says.
    pub(super) fn some(&self, which: Option<Which>, model: &CommandModel) -> Vec<Operand<'a>> {
        match which {
            None => Vec::new(),
            Some(Which::All) => self.words.clone(),
            Some(Which::Files) => {
                let mut is_value = false;
                let is_file = |it: &&Operand<'_>| {
                    let is_option = it.word.as_bytes().starts_with(b"-");
                    let is_file = !is_option && !is_value;
                    is_value = is_option && takes_next(model, it.word);
                    is_file
                };
                self.words.iter().filter(is_file).copied().collect()
            }
            Some(Which::First) => self.words.first().copied().into_iter().collect(),
            Some(Which::Rest) => self.words.iter().skip(1).copied().collect(),
            Some(Which::Last) if self.words.len() < 2 => Vec::new(),
            Some(Which::Last) => self.words.last().copied().into_iter().collect(),
        }
    }

    /// These, less those that don't choose another server by the form that they have.
    pub(super) fn choosing(mut self, model: Option<&CommandModel>) -> Self {
        let which = model.and_then(|model| Some((model, model.elsewhere_operands?)));
        // Where there is a doubt, any may be the one.
        if let Some((model, which)) = which.filter(|_| !self.doubtful) {
            self.words = self.some(Some(which), model);
        }
        self
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

    /// The command whose program is the value of an option, and whose arguments are the operands from where
    /// `inner` says.
    pub(super) fn with_program(
        &self,
        inner: &InnerModel,
        reading: &Reading<'a>,
    ) -> Option<Inner<'a>> {
        let is_one = |flag: &Flag<'_>| inner.program.iter().any(|name| flag.is(name));
        // Of several, the last counts.
        let mut parts = reading.parts.iter().enumerate().rev();
        let (nth, index, program) = parts.find_map(|(nth, part)| match &part.kind {
            Kind::Flag(flag) if is_one(flag) => Some((nth, part.index, flag.value?)),
            _ => None,
        })?;
        let arguments = self.words.get(inner.after..).unwrap_or_default();
        let end = arguments.last().map_or(index, |last| last.index);
        let words = arguments.iter().map(|operand| operand.word);
        Some(Inner {
            what: What::Words(std::iter::once(program).chain(words).collect()),
            appends: false,
            words: index.min(end)..index.max(end) + 1,
            option: Some(nth),
        })
    }

    pub(super) fn inner(
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
        if model.form == Form::Script && !model.of.is_empty() {
            return;
        }
        if !model.of.is_empty() && !model.appends {
            let is_one = |operand: &&Operand<'a>| form::is_of(&model.of, operand.word.as_bytes());
            let operands = self.words.iter().skip(model.after).filter(is_one);
            doubts.extend(operands.map(|operand| doubt_of(model, *operand)));
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
                Form::File | Form::Code => {
                    doubts.push(doubt_of(model, *first));
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
            let assigns = |it: &&Operand<'_>| it.word.as_bytes().contains(&b'=');
            let skipped = words.iter().take_while(assigns).count();
            words = words.get(skipped..)?;
        }
        (!words.is_empty()).then_some(words)
    }
}

/// Whether `word`, behind `--`, is an option of which the model knows that the next word is its value.
fn takes_next(model: &CommandModel, word: &OsStr) -> bool {
    let mut options = model.options.iter();
    options.any(|known| {
        known.takes == Takes::Value && known.names.iter().any(|name| word == name.as_str())
    })
}

/// What nobody reads here, of a word that `inner` says is a program or names one.
pub(super) fn doubt_of<'a>(inner: &InnerModel, word: Operand<'a>) -> Doubt<'a> {
    match inner.form {
        Form::File => Doubt::File(word),
        _ => Doubt::Code(word),
    }
}

fn joined(words: &[Operand<'_>]) -> Vec<u8> {
    let words: Vec<&[u8]> = words.iter().map(|it| it.word.as_bytes()).collect();
    words.join(&b' ')
}
