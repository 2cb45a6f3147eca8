//! The rules that match a command by its first words, and all that restrict one within another.

use std::ffi::OsString;

use crate::request::Request;
use crate::rules::Decision;
use crate::rules::model::PrefixRule;

use super::index::IndexedRules;
use super::means;
use super::names::{Names, presumed};
use super::verdict::RuleMatch;

/// The rules that restrict `inner`, a command within another.
pub(super) fn restrictions(
    index: &IndexedRules,
    inner: &Request,
    is_placed: bool,
) -> Vec<RuleMatch> {
    let mut found = Vec::new();
    for_each_match(index, inner, &mut |_, rule, matched| {
        if rule.decision != Decision::Allow {
            found.push(matched);
        }
    });
    means::restrictions(index, inner, is_placed, &mut found);
    found.sort_by_key(|matched| matched.rule);
    found.dedup_by_key(|matched| matched.rule);
    for matched in &mut found {
        matched.inner = Some(inner.argv.clone());
    }
    found
}

/// Calls `each` with every rule, in order, that matches under some name of the program.
pub(super) fn for_each_match(
    index: &IndexedRules,
    request: &Request,
    each: &mut dyn FnMut(usize, &PrefixRule, RuleMatch),
) {
    let mut hits: Vec<(usize, usize)> = Vec::new();
    let presumed = presumed(request);
    let names = Names::of(request.words(), presumed.as_deref());
    for (nth, name) in names.iter().enumerate() {
        index.matching(name.name, request.arguments(), &mut |rule| {
            hits.push((rule, nth));
        });
    }
    hits.sort_unstable();
    hits.dedup_by_key(|&mut (rule, _)| rule);
    for (number, nth) in hits {
        let rule = index.rules().prefix_rules.get(number);
        let (Some(rule), Some(name)) = (rule, names.iter().nth(nth)) else {
            continue;
        };
        let words = request.arguments().iter().take(rule.rest.len()).cloned();
        let matched = RuleMatch {
            rule: number,
            matched: std::iter::once(name.name.to_owned()).chain(words).collect(),
            resolved_program: name.of.map(OsString::from),
            inner: None,
            presumed: false,
        };
        each(number, rule, matched);
    }
}
