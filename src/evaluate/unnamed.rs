//! What a command does that a rule which permits it does not name.
//!
//! A rule that permits names words; the command may have more. More files to read, or a louder
//! report, is what the author of `["git", "log"]` expects. An option that starts a program or
//! writes a file, one that sends the program to another server or account, an operand that is a program
//! in a language of its own or sets the system's state, a command behind `timeout`: those make another command of it, and the rule doesn't count unless it
//! names them. Of a program that has a model, the same goes for each word of which nothing is known:
//! an option or a subcommand that the model doesn't have, and all that stands behind that.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use crate::models::Reading;
use crate::models::model::Effect;
use crate::models::reading::{Doubt, Flag, Inner, Kind, Known, Operand, Part, What};
use crate::request::{Program, Request, argv};
use crate::rules::meaning::departure::{LEADS, option_hint};

use super::added;
use super::command_tree::{DEPTH, readings, started_in_place};
use super::index::IndexedRules;

const CHANGES: &str = "changes the system's state";
const ELSEWHERE: &str = "chooses another server, account or configuration";

/// Where output goes that no file holds afterwards.
const NOWHERE: [&str; 4] = ["-", "/dev/null", "/dev/stdout", "/dev/stderr"];

/// Which of a command's arguments a rule names.
#[derive(Debug, Clone, Copy)]
pub(super) struct RuleNamed<'a> {
    /// For each argument, whether it is named.
    pub(super) words: &'a [bool],
    /// Options that are named wherever they stand: any of each.
    pub(super) options: &'a [Vec<String>],
    /// Operands may be anything, so files that are written by being operands are named.
    pub(super) operands: bool,
}

impl<'a> RuleNamed<'a> {
    fn has(self, index: usize) -> bool {
        self.words.get(index).copied().unwrap_or(false)
    }

    /// The same for the words from `start` on, of which the first is a program; `None` if that is
    /// not named.
    fn behind(self, start: usize) -> Option<RuleNamed<'a>> {
        let words = self.words.get(start..)?;
        let (&program, words) = words.split_first()?;
        program.then_some(RuleNamed {
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
pub(super) fn unnamed(
    index: &IndexedRules,
    request: &Request,
    named: RuleNamed<'_>,
) -> Option<String> {
    look(index, request, named, Nesting::default()).or_else(|| interpreted(index, request, named))
}

/// The same of what the interpreter of a script makes of the words behind the script: some take them for their own.
fn interpreted(index: &IndexedRules, script: &Request, named: RuleNamed<'_>) -> Option<String> {
    let interpreter = script.chain().skip(1).last()?;
    let own = interpreter
        .arguments()
        .len()
        .checked_sub(script.arguments().len())?;
    let words = [vec![true; own].as_slice(), named.words].concat();
    let words = words.as_slice();
    let why = look(
        index,
        interpreter,
        RuleNamed { words, ..named },
        Nesting::default(),
    )?;
    let name = argv::word(interpreter.program.base_name());
    Some(format!("{why}, by {name}, its interpreter"))
}

/// Where a command stands that is looked at.
#[derive(Debug, Clone, Copy, Default)]
struct Nesting {
    /// In so many others; the recursion is bounded by [`DEPTH`].
    depth: usize,
    /// One of its words is one that its input may add.
    is_supposed: bool,
}

fn look(
    index: &IndexedRules,
    request: &Request,
    named: RuleNamed<'_>,
    within: Nesting,
) -> Option<String> {
    if within.depth > DEPTH {
        return Some("commands are nested too deep in it".to_owned());
    }
    let in_place =
        started_in_place(request).and_then(|inner| in_place(index, request, &inner, named, within));
    let readings = readings(index, request);
    let mut rest = readings.iter().map(|reading| {
        // Who names the option decides on what it runs; who names that as well, only on that.
        let part_of = |inner: &Inner<'_>| reading.parts.get(inner.option?);
        let by_option = |inner: &Inner<'_>| {
            let is_open = !named.has(inner.words.start) || matches!(inner.what, What::Script(_));
            is_open && part_of(inner).is_some_and(|it| named.has_option(it))
        };
        let mut inner = reading.inner.iter().filter(|inner| !by_option(inner));
        options(reading, named)
            .or_else(|| values(reading, named))
            .or_else(|| unknown_words(reading, named))
            .or_else(|| behind_options(reading, named))
            .or_else(|| operands(reading, named))
            .or_else(|| {
                inner.find_map(|inner| command(index, request, (reading, inner), named, within))
            })
    });
    let unread = || {
        let nobody_reads_it = readings.is_empty();
        nobody_reads_it.then(|| unread(request, named)).flatten()
    };
    in_place
        .or_else(|| rest.find_map(|found| found))
        .or_else(unread)
}

/// The words of `inner` are the last of `request`, or all of them behind some that its name says.
fn in_place(
    index: &IndexedRules,
    request: &Request,
    inner: &Request,
    named: RuleNamed<'_>,
    within: Nesting,
) -> Option<String> {
    let (had, has) = (request.arguments().len(), inner.argv.len());
    let by_name = vec![true; has.saturating_sub(had)];
    let rest = named.words.get(had.saturating_sub(has)..);
    let words = [by_name.as_slice(), rest.unwrap_or_default()].concat();
    let words = words.as_slice();
    inner_command(index, inner, RuleNamed { words, ..named }.behind(0), within)
}

fn inner_command(
    index: &IndexedRules,
    request: &Request,
    named: Option<RuleNamed<'_>>,
    within: Nesting,
) -> Option<String> {
    let deeper = Nesting {
        depth: within.depth + 1,
        ..within
    };
    match named {
        Some(named) => look(index, request, named, deeper),
        None => Some(format!(
            "it runs `{}`, which the rule doesn't name",
            argv::word(&request.program.asked)
        )),
    }
}

/// What an option does that a rule must name; what is worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum UnnamedEffect {
    Runs,
    RunsLine,
    Unknown,
    CutShort,
    Writes,
    Changes,
    Elsewhere,
}

fn options(reading: &Reading<'_>, named: RuleNamed<'_>) -> Option<String> {
    let options = reading.parts.iter().filter_map(|part| match &part.kind {
        Kind::Flag(flag) if !named.has_option(part) => Some((does(flag)?, flag)),
        _ => None,
    });
    let (does, flag) = options.min_by_key(|(does, _)| *does)?;
    let says = match does {
        UnnamedEffect::Runs if flag.has_effect(Effect::Directory) => LEADS,
        UnnamedEffect::Runs => "can run another program",
        UnnamedEffect::RunsLine => "runs a command line",
        UnnamedEffect::Unknown => "is unknown",
        UnnamedEffect::CutShort => "is cut short",
        UnnamedEffect::Writes => "writes a file",
        UnnamedEffect::Changes => CHANGES,
        UnnamedEffect::Elsewhere => ELSEWHERE,
    };
    let option = argv::word(OsStr::from_bytes(&flag.written));
    let hint = match does {
        UnnamedEffect::CutShort => String::new(),
        _ => option_hint(flag),
    };
    Some(format!(
        "option `{option}` {says}, and the rule doesn't name it{hint}"
    ))
}

fn does(flag: &Flag<'_>) -> Option<UnnamedEffect> {
    let lines = [Effect::Script, Effect::Splits, Effect::Commas];
    if flag.known == Known::Unknown {
        Some(UnnamedEffect::Unknown)
    } else if flag.has_effect(Effect::Runs) {
        Some(UnnamedEffect::Runs)
    } else if lines.iter().any(|effect| flag.has_effect(*effect)) {
        Some(UnnamedEffect::RunsLine)
    } else if is_cut_short(flag) {
        Some(UnnamedEffect::CutShort)
    } else if flag.has_effect(Effect::Writes) && !flag.value.is_some_and(is_nowhere) {
        Some(UnnamedEffect::Writes)
    } else if flag.has_effect(Effect::Changes) {
        Some(UnnamedEffect::Changes)
    } else if flag.has_effect(Effect::Elsewhere) {
        Some(UnnamedEffect::Elsewhere)
    } else {
        None
    }
}

/// Whether an option is written as the beginning of its name. Another release of the program, or
/// one option that the model lacks, makes another one of it.
fn is_cut_short(flag: &Flag<'_>) -> bool {
    let (Known::As(option), written) = (flag.known, &*flag.written) else {
        return false;
    };
    let mut names = option.names.iter().map(String::as_bytes);
    let is_long = written.starts_with(b"--") && written.len() > 2;
    let begins = |name: &[u8]| name.len() > written.len() && name.starts_with(written);
    is_long && !names.clone().any(|name| name == written) && names.any(begins)
}

/// A word that is the value of the option before it, but has the form of an option: in another
/// release of the program, it may be one.
fn values(reading: &Reading<'_>, named: RuleNamed<'_>) -> Option<String> {
    reading.parts.iter().find_map(|part| match part.kind {
        Kind::Value(word) if looks_like_option(word) && !named.has(part.index) => Some(format!(
            "`{}` stands for a value but could be an option, and the rule doesn't name it",
            argv::word(word)
        )),
        _ => None,
    })
}

fn looks_like_option(word: &OsStr) -> bool {
    match word.as_bytes() {
        [b'-', second, ..] => *second == b'-' || second.is_ascii_alphabetic(),
        _ => false,
    }
}

/// A subcommand that the model doesn't have, or what stands behind it.
fn unknown_words(reading: &Reading<'_>, named: RuleNamed<'_>) -> Option<String> {
    let unknown = reading.doubts.iter().find_map(|doubt| match doubt {
        Doubt::Subcommand(word) => Some(*word),
        _ => None,
    });
    let unknown = unknown.or_else(|| {
        reading.parts.iter().find_map(|part| match part.kind {
            Kind::Subcommand { word, model: None } => Some(Operand {
                index: part.index,
                word,
            }),
            _ => None,
        })
    })?;
    let subcommand = argv::word(unknown.word);
    if !named.has(unknown.index) {
        return Some(format!(
            "nothing is known of the subcommand `{subcommand}`, which the rule doesn't name"
        ));
    }
    let mut behind = reading.parts.iter().filter(|it| it.index > unknown.index);
    behind.find_map(|part| {
        let word = match &part.kind {
            Kind::Flag(flag) if !named.has_option(part) => OsStr::from_bytes(&flag.written),
            Kind::Operand { word, .. } if !named.operands && !named.has(part.index) => word,
            _ => return None,
        };
        Some(format!(
            "nothing is known of the subcommand `{subcommand}`, so neither of `{}`, which the rule doesn't name",
            argv::word(word)
        ))
    })
}

/// A subcommand behind options that end what the rule names, or an operand where one may stand: the
/// rule is on neither the command around them as a whole nor on what they are asked for.
fn behind_options(reading: &Reading<'_>, named: RuleNamed<'_>) -> Option<String> {
    let has_subcommands = reading
        .model
        .is_none_or(|model| !model.subcommands.is_empty());
    let has_tasks = reading.model.is_some_and(|model| model.tasks) && !named.operands;
    let mut ends_in_option = false;
    for part in &reading.parts {
        let (word, what) = match &part.kind {
            Kind::Subcommand { word, .. } => (word, "a subcommand"),
            Kind::Operand { word, .. } if has_subcommands || has_tasks => (word, "an operand"),
            Kind::Operand { .. } => continue,
            Kind::Flag(_) | Kind::Value(_) | Kind::Dashes => {
                ends_in_option |= named.has(part.index) || named.has_option(part);
                continue;
            }
        };
        if named.has(part.index) {
            ends_in_option = false;
        } else if ends_in_option {
            let word = argv::word(word);
            return Some(format!(
                "`{word}` is {what} behind options, and the rule doesn't name it"
            ));
        }
    }
    None
}

/// The same of a program without a model: behind an option, nobody knows whether a word is its value, a
/// subcommand or an operand.
fn unread(request: &Request, named: RuleNamed<'_>) -> Option<String> {
    let arguments = request.arguments();
    let mut words = arguments.iter().enumerate();
    let response = words.find(|(index, word)| is_response(word) && !named.has(*index));
    if let Some((_, word)) = response {
        return Some(format!(
            "nothing is known of the program, so `{}` may stand for what a file says, and the rule doesn't name it",
            argv::word(word)
        ));
    }
    let last = arguments.iter().enumerate().rev();
    let mut last = last.filter(|(index, _)| named.has(*index));
    let (last, option) = last.next().filter(|(_, word)| looks_like_option(word))?;
    let mut behind = arguments.iter().skip(last + 1);
    let word = behind.find(|word| !looks_like_option(word) && !named.operands)?;
    Some(format!(
        "nothing is known of the program, so neither of `{}` behind `{}`, which the rule doesn't name",
        argv::word(word),
        argv::word(option)
    ))
}

/// Whether a word may stand for options in a file, as it does for compilers, linkers and others.
fn is_response(word: &OsStr) -> bool {
    matches!(word.as_bytes(), [b'@', _, ..])
}

fn is_nowhere(file: &OsStr) -> bool {
    NOWHERE.iter().any(|known| *known == file)
}

fn operands(reading: &Reading<'_>, named: RuleNamed<'_>) -> Option<String> {
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
        Doubt::Keys => Some("it runs what is typed, or what its standard input says".to_owned()),
        Doubt::TooMany => Some("there is more in it than can be looked at".to_owned()),
        _ => None,
    });
    let may_be_anything = |it: &Operand<'_>| {
        let here = |part: &&Part<'_>| part.index == it.index;
        let part = reading.parts.iter().find(here);
        named.operands && part.is_some_and(|part| matches!(part.kind, Kind::Operand { .. }))
    };
    let is_named = |it: &Operand<'_>| named.has(it.index) || may_be_anything(it);
    let written = || {
        let mut written = reading.writes.iter();
        let file = written.find(|it| !is_named(it) && !is_nowhere(it.word))?;
        says(file.word, "a file that it writes")
    };
    let of = |words: &[Operand<'_>], does: &str| {
        let word = words.iter().find(|it| !is_named(it))?;
        let word = argv::word(word.word);
        Some(format!("`{word}` {does}, and the rule doesn't name it"))
    };
    doubt
        .or_else(written)
        .or_else(|| of(&reading.changes, CHANGES))
        .or_else(|| of(&reading.elsewhere, ELSEWHERE))
}

/// Why a rule must name this command in another one, if it must.
fn command(
    index: &IndexedRules,
    request: &Request,
    (around, inner): (&Reading<'_>, &Inner<'_>),
    named: RuleNamed<'_>,
    within: Nesting,
) -> Option<String> {
    // Who names an option, as of `find -exec`, decides on what it runs.
    let is_added_to = inner.appends && inner.option.is_none();
    let argv: Vec<OsString> = match &inner.what {
        What::Words(words) => words.iter().map(|&word| word.to_owned()).collect(),
        // Any word can hold the end of one command and the beginning of another.
        What::Script(_) if !inner.words.clone().all(|word| named.has(word)) => {
            return Some("it runs a script that the rule doesn't name".to_owned());
        }
        What::Script(_) if !is_added_to => return None,
        What::Script(script) => match words_of_plain(script) {
            Some(argv) => argv,
            None => return Some("its input becomes part of a script".to_owned()),
        },
    };
    let program = Program::named(argv.first()?);
    let inner_request = Request::new(program, argv, request.cwd.clone());
    let named = named.behind(inner.words.start);
    let is_added_to = is_added_to && !within.is_supposed;
    inner_command(index, &inner_request, named, within).or_else(|| {
        is_added_to
            .then(|| added_to(index, around, &inner_request, named?))
            .flatten()
    })
}

/// What `request` could do that `named` doesn't name, had it more words, which the command `around` adds.
fn added_to(
    index: &IndexedRules,
    around: &Reading<'_>,
    request: &Request,
    named: RuleNamed<'_>,
) -> Option<String> {
    let replaced = added::replaced(around, &request.argv);
    let own = |(nth, word): (usize, &OsString)| (word.clone(), nth > 0 && named.has(nth - 1));
    let words = request.argv.iter().enumerate().map(own);
    let words: Vec<(OsString, bool)> = words.collect();
    let place = replaced.iter().skip(1).position(|it| *it).map(|at| at + 1);
    let (before, behind) = words.split_at_checked(place.unwrap_or(words.len()))?;
    let behind = behind.iter().zip(replaced.iter().skip(before.len()));
    let behind = behind
        .filter(|(_, replaced)| !**replaced)
        .map(|(word, _)| word.clone());
    let behind: Vec<(OsString, bool)> = behind.collect();
    let supposed = Nesting {
        is_supposed: true,
        ..Nesting::default()
    };
    added::candidates(index, request)
        .into_iter()
        .find_map(|added| {
            let added: Vec<_> = added.into_iter().map(|word| (word, false)).collect();
            let all = [before, added.as_slice(), behind.as_slice()].concat();
            let (argv, names): (Vec<OsString>, Vec<bool>) = all.into_iter().unzip();
            let request = request.for_inner(request.program.clone(), argv);
            let named = RuleNamed {
                words: names.get(1..)?,
                ..named
            };
            let does = look(index, &request, named, supposed)?;
            Some(format!("words from its input could do more: {does}"))
        })
}

/// The words of a script that is nothing but words, as written.
fn words_of_plain(script: &[u8]) -> Option<Vec<OsString>> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" -_./,:+@%{}".contains(byte);
    let words = script
        .split(|byte| *byte == b' ')
        .filter(|it| !it.is_empty());
    let words = words.map(|word| OsStr::from_bytes(word).to_owned());
    script.iter().all(is_plain).then(|| words.collect())
}
