//! Rules that a command missed, and exceptions that it is none of, for people.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::rc::Rc;

use crate::evaluate::{IndexedRules, NearMiss, NearMisses, Trace, Unexcepted, near_misses};
use crate::request::{Program, Request, argv};
use crate::rules::RuleSet;
use crate::rules::meaning::{any_word, stars_hint};

use super::explain::Explanation;

/// What is told of the rules on a program that don't match.
pub(super) struct Missed<'a> {
    /// Those that are shown are near.
    pub(super) is_near: bool,
    /// Those that are shown.
    pub(super) shown: &'a [NearMiss],
    /// The others, which are counted.
    rest: &'a [NearMiss],
}

impl<'a> Missed<'a> {
    /// The near ones; where none is and none matches, `most` of the others.
    pub(super) fn of(explanation: &Explanation<'a>, most: usize) -> Option<Self> {
        let misses = explanation.near_misses;
        let (near, others) = (misses.nearest.as_slice(), misses.others.as_slice());
        if !near.is_empty() {
            return Some(Self {
                is_near: true,
                shown: near,
                rest: others,
            });
        }
        let is_unmatched = explanation.judgement.trace.matches.is_empty();
        let (shown, rest) = others.split_at(others.len().min(most));
        (is_unmatched && !others.is_empty()).then_some(Self {
            is_near: false,
            shown,
            rest,
        })
    }

    /// How many there are beside, and where the nearest of them is.
    pub(super) fn more(&self, rules: &RuleSet) -> Option<String> {
        let first = rules.rule(self.rest.first()?.rule)?;
        let place = rules.place(first.span);
        let (and, more) = if self.shown.is_empty() {
            ("", "")
        } else {
            ("and ", " more")
        };
        Some(match self.rest.len() {
            1 => format!("{and}1{more} rule on this program that doesn't match, at {place}"),
            count => format!(
                "{and}{count}{more} rules on this program that don't match, the nearest at {place}"
            ),
        })
    }
}

/// As many commands are remembered.
const REMEMBERED: usize = 4096;

/// What commands nearly matched, for the same command once.
#[derive(Default)]
pub(super) struct MissesOfAll<'a>(HashMap<Missing<'a>, Rc<NearMisses>>);

/// What rules that a command missed depend on.
#[derive(PartialEq, Eq, Hash)]
struct Missing<'a> {
    argv: &'a [OsString],
    program: &'a Program,
    directory: &'a Path,
    variables: Option<*const (OsString, OsString)>,
    /// The rules that are told of, and what they match within.
    told: Vec<(usize, Option<&'a [OsString]>)>,
}

impl<'a> MissesOfAll<'a> {
    pub(super) fn of(
        &mut self,
        rules: &IndexedRules,
        request: &'a Request,
        trace: &'a Trace,
    ) -> Rc<NearMisses> {
        let matched = trace.matches.iter();
        let matched = matched.map(|it| (it.rule, it.inner.as_deref()));
        let others = trace.rules().skip(trace.matches.len());
        let key = Missing {
            argv: &request.argv,
            program: &request.program,
            directory: &request.cwd,
            variables: request.environment.as_ref().map(|all| all.as_ptr()),
            told: matched.chain(others.map(|rule| (rule, None))).collect(),
        };
        if let Some(known) = self.0.get(&key) {
            return known.clone();
        }
        let found = Rc::new(near_misses(rules, request, trace));
        if self.0.len() < REMEMBERED {
            self.0.insert(key, found.clone());
        }
        found
    }
}

/// What keeps a rule from matching a command, in words; of some, no single thing does.
pub(super) fn note(miss: &NearMiss) -> Option<String> {
    let is_word = !miss.wanted.is_empty();
    miss.why.clone().or_else(|| is_word.then(|| parted(miss)))
}

/// Why an exception doesn't hold, in words.
pub(super) fn not_excepted(it: &Unexcepted) -> String {
    format!(
        "{} doesn't hold: {}",
        argv::visible(&it.case),
        argv::visible(&it.why)
    )
}

fn parted(miss: &NearMiss) -> String {
    let wanted = any_word(&miss.wanted);
    let token = miss.token;
    match &miss.had {
        Some(had) if token == 0 => {
            let hint = program_hint(miss);
            format!("is about {wanted}, not {}{hint}", argv::brief_word(had))
        }
        Some(had) => {
            let hint = stars_hint(&miss.wanted, "; a prefix_rule takes a `*` as it stands");
            let option = option_hint(miss, had);
            format!(
                "wants {wanted} as word {token}, which is {}{hint}{option}",
                argv::brief_word(had)
            )
        }
        None => format!("wants {wanted} as word {token}, where the command ends"),
    }
}

/// What is to be done where an option stands before the word that a rule wants.
fn option_hint(miss: &NearMiss, had: &OsStr) -> &'static str {
    let is_option = |word: &[u8]| word.len() > 1 && word.starts_with(b"-");
    let wants_one = miss.wanted.iter().any(|word| is_option(word.as_bytes()));
    if is_option(had.as_bytes()) && !wants_one {
        "; a command_rule may name such an option, by `flags` or `options`"
    } else {
        ""
    }
}

/// What is to be done where a rule has more than a program for one.
fn program_hint(miss: &NearMiss) -> &'static str {
    let mut wanted = miss.wanted.iter();
    if wanted.any(|program| program.contains(char::is_whitespace)) {
        "; each word is a separate string"
    } else {
        ""
    }
}
