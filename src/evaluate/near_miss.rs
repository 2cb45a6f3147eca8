//! Rules that a command came close to, for people who wonder why one didn't match.

use std::cmp::Reverse;
use std::ffi::{OsStr, OsString};

use crate::models;
use crate::request::Request;
use crate::request::program::last_component;

use super::index::{IndexedRules, one_of};
use super::judge::judge;
use super::names::{Names, presumed};

/// How many near misses are worth showing.
const MOST: usize = 10;

/// A rule on the same program, or on a misspelt one, that did not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// Index in [`crate::rules::RuleSet::prefix_rules`].
    pub rule: usize,
    /// Where rule and command parted, as an index into `argv`; the program is 0.
    pub token: usize,
    /// What the rule wanted there: any of these.
    pub wanted: Vec<String>,
    /// What the command had there; `None` when it had ended.
    pub had: Option<OsString>,
}

/// The rules on the request's program that don't match its arguments, closest first, at most ten; last
/// those whose program was perhaps meant to be the request's.
pub fn near_misses(index: &IndexedRules, request: &Request) -> Vec<NearMiss> {
    let presumed = presumed(request);
    let mut rules = Vec::new();
    for name in Names::of(request.words(), presumed.as_deref()).iter() {
        index.on_program(name.name, &mut |rule| rules.push(rule));
    }
    rules.sort_unstable();
    rules.dedup();
    // A restriction can match by what its words mean, or a command within this one.
    let matches = judge(index, request).trace.matches;
    rules.retain(|&number| !matches.iter().any(|found| found.rule == number));
    let mut parted: Vec<(usize, usize)> = rules
        .into_iter()
        .filter_map(|rule| Some((rule, parting(index, rule, request)?)))
        .collect();
    parted.extend(misspelt(index, request).map(|rule| (rule, 0)));
    parted.sort_by_key(|&(rule, token)| (Reverse(token), rule));
    parted.truncate(MOST);
    parted
        .into_iter()
        .filter_map(|(rule, token)| {
            let missed = index.rules().prefix_rules.get(rule)?;
            let wanted = match token.checked_sub(1) {
                Some(argument) => missed.rest.get(argument)?.clone(),
                None => vec![missed.program.clone()],
            };
            Some(NearMiss {
                rule,
                token,
                wanted,
                had: request.argv.get(token).cloned(),
            })
        })
        .collect()
}

/// The rules on a program that is not known and is called almost as the request's.
fn misspelt(index: &IndexedRules, request: &Request) -> impl Iterator<Item = usize> {
    let name = request.argv.first().map(|word| last_component(word));
    let name = name.and_then(OsStr::to_str).unwrap_or_default();
    let rules = index.rules().prefix_rules.iter().enumerate();
    rules
        .filter(move |(_, rule)| {
            !models::knows(&rule.program) && models::is_slip(&rule.program, name)
        })
        .map(|(number, _)| number)
}

/// The first token that doesn't match, counted from the program as 0.
fn parting(index: &IndexedRules, rule: usize, request: &Request) -> Option<usize> {
    let rule = index.rules().prefix_rules.get(rule)?;
    let mut words = request.arguments().iter();
    rule.rest
        .iter()
        .position(|wanted| {
            !words
                .next()
                .is_some_and(|word| one_of(wanted, word, rule.canonical))
        })
        .map(|at| at + 1)
}
