//! Words that a command's input adds to it, as `xargs` does: what they could be.
//!
//! Nobody knows them when the command is judged. One can be any option or operand; those are given here of
//! which a model says that they have an effect; whether a rule that permits must name that, who asks decides.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use crate::models::Reading;
use crate::models::model::{CommandModel, OptionModel, Takes};
use crate::models::reading::What;
use crate::request::{Program, Request};

use super::command_tree::{DEPTH, readings};
use super::index::IndexedRules;

/// What stands for a word that nobody knows.
const WORD: &str = "WORD";

/// As many operands may be added at once: what a wrapper wants before its command, and that.
const OPERANDS: usize = 4;

/// Words that may be added to `request`, a few at a time: operands, and what its models know of, also behind
/// the value of an option that `request` ends in.
pub(super) fn candidates(index: &IndexedRules, request: &Request) -> Vec<Vec<OsString>> {
    let mut known = Vec::new();
    collect(index, request, 0, &mut known);
    known.sort();
    known.dedup();
    let behind = known
        .iter()
        .map(|words| [&[WORD.into()], words.as_slice()].concat());
    let operands = (1..=OPERANDS).map(|count| vec![WORD.into(); count]);
    operands
        .chain(behind.collect::<Vec<_>>())
        .chain(known)
        .collect()
}

fn collect(index: &IndexedRules, request: &Request, depth: usize, found: &mut Vec<Vec<OsString>>) {
    if depth > DEPTH {
        return;
    }
    for reading in readings(index, request) {
        let models = reading.program.into_iter().chain(reading.subcommands());
        models.for_each(|model| of_model(model, found));
        for inner in &reading.inner {
            let What::Words(words) = &inner.what else {
                continue;
            };
            let argv: Vec<OsString> = words.iter().map(|&word| word.to_owned()).collect();
            if let Some(program) = argv.first().map(Program::named) {
                let inner = request.for_inner(program, argv);
                collect(index, &inner, depth + 1, found);
            }
        }
    }
}

fn of_model(model: &CommandModel, found: &mut Vec<Vec<OsString>>) {
    let telling = model.options.iter().filter(|it| !it.effects.is_empty());
    found.extend(telling.filter_map(of_option));
    let inner = model.inner.iter();
    let options = inner.flat_map(|inner| inner.follows.iter().chain(&inner.when));
    found.extend(options.map(|option| vec![option.into(), WORD.into(), ";".into()]));
    let of = model.inner.iter().flat_map(|inner| &inner.of);
    let forms = model
        .changes
        .iter()
        .chain(&model.elsewhere)
        .chain(&model.reads)
        .chain(of);
    let forms = forms.filter(|form| !form.starts_with('!'));
    found.extend(forms.map(|form| vec![form.replace('*', WORD).into()]));
    if model.syntax.response == Some(true) {
        found.push(vec![format!("@{WORD}").into()]);
    }
    found.extend(model.chains.iter().map(|end| vec![end.into(), WORD.into()]));
}

fn of_option(option: &OptionModel) -> Option<Vec<OsString>> {
    let name = option.names.first()?;
    let attached = if name.starts_with("--") {
        format!("{name}={WORD}")
    } else {
        format!("{name}{WORD}")
    };
    Some(match option.takes {
        _ if name.ends_with('=') => vec![attached.into()],
        Takes::Nothing => vec![name.into()],
        Takes::Attached => vec![attached.into()],
        Takes::Value | Takes::Number => vec![name.into(), WORD.into()],
    })
}

/// Which of `words`, the command that `reading` says is run, others are put in the place of; none: they are
/// put behind.
pub(super) fn replaced(reading: &Reading<'_>, words: &[OsString]) -> Vec<bool> {
    let signs: Vec<&OsStr> = reading.marks().chain([OsStr::new("{}")]).collect();
    let is_replaced = |word: &OsString| signs.iter().any(|sign| contains(word, sign));
    words.iter().map(is_replaced).collect()
}

fn contains(word: &OsStr, sign: &OsStr) -> bool {
    let (word, sign) = (word.as_bytes(), sign.as_bytes());
    !sign.is_empty() && word.windows(sign.len()).any(|part| part == sign)
}
