//! Command rules that a command came close to: all but one of their conditions hold.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use crate::models::reading::Flag;
use crate::models::{self, Phrased, Reading};
use crate::request::{Request, argv};
use crate::rules::Decision;
use crate::rules::meaning::{Meaning, Miss, Subject};
use crate::rules::mismatch::Mismatch;
use crate::rules::model::CommandRule;

use super::{Called, NearMiss, Unexcepted, program_had};
use crate::evaluate::index::IndexedRules;
use crate::evaluate::means::Look;
use crate::evaluate::names::{Names, presumed};
use crate::evaluate::verdict::Trace;

/// The rules on the program that is `called` so that its command all but matches, and the others that don't match,
/// with the first that keeps each from it.
pub(super) fn near_misses(
    index: &IndexedRules,
    called: &Called<'_>,
    judged: &Trace,
) -> (Vec<NearMiss>, Vec<NearMiss>) {
    let request = called.request;
    let presumed = presumed(request);
    let names = Names::of(request.words(), presumed.as_deref());
    let is_on_it = |rule: &CommandRule| names.iter().any(|name| rule.could_be_on(name.name));
    let first = index.rules().prefix_rules.len();
    let rules = (first..).zip(&index.rules().command_rules);
    let (on_it, elsewhere): (Vec<_>, Vec<_>) = rules
        .filter(|(number, _)| !judged.tells_of(*number))
        .partition(|(_, rule)| is_on_it(rule));
    let look = Look::at(index, request, true);
    let readings = look.readings();
    let (mut found, mut far) = (Vec::new(), Vec::new());
    for (number, rule) in on_it {
        let miss = readings.iter().find_map(|reading| {
            let phrased = Phrased::of(reading);
            let subject = look.subject(&phrased);
            slip(&rule.meaning, reading).or_else(|| unmet(rule, &subject))
        });
        let placed = |miss: Miss| NearMiss {
            rule: number,
            token: place(request, miss.had.as_deref()),
            wanted: miss.wanted,
            had: miss.had,
            condition: miss.parameter,
            why: miss.why,
        };
        match miss {
            Some(miss) => found.push(placed(miss)),
            None => far.extend(readings.first().map(|reading| {
                let phrased = Phrased::of(reading);
                placed(first_unmet(rule, &look.subject(&phrased)))
            })),
        }
    }
    found.extend(elsewhere.into_iter().filter_map(|(number, rule)| {
        let mut programs = rule.literal_programs();
        let next = rule.meaning.subcommand.first();
        let program = programs.find(|it| called.is_meant_by(it) || called.is_joined(it, next))?;
        Some(NearMiss {
            rule: number,
            token: 0,
            wanted: vec![program.to_owned()],
            had: program_had(program, request),
            condition: None,
            why: None,
        })
    }));
    (found, far)
}

/// The cases of rules which restrict `request` that it all but is: another subcommand is another command, the same
/// by another name is not.
pub(super) fn unexcepted(
    index: &IndexedRules,
    request: &Request,
    judged: &Trace,
) -> Vec<Unexcepted> {
    let look = Look::at(index, request, true);
    let readings = look.readings();
    let mut found = Vec::new();
    for matched in judged.matches.iter().filter(|it| it.inner.is_none()) {
        let rule = index.rules().command_rule(matched.rule);
        let rule = rule.filter(|rule| rule.decision > Decision::Allow);
        let cases = rule
            .into_iter()
            .flat_map(|rule| rule.unless.iter().map(move |case| (rule, case)));
        for (rule, case) in cases {
            let why = readings.iter().find_map(|reading| {
                let phrased = Phrased::of(reading);
                let subject = look.subject(&phrased);
                let departure = case.narrowly(&subject).err()?;
                let is_same = !departure.is_of_subcommand() || case.operands_of(&subject).is_some();
                is_same.then(|| departure.to_string())
            });
            found.extend(why.map(|why| Unexcepted {
                rule: matched.rule,
                case: rule.spelled(case),
                why,
            }));
        }
    }
    found
}

/// Another subcommand, but for one letter.
fn slip(meaning: &Meaning, reading: &Reading<'_>) -> Option<Miss> {
    let mut words = reading.plain().map(|(word, _)| word);
    let mut found = None;
    for wanted in &meaning.subcommand {
        let word = words.next()?;
        if wanted.iter().any(|wanted| word == wanted.as_str()) {
            continue;
        }
        let text = word.to_str()?;
        let is_slip = |wanted: &String| models::is_near(text, wanted);
        if found.is_some() || !wanted.iter().any(is_slip) {
            return None;
        }
        found = Some(Miss {
            wanted: wanted.clone(),
            had: Some(word.to_owned()),
            ..Miss::default()
        });
    }
    found
}

/// The first that the command does not meet.
fn first_unmet(rule: &CommandRule, command: &Subject<'_>) -> Miss {
    let unmet = rule.meaning.unmet(command);
    if let Some(condition) = unmet.as_ref().and_then(|unmet| unmet.first()) {
        return condition.unmet(&rule.meaning, command);
    }
    let mut words = command.reading.plain().map(|(word, _)| word);
    let parted = rule.meaning.subcommand.iter().find_map(|wanted| {
        let word = words.next();
        let agrees = word.is_some_and(|word| wanted.iter().any(|wanted| word == wanted.as_str()));
        (!agrees).then(|| Miss {
            wanted: wanted.clone(),
            had: word.map(OsStr::to_owned),
            ..Miss::default()
        })
    });
    parted.unwrap_or_default()
}

/// The only condition that the command can't meet or, if it meets each, that a case excepts it.
fn unmet(rule: &CommandRule, command: &Subject<'_>) -> Option<Miss> {
    match rule.meaning.unmet(command)?.as_slice() {
        [] => match rule.applies(command) {
            Err(Mismatch::Excepted(case)) => Some(excepted(rule.spelled(case), case, command)),
            _ => None,
        },
        [condition] => Some(condition.unmet(&rule.meaning, command)),
        _ => None,
    }
}

/// What a rule leaves alone by a case that is `spelled` so.
fn excepted(spelled: String, case: &Meaning, command: &Subject<'_>) -> Miss {
    let had = telling(case, command);
    let by = had.as_deref().map(argv::brief_word);
    let by = by.map_or_else(String::new, |word| format!(", which is met by {word}"));
    let shown = argv::visible(&spelled);
    Miss {
        parameter: Some("unless"),
        why: Some(format!("leaves it alone by its `unless`: {shown}{by}")),
        wanted: vec![spelled],
        had,
    }
}

/// The word by which a command is of some meaning: what tells it from others comes first.
fn telling(meaning: &Meaning, command: &Subject<'_>) -> Option<OsString> {
    let reading = command.reading;
    let is_wanted = |flag: &&Flag<'_>| meaning.flags.iter().flatten().any(|name| flag.is(name));
    let option = reading.flags().find(is_wanted);
    let option = option.map(|flag| OsStr::from_bytes(&flag.written).to_owned());
    let values = meaning.options.iter();
    let mut values = values.flat_map(|option| reading.values(&option.name));
    let operand = || {
        let wanted = meaning.operands.as_ref()?;
        let patterns = wanted.places.iter().flatten();
        let mut patterns = patterns.chain(wanted.rest.iter().flatten());
        let words = meaning.operands_of(command)?;
        patterns.find_map(|pattern| {
            words
                .iter()
                .find(|word| command.widely(pattern, word))
                .copied()
        })
    };
    let subcommand = || {
        let mut words = reading.plain().map(|(word, _)| word);
        words.nth(meaning.subcommand.len().checked_sub(1)?)
    };
    option.or_else(|| {
        let word = values.find_map(|value| value);
        word.or_else(operand)
            .or_else(subcommand)
            .map(OsStr::to_owned)
    })
}

/// Where a command has a word, or an option with it; the end, where it has not.
fn place(request: &Request, had: Option<&OsStr>) -> usize {
    let words = request.argv.iter().enumerate().skip(1);
    let had = had.map(OsStr::as_bytes).unwrap_or_default();
    let is = |exactly: bool| {
        let mut words = words.clone();
        let is_it = |word: &OsString| {
            let word = word.as_bytes();
            !had.is_empty() && (word == had || !exactly && word.ends_with(had))
        };
        words.find(|(_, word)| is_it(word)).map(|(at, _)| at)
    };
    is(true).or_else(|| is(false)).unwrap_or(request.argv.len())
}

#[cfg(test)]
mod tests;
