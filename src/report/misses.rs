//! Rules that a command missed, and exceptions that it is none of, for people.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::rc::Rc;

use crate::evaluate::{IndexedRules, NearMiss, NearMisses, Trace, Unexcepted, near_misses};
use crate::request::program::normalised;
use crate::request::{Program, Request, argv};
use crate::rules::meaning::{any_word, stars_hint};
use crate::rules::{Decision, RuleSet};

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
    /// Where a rule asks for any.
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
        let asked_for = request.environment.as_ref();
        let asked_for = asked_for.filter(|_| rules.have_conditions_on_variables_of(request));
        let key = Missing {
            argv: &request.argv,
            program: &request.program,
            directory: &request.cwd,
            variables: asked_for.map(|all| all.as_ptr()),
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
pub(super) fn note(miss: &NearMiss, explanation: &Explanation<'_>) -> Option<String> {
    let is_word = !miss.wanted.is_empty();
    let parted = || parted(miss, explanation);
    miss.why.clone().or_else(|| is_word.then(parted))
}

/// Why an exception doesn't hold, in words.
pub(super) fn not_excepted(it: &Unexcepted) -> String {
    format!(
        "{} doesn't hold: {}",
        argv::visible(&it.case),
        argv::visible(&it.why)
    )
}

fn parted(miss: &NearMiss, explanation: &Explanation<'_>) -> String {
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
            let operand = operand_hint(miss, had, explanation);
            format!(
                "wants {wanted} as word {token}, which is {}{hint}{option}{operand}",
                argv::brief_word(had)
            )
        }
        None => format!("wants {wanted} as word {token}, where the command ends"),
    }
}

/// What is to be done where an option stands before the word that a rule wants.
fn option_hint(miss: &NearMiss, had: &OsStr) -> &'static str {
    let is_option =
        |word: &[u8]| word.len() > 1 && word.first().is_some_and(|sign| b"-+".contains(sign));
    let wants_one = miss.wanted.iter().any(|word| is_option(word.as_bytes()));
    if is_option(had.as_bytes()) && !wants_one {
        "; a command_rule may name such an option, by `flags` or `options`"
    } else {
        ""
    }
}

/// What is to be done where a rule that restricts wants a word which stands elsewhere, or a path that is spelled
/// otherwise.
fn operand_hint(miss: &NearMiss, had: &OsStr, explanation: &Explanation<'_>) -> &'static str {
    let request = explanation.request;
    let rule = explanation.rules.rules().rule(miss.rule);
    let restricts = rule.is_some_and(|rule| rule.decision > Decision::Allow);
    let path = |word: &OsStr| normalised(&request.cwd.join(word));
    let is_path = had.as_bytes().contains(&b'/');
    let mut behind = request.argv.iter().skip(miss.token + 1);
    let mut wanted = miss.wanted.iter().map(OsStr::new);
    let is_operand = |word: &&OsStr| !word.as_bytes().starts_with(b"-");
    if !restricts {
        ""
    } else if is_path && wanted.clone().any(|word| path(word) == path(had)) {
        "; a command_rule with `args` goes by where a path leads"
    } else if behind.any(|word| wanted.any(|wanted| is_operand(&wanted) && wanted == word)) {
        "; a command_rule with `args` finds it among others"
    } else {
        ""
    }
}

/// What is to be done where a rule has more than a program for one, or one in no form that counts.
fn program_hint(miss: &NearMiss) -> &'static str {
    let any = |is: fn(&String) -> bool| miss.wanted.iter().any(is);
    if any(|program| program.contains(char::is_whitespace)) {
        "; each word is a separate string"
    } else if any(|program| program.contains('=')) {
        "; a variable is for `env` of a command_rule"
    } else if any(|program| program.contains('/') && !program.starts_with('/')) {
        "; a relative path is that spelling alone: name the file without its directory, or with all of them"
    } else {
        ""
    }
}
