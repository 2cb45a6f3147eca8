//! The ways to say one command: by other names of its subcommands, in one word or in two.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::model::CommandModel;
use super::reading::{Kind, Part, Reading};

/// A subcommand or an operand, as rules that restrict see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain<'a> {
    /// The word.
    pub word: &'a OsStr,
    /// The command's own word for it; `None` if it has none.
    pub written: Option<&'a OsStr>,
    /// Its names, if it is a subcommand that is known: `npm i` is `npm install`.
    names: &'a [String],
    /// A rule may pass over it: it could be the value of an unknown option, or it is one of several tasks.
    pub is_optional: bool,
}

impl Plain<'_> {
    /// Whether a rule may call it `wanted`.
    pub fn is(&self, wanted: &OsStr) -> bool {
        self.word == wanted || self.names.iter().any(|name| OsStr::new(name) == wanted)
    }

    /// What rules may call it: itself and, of a subcommand, its other names.
    pub fn spellings(&self) -> impl Iterator<Item = &[u8]> {
        let others = self.names.iter().map(String::as_bytes);
        let word = self.word.as_bytes();
        std::iter::once(word).chain(others.filter(move |name| *name != word))
    }
}

/// In [`CommandModel::short`]: whatever is no subcommand beside the group.
const ANY: &str = "*";

impl CommandModel {
    /// Whether `word`, behind this subcommand of `program` or without it, is the same.
    fn stands_for_others(&self, program: &Self, word: &Plain<'_>) -> bool {
        let is_any = self.short.iter().any(|short| short == ANY);
        is_any && program.subcommand(word.word).is_none()
    }
}

/// A command, and each way to say it.
#[derive(Debug)]
pub struct Phrased<'b, 'a> {
    /// The command.
    pub reading: &'b Reading<'a>,
    /// Its subcommands and operands in order, as they were written.
    written: Vec<Plain<'a>>,
    /// What the first of them are in each other way to say the same: `docker image push x` is `docker push x`.
    others: Vec<Beginning<'a>>,
}

/// The words that stand for the first so many of those that were written.
type Beginning<'a> = (Vec<Plain<'a>>, usize);

/// A command's subcommands and operands in order, in one way to say them.
#[derive(Debug, Clone, Copy)]
pub struct Phrasing<'p, 'a> {
    beginning: &'p [Plain<'a>],
    rest: &'p [Plain<'a>],
}

impl<'p, 'a> Phrasing<'p, 'a> {
    /// The words.
    pub fn words(self) -> impl Iterator<Item = &'p Plain<'a>> + Clone {
        self.beginning.iter().chain(self.rest)
    }
}

impl<'b, 'a> Phrased<'b, 'a> {
    /// The ways to say what is read so.
    pub fn of(reading: &'b Reading<'a>) -> Self {
        let has_tasks = reading.is_in_any_order();
        let plain = |part: &Part<'a>| plain(part, has_tasks);
        let written: Vec<Plain<'a>> = reading.parts.iter().filter_map(plain).collect();
        let mut others = Vec::new();
        if let Some(program) = reading.program.filter(|model| model.has_short_forms()) {
            let short = shortened(program, &written).map(|first| (vec![first], 2));
            let first = match &short {
                Some((words, instead)) => words.first().map(|first| (*first, *instead)),
                None => written.first().map(|first| (*first, 1)),
            };
            let long = first.map(|(first, instead)| {
                let all = lengthened(program, first);
                all.map(move |words| (Vec::from(words), instead))
            });
            others = short
                .into_iter()
                .chain(long.into_iter().flatten())
                .collect();
        }
        Self {
            reading,
            written,
            others,
        }
    }

    /// Each way to say it, beginning with the one that was written.
    pub fn phrasings(&self) -> impl Iterator<Item = Phrasing<'_, 'a>> {
        let as_written = std::iter::once((&[][..], 0));
        let others = self.others.iter();
        let others = others.map(|(beginning, instead)| (beginning.as_slice(), *instead));
        as_written
            .chain(others)
            .map(|(beginning, instead)| Phrasing {
                beginning,
                rest: self.written.get(instead..).unwrap_or_default(),
            })
    }
}

fn plain<'a>(part: &Part<'a>, has_tasks: bool) -> Option<Plain<'a>> {
    let (word, names, is_optional) = match part.kind {
        Kind::Subcommand { word, model } => {
            (word, model.map_or(&[][..], |model| &model.names), false)
        }
        Kind::Operand { word, doubtful } => (word, &[][..], doubtful || has_tasks),
        _ => return None,
    };
    Some(Plain {
        word,
        written: Some(word),
        names,
        is_optional,
    })
}

/// The first two words as the one that says the same.
fn shortened<'a>(program: &'a CommandModel, written: &[Plain<'a>]) -> Option<Plain<'a>> {
    let [first, second, ..] = written else {
        return None;
    };
    let group = known(program, |name| first.is(OsStr::new(name)))?;
    let short = group.short.iter().map(|it| forms(it));
    let short = { short }.find(|(long, _)| second.is(OsStr::new(long)));
    match short {
        Some((_, short)) => Some(said(program, short, second.written)),
        None => group.stands_for_others(program, second).then_some(*second),
    }
}

/// The first word as each two that say the same.
fn lengthened<'a>(
    program: &'a CommandModel,
    first: Plain<'a>,
) -> impl Iterator<Item = [Plain<'a>; 2]> {
    let groups = program.subcommands.iter();
    let all = groups.flat_map(|group| group.short.iter().map(move |it| (group, forms(it))));
    all.filter_map(move |(group, (long, short))| {
        let is_other = long == ANY && group.stands_for_others(program, &first);
        if !is_other && !first.is(OsStr::new(short)) {
            return None;
        }
        let group_word = said(program, group.names.first()?, None);
        let second = if is_other {
            first
        } else {
            said(group, long, first.written)
        };
        Some([group_word, second])
    })
}

/// `rm rmi` as the name in a group and the one beside it; `push` is both.
fn forms(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, text))
}

/// A word for the subcommand `name`, where the command has another or none.
fn said<'a>(around: &'a CommandModel, name: &'a str, written: Option<&'a OsStr>) -> Plain<'a> {
    let model = known(around, |known| known == name);
    Plain {
        word: OsStr::new(name),
        written,
        names: model.map_or(&[][..], |model| &model.names),
        is_optional: false,
    }
}

fn known(around: &CommandModel, is: impl Fn(&str) -> bool) -> Option<&CommandModel> {
    let mut subcommands = around.subcommands.iter();
    subcommands.find(|it| it.names.iter().any(|name| is(name)))
}
