//! From rules and a request to the verdict.

use std::cmp::Reverse;
use std::ffi::OsString;

use crate::request::Request;
use crate::rules::model::{PrefixRule, Profile, Run, Span};
use crate::rules::{Decision, Layer};

use super::command_tree::CommandTree;
use super::heuristic;
use super::index::IndexedRules;
use super::means;
use super::names::{Names, objection, presumed};
use super::sight::Sight;
use super::unmatched::{or_stricter_default, unmatched};
use super::unnamed::{Named, unnamed};
use super::verdict::{Basis, Judgement, Placement, RuleMatch, Trace, Verdict};
use super::withheld::unless_withheld;

/// Why a rule that matches a command within another says nothing about where that runs.
pub(super) const WITHIN: &str = "the rule is about another command, which this one runs";

/// What the rules and the heuristics say of `request`, and why.
///
/// Rules that restrict (prompt, forbidden) match any of the program's names, what it runs without
/// another exec, and what its words say it will start; by what those mean, where that is known.
/// Rules that permit match only the path that runs, only a program that the sandboxed side can't
/// have put there, and only what is literally there; and not if the command has an option, a
/// program or a script besides that makes something else of it. The strictest match decides. Where none
/// matches, the heuristics do, whether all rules could be read, and `default(...)`; else the
/// command is allowed, inside.
pub fn judge(index: &IndexedRules, request: &Request) -> Judgement {
    judge_in(index, request, &CommandTree::of(index, request))
}

/// The same of a request whose tree is known.
pub fn judge_in(index: &IndexedRules, request: &Request, tree: &CommandTree) -> Judgement {
    judge_seeing(index, request, &Sight::of(index, request, tree))
}

/// The same for one exec among others: what it starts in the sandbox comes to be judged when it
/// does start, so rules and heuristics that restrict that count here only if this would run outside. Nobody
/// is asked about what would be refused then.
pub fn judge_exec(index: &IndexedRules, request: &Request) -> Judgement {
    judge_exec_in(index, request, &CommandTree::of(index, request))
}

/// The same of a request whose tree is known.
pub fn judge_exec_in(index: &IndexedRules, request: &Request, tree: &CommandTree) -> Judgement {
    let sight = Sight::followed(index, request, tree);
    let found = collect(index, request, &sight);
    let whole = || judge_seeing(index, request, &Sight::of(index, request, tree));
    match found.run {
        None | Some(Run::Inside) => {
            let alone = conclude(index, request, &sight, found);
            let is_asked = alone.verdict.decision == Decision::Prompt;
            let refused = is_asked.then(whole);
            let refused = refused.filter(|it| it.verdict.decision == Decision::Forbidden);
            refused.unwrap_or(alone)
        }
        Some(_) => whole(),
    }
}

/// What the text that `request`, a shell whose `tree` this is, is started with shows as a whole, where each
/// program in it is judged when it starts: what the network sends is run by another. `None` if there is nothing to
/// say. Rules are not looked at: see [`super::ScriptJudgement::asks_about_flows`].
pub fn judge_flows(
    index: &IndexedRules,
    request: &Request,
    tree: &CommandTree,
) -> Option<Judgement> {
    let danger = heuristic::flow_in(index, request.words(), tree)?;
    let basis = Basis::Heuristic {
        code: danger.code,
        reason: danger.reason,
    };
    Some(Judgement {
        verdict: Found::default().verdict(Decision::Prompt, basis),
        trace: Trace::default(),
    })
}

/// The same as [`judge`] of a request within which there is what is in `sight`.
pub(super) fn judge_seeing(
    index: &IndexedRules,
    request: &Request,
    sight: &Sight<'_>,
) -> Judgement {
    let found = collect(index, request, sight);
    conclude(index, request, sight, found)
}

/// Why a command's words can't be relied on, as far as rules that permit are concerned.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    /// The first word that is in doubt, 0 for the program.
    pub(super) from: usize,
    /// Why, in words.
    pub(super) reason: String,
}

fn conclude(index: &IndexedRules, request: &Request, sight: &Sight<'_>, found: Found) -> Judgement {
    let verdict = match strictest(index, &found.trace.matches) {
        Some((decision, rule)) => {
            let verdict = found.verdict(decision, Basis::Rule(rule));
            if found.run.is_some() {
                unless_withheld(index, request, verdict)
            } else {
                // A rule that matches widely restricts; it is no exception to the default.
                or_stricter_default(index, verdict)
            }
        }
        None => unmatched(index, request, sight),
    };
    Judgement {
        verdict,
        trace: found.trace,
    }
}

/// The rules that match, and where those that may lift the command out of the sandbox want it.
#[derive(Default)]
pub(super) struct Found {
    pub(super) trace: Trace,
    /// The most confined place that a rule asks for.
    run: Option<Run>,
    /// Every sandbox that a rule asks for.
    profiles: Vec<Profile>,
    /// The variables that one of them passes.
    pass_env: Vec<String>,
}

impl Found {
    /// A rule matches as narrowly as it takes to leave the sandbox.
    pub(super) fn lift(&mut self, run: &Run, pass_env: &[String]) {
        for name in pass_env {
            if !self.pass_env.contains(name) {
                self.pass_env.push(name.clone());
            }
        }
        if let Run::Profile(profile) = run
            && !self.profiles.contains(profile)
        {
            self.profiles.push(profile.clone());
        }
        if self.run.as_ref().is_none_or(|least| run < least) {
            self.run = Some(run.clone());
        }
    }

    /// A rule that asks first matches too widely for that, and why.
    pub(super) fn keep_inside(&mut self, rule: usize, reason: String) {
        let kept = &mut self.trace.kept_inside;
        if !kept.iter().any(|(known, _)| *known == rule) {
            kept.push((rule, reason));
        }
    }

    fn verdict(&self, decision: Decision, basis: Basis) -> Verdict {
        let run = match &self.run {
            Some(run) if decision != Decision::Forbidden => run.clone(),
            _ => Run::Inside,
        };
        let placement = match run {
            Run::Inside => Placement::Inside,
            Run::Profile(_) | Run::Outside | Run::Unconfined => Placement::Outside,
        };
        let pass_env = match placement {
            Placement::Inside => Vec::new(),
            Placement::Outside => self.pass_env.clone(),
        };
        let profiles = match run {
            Run::Profile(_) => self.profiles.clone(),
            Run::Inside | Run::Outside | Run::Unconfined => Vec::new(),
        };
        Verdict {
            decision,
            placement,
            run,
            profiles,
            pass_env,
            basis,
        }
    }
}

/// The rules that match `request` or, if they restrict, one of the commands in `sight`.
fn collect(index: &IndexedRules, request: &Request, sight: &Sight<'_>) -> Found {
    let mut found = Found::default();
    for_each_match(index, request, &mut |number, rule, matched| {
        // Leaving the sandbox is a permission, so a prompt must match as narrowly for that.
        let objection = untrusted(index, rule.span)
            .or_else(|| objection(index, rule.into(), &request.program))
            .or_else(|| sight.objection(matched.matched.len()))
            .or_else(|| beyond(index, request, rule));
        match objection {
            Some(reason) if rule.decision == Decision::Allow => {
                found.trace.discounted.push((number, reason));
            }
            objection => {
                match objection {
                    None if rule.decision != Decision::Forbidden => found.lift(&Run::Outside, &[]),
                    Some(reason) if rule.decision == Decision::Prompt => {
                        found.keep_inside(number, reason);
                    }
                    _ => {}
                }
                found.trace.matches.push(matched);
            }
        }
    });
    means::collect(index, request, sight, &mut found);
    found
        .trace
        .matches
        .sort_by_key(|matched| (matched.rule, matched.presumed));
    found.trace.matches.dedup_by_key(|matched| matched.rule);
    found.trace.on_trial.sort_by_key(|matched| matched.rule);
    found.trace.on_trial.dedup_by_key(|matched| matched.rule);
    found
}

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

/// Why a rule lets nothing out of the sandbox, whatever the command.
pub(super) fn untrusted(index: &IndexedRules, rule: Span) -> Option<String> {
    let changed = index.rules().layer(rule.file) == Layer::Changed;
    changed.then(|| "the project of the rule has changed since it was trusted".to_owned())
}

/// What the command does beyond the words of a rule that permits. Of a prompt, a person sees all
/// words.
fn beyond(index: &IndexedRules, request: &Request, rule: &PrefixRule) -> Option<String> {
    if rule.decision != Decision::Allow {
        return None;
    }
    let mut words = vec![false; request.arguments().len()];
    words
        .iter_mut()
        .take(rule.rest.len())
        .for_each(|word| *word = true);
    let named = Named {
        words: &words,
        options: &[],
        operands: false,
    };
    unnamed(index, request, named)
}

/// Calls `each` with every rule, in order, that matches under some name of the program.
fn for_each_match(
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

/// The winning decision, and the first rule that makes it with the longest match.
fn strictest(index: &IndexedRules, matches: &[RuleMatch]) -> Option<(Decision, usize)> {
    let rank = |found: &RuleMatch| {
        let rules = index.rules();
        let decision = rules.rule(found.rule)?.decision;
        let decision = if found.presumed {
            decision.min(Decision::Prompt)
        } else {
            decision
        };
        // Of two for the same words, the one that says them so.
        let prefix = rules.prefix_rules.get(found.rule);
        let words = Reverse(prefix.map_or(0, |rule| rule.rest.len()));
        Some((decision, found.matched.len(), words, Reverse(found.rule)))
    };
    let best = matches.iter().filter_map(rank).max()?;
    let (decision, _, _, Reverse(rule)) = best;
    Some((decision, rule))
}
