//! What a command runs by itself: what its words say, and what is known to run in its place.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::evaluate::index::IndexedRules;
use crate::models::reading::{Doubt, What};
use crate::models::{self, CommandModel, Reading};
use crate::request::{Program, Request, Words};
use crate::script;

use super::surroundings::Surroundings;
use super::{SaidBy, models_of};

/// One thing that a command runs.
#[derive(Debug)]
pub(super) enum InnerRun {
    /// A command, by its words.
    Words {
        /// The program and its arguments.
        argv: Vec<OsString>,
        /// Words that can't be known are put behind it.
        appends: bool,
        /// And in the place of these.
        marks: Vec<OsString>,
    },
    /// A script for a shell.
    Script {
        text: Vec<u8>,
        /// What `$0`, `$1` and so on are, if it has its own.
        given: Option<Vec<OsString>>,
    },
    /// A file that a shell reads as a script.
    File {
        file: OsString,
        /// What `$0`, `$1` and so on are.
        given: Vec<OsString>,
    },
    /// The command that the file which an interpreter reads would be by itself.
    Interpreted(Vec<OsString>),
}

/// What a command runs, and how.
#[derive(Debug)]
pub(super) struct InnerFound {
    pub(super) run: InnerRun,
    /// In what it starts.
    pub(super) around: Surroundings,
    /// It does not run here.
    pub(super) is_unseen: bool,
}

/// What a command of these words runs, in the order of the words, and whether there is more; `input` is
/// what a here-document gives it.
pub(super) fn runs(
    index: &IndexedRules,
    words: Words<'_>,
    input: Option<&[u8]>,
    around: &Surroundings,
) -> (Vec<InnerFound>, bool) {
    let (mut found, mut incomplete) = (Vec::new(), false);
    let models = models_of(index, words).into_iter();
    for model in models.filter(|model| model.runs_commands() || model.runs_files()) {
        let reading = models::read(model, words.arguments());
        incomplete |= reading.doubts.contains(&Doubt::TooMany);
        let is = |asked: fn(&CommandModel) -> bool| reading.model.is_some_and(asked);
        let reads_file = is(CommandModel::is_shell) || script::reads_script(words.asked.as_bytes());
        let reads = |doubt: &Doubt<'_>| match doubt {
            Doubt::Input => is(CommandModel::hands_input_to_shell),
            Doubt::File(file) => reads_file && file.word.as_bytes().starts_with(b"<("),
            _ => false,
        };
        let input = input.filter(|_| reading.doubts.iter().any(reads));
        let file = reading.doubts.iter().find_map(|doubt| match doubt {
            Doubt::File(file) if input.is_none() && reads_file => Some(*file),
            _ => None,
        });
        let interpreted = interpreted(model, &reading, words);
        let has_file = file.is_some() || interpreted.is_some();
        if reading.inner.is_empty() && input.is_none() && !has_file {
            continue;
        }
        let around = around.behind(&reading);
        let inner = reading.inner.iter().map(|inner| match &inner.what {
            What::Words(words) => InnerRun::Words {
                argv: words.iter().map(|&word| word.to_owned()).collect(),
                appends: inner.appends,
                marks: if inner.appends {
                    reading.marks().map(OsStr::to_owned).collect()
                } else {
                    Vec::new()
                },
            },
            What::Script(script) => InnerRun::Script {
                text: script.to_vec(),
                given: is(CommandModel::is_shell).then(|| {
                    let behind = words.arguments().get(inner.words.end..);
                    behind.unwrap_or_default().to_vec()
                }),
            },
        });
        let inner = inner.chain(input.map(|text| InnerRun::Script {
            text: text.to_vec(),
            given: None,
        }));
        let file = file.map(|file| InnerRun::File {
            file: file.word.to_owned(),
            given: words
                .arguments()
                .get(file.index..)
                .unwrap_or_default()
                .to_vec(),
        });
        let is_unseen = reading.is_unseen();
        let interpreted = interpreted.map(InnerRun::Interpreted);
        found.extend(inner.chain(file).chain(interpreted).map(|run| InnerFound {
            run,
            around: around.clone(),
            is_unseen,
        }));
    }
    (found, incomplete)
}

/// The files that an interpreter of these words is given to read, each as the program that it would be by itself.
pub(in crate::evaluate) fn interpreted_files(
    index: &IndexedRules,
    words: Words<'_>,
) -> impl Iterator<Item = OsString> {
    let models = models_of(index, words).into_iter();
    let interpreters = models.filter(|model| model.runs_files());
    interpreters.filter_map(move |model| {
        let reading = models::read(model, words.arguments());
        interpreted(model, &reading, words)?.into_iter().next()
    })
}

/// The command that `./script a b` would be, of one that has an interpreter read that file. A shell that reads
/// it itself starts nothing.
fn interpreted(
    model: &CommandModel,
    reading: &Reading<'_>,
    words: Words<'_>,
) -> Option<Vec<OsString>> {
    if script::reads_script(words.asked.as_bytes()) {
        return None;
    }
    let file = reading.doubts.iter().find_map(|doubt| match doubt {
        Doubt::File(file) if model.runs_files() => Some(file),
        _ => None,
    })?;
    let behind = words.arguments().get(file.index..)?;
    let mut words = behind.to_vec();
    if let Some(first) = words.first_mut()
        && !first.as_bytes().contains(&b'/')
    {
        *first = Path::new(".").join(&*first).into();
    }
    Some(words)
}

/// What runs in the place of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InPlace {
    pub(super) program: Program,
    /// Its words.
    pub(super) argv: Vec<OsString>,
    /// What of the command's file says so.
    pub(super) said_by: SaidBy,
}

/// What is known to run in the place of `request`, beside what its words say: the interpreters of a script,
/// and what each file was copied from.
pub(super) fn in_place_of(request: &Request) -> Vec<InPlace> {
    let copied = |it: &Request| {
        let original = it.copy_of.as_ref()?;
        let words = std::iter::once(original.into()).chain(it.arguments().iter().cloned());
        Some(InPlace {
            program: Program::named(original),
            argv: words.collect(),
            said_by: SaidBy::Copy,
        })
    };
    let interpreters = request.chain().skip(1).flat_map(|it| {
        let itself = InPlace {
            program: it.program.clone(),
            argv: it.argv.clone(),
            said_by: SaidBy::Interpreter,
        };
        std::iter::once(itself).chain(copied(it))
    });
    copied(request).into_iter().chain(interpreters).collect()
}
