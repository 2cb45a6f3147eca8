use super::*;
use crate::evaluate::{judge, near_misses};
use crate::request::{Program, WorkingDirectory};
use crate::rules::from_own_text;

/// A rule with these conditions, and a command.
fn world(conditions: &str, command: &str) -> (IndexedRules, Request) {
    let text = format!("command_rule({conditions})\n");
    let rules = from_own_text("t.rules", &text);
    assert_eq!(rules.diagnostics, [], "{conditions}");
    let argv: Vec<OsString> = command.split(' ').map(OsString::from).collect();
    let cwd = WorkingDirectory::new("/work").unwrap();
    let request = Request::new(Program::named(&argv[0]), argv, cwd);
    let request = request.with_environment(vec![("A".into(), "1".into())]);
    (IndexedRules::new(rules), request)
}

/// What the only near miss of a rule with these conditions is: the parameter, what that wants, what the
/// command has, and where.
fn missed(
    conditions: &str,
    command: &str,
) -> Option<(Option<&'static str>, String, String, usize)> {
    let (index, request) = world(conditions, command);
    let misses = near_misses(&index, &request, &judge(&index, &request).trace).nearest;
    let miss = misses.first()?;
    let had = miss
        .had
        .as_ref()
        .map_or_else(String::new, |it| it.display().to_string());
    Some((miss.condition, miss.wanted.join(" "), had, miss.token))
}

#[test]
fn they_name_the_condition_that_fails_and_the_word() {
    let delete = "\"kubectl\", subcommand = [\"delete\"], args = [rest()], decision = \"prompt\"";
    let git = "\"git\", subcommand = [\"push\"], args = [rest()], decision = \"prompt\"";
    for (conditions, command, condition, wanted, had, token) in [
        (
            format!("{delete}, options = {{\"-n\": \"dev\"}}"),
            "kubectl delete x --namespace=prod",
            Some("options"),
            "dev",
            "prod",
            3,
        ),
        (
            format!("{git}, flags = any_of(\"-f\", \"--force\")"),
            "git push x",
            Some("flags"),
            "-f --force",
            "",
            3,
        ),
        (
            format!("{git}, without = \"-n\""),
            "git push --dry-run x",
            Some("without"),
            "-n",
            "--dry-run",
            2,
        ),
        (
            format!("{git}, cwd = under(\"/srv\")"),
            "git push x",
            Some("cwd"),
            "under(\"/srv\")",
            "/work",
            3,
        ),
        (
            format!("{git}, env = {{\"A\": \"2\"}}"),
            "git push x",
            Some("env"),
            "2",
            "1",
            3,
        ),
        (
            format!("{git}, unless = [case(flags = \"-n\", args = [rest()])]"),
            "git push -n x",
            Some("unless"),
            "case(flags = \"-n\", args = [rest()])",
            "-n",
            2,
        ),
        (
            "\"git\", subcommand = [\"push\"], args = [\"origin\"], decision = \"prompt\""
                .to_owned(),
            "git push x",
            Some("args"),
            "origin",
            "x",
            2,
        ),
        (git.to_owned(), "git psuh x", None, "push", "psuh", 1),
    ] {
        let expected = (condition, wanted.to_owned(), had.to_owned(), token);
        assert_eq!(
            missed(&conditions, command),
            Some(expected),
            "{conditions}: {command}"
        );
    }
    for (conditions, command) in [
        (git, "git pull x"),
        (git, "git push x"),
        (
            "\"git\", subcommand = [\"push\"], flags = \"-f\", args = [\"origin\"], decision = \"prompt\"",
            "git push x",
        ),
    ] {
        assert_eq!(missed(conditions, command), None, "{conditions}: {command}");
    }
}

/// A case, a command that is not quite one, and why.
const CASES: &[(&str, &str, &str)] = &[
    (
        "without = \"-f\"",
        "git push --force",
        "option `--force`, which it excludes, is there",
    ),
    (
        "flags = \"-n\"",
        "git push",
        "option `-n`, which it wants, is not there",
    ),
    (
        "flags = any_of(\"-n\", \"-f\")",
        "git push",
        "it wants one of the options `-n` or `-f`",
    ),
    (
        "flags = \"-n\"",
        "git push -n x",
        "operand `x` is not named; `args = [rest()]` would take any",
    ),
    (
        "args = [\"a\", rest()]",
        "git push b",
        "operand `b` is another one than \"a\"",
    ),
    ("args = [\"a\"]", "git push", "an operand is missing: \"a\""),
    (
        "args = [rest(under(\"/b\"))]",
        "git push /b /c",
        "operand `/b` is not surely rest(under(\"/b\")): it is spelled otherwise, or what it leads to can change",
    ),
    (
        "args = [rest(glob(\"b*\"))]",
        "git push b1 c",
        "operand `c` is another one than rest(glob(\"b*\"))",
    ),
    (
        "args = [rest()], options = {\"-o\": \"a\"}",
        "git push -o b x",
        "option `-o` has another value than it names: `b`",
    ),
    (
        "args = [rest()], options = {\"-o\": \"a\"}",
        "git push x",
        "option `-o`, whose value it names, is not there",
    ),
    (
        "args = [rest()]",
        "git push --exec=x y",
        "option `--exec` can run another program, and the rule doesn't name it; a command_rule does by `options = \
         {\"--exec\": \"x\"}`",
    ),
    (
        "args = [rest()]",
        "git push --nonsense",
        "option `--nonsense` is unknown, and the rule doesn't name it; a command_rule does by `flags = \
         \"--nonsense\"`",
    ),
    (
        "exact = True",
        "git push -v",
        "option `-v` is not named, and with `exact` nothing else may follow",
    ),
    (
        "cwd = under(\"/srv\")",
        "git push",
        "the working directory is another one",
    ),
    (
        "env = {\"A\": \"2\"}",
        "git push",
        "the variable A is not as it wants it",
    ),
    ("subcommand = [\"pull\"]", "git push", ""),
];

#[test]
fn exceptions_that_all_but_hold_say_by_what_they_dont() {
    let push = "\"git\", subcommand = [\"push\"], decision = \"prompt\"";
    for &(case, command, why) in CASES {
        let rule = format!("{push}, unless = [case({case})]");
        let (index, request) = world(&rule, command);
        let judged = judge(&index, &request).trace;
        assert_eq!(judged.matches.len(), 1, "{case}: {command}");
        let found = near_misses(&index, &request, &judged).unexcepted;
        let said = found.first().map(|it| it.why.as_str());
        assert_eq!(said.unwrap_or_default(), why, "{case}: {command}");
        // As the rule has it, but for spaces and lists of one.
        assert!(
            found
                .iter()
                .all(|it| it.case == format!("case({case})") || case.contains("rest()")),
            "{found:?}"
        );
    }
}

#[test]
fn a_rule_that_matches_within_is_none() {
    let missed = |inner: &str| {
        let conditions =
            format!("[\"{inner}\", \"/opt/bin/timeout\"], args = [rest()], decision = \"prompt\"");
        missed(&conditions, "timeout 5 id x")
    };
    assert_eq!(missed("id"), None);
    assert!(missed("ip").is_some());
}
