//! Conditions of `command_rule` on the values of options.

use codex_shell::evaluate::{IndexedRules, Placement, judge};
use codex_shell::request::{Program, Request, WorkingDirectory};
use codex_shell::rules::{Decision, from_own_text};

fn judged(rule: &str, command: &str) -> (Decision, Placement) {
    let rules = from_own_text("t.rules", rule);
    assert_eq!(rules.diagnostics, [], "{rule}");
    let words = shlex::split(command).unwrap();
    let argv: Vec<_> = words.iter().map(Into::into).collect();
    let cwd = WorkingDirectory::new("/work").unwrap();
    let request = Request::new(Program::named(&argv[0]), argv, cwd);
    let verdict = judge(&IndexedRules::new(rules), &request).verdict;
    (verdict.decision, verdict.placement)
}

/// Commands by a rule with these conditions that forbids, and by one that permits.
fn check(conditions: &str, forbidden: &[&str], spared: &[&str], permitted: &[&str]) {
    let rule = |decision| format!("command_rule({conditions}, decision = {decision:?})\n");
    let all = forbidden.iter().chain(spared);
    for command in all.clone() {
        let (decision, _) = judged(&rule("forbidden"), command);
        let expected = forbidden.contains(command);
        assert_eq!(
            decision == Decision::Forbidden,
            expected,
            "{conditions}: {command}"
        );
    }
    for command in all {
        let lifted = judged(&rule("allow"), command) == (Decision::Allow, Placement::Outside);
        assert_eq!(
            lifted,
            permitted.contains(command),
            "{conditions}: {command}"
        );
    }
}

#[test]
fn any_spelling_of_the_option_counts() {
    check(
        "\"kubectl\", subcommand = [\"delete\"], options = {\"--namespace\": \"dev\"}, args = [rest()]",
        &[
            "kubectl delete pod x -n dev",
            "kubectl -ndev delete pod x",
            "kubectl delete pod x --namespace=dev",
            "kubectl -n prod delete pod x -n dev",
            // What the context says, nobody knows.
            "kubectl delete pod x",
            "kubectl delete pod x --namespac=dev",
        ],
        &[
            "kubectl delete pod x -n prod",
            "kubectl -n dev get pods",
            "kubectl delete dev -n prod",
        ],
        &[
            "kubectl delete pod x -n dev",
            "kubectl -ndev delete pod x",
            "kubectl delete pod x --namespace=dev",
        ],
    );
}

#[test]
fn a_default_counts_where_the_option_is_not_there() {
    check(
        "\"curl\", options = {\"-X\": \"GET\"}, args = [rest()]",
        &[
            "curl u",
            "curl -XGET u",
            "curl -G u",
            "curl -G -d x u",
            "curl --request GET u",
            "curl -X",
        ],
        &["curl -X POST u", "curl -d x u", "curl -I u", "curl -T f u"],
        &[
            "curl u",
            "curl -XGET u",
            "curl -G u",
            "curl --request GET u",
        ],
    );
    check(
        "\"curl\", options = {\"--request\": any_of(\"POST\", regex(\"P[UA]T(CH)?\"))}, args = [rest()]",
        &[
            "curl -sXPUT u",
            "curl --data-binary @f u",
            "curl --json x u",
            "curl -F a=b -X POST u",
            "curl -X GET -X PATCH u",
        ],
        &[
            "curl u",
            "curl -X GET -d x u",
            "curl POST",
            "curl -X post u",
        ],
        &[
            "curl -sXPUT u",
            "curl --data-binary @f u",
            "curl --json x u",
            "curl -F a=b -X POST u",
        ],
    );
}

#[test]
fn an_option_without_a_default_must_be_there() {
    check(
        "\"git\", subcommand = [\"clone\"], options = {\"--depth\": \"1\"}, args = [rest()]",
        &[
            "git clone --depth 1 u",
            "git clone u --depth=1",
            "git clone --depth 1 --depth 2 u",
        ],
        &["git clone u", "git clone --depth 2 u", "git clone u 1"],
        &["git clone --depth 1 u", "git clone u --depth=1"],
    );
}

/// What an option does that a rule must name is named with its value.
#[test]
fn a_value_that_is_named_is_named() {
    check(
        "\"sort\", options = {\"-o\": under(\"/work/out\")}, args = [rest()]",
        &[
            "sort -o /work/out/x a",
            "sort --output=/work/out/x a",
            "sort -o out/x a",
        ],
        &["sort -o /work/x a", "sort a"],
        &[],
    );
    check(
        "\"sort\", options = {\"-o\": glob(\"/work/{a,b}*\")}, args = [rest()]",
        &["sort -o /work/a x", "sort -no/work/bc x"],
        &["sort -o /work/c x", "sort /work/a"],
        &["sort -o /work/a x", "sort -no/work/bc x"],
    );
}

#[test]
fn exceptions_have_such_conditions_too() {
    let rule = "command_rule(\"kubectl\", subcommand = [\"delete\"], decision = \"forbidden\",\n\
                unless = [case(options = {\"-n\": [\"dev\", glob(\"dev-*\")]}, args = [rest()])])\n";
    for (command, forbidden) in [
        ("kubectl -n dev delete pod x", false),
        ("kubectl delete pod x --namespace=dev-2", false),
        ("kubectl delete pod x", true),
        ("kubectl delete pod x -n prod", true),
        ("kubectl -n dev delete pod x -n prod", true),
        ("kubectl -n dev delete pod x --kubeconfig k", true),
    ] {
        let (decision, _) = judged(rule, command);
        assert_eq!(decision == Decision::Forbidden, forbidden, "{command}");
    }
}

#[test]
fn what_is_no_such_condition_is_an_error() {
    for wrong in [
        "options = [\"-n\"]",
        "options = {\"n\": \"dev\"}",
        "options = {\"-n=x\": \"dev\"}",
        "options = {\"-n\": []}",
        "options = {\"-n\": True}",
        "options = {\"-n\": glob(\"{a\")}",
        "args = [glob(\"[a\")]",
    ] {
        let rules = from_own_text("t.rules", &format!("command_rule(\"kubectl\", {wrong})\n"));
        let codes: Vec<&str> = rules.diagnostics.iter().map(|found| &*found.code).collect();
        assert_eq!(codes, ["E0208"], "{wrong}");
    }
    let rules = from_own_text(
        "t.rules",
        "command_rule(glob(\"/usr/bin/{git,gh\"), decision = \"forbidden\")\n",
    );
    assert!(rules.is_broken());
}
