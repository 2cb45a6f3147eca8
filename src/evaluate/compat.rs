//! The released evaluator's answer: prefix rules on the words as they stand, strictest wins.

use std::ffi::OsString;

use crate::request::Request;
use crate::rules::lexical::Whereabouts;
use crate::rules::matching::{self, Match};
use crate::rules::{Decision, RuleSet};

use super::index::IndexedRules;
use super::judge::judge;
use super::verdict::RuleMatch;

/// What [`check`] finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompatResult {
    /// Every rule that matches: an index into [`RuleSet::prefix_rules`] each.
    pub matches: Vec<Match>,
    /// The strictest of their decisions; `None` when nothing matches and nothing is said.
    pub decision: Option<Decision>,
}

/// Matches `command` against the prefix rules. With `resolve`, a program that no rule names as it
/// is written is looked up by its last component as well, see [`matching::find`].
pub fn check(
    rules: &RuleSet,
    command: &[String],
    resolve: Option<Whereabouts<'_>>,
) -> CompatResult {
    let matches = matching::find(
        &rules.prefix_rules,
        &rules.host_executables,
        command,
        resolve,
    );
    let decisions = matches
        .iter()
        .filter_map(|found| rules.prefix_rules.get(found.rule));
    let decision = decisions.map(|rule| rule.decision).max();
    CompatResult { matches, decision }
}

/// [`check`]'s answer made stricter by [`judge`]: rules that restrict count wherever the judge
/// sees them, rules that permit only where both do. A decision without matches is a heuristic's.
pub fn check_strictly(
    index: &IndexedRules,
    request: &Request,
    command: &[String],
    resolve: Option<Whereabouts<'_>>,
) -> CompatResult {
    let rules = index.rules();
    let literal = check(rules, command, resolve).matches;
    let judgement = judge(index, request);
    let decision_of = |number: usize| rules.rule(number).map(|rule| rule.decision);
    let counts = |found: &RuleMatch| {
        decision_of(found.rule) > Some(Decision::Allow)
            || literal.iter().any(|both| both.rule == found.rule)
    };
    let matches: Vec<_> = judgement
        .trace
        .matches
        .into_iter()
        .filter(counts)
        .map(in_words)
        .collect();
    let strictest = matches
        .iter()
        .filter_map(|found| decision_of(found.rule))
        .max();
    let heuristic = Some(judgement.verdict.decision).filter(|said| *said > Decision::Allow);
    CompatResult {
        matches,
        decision: strictest.or(heuristic),
    }
}

/// As text, for showing: what is not UTF-8 in it has already been judged.
fn in_words(found: RuleMatch) -> Match {
    let text = |word: OsString| word.display().to_string();
    Match {
        rule: found.rule,
        matched: found.matched.into_iter().map(text).collect(),
        resolved_program: found.resolved_program.map(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Program, WorkingDirectory};
    use crate::rules::from_own_text;

    const HERE: Whereabouts<'_> = Whereabouts {
        cwd: Some("/work"),
        home: Some("/home/user"),
    };

    /// The matched words of each match, and the decision.
    fn ask(rules: &str, command: &str, resolve: bool) -> (Vec<String>, Option<Decision>) {
        let rules = from_own_text("t.rules", rules);
        assert_eq!(rules.diagnostics, []);
        let command: Vec<_> = command.split(' ').map(str::to_owned).collect();
        let result = check(&rules, &command, resolve.then_some(HERE));
        let matched = result.matches.iter().map(|found| found.matched.join(" "));
        (matched.collect(), result.decision)
    }

    fn decision(rules: &str, command: &str, resolve: bool) -> Option<Decision> {
        ask(rules, command, resolve).1
    }

    /// The same of the stricter answer, for programs that are known by name only.
    fn ask_strictly(rules: &str, command: &str) -> (Vec<String>, Option<Decision>) {
        let index = IndexedRules::new(from_own_text("t.rules", rules));
        let command: Vec<_> = command.split(' ').map(str::to_owned).collect();
        let request = Request {
            program: Program::named(command.first().unwrap()),
            argv: command.iter().map(OsString::from).collect(),
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
        let result = check_strictly(&index, &request, &command, None);
        let matched = result.matches.iter().map(|found| found.matched.join(" "));
        (matched.collect(), result.decision)
    }

    #[test]
    fn the_stricter_answer_sees_more_that_restricts_and_nothing_more_that_permits() {
        let forbidden = Some(Decision::Forbidden);
        assert_eq!(
            ask_strictly(GIT, "git push x"),
            (vec!["git push".into()], forbidden)
        );
        assert_eq!(ask_strictly(GIT, "/usr/bin/git push").1, forbidden);
        assert_eq!(ask_strictly(BOTH, "/usr/bin/git push").1, forbidden);
        assert_eq!(
            ask_strictly(BOTH, "/usr/bin/git status").1,
            Some(Decision::Allow)
        );
        assert_eq!(
            ask_strictly("prefix_rule([\"git\"])", "/usr/bin/git x"),
            (vec![], None)
        );
    }

    /// Every pair of rules on a few programs, against a few commands.
    #[test]
    fn the_stricter_answer_is_never_looser() {
        let rule = |program, decision| format!("prefix_rule([\"{program}\"], \"{decision}\")\n");
        let choices = ["git", "/usr/bin/git"]
            .into_iter()
            .flat_map(|program| ["allow", "prompt", "forbidden"].map(|said| rule(program, said)));
        let choices: Vec<_> = choices.collect();
        for (first, second) in choices
            .iter()
            .flat_map(|a| choices.iter().map(move |b| (a, b)))
        {
            let rules = format!("{first}{second}");
            for command in ["git", "/usr/bin/git", "/usr/bin/../bin/git", "hg"] {
                let literal = ask(&rules, command, false);
                let strict = ask_strictly(&rules, command);
                assert!(
                    strict.1 >= literal.1 || literal.1 == Some(Decision::Allow),
                    "{rules}{command}"
                );
                assert!(
                    literal.1.is_some() || strict.1 != Some(Decision::Allow),
                    "{rules}{command}"
                );
            }
        }
    }

    #[test]
    fn without_a_match_a_heuristic_may_speak() {
        assert_eq!(ask_strictly(GIT, "ls"), (vec![], None));
        assert_eq!(
            ask_strictly(GIT, "rm -rf x"),
            (vec![], Some(Decision::Prompt))
        );
        let allowed = ask_strictly("prefix_rule([\"rm\"])", "rm -rf x");
        assert_eq!(allowed, (vec!["rm".into()], Some(Decision::Allow)));
    }

    const GIT: &str = "prefix_rule([\"git\", \"push\"], \"forbidden\")\n";
    const BOTH: &str =
        "prefix_rule([\"/usr/bin/git\"])\nprefix_rule([\"git\", \"push\"], \"forbidden\")\n";

    #[test]
    fn every_match_is_listed_in_order_and_the_strictest_decides() {
        let rules = concat!(
            "prefix_rule([\"a\", \"b\", \"c\"])\n",
            "prefix_rule([\"a\"], \"forbidden\")\n",
            "prefix_rule([[\"a\", \"a\"], [\"x\", \"b\"]], \"prompt\")\n",
        );
        let (matched, decision) = ask(rules, "a b c d", false);
        assert_eq!(matched, ["a b c", "a", "a b", "a b"]);
        assert_eq!(decision, Some(Decision::Forbidden));
        assert_eq!(ask(rules, "b", false), (vec![], None));
    }

    #[test]
    fn matching_is_by_position_alone() {
        for command in [
            "git",
            "git -C x push",
            "git --no-pager push",
            "GIT_DIR=x git push",
            "env git push",
            "bash -lc git",
            "Git push",
            "git pushy",
            "gi push",
        ] {
            assert_eq!(decision(GIT, command, true), None, "{command}");
        }
        assert_eq!(
            decision(GIT, "git push -f", false),
            Some(Decision::Forbidden)
        );
    }

    #[test]
    fn a_path_means_its_name_only_on_request_and_only_without_a_match_of_its_own() {
        let forbidden = Some(Decision::Forbidden);
        assert_eq!(decision(GIT, "/usr/bin/git push", false), None);
        assert_eq!(decision(GIT, "/usr/bin/git push", true), forbidden);
        assert_eq!(
            decision(BOTH, "/usr/bin/git push", true),
            Some(Decision::Allow)
        );
        assert_eq!(decision(BOTH, "git status", true), None);
        for path in [
            "/usr/bin/../bin/git",
            "//usr/bin/git",
            "/usr/bin/git/",
            "./git",
            "~/git",
        ] {
            assert_eq!(
                decision(BOTH, &format!("{path} push"), true),
                forbidden,
                "{path}"
            );
        }
        assert_eq!(decision(BOTH, "/ push", true), None);
    }

    #[test]
    fn listed_paths_bound_what_a_name_means() {
        let listed = |paths: &str| format!("{GIT}host_executable(\"git\", [{paths}])\n");
        let one = listed("\"/usr/bin/git\"");
        assert!(decision(&one, "/usr/bin/../bin/git push", true).is_some());
        assert!(decision(&one, "/opt/git push", true).is_none());
        assert!(decision(&listed(""), "/usr/bin/git push", true).is_none());
        let replaced = format!("{one}host_executable(\"git\", [\"/opt/git\"])\n");
        assert!(decision(&replaced, "/usr/bin/git push", true).is_none());
        assert!(decision(&replaced, "/opt/git push", true).is_some());
    }

    #[test]
    fn canonical_matching_ignores_case_but_not_in_listed_paths() {
        let rules = concat!(
            "prefix_rule([\"Git\", [\"Push\"]], canonical_matching = True)\n",
            "prefix_rule([\"git\"], \"prompt\")\n",
            "host_executable(\"Git\", [\"/usr/bin/Git\"])\n",
        );
        let (matched, decision) = ask(rules, "git PUSH x", false);
        assert_eq!(matched, ["git", "git PUSH"]);
        assert_eq!(decision, Some(Decision::Prompt));
        assert_eq!(ask(rules, "GIT push", false).0, ["GIT push"]);
        assert_eq!(ask(rules, "/usr/bin/Git push", true).0, ["Git push"]);
        assert!(ask(rules, "/usr/bin/GIT push", true).0.is_empty());
        assert!(ask(rules, "/opt/Git push", true).0.is_empty());
    }
}
