//! What a command does that a rule which permits it does not name.
//!
//! A rule that permits names words; the command may have more. More files to read, or a louder
//! report, is what the author of `["git", "log"]` expects. An option that starts a program or
//! writes a file, an operand that is a program in a language of its own, a command behind
//! `timeout`: those make another command of it, and the rule doesn't count unless it names them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use crate::models::Reading;
use crate::models::model::Effect;
use crate::models::reading::{Doubt, Flag, Inner, Kind, Known, Part, What};
use crate::request::{Program, Request, argv};

use super::index::IndexedRules;
use super::sight::readings;
use super::within::started_in_place;

/// How many commands, each within the other, may be named.
const DEPTH: usize = 8;

/// Where output goes that no file holds afterwards.
const NOWHERE: [&str; 4] = ["-", "/dev/null", "/dev/stdout", "/dev/stderr"];

/// Which of a command's arguments a rule names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    /// For each argument, whether it is named.
    pub(super) words: &'a [bool],
    /// Options that are named wherever they stand: any of each.
    pub(super) options: &'a [Vec<String>],
    /// Operands may be anything, so files that are written by being operands are named.
    pub(super) operands: bool,
}

impl<'a> Named<'a> {
    fn has(self, index: usize) -> bool {
        self.words.get(index).copied().unwrap_or(false)
    }

    /// The same for the words from `start` on, of which the first is a program; `None` if that is
    /// not named.
    fn behind(self, start: usize) -> Option<Named<'a>> {
        let words = self.words.get(start..)?;
        let (&program, words) = words.split_first()?;
        program.then_some(Named {
            words,
            options: &[],
            ..self
        })
    }

    fn has_option(self, part: &Part<'_>) -> bool {
        let listed = |flag: &Flag<'_>| self.options.iter().flatten().any(|name| flag.is(name));
        match &part.kind {
            Kind::Flag(flag) => self.has(part.index) || listed(flag),
            _ => false,
        }
    }
}

/// The first thing that `request` does and that `named` doesn't name, in words.
pub(super) fn unnamed(index: &IndexedRules, request: &Request, named: Named<'_>) -> Option<String> {
    look(index, request, named, 0)
}

/// The depth of the recursion is bounded by [`DEPTH`].
fn look(index: &IndexedRules, request: &Request, named: Named<'_>, depth: usize) -> Option<String> {
    if depth > DEPTH {
        return Some("commands are nested too deep in it".to_owned());
    }
    let in_place =
        started_in_place(request).and_then(|inner| in_place(index, request, &inner, named, depth));
    let readings = readings(index, request);
    let mut rest = readings.iter().map(|reading| {
        // Who names the option decides on what it runs.
        let part_of = |inner: &Inner<'_>| reading.parts.get(inner.option?);
        let by_option = |inner: &Inner<'_>| part_of(inner).is_some_and(|it| named.has_option(it));
        let mut inner = reading.inner.iter().filter(|inner| !by_option(inner));
        options(reading, named)
            .or_else(|| operands(reading, named))
            .or_else(|| inner.find_map(|inner| command(index, request, inner, named, depth)))
    });
    in_place.or_else(|| rest.find_map(|found| found))
}

/// The words of `inner` are the last of `request`, or all of them behind some that its name says.
fn in_place(
    index: &IndexedRules,
    request: &Request,
    inner: &Request,
    named: Named<'_>,
    depth: usize,
) -> Option<String> {
    let (had, has) = (request.arguments().len(), inner.argv.len());
    let by_name = vec![true; has.saturating_sub(had)];
    let rest = named.words.get(had.saturating_sub(has)..);
    let words = [by_name.as_slice(), rest.unwrap_or_default()].concat();
    let words = words.as_slice();
    inner_command(index, inner, Named { words, ..named }.behind(0), depth)
}

fn inner_command(
    index: &IndexedRules,
    request: &Request,
    named: Option<Named<'_>>,
    depth: usize,
) -> Option<String> {
    match named {
        Some(named) => look(index, request, named, depth + 1),
        None => Some(format!(
            "it runs `{}`, which the rule doesn't name",
            argv::word(&request.program.asked)
        )),
    }
}

/// What an option does that a rule must name; what is worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Does {
    Runs,
    RunsLine,
    Unknown,
    Writes,
}

fn options(reading: &Reading<'_>, named: Named<'_>) -> Option<String> {
    let options = reading.parts.iter().filter_map(|part| match &part.kind {
        Kind::Flag(flag) if !named.has_option(part) => Some((does(flag, reading)?, flag)),
        _ => None,
    });
    if let Some((does, flag)) = options.min_by_key(|(does, _)| *does) {
        let says = match does {
            Does::Runs => "can run another program",
            Does::RunsLine => "runs a command line",
            Does::Unknown => "is unknown",
            Does::Writes => "writes a file",
        };
        let option = argv::word(OsStr::from_bytes(&flag.written));
        return Some(format!(
            "option `{option}` {says}, and the rule doesn't name it"
        ));
    }
    reading.parts.iter().find_map(|part| match part.kind {
        Kind::Subcommand { word, model: None } if !named.has(part.index) => Some(format!(
            "nothing is known of the subcommand `{}`, which the rule doesn't name",
            argv::word(word)
        )),
        _ => None,
    })
}

fn does(flag: &Flag<'_>, reading: &Reading<'_>) -> Option<Does> {
    let lines = [Effect::Script, Effect::Splits, Effect::Commas];
    if flag.known == Known::Unknown && (flag.global || reading.model.is_some()) {
        Some(Does::Unknown)
    } else if flag.has_effect(Effect::Runs) {
        Some(Does::Runs)
    } else if lines.iter().any(|effect| flag.has_effect(*effect)) {
        Some(Does::RunsLine)
    } else if flag.has_effect(Effect::Writes) && !flag.value.is_some_and(is_nowhere) {
        Some(Does::Writes)
    } else {
        None
    }
}

fn is_nowhere(file: &OsStr) -> bool {
    NOWHERE.iter().any(|known| *known == file)
}

fn operands(reading: &Reading<'_>, named: Named<'_>) -> Option<String> {
    let says = |word: &OsStr, does: &str| {
        let word = argv::word(word);
        Some(format!("`{word}` is {does}, and the rule doesn't name it"))
    };
    let doubt = reading.doubts.iter().find_map(|doubt| match doubt {
        Doubt::File(file) if !named.has(file.index) => {
            says(file.word, "a file of commands that it runs")
        }
        Doubt::Code(code) if !named.has(code.index) => says(code.word, "a program that it runs"),
        Doubt::Input => Some("it runs what its standard input says".to_owned()),
        Doubt::TooMany => Some("there is more in it than can be looked at".to_owned()),
        _ => None,
    });
    let written = || {
        let mut written = reading.writes.iter();
        let file = written.find(|it| !named.has(it.index) && !is_nowhere(it.word))?;
        says(file.word, "a file that it writes")
    };
    doubt.or_else(|| if named.operands { None } else { written() })
}

/// Why a rule must name this inner command, if it must.
fn command(
    index: &IndexedRules,
    request: &Request,
    inner: &Inner<'_>,
    named: Named<'_>,
    depth: usize,
) -> Option<String> {
    let words = match &inner.what {
        What::Words(words) => words,
        // Any word can hold the end of one command and the beginning of another.
        What::Script(_) => {
            let all = inner.words.clone().all(|word| named.has(word));
            return (!all).then(|| "it runs a script that the rule doesn't name".to_owned());
        }
    };
    let argv: Vec<OsString> = words.iter().map(|&word| word.to_owned()).collect();
    let program = Program::named(argv.first()?);
    let inner_request = Request::new(program, argv, request.cwd.clone());
    let named = named.behind(inner.words.start);
    inner_command(index, &inner_request, named, depth)
}
