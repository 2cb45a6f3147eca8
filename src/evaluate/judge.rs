//! From rules and a request to the verdict.

use std::cmp::Reverse;

use crate::request::Request;
use crate::rules::Decision;
use crate::rules::model::{PrefixRule, Run};

use super::command_tree::{CommandTree, KnownVariables, Node};
use super::heuristic;
use super::index::IndexedRules;
use super::matches::{Matches, untrusted};
use super::means;
use super::names::objection;
use super::restrictions::{for_each_match, restrictions};
use super::sight::CommandSight;
use super::unforeseen::Foresight;
use super::unmatched::{or_stricter_default, unmatched};
use super::unnamed::{RuleNamed, unnamed};
use super::verdict::{Basis, Judgement, RuleMatch, Trace};
use super::withheld::unless_withheld;

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
    let sight = CommandSight::of(tree, within(index, request, tree, |_| true));
    judge_seeing(index, request, &sight)
}

/// The same for one exec among others: what it starts in the sandbox comes to be judged when it
/// does start, so rules and heuristics that restrict that count here only if this would run outside. Nobody
/// is asked about what would be refused then.
pub fn judge_exec(index: &IndexedRules, request: &Request) -> Judgement {
    judge_exec_in(index, request, &CommandTree::of(index, request))
}

/// The same of a request whose tree is known.
pub fn judge_exec_in(index: &IndexedRules, request: &Request, tree: &CommandTree) -> Judgement {
    let sight = CommandSight::followed(tree, within(index, request, tree, Node::is_unjudged));
    let found = collect(index, request, &sight);
    let judge_whole = || judge_in(index, request, tree);
    match found.run {
        None | Some(Run::Inside) => {
            let alone = conclude(index, request, &sight, found);
            let is_asked = alone.verdict.decision == Decision::Prompt;
            let refused = is_asked.then(judge_whole);
            let refused = refused.filter(|it| it.verdict.decision == Decision::Forbidden);
            refused.unwrap_or(alone)
        }
        Some(_) => judge_whole(),
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
        verdict: Matches::default().verdict(Decision::Prompt, basis),
        trace: Trace::default(),
    })
}

/// The same as [`judge`] of a request within which there is what is in `sight`.
pub(super) fn judge_seeing(
    index: &IndexedRules,
    request: &Request,
    sight: &CommandSight<'_>,
) -> Judgement {
    let found = collect(index, request, sight);
    conclude(index, request, sight, found)
}

/// The rules that restrict one of the commands of the `tree` of `request` that are as asked, or would if what
/// nobody can know of it were so.
fn within(
    index: &IndexedRules,
    request: &Request,
    tree: &CommandTree,
    is_asked: impl Fn(&Node) -> bool,
) -> Vec<RuleMatch> {
    let (mut foresight, mut known) = (Foresight::default(), KnownVariables::default());
    let mut found = Vec::new();
    let nodes = tree.nodes().iter();
    for node in nodes.filter(|node| is_asked(node) && index.may_restrict(node.words())) {
        for inner in node.requests(request, &mut known) {
            found.extend(restrictions(index, &inner.request, inner.is_placed));
            found.extend(foresight.presumed(index, node, &inner.request));
        }
    }
    found
}

fn conclude(
    index: &IndexedRules,
    request: &Request,
    sight: &CommandSight<'_>,
    found: Matches,
) -> Judgement {
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

/// The rules that match `request` or, if they restrict, one of the commands in `sight`.
fn collect(index: &IndexedRules, request: &Request, sight: &CommandSight<'_>) -> Matches {
    let mut found = Matches::default();
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
    let named = RuleNamed {
        words: &words,
        options: &[],
        operands: false,
    };
    unnamed(index, request, named)
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
