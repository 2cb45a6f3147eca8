//! Words of which nobody knows what a program makes of what they name: that may be code.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow::{self, Break, Continue};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use crate::models;
use crate::models::Reading;
use crate::models::model::{Effect, Form};
use crate::models::reading::{Doubt, Kind, Known};
use crate::request::program::normalised;
use crate::request::{Request, Words};

use super::command_tree::{CommandTree, Node, called, models_of, runs_another, whole_names};
use super::index::IndexedRules;

/// So many names are taken from the words of one command.
const NAMES: usize = 4096;

/// Options of interpreters whose value is a program, whatever it looks like.
const TEXT_OPTIONS: [&str; 3] = ["-e", "-c", "-r"];

/// What stands between names in a text.
const BETWEEN: &[u8] = b" \t\n\r'\"`,;:=|&()<>{}[]!@$*?#";

impl IndexedRules {
    /// Whether a program of these names has such words. Cheap.
    pub fn may_be_unaccounted(&self, words: Words<'_>) -> bool {
        unaccounted(self, words, &mut |_| Break(())).is_break()
    }
}

/// What words of `request`, or of what it runs without an exec that would show it, may name: paths, there or not,
/// each with whether it is a part of a text. `None` where there are more than anybody looks at.
pub fn unaccounted_files(
    index: &IndexedRules,
    request: &Request,
) -> Option<BTreeMap<PathBuf, bool>> {
    let tree = CommandTree::of(index, request);
    let within = tree.requests(request, Node::is_unjudged);
    let within: Vec<Request> = within.map(|inner| inner.request).collect();
    let mut files = BTreeMap::new();
    for one in std::iter::once(request).chain(&within) {
        let path = |name: &[u8]| normalised(&one.cwd.join(OsStr::from_bytes(name)));
        let take = &mut |word: &OsStr| {
            let word = word.as_bytes();
            let parts = word.split(|byte| BETWEEN.contains(byte));
            let parts = parts.filter(|part| is_name(part));
            files.extend(parts.map(|part| (path(part), true)));
            // What is behind the letters of options, or behind a `=`, may be a value.
            let is_cluster = word.starts_with(b"-") && !word.starts_with(b"--");
            let letters = if is_cluster { 2..word.len() } else { 0..1 };
            if letters.len() > NAMES {
                return Break(());
            }
            let behind = letters.filter_map(|at| word.get(at..));
            let value = word.iter().position(|byte| *byte == b'=');
            let value = value.and_then(|at| word.get(at + 1..));
            let whole = behind.chain(value);
            let whole = whole.filter(|name| !name.is_empty());
            files.extend(whole.map(|name| (path(name), false)));
            if files.len() > NAMES {
                Break(())
            } else {
                Continue(())
            }
        };
        if unaccounted(index, one.words(), take).is_break() {
            return None;
        }
    }
    Some(files)
}

/// Whether a part of a text could name anything but the directory itself or one above, which say nothing there.
fn is_name(name: &[u8]) -> bool {
    !name.iter().all(|byte| b"./".contains(byte))
}

/// Goes through the words of a command of which no model says what they are, or that are a text in a language of
/// its own.
fn unaccounted(
    index: &IndexedRules,
    words: Words<'_>,
    take: &mut dyn FnMut(&OsStr) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let arguments = words.arguments();
    let models = models_of(index, words);
    if models.is_empty() && runs_another(words) {
        return Continue(());
    }
    if models.is_empty() {
        let first = arguments.first().map(|word| word.as_bytes());
        let takes = whole_names(words).map(|name| {
            let name = called(name).to_str().unwrap_or_default();
            models::takes_data(name, first)
        });
        let takes: Option<Vec<_>> = takes.collect();
        let mut is_behind = false;
        // Of some, an option can name a program.
        let is_open = |word: &&OsString| {
            let is_option = word.as_bytes().starts_with(b"-");
            let was_behind = std::mem::replace(&mut is_behind, is_option);
            match &takes {
                None => true,
                Some(all) if all.iter().all(|takes| takes.bears_options) => false,
                Some(_) => is_option || was_behind,
            }
        };
        let mut rest = arguments.iter().filter(is_open);
        return rest.try_for_each(|word| take(word));
    }
    let mut models = models.into_iter();
    models.try_for_each(|model| unaccounted_in(&models::read(model, arguments), arguments, take))
}

fn unaccounted_in(
    reading: &Reading<'_>,
    arguments: &[OsString],
    take: &mut dyn FnMut(&OsStr) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut is_unknown = false;
    for part in &reading.parts {
        let word = match &part.kind {
            Kind::Flag(flag) if flag.known == Known::Unknown || is_unknown => {
                arguments.get(part.index).map(OsString::as_os_str)
            }
            Kind::Flag(flag) if flag.has_effect(Effect::Runs) => flag.value,
            Kind::Subcommand { model: None, .. } => {
                is_unknown = true;
                None
            }
            Kind::Operand { word, doubtful } if *doubtful || is_unknown => Some(*word),
            _ => None,
        };
        word.map_or(Continue(()), &mut *take)?;
    }
    reading.doubts.iter().try_for_each(|doubt| match doubt {
        Doubt::Code(code) | Doubt::Subcommand(code) => take(code.word),
        _ => Continue(()),
    })?;
    read_by_code(reading).into_iter().try_for_each(take)
}

/// The words that a program in one of the words may do what it likes with.
fn read_by_code<'a>(reading: &Reading<'a>) -> Vec<&'a OsStr> {
    let model = reading.model.or(reading.program);
    let runs_nothing =
        |code: &OsStr| model.is_some_and(|model| models::runs_nothing(model, code.as_bytes()));
    if texts(reading).into_iter().all(runs_nothing) {
        return Vec::new();
    }
    let words = reading.parts.iter().filter_map(|part| match &part.kind {
        Kind::Operand { word, .. } => Some(*word),
        Kind::Flag(flag) => flag.value,
        _ => None,
    });
    words.collect()
}

/// The words that are programs, in the place of files that an interpreter would run.
fn texts<'a>(reading: &Reading<'a>) -> Vec<&'a OsStr> {
    let inner = reading.model.or(reading.program);
    let inner = inner.into_iter().flat_map(|model| &model.inner);
    let inner = inner.filter(|inner| inner.of.is_empty());
    let (mut options, mut is_code) = (Vec::new(), false);
    for inner in inner.filter(|inner| matches!(inner.form, Form::File | Form::Code)) {
        is_code |= inner.form == Form::Code;
        options.extend(&inner.unless);
    }
    let codes = reading.doubts.iter().filter_map(|doubt| match doubt {
        Doubt::Code(code) if is_code => Some(code.word),
        _ => None,
    });
    let flags = reading
        .flags()
        .filter(|flag| flag.has_effect(Effect::Runs) && options.iter().any(|name| flag.is(name)));
    let values = flags.filter_map(|flag| {
        let is_text = TEXT_OPTIONS.iter().any(|name| flag.is(name));
        flag.value.filter(|value| is_text || !is_path(value))
    });
    codes.chain(values).collect()
}

/// Whether it can be meant for the name of a file.
fn is_path(word: &OsStr) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+/=,@%~".contains(byte);
    word.as_bytes().iter().all(is_plain)
}
