//! A program and its words: whether it does what the sandboxed side says.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::options::{is_inert, is_option_outside, is_plain_setting, starts_nothing};
use super::{Fault, Ground, Handed};
use crate::models::model::{CommandModel, Effect, Form, InnerModel};
use crate::models::reading::{Doubt, Inner, Kind, What};
use crate::models::{self, Reading, TakesData};

/// Stands for what is handed to the program behind its own words: a path or text that nobody knows yet.
const WHAT_IS_HANDED: &[u8] = b"%";
/// As many commands are looked at, each within the other.
const DEPTH: usize = 8;

/// Looks at a program and its arguments.
///
/// # Errors
/// It may do what the sandboxed side says.
pub fn look_at_words(words: &[&[u8]], handed: Handed, ground: &Ground<'_>) -> Result<(), Fault> {
    look(words, handed, ground, 0)
}

fn look(words: &[&[u8]], handed: Handed, ground: &Ground<'_>, depth: usize) -> Result<(), Fault> {
    let Some((&program, rest)) = words.split_first() else {
        return Ok(());
    };
    let is_place_holder = program.starts_with(b"%");
    let is_assignment = program.contains(&b'=');
    if depth > DEPTH || is_place_holder || is_assignment || !ground.is_program_outside(program) {
        return Err(Fault::Leads);
    }
    let name = program.rsplit(|&byte| byte == b'/').next();
    let name = name.map_or("", |name| std::str::from_utf8(name).unwrap_or_default());
    // `git-credential-store` is `git credential-store`.
    let dashed = name
        .strip_prefix("git-")
        .filter(|_| models::builtin(name).is_none());
    let own = usize::from(dashed.is_some());
    let arguments: Vec<OsString> = dashed
        .map(str::as_bytes)
        .into_iter()
        .chain(rest.iter().copied())
        .chain((handed != Handed::Nothing).then_some(WHAT_IS_HANDED))
        .map(|word| OsStr::from_bytes(word).to_owned())
        .collect();
    let model = models::builtin(if dashed.is_some() { "git" } else { name });
    let reading = model.map(|model| models::read(model, &arguments));
    let read = reading.as_ref();
    let takes = models::takes_data(name, rest.first().copied());
    let interprets = read.is_some_and(|read| interprets(read.model.or(model)));
    let are_outside = if interprets {
        rest.iter().all(|word| ground.is_outside(word))
    } else {
        let known = takes.map_or(0, |takes| takes.words);
        are_words_outside(rest, own, known, read, ground)
    };
    if !are_outside {
        return Err(Fault::Leads);
    }
    if handed == Handed::Nothing {
        return Ok(());
    }
    if let Some(reading) = read {
        look_at_reading(reading, name, handed, ground, depth)?;
        if interprets && !says_what_to_run(reading, ground) {
            return Err(Fault::Runs(name.to_owned()));
        }
    }
    match handed {
        Handed::Nothing | Handed::Words => Ok(()),
        // What it starts was looked at, and is handed the same.
        _ if read.is_some_and(|read| !read.inner.is_empty()) => Ok(()),
        Handed::Contents | Handed::Names | Handed::Several => {
            takes_for_data(takes, read, name, handed)
        }
    }
}

/// Whether each of a program's words is known to name nothing of the sandboxed side's. `own` words are put
/// before them to read them, and so many of the first are known.
fn are_words_outside(
    words: &[&[u8]],
    own: usize,
    known: usize,
    read: Option<&Reading<'_>>,
    ground: &Ground<'_>,
) -> bool {
    let mut before: &[u8] = b"";
    words.iter().enumerate().all(|(index, &word)| {
        let is_setting = before == b"-o" && is_plain_setting(word);
        before = word;
        index < known
            || is_setting
            || is_inert(word)
            || ground.is_outside(word)
            || is_option_outside(word, index + own, read, ground)
            || read.is_some_and(|reading| is_subcommand(reading, index + own))
    }) && read.is_none_or(|reading| reading.flags().all(|flag| starts_nothing(flag, ground)))
}

fn is_subcommand(reading: &Reading<'_>, index: usize) -> bool {
    let mut parts = reading.parts.iter().filter(|part| part.index == index);
    parts.any(|part| matches!(part.kind, Kind::Subcommand { model: Some(_), .. }))
}

/// Whether words or the input of a program are commands, or the name of a file of them.
fn interprets(model: Option<&CommandModel>) -> bool {
    let mut inner = model.into_iter().flat_map(|model| &model.inner);
    inner.any(|inner| match inner.form {
        Form::Words => inner.follows.is_empty(),
        Form::Line => !is_elsewhere(inner),
        Form::Input => !model.is_some_and(leads_elsewhere),
        // What options say is looked at with them.
        Form::Script => inner.of.is_empty(),
        Form::File | Form::Code => true,
        Form::Keys => false,
    })
}

/// ssh: a machine and a command for it are handed to it, so that its input is none.
fn leads_elsewhere(model: &CommandModel) -> bool {
    model.inner.iter().any(is_elsewhere)
}

fn is_elsewhere(inner: &InnerModel) -> bool {
    inner.form == Form::Line && inner.after == 1
}

/// Whether an interpreter is told by its own words what to run.
fn says_what_to_run(reading: &Reading<'_>, ground: &Ground<'_>) -> bool {
    let is_own = |doubt: &Doubt<'_>| match doubt {
        Doubt::File(it) | Doubt::Code(it) => ground.is_outside(it.word.as_bytes()),
        _ => false,
    };
    !reading.inner.is_empty() || reading.doubts.iter().any(is_own)
}

/// Looks at what a program obeys and starts.
fn look_at_reading(
    reading: &Reading<'_>,
    name: &str,
    handed: Handed,
    ground: &Ground<'_>,
    depth: usize,
) -> Result<(), Fault> {
    let beside = reading.obeys_beside();
    let is_beside_own = beside.is_some_and(|script| ground.is_outside(script.as_bytes()));
    if let Some(file) = reading.obeyed_file().filter(|_| !is_beside_own) {
        return Err(Fault::Obeys(name.to_owned(), file.to_owned()));
    }
    for doubt in &reading.doubts {
        match doubt {
            Doubt::File(it) | Doubt::Code(it) if !ground.is_outside(it.word.as_bytes()) => {
                return Err(Fault::Runs(name.to_owned()));
            }
            Doubt::Input if !reading.model.is_some_and(leads_elsewhere) => {
                return Err(Fault::Runs(name.to_owned()));
            }
            Doubt::TooMany => return Err(Fault::Leads),
            // Keys: of what a program takes from the terminal a person is asked when it starts.
            _ => {}
        }
    }
    let mut inner = reading.inner.iter();
    inner.try_for_each(|inner| look_within(inner, name, handed, ground, depth))
}

/// Looks at a command that another one runs.
fn look_within(
    inner: &Inner<'_>,
    name: &str,
    handed: Handed,
    ground: &Ground<'_>,
    depth: usize,
) -> Result<(), Fault> {
    let What::Words(words) = &inner.what else {
        return Err(Fault::Runs(name.to_owned()));
    };
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let own = words.strip_suffix(&[WHAT_IS_HANDED]).unwrap_or(&words);
    if own.is_empty() {
        return Err(Fault::Runs(name.to_owned()));
    }
    look(own, handed, ground, depth + 1)
}

/// Whether a program is known to take what it is handed for data.
fn takes_for_data(
    takes: Option<TakesData>,
    read: Option<&Reading<'_>>,
    name: &str,
    handed: Handed,
) -> Result<(), Fault> {
    let unknown = || Fault::Unknown(name.to_owned());
    let takes = takes.ok_or_else(unknown)?;
    let is_odd =
        |doubt: &Doubt<'_>| matches!(doubt, Doubt::UnknownOption(_) | Doubt::Subcommand(_));
    if read.is_some_and(|read| read.doubts.iter().any(is_odd)) {
        return Err(unknown());
    }
    let bears = match read {
        _ if handed == Handed::Contents => true,
        _ if handed == Handed::Several => takes.bears_words,
        Some(read) => bears_options(read),
        None => takes.bears_options,
    };
    if bears {
        Ok(())
    } else {
        Err(Fault::Options(name.to_owned()))
    }
}

/// Whether none of its options, were one among the names that it is handed, would start or write anything;
/// or a person is asked when it starts.
fn bears_options(reading: &Reading<'_>) -> bool {
    let does = |effect| Effect::STARTING_OR_WRITING.contains(effect);
    let mut parts = reading.parts.iter();
    let mut options = reading.model.into_iter().flat_map(|model| &model.options);
    parts.any(|part| part.kind == Kind::Dashes)
        || reading.doubts.contains(&Doubt::Keys)
        || !options.any(|option| option.effects.iter().any(does))
}
