//! The commands within a command, and the files it writes.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::form;
use super::model::{CommandModel, Effect, Form, InnerModel};
use super::operands::{Operands, doubt_of};
use super::reading::{Doubt, Flag, Inner, Kind, Known, Operand, Overridden, Part, Reading, What};

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
    let models = reading.model.iter().flat_map(|model| &model.inner);
    let mut inputs = models.filter(|inner| inner.form == Form::Input && !inner.follows.is_empty());
    let follows = |inner: &InnerModel, one: &Collected<'a>| {
        let mut options = inner.follows.iter();
        flag_at(reading, one.option).is_some_and(|(_, flag)| options.any(|name| flag.is(name)))
    };
    let is_one = |inner: &InnerModel, one: &Collected<'a>| {
        let first = one.words.first();
        follows(inner, one) && first.is_some_and(|word| form::is_of(&inner.of, word.as_bytes()))
    };
    if inputs.any(|inner| collected.iter().any(|one| is_one(inner, one))) {
        doubts.push(Doubt::Input);
    }
    for one in collected {
        let models = reading.model.iter().flat_map(|model| &model.inner);
        let mut models = models.filter(|inner| inner.form == Form::Words && follows(inner, &one));
        found.push(Inner {
            words: one.from..one.from + one.words.len(),
            option: Some(one.option),
            appends: models.all(|inner| inner.appends),
            what: What::Words(one.words),
        });
    }
    let operands = Operands::of(reading);
    if program.syntax.response == Some(true) {
        doubts.extend(response_files(reading).map(Doubt::File));
    }
    if let Some(model) = reading.model {
        let here = |inner: &&InnerModel| !inner.anywhere && applies(inner, reading);
        for inner in model.inner.iter().filter(here) {
            if !inner.program.is_empty() {
                found.extend(operands.with_program(inner, reading));
                continue;
            }
            let option = asked_for_by(inner, reading);
            operands.inner(inner, option, &mut found, &mut doubts);
        }
        if writes_operands(model, reading) {
            let written = operands.some(model.writes_operands, model).into_iter();
            writes.extend(written.filter(|operand| !is_code(*operand, &doubts)));
        }
        let none_of_these = !model.subcommands.is_empty() && !model.takes_operands;
        let first = operands.words.first().filter(|_| none_of_these);
        doubts.extend(first.map(|word| Doubt::Subcommand(*word)));
    }
    doubts.extend(cut_short(reading).map(Doubt::Subcommand));
    in_values(reading, program, &mut found, &mut doubts);
    reading.changes = of_forms(reading, program, &operands, |model| &model.changes);
    reading.overridden = overridden(reading, program, &operands);
    let choosing = operands.choosing(reading.model);
    reading.elsewhere = of_forms(reading, program, &choosing, |model| &model.elsewhere);
    found.extend(called(reading, &found));
    reading.inner = found;
    reading.doubts = doubts;
    reading.writes = writes;
}

/// The commands that are `found`, by the names that options have their programs called: many act by it.
fn called<'a>(reading: &Reading<'a>, found: &[Inner<'a>]) -> Vec<Inner<'a>> {
    let models = reading.model.iter().flat_map(|model| &model.inner);
    let options: Vec<&String> = models.flat_map(|inner| &inner.called).collect();
    let flags = reading.flags();
    let names = flags.filter(|flag| options.iter().any(|option| flag.is(option)));
    let by_name = |name: &'a OsStr| {
        found.iter().filter_map(move |inner| match &inner.what {
            What::Words(words) => Some(Inner {
                what: What::Words([&[name], words.get(1..)?].concat()),
                words: inner.words.clone(),
                ..*inner
            }),
            What::Script(_) => None,
        })
    };
    names
        .filter_map(|flag| flag.value)
        .flat_map(by_name)
        .collect()
}

/// Adds what words are by their form, wherever they stand, and the values of options.
fn in_values<'a>(
    reading: &Reading<'a>,
    program: &'a CommandModel,
    found: &mut Vec<Inner<'a>>,
    doubts: &mut Vec<Doubt<'a>>,
) {
    for inner in program.inner.iter().filter(|inner| inner.anywhere) {
        let is_one = |word: &Operand<'a>| form::is_of(&inner.of, word.word.as_bytes());
        let all = words_of(reading).filter(is_one);
        doubts.extend(all.map(|word| doubt_of(inner, word)));
    }
    for inner in reading.model.iter().flat_map(|model| &model.inner) {
        if !inner.of.is_empty() && !inner.appends && applies(inner, reading) {
            if inner.form == Form::Script {
                found.extend(scripts_of(&inner.of, reading));
                continue;
            }
            let values = values_of(&inner.of, reading);
            doubts.extend(values.map(|word| doubt_of(inner, word)));
        }
    }
}

/// Subcommands that are cut short: in another release, such a word is another one.
fn cut_short<'b, 'a>(reading: &'b Reading<'a>) -> impl Iterator<Item = Operand<'a>> + 'b {
    reading.parts.iter().filter_map(|part| match part.kind {
        Kind::Subcommand {
            word,
            model: Some(model),
        } if !model.names.iter().any(|name| word == name.as_str()) => {
            let index = part.index;
            Some(Operand { index, word })
        }
        _ => None,
    })
}

/// Words that stand for what a file says. They are replaced before any word is told apart, so one that seems
/// to be the value of an option is another.
fn response_files<'b, 'a>(reading: &'b Reading<'a>) -> impl Iterator<Item = Operand<'a>> + 'b {
    reading.parts.iter().filter_map(|part| match part.kind {
        Kind::Operand { word, .. } | Kind::Value(word) | Kind::Subcommand { word, .. } => {
            let index = part.index;
            let is_one = word.as_bytes().starts_with(b"@");
            is_one.then_some(Operand { index, word })
        }
        _ => None,
    })
}

fn writes_operands(model: &CommandModel, reading: &Reading<'_>) -> bool {
    let mut when = model.writes_when.iter();
    let mut unless = model.writes_unless.iter();
    !unless.any(|name| reading.has_surely(name))
        && (model.writes_when.is_empty() || when.any(|name| reading.has(name)))
}

/// Whether an operand is a program, and so no file that is written.
fn is_code(operand: Operand<'_>, doubts: &[Doubt<'_>]) -> bool {
    let is_this = |doubt: &Doubt<'_>| matches!(doubt, Doubt::Code(code) if *code == operand);
    doubts.iter().any(is_this)
}

/// Operands and the values of options.
pub(super) fn words_of<'b, 'a>(reading: &'b Reading<'a>) -> impl Iterator<Item = Operand<'a>> + 'b {
    let parts = reading.parts.iter().enumerate();
    parts.filter_map(|(nth, part)| {
        let is_next = matches!(
            reading.parts.get(nth + 1).map(|next| &next.kind),
            Some(Kind::Value(_))
        );
        let word = match &part.kind {
            Kind::Operand { word, .. } | Kind::Value(word) => word,
            // One that is the next word comes next.
            Kind::Flag(flag) if !is_next => flag.value?,
            _ => return None,
        };
        let index = part.index;
        Some(Operand { index, word })
    })
}

/// The values of options that are of one of `forms`.
pub(super) fn values_of<'b, 'a>(
    forms: &'b [String],
    reading: &'b Reading<'a>,
) -> impl Iterator<Item = Operand<'a>> + 'b {
    let parts = reading.parts.iter().enumerate();
    parts.filter_map(|(nth, part)| {
        let Kind::Flag(flag) = &part.kind else {
            return None;
        };
        let word = flag.value?;
        let next = reading.parts.get(nth + 1);
        let next = next.filter(|next| matches!(next.kind, Kind::Value(_)));
        let index = next.map_or(part.index, |next| next.index);
        let is_one = form::is_value_of(forms, word.as_bytes(), |name| flag.is(name));
        is_one.then_some(Operand { index, word })
    })
}

/// The scripts in values of options that are of one of `forms`: what the first star of it stands for.
fn scripts_of<'b, 'a>(
    forms: &'b [String],
    reading: &'b Reading<'a>,
) -> impl Iterator<Item = Inner<'a>> + 'b {
    let parts = reading.parts.iter().enumerate();
    parts.filter_map(|(nth, part)| {
        let Kind::Flag(flag) = &part.kind else {
            return None;
        };
        let value = flag.value?.as_bytes().trim_ascii_start();
        let script = forms.iter().find_map(|form| {
            let (name, form) = form.split_once('=')?;
            let before = form.split('*').next()?.as_bytes();
            let (start, script) = value.split_at_checked(before.len())?;
            (flag.is(name) && start.eq_ignore_ascii_case(before)).then_some(script)
        })?;
        let script = script.trim_ascii_start();
        let script = script.strip_prefix(b"=").unwrap_or(script);
        let next = reading.parts.get(nth + 1);
        let next = next.filter(|next| matches!(next.kind, Kind::Value(_)));
        let index = next.map_or(part.index, |next| next.index);
        Some(Inner {
            what: What::Script(Cow::Borrowed(script)),
            appends: false,
            words: index..index + 1,
            option: Some(nth),
        })
    })
}

/// The subcommands, operands and values that are of the forms which the model around each has for them.
fn of_forms<'a>(
    reading: &Reading<'a>,
    program: &'a CommandModel,
    operands: &Operands<'a>,
    forms_in: impl Fn(&'a CommandModel) -> &'a [String],
) -> Vec<Operand<'a>> {
    let mut around = Some(program);
    let mut found = Vec::new();
    for part in &reading.parts {
        let Kind::Subcommand { word, model } = part.kind else {
            continue;
        };
        let forms = around.map_or(&[][..], &forms_in);
        // An option of the command around may stand anywhere.
        found.extend(values_of(forms, reading));
        let names = model.into_iter().flat_map(|model| &model.names);
        let mut names = names.map(String::as_bytes).chain([word.as_bytes()]);
        if names.any(|name| form::is_of(forms, name)) {
            let index = part.index;
            found.push(Operand { index, word });
        }
        around = model;
    }
    let forms = around.map_or(&[][..], &forms_in);
    let is_one = |operand: &&Operand<'a>| form::is_of(forms, operand.word.as_bytes());
    found.extend(operands.words.iter().filter(is_one));
    found.extend(values_of(forms, reading));
    found
}

/// The options that other words make say something else, as the models around them have it.
fn overridden<'a>(
    reading: &Reading<'a>,
    program: &'a CommandModel,
    operands: &Operands<'a>,
) -> Vec<Overridden<'a>> {
    let mut found = Vec::new();
    let models = std::iter::once(program).chain(reading.subcommands());
    for (depth, model) in models.enumerate() {
        for (option, words) in &model.overrides {
            let is_option = |word: &&String| word.starts_with('-') && !word.contains('=');
            let options = words.iter().filter(is_option).filter_map(|name| {
                let flag = reading.flags().find(|flag| flag.could_be(name))?;
                Some((flag.written.clone(), Some(name.as_str())))
            });
            let named = reading.parts.iter().filter_map(|part| match part.kind {
                Kind::Subcommand { word, .. } => Some(word),
                _ => None,
            });
            let plain = named
                .skip(depth)
                .chain(operands.words.iter().map(|operand| operand.word));
            // Some read such words in any case.
            let is_one = |word: &[u8]| {
                let has_capitals = word.iter().any(u8::is_ascii_uppercase);
                form::is_of(words, word)
                    || has_capitals && form::is_of(words, &word.to_ascii_lowercase())
            };
            let plain = plain.filter(|word| is_one(word.as_bytes()));
            let values = values_of(words, reading).map(|value| value.word);
            let words = plain.chain(values);
            let words = words.map(|word| (Cow::Borrowed(word.as_bytes()), None));
            found.extend(options.chain(words).map(|(by, by_option)| Overridden {
                option,
                by,
                by_option,
            }));
        }
    }
    found
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
            Effect::Splits
            | Effect::Writes
            | Effect::Destroys
            | Effect::Changes
            | Effect::Elsewhere
            | Effect::Directory
            | Effect::Unsets
            | Effect::Clears => {}
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
        && !inner.unless.iter().any(|name| reading.has_surely(name))
}

/// The part of `reading` that is one of the options which `inner` is for.
fn asked_for_by(inner: &InnerModel, reading: &Reading<'_>) -> Option<usize> {
    reading.parts.iter().position(|part| match &part.kind {
        Kind::Flag(flag) => inner.when.iter().any(|name| flag.is(name)),
        _ => false,
    })
}
