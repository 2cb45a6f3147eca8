//! The verdict on a command that no rule matches.

use crate::request::{Request, Words};
use crate::rules::model::Run;
use crate::rules::{Decision, RuleSet};

use super::command_tree::{CommandTree, Node, Shown};
use super::heuristic::{self, Danger, Descendants};
use super::index::IndexedRules;
use super::sight::CommandSight;
use super::verdict::{Basis, Placement, Verdict};

/// What the heuristics, broken files and `default(...)` say of `request` and of what is in `sight`:
/// the strictest, in this order where they agree. It runs inside.
pub(super) fn unmatched(
    index: &IndexedRules,
    request: &Request,
    sight: &CommandSight<'_>,
) -> Verdict {
    let (decision, basis) = without_default(index, sight.danger(index, request));
    let (decision, basis) = match strictest_default(index.rules()) {
        Some((said, rule)) if said > decision || basis == Basis::Unmatched => {
            (said, Basis::Default(rule))
        }
        _ => (decision, basis),
    };
    Verdict {
        decision,
        placement: Placement::Inside,
        run: Run::Inside,
        profiles: Vec::new(),
        pass_env: Vec::new(),
        basis,
    }
}

/// `verdict`, unless a default is stricter.
pub(super) fn or_stricter_default(index: &IndexedRules, verdict: Verdict) -> Verdict {
    match strictest_default(index.rules()) {
        Some((decision, rule)) if decision > verdict.decision => Verdict {
            decision,
            placement: Placement::Inside,
            run: Run::Inside,
            profiles: Vec::new(),
            pass_env: Vec::new(),
            basis: Basis::Default(rule),
        },
        _ => verdict,
    }
}

/// Whether heuristics, broken files and `default(...)` have nothing to say of a command of these
/// words, which runs no other in its place; and it runs none of which a rule would have to be asked here.
pub(super) fn nothing_is_said_of(index: &IndexedRules, words: Words<'_>) -> bool {
    let tree = CommandTree::of_words(index, words);
    let has_rule = |node: &Node| node.is_same_process() && index.may_restrict(node.words());
    let is_asked = |node: &Node| node.shown == Shown::Never || has_rule(node);
    if tree.nodes().iter().any(is_asked) {
        return false;
    }
    let danger = heuristic::danger_in(index, words, &tree, Descendants::Unjudged);
    let (_, basis) = without_default(index, danger);
    basis == Basis::Unmatched && strictest_default(index.rules()).is_none()
}

fn without_default(index: &IndexedRules, danger: Option<Danger>) -> (Decision, Basis) {
    if let Some(danger) = danger {
        let basis = Basis::Heuristic {
            code: danger.code,
            reason: danger.reason,
        };
        (Decision::Prompt, basis)
    } else if index.is_broken() {
        (Decision::Prompt, Basis::BrokenRules)
    } else {
        (Decision::Allow, Basis::Unmatched)
    }
}

/// The first of the strictest defaults.
fn strictest_default(rules: &RuleSet) -> Option<(Decision, usize)> {
    let all = rules.defaults.iter().enumerate();
    let said = all.map(|(number, rule)| (rule.decision, number));
    said.reduce(|best, next| if next.0 > best.0 { next } else { best })
}

#[cfg(test)]
mod tests {

    use std::path::PathBuf;

    use super::*;
    use crate::evaluate::judge;
    use crate::request::{Program, Trust, WorkingDirectory};
    use crate::rules::from_own_text;

    fn judged(rules: &str, command: &str) -> (Decision, Basis) {
        let words = shlex::split(command).unwrap();
        let request = Request {
            program: Program::named(&words[0]),
            argv: words.iter().map(Into::into).collect(),
            cwd: WorkingDirectory::new("/work").unwrap(),
            environment: None,
            withheld: Vec::new(),
            leading: Vec::new(),
            interpreter: None,
            copy_of: None,
            followed: None,
            pins: Vec::new(),
            aliases: Vec::new(),
        };
        let index = IndexedRules::new(from_own_text("t.rules", rules));
        let verdict = judge(&index, &request).verdict;
        if !matches!(verdict.basis, Basis::Rule(_)) {
            assert_eq!(verdict.placement, Placement::Inside);
        }
        (verdict.decision, verdict.basis)
    }

    #[test]
    fn a_default_decides_where_nothing_else_does() {
        for (said, decision) in [
            ("allow", Decision::Allow),
            ("prompt", Decision::Prompt),
            ("forbidden", Decision::Forbidden),
        ] {
            let rules = format!("default(\"{said}\")\n");
            assert_eq!(judged(&rules, "ls"), (decision, Basis::Default(0)));
        }
        assert_eq!(judged("", "ls"), (Decision::Allow, Basis::Unmatched));
    }

    #[test]
    fn the_strictest_default_counts_and_of_equals_the_first() {
        let rules = "default(\"allow\")\ndefault(\"prompt\")\ndefault(\"prompt\")\n";
        assert_eq!(judged(rules, "ls"), (Decision::Prompt, Basis::Default(1)));
    }

    #[test]
    fn a_default_never_loosens() {
        let heuristic = |basis| matches!(basis, Basis::Heuristic { code: "H001", .. });
        for said in ["allow", "prompt"] {
            let (decision, basis) = judged(&format!("default(\"{said}\")\n"), "rm -rf x");
            assert_eq!(decision, Decision::Prompt, "{said}");
            assert!(heuristic(basis), "{said}");
        }
        assert_eq!(
            judged("default(\"forbidden\")\n", "rm -rf x"),
            (Decision::Forbidden, Basis::Default(0))
        );
        let broken = "default(\"allow\")\nprefix_rule([])\n";
        assert_eq!(judged(broken, "ls"), (Decision::Prompt, Basis::BrokenRules));
    }

    #[test]
    fn a_prompt_that_only_matches_widely_is_no_exception() {
        let rules = "default(\"forbidden\")\nprefix_rule([\"x\"], decision = \"prompt\")\n";
        let index = IndexedRules::new(from_own_text("t.rules", rules));
        let mut request = Request {
            program: Program::named("x"),
            argv: vec!["x".into()],
            cwd: WorkingDirectory::new("/work").unwrap(),
            environment: None,
            withheld: Vec::new(),
            leading: Vec::new(),
            interpreter: None,
            copy_of: None,
            followed: None,
            pins: Vec::new(),
            aliases: Vec::new(),
        };
        assert_eq!(judge(&index, &request).verdict.decision, Decision::Prompt);
        let path = PathBuf::from("/work/x");
        request.program.trust = Trust::Writable { path };
        let verdict = judge(&index, &request).verdict;
        assert_eq!(verdict.basis, Basis::Default(0));
        assert_eq!(verdict.decision, Decision::Forbidden);
    }

    #[test]
    fn a_rule_that_matches_goes_before_the_default() {
        let rules = "default(\"forbidden\")\nprefix_rule([\"x\"], decision = \"prompt\")\n";
        assert_eq!(judged(rules, "x").1, Basis::Rule(0));
        assert_eq!(judged(rules, "y").1, Basis::Default(0));
    }
}
