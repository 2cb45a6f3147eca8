//! What `command_rule` takes, what it refuses, and what its verdicts are.

use std::path::PathBuf;

use codex_shell::evaluate::{Basis, IndexedRules, Placement, judge};
use codex_shell::request::{Program, Request, Trust, WorkingDirectory};
use codex_shell::rules::model::{Profile, Run};
use codex_shell::rules::{Decision, from_own_text};

use crate::support::judging::{judged, permitted, request, request_in};

fn problems(text: &str) -> Vec<String> {
    let rules = from_own_text("t.rules", text);
    let found = rules.diagnostics.into_iter();
    found
        .map(|d| format!("{}:{} {}", d.span.unwrap().line, d.code, d.message))
        .collect()
}

fn decision(rules: &str, command: &str) -> Decision {
    judged(rules, &request(command)).verdict.decision
}

/// Arguments, the code, and a part of the message.
const WRONG: &[(&str, &str, &str)] = &[
    ("", "E0201", "`program` is missing"),
    ("program = 7", "E0208", "takes a name"),
    ("program = \"x\", pass_env = 7", "E0208", "takes names"),
    (
        "program = \"x\", pass_env = \"A=b\"",
        "E0208",
        "not a variable name",
    ),
    (
        "program = \"x\", pass_env = [\"A\", \"PATH\"]",
        "E0208",
        "has `PATH`",
    ),
    (
        "program = \"x\", pass_env = \"LD_PRELOAD\"",
        "E0208",
        "has `LD_PRELOAD`, which has the C library load",
    ),
    (
        "program = \"x\", pass_env = \"PS4\"",
        "E0208",
        "has `PS4`, which has shells run other code",
    ),
    (
        "program = \"x\", pass_env = \"EDITOR\"",
        "E0208",
        "has `EDITOR`, which names a program that is started",
    ),
    (
        "program = \"x\", pass_env = \"A\", run = \"inside\"",
        "E0208",
        "never runs outside",
    ),
    (
        "program = \"x\", pass_env = \"A\", decision = \"forbidden\"",
        "E0208",
        "never runs outside",
    ),
    ("program = []", "E0208", "names no program"),
    ("program = \"\"", "E0208", "names no program"),
    ("program = under(\"/opt\")", "E0208", "takes a name"),
    (
        "program = \"x\", subcommand = \"push\"",
        "E0208",
        "takes a list of words",
    ),
    (
        "program = \"x\", subcommand = [7]",
        "E0208",
        "takes a list of words",
    ),
    (
        "program = \"x\", flags = [\"-a\", \"-b\"]",
        "E0208",
        "any_of(...) or all_of(...)",
    ),
    (
        "program = \"x\", flags = \"force\"",
        "E0208",
        "not an option",
    ),
    (
        "program = \"x\", flags = \"--a=b\"",
        "E0208",
        "without its value",
    ),
    (
        "program = \"x\", flags = any_of()",
        "E0208",
        "lists no option",
    ),
    (
        "program = \"x\", without = [\"--\"]",
        "E0208",
        "not an option",
    ),
    ("program = \"x\", args = \"y\"", "E0208", "takes a list"),
    (
        "program = \"x\", args = [rest(), \"y\"]",
        "E0208",
        "before its end",
    ),
    (
        "program = \"x\", args = [regex(\"(\")]",
        "E0208",
        "can't be used",
    ),
    (
        "program = \"x\", args = [under(\"work\")]",
        "E0208",
        "not an absolute path",
    ),
    (
        "program = \"x\", args = [glob(7)]",
        "E0201",
        "must be a string",
    ),
    (
        "program = \"x\", env = [\"A\"]",
        "E0208",
        "takes a dictionary",
    ),
    (
        "program = \"x\", unless = [\"y\"]",
        "E0208",
        "list of case(...)",
    ),
    (
        "program = \"x\", unless = [case(flag = \"-y\")]",
        "E0201",
        "no parameter `flag`",
    ),
    (
        "program = \"x\", run = \"anywhere\"",
        "E0208",
        "\"unconfined\" or profile(...)",
    ),
    (
        "program = \"x\", run = profile()",
        "E0201",
        "`name` is missing",
    ),
    (
        "program = \"x\", enforce = \"no\"",
        "E0201",
        "must be a bool",
    ),
    (
        "program = \"x\", decision = \"deny\"",
        "E0202",
        "invalid decision",
    ),
    (
        "program = \"x\", justification = \" \"",
        "E0203",
        "cannot be empty",
    ),
];

#[test]
fn wrong_arguments_are_errors_at_their_call() {
    for (arguments, code, says) in WRONG {
        let found = problems(&format!("\ncommand_rule({arguments})\n"));
        let first = found
            .first()
            .unwrap_or_else(|| panic!("{arguments}: nothing"));
        assert!(
            first.starts_with(&format!("2:{code} ")),
            "{arguments}: {first}"
        );
        assert!(first.contains(says), "{arguments}: {first}");
    }
}

/// What is written in another parameter's form is shown in the right one, in its own words.
#[test]
fn a_wrong_form_is_shown_as_it_is_to_be_written() {
    for (arguments, help) in [
        (r#"subcommand = "push""#, r#"subcommand = ["push"]"#),
        (r#"args = "x y""#, r#"args = ["x y"]"#),
        (
            r#"flags = ["-f", "--force"]"#,
            r#"flags = any_of("-f", "--force")"#,
        ),
        (r#"flags = ["-f", 7]"#, r#"flags = any_of("-f", "--force")"#),
        (r#"env = ["CI"]"#, r#"env = {"CI": True}"#),
        ("without = 7", r#"without = ["-n", "--dry-run"]"#),
    ] {
        let rules = from_own_text(
            "t.rules",
            &format!("command_rule(program = \"x\", {arguments})\n"),
        );
        let helps: Vec<_> = rules.diagnostics.iter().map(|it| it.help.clone()).collect();
        assert_eq!(helps, [Some(format!("as in `{help}`"))], "{arguments}");
    }
}

#[test]
fn wrong_models_are_errors_at_their_call() {
    for (call, says) in [
        ("program()", "`name` is missing"),
        ("program(\" \")", "the name says nothing"),
        ("program(\"x\", flags = [\"force\"])", "is not an option"),
        (
            "program(\"x\", overrides = {\"-n\": \"-A\"})",
            "`overrides` takes `{OPTION: [WORDS]}`",
        ),
        (
            "program(\"x\", by_key = {\"-n\": \"name\"})",
            "`-n` in `by_key` is not among the options listed",
        ),
        (
            "program(\"x\", flags = [\"-f\"], options_with_value = [\"-f\"])",
            "listed twice",
        ),
        ("program(\"x\", runs = [\"-f\"])", "not among the options"),
        (
            "program(\"x\", subcommands = [\"y\"])",
            "what command(...) returns",
        ),
        ("program(\"x\", wraps = 7)", "what inner(...) returns"),
        ("program(\"x\", style = \"other\")", "unknown variant"),
        (
            "program(\"x\", wraps = inner(form = \"other\"))",
            "unknown variant",
        ),
    ] {
        let found = problems(&format!("\n{call}\n"));
        assert_eq!(found.len(), 1, "{call}: {found:?}");
        assert!(
            found[0].starts_with("2:E0201 ") && found[0].contains(says),
            "{found:?}"
        );
    }
}

#[test]
fn how_deep_commands_lie_within_one_another_is_bounded() {
    let nested = |levels: usize| {
        let command = (1..levels).fold("command(\"a\")".to_owned(), |within, _| {
            format!("command(\"a\", subcommands = [{within}])")
        });
        problems(&format!("program(\"x\", subcommands = {command})\n"))
    };
    assert_eq!(nested(16), [""; 0]);
    for levels in [17, 40] {
        let found = nested(levels);
        assert!(
            found[0].contains("commands are nested more than 16 deep"),
            "{found:?}"
        );
    }
}

#[test]
fn examples_are_held() {
    let rule = |examples: &str| {
        problems(&format!(
            "command_rule(program = \"git\", subcommand = [\"push\"], decision = \"forbidden\",\n    {examples})\n"
        ))
    };
    assert_eq!(
        rule("match = [\"git push\", \"git -C x push\", \"env -u A timeout 5 git push\"]"),
        [""; 0]
    );
    assert_eq!(
        rule("not_match = [\"git pull\", \"env git pull\", \"echo git push\"]"),
        [""; 0]
    );
    assert!(rule("match = [\"git pull\"]")[0].starts_with("2:E0301 "));
    assert!(rule("not_match = [\"git -c a=b push\"]")[0].starts_with("2:E0302 "));
    let permits = |example: &str| {
        problems(&format!(
            "command_rule(program = \"git\", match = [{example}])\n"
        ))
    };
    assert_eq!(permits("\"git --no-pager\"").len(), 0);
    assert_eq!(permits("\"git -C x\"").len(), 1);
    assert_eq!(permits("\"env git\"").len(), 1);
}

#[test]
fn a_subcommand_behind_an_option_is_named_itself() {
    for conditions in [
        "program = \"docker\", flags = \"--version\"",
        "program = \"docker\", flags = \"--version\", args = [rest()]",
        "program = \"docker\", flags = \"--version\", args = [rest(glob(\"*\"))]",
        "program = \"docker\", flags = any_of(\"--version\", \"--debug\"), args = [rest()]",
    ] {
        let rules = format!("command_rule({conditions})\n");
        // A pattern for the rest asks for one at least.
        let alone = permitted(&rules, "docker --version");
        assert!(alone || conditions.contains("glob"), "{conditions}");
        for command in [
            "docker --version ps",
            "docker --version compose up",
            "docker --version -- ps",
            "docker --version frob",
        ] {
            assert!(!permitted(&rules, command), "{conditions}: {command}");
        }
    }
    let rules =
        "command_rule(program = \"docker\", subcommand = [\"compose\"], flags = \"--dry-run\",
        args = [rest()])\n";
    assert!(permitted(rules, "docker compose --dry-run"));
    assert!(permitted(rules, "docker compose up --dry-run"));
    assert!(!permitted(rules, "docker compose --dry-run up"));
    let rules = "command_rule(program = \"docker\", subcommand = [\"compose\", \"up\"], flags = \"--dry-run\",
        args = [rest()])\n";
    assert!(permitted(rules, "docker compose --dry-run up x"));
    // A rule on the whole program.
    assert!(permitted(
        "command_rule(program = \"docker\", args = [rest()])\n",
        "docker --debug ps"
    ));
}

#[test]
fn an_exception_leaves_alone_what_it_names() {
    let rules = "command_rule(program = \"git\", subcommand = [\"push\"], decision = \"forbidden\",
        unless = [case(flags = \"--dry-run\", args = [rest()])])\n";
    assert_eq!(decision(rules, "git push origin"), Decision::Forbidden);
    assert_eq!(decision(rules, "git push -n origin"), Decision::Allow);
    assert_eq!(decision(rules, "env git push --dry-run"), Decision::Allow);
    // Nobody knows what else this does.
    assert_eq!(
        decision(rules, "git push --dry-run --other"),
        Decision::Forbidden
    );
    assert_eq!(
        decision(rules, "git push -n --receive-pack=x"),
        Decision::Forbidden
    );
    assert_eq!(decision(rules, "git -c a=b push -n"), Decision::Forbidden);
}

#[test]
fn an_exception_from_a_permission_is_taken_widely() {
    let rules = "command_rule(program = \"git\", subcommand = [\"log\"], args = [rest()],
        unless = [case(args = [glob(\"secret*\")])])\n";
    assert!(permitted(rules, "git log main"));
    assert!(!permitted(rules, "git log main secret/x"));
}

#[test]
fn operands_are_paths_where_the_rule_says_so() {
    let rules = "command_rule(program = \"touch\", args = [rest(under(\"/home/me/work\"))])\n";
    assert!(permitted(rules, "touch a b/c /home/me/work/d"));
    assert!(!permitted(rules, "touch a /etc/b"));
    assert!(!permitted(rules, "touch a/../../b"));
    assert!(!permitted(rules, "touch /home/me/workshop"));
    assert!(!permitted(rules, "touch -x a"));
    let rules =
        "command_rule(program = \"touch\", args = [under(\"/etc\")], decision = \"forbidden\")\n";
    for command in [
        "touch /etc/x",
        "touch a /etc//x",
        "touch ../../../etc/x",
        "touch -- /tmp/../etc",
    ] {
        assert_eq!(decision(rules, command), Decision::Forbidden, "{command}");
    }
    assert_eq!(decision(rules, "touch /etcetera etc/x"), Decision::Allow);
}

/// A link that the sandboxed side has made, or could make before the program starts, leads elsewhere.
#[test]
fn a_place_is_where_a_path_leads() {
    use std::fs;
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let folder = fs::canonicalize(folder.path()).unwrap();
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for name in ["ws/sub", "site", "secret"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    symlink(at("secret"), at("ws/link")).unwrap();
    symlink(at("secret"), at("site/link")).unwrap();
    symlink(at("site"), at("www")).unwrap();
    symlink("../site", at("ws/site")).unwrap();
    let decided = |rules: &str, command: &str| {
        let index = IndexedRules::new(from_own_text("t.rules", rules));
        let request = request_in(&at("ws"), command);
        let paths = index.paths_of(&request);
        let request = request.following(paths, &[at("ws").into()]);
        let verdict = judge(&index, &request).verdict;
        (verdict.decision, verdict.placement)
    };
    let outside = (Decision::Allow, Placement::Outside);
    let allow = |root: &str| {
        let root = at(root);
        format!("command_rule(program = \"touch\", args = [rest(under(\"{root}\"))])\n")
    };
    for (root, file, permitted) in [
        ("site", "site/new", true),
        ("www", "www/new", true),
        ("site", "site/link/x", false),
        ("site", "www/new", false),
        ("site", "ws/site/new", false),
        ("ws", "ws/sub/new", false),
        ("ws", "ws/link/x", false),
        ("ws/site", "ws/site/x", false),
        ("ws/link", "ws/link/x", false),
    ] {
        let decided = decided(&allow(root), &format!("touch {}", at(file)));
        assert_eq!(decided == outside, permitted, "{file} under {root}");
    }
    let forbid = |form: &str| {
        format!(
            "command_rule(program = [\"cat\", \"dd\"], args = [{form}], decision = \"forbidden\")\n"
        )
    };
    let (under, glob) = (
        format!("under(\"{}\")", at("secret")),
        format!("glob(\"{}/*\")", at("secret")),
    );
    for form in [&under, &glob, &format!("under(\"{}\")", at("ws/link"))] {
        for command in [
            "cat link/x".to_owned(),
            format!("cat {}", at("site/link/x")),
            format!("cat {}", at("secret/x")),
            "cat sub/../link/x".to_owned(),
            "dd if=link/x".to_owned(),
            "env cat link/x".to_owned(),
            "sh -c 'cat link/x'".to_owned(),
        ] {
            let (decision, _) = decided(&forbid(form), &command);
            assert_eq!(decision, Decision::Forbidden, "{command} by {form}");
        }
        for command in ["cat sub/x", "cat site/x", "touch link/x"] {
            let (decision, _) = decided(&forbid(form), command);
            assert_eq!(decision, Decision::Allow, "{command} by {form}");
        }
    }
    let unknown = request_in(&at("ws"), &format!("touch {}", at("site/new")));
    let index = IndexedRules::new(from_own_text("t.rules", &allow("site")));
    let verdict = judge(&index, &unknown).verdict;
    assert_eq!(verdict.placement, Placement::Inside, "nobody looked");
    let (decision, _) = decided(&forbid(&under), "cat /proc/self/cwd/link/x");
    assert_eq!(decision, Decision::Forbidden);
}

#[test]
fn words_have_forms() {
    let rules = "command_rule(program = \"x\", args = [glob(\"*.md\"), regex(\"[0-9]+\"), [\"a\", \"b\"]])\n";
    assert!(permitted(rules, "x README.md 12 a"));
    assert!(permitted(rules, "x README.md 12 b"));
    for command in [
        "x dir/README.md 12 a",
        "x README.md 12x a",
        "x README.md 12 c",
        "x README.md 12 a a",
    ] {
        assert!(!permitted(rules, command), "{command}");
    }
}

#[test]
fn what_nobody_knows_counts_against_the_command() {
    let conditions = "program = \"x\", env = {\"A\": \"b\", \"C\": False}";
    let forbids = format!("command_rule({conditions}, decision = \"forbidden\")\n");
    let permits = format!("command_rule({conditions})\n");
    let placed = |rules: &str, variables: Option<&[(&str, &str)]>| {
        let mut request = request("x");
        request.environment = variables.map(|variables| {
            let owned = variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()));
            owned.collect()
        });
        let verdict = judged(rules, &request).verdict;
        (verdict.decision, verdict.placement)
    };
    let forbidden = (Decision::Forbidden, Placement::Inside);
    let left_alone = (Decision::Allow, Placement::Inside);
    assert_eq!(placed(&forbids, None), forbidden);
    assert_eq!(placed(&forbids, Some(&[("A", "b")])), forbidden);
    assert_eq!(placed(&forbids, Some(&[("A", "b"), ("C", "")])), left_alone);
    assert_eq!(placed(&forbids, Some(&[("A", "c")])), left_alone);
    // Of two values, nobody knows which counts.
    assert_eq!(placed(&forbids, Some(&[("A", "c"), ("A", "b")])), forbidden);
    assert_eq!(
        placed(&permits, Some(&[("A", "b"), ("A", "c")])),
        left_alone
    );
    assert_eq!(placed(&permits, None), left_alone);
    assert_eq!(
        placed(&permits, Some(&[("A", "b")])),
        (Decision::Allow, Placement::Outside)
    );
    let there = "command_rule(program = \"x\", cwd = under(\"/home/me\"))\n";
    assert!(permitted(there, "x"));
    assert!(!permitted(
        "command_rule(program = \"x\", cwd = under(\"/srv\"))\n",
        "x"
    ));
}

#[test]
fn the_most_confined_place_wins() {
    let run = |text: &str| {
        let rules = text.split(' ');
        let rules = rules.map(|run| format!("command_rule(program = \"x\", run = {run})"));
        let rules = rules.collect::<Vec<_>>().join("\n");
        judged(&rules, &request("x")).verdict
    };
    let profile = Run::Profile(Profile {
        name: "workspace-write".into(),
        network: Some(true),
        writable: vec!["/x".into()],
    });
    let written = "profile(\"workspace-write\",network=True,writable=[\"/x\"])";
    assert_eq!(run("\"outside\"").run, Run::Outside);
    assert_eq!(run("\"unconfined\"").run, Run::Unconfined);
    assert_eq!(run("\"unconfined\" \"outside\"").run, Run::Outside);
    assert_eq!(run(&format!("\"outside\" {written}")).run, profile);
    assert_eq!(
        run(&format!("\"outside\" {written}")).placement,
        Placement::Outside
    );
    let names = |text: &str| {
        let profiles = run(text).profiles.into_iter();
        profiles.map(|profile| profile.name).collect::<Vec<_>>()
    };
    let two = "profile(\"b\") profile(\"a\") profile(\"b\")";
    assert_eq!(names(two), ["b", "a"]);
    assert_eq!(
        names(&format!("{two} \"outside\" \"unconfined\"")),
        ["b", "a"]
    );
    assert_eq!(names(&format!("{two} \"inside\"")), [""; 0]);
    assert_eq!(names("\"outside\""), [""; 0]);
    assert_eq!(
        run(&format!("{written} \"inside\"")).placement,
        Placement::Inside
    );
    let prompt = "command_rule(program = \"x\", decision = \"prompt\", run = \"outside\")\n";
    assert_eq!(judged(prompt, &request("x")).verdict.run, Run::Outside);
    // It is asked about, and stays where it is: the option is not one that the rule names.
    assert_eq!(judged(prompt, &request("x --y")).verdict.run, Run::Inside);
}

#[test]
fn a_rule_on_trial_acts_on_nothing() {
    let rules = "command_rule(program = \"x\", decision = \"forbidden\", enforce = False)\n";
    let judgement = judged(rules, &request("env x"));
    assert_eq!(judgement.verdict.basis, Basis::Unmatched);
    assert_eq!(judgement.trace.on_trial.len(), 1);
    assert!(!permitted(
        "command_rule(program = \"x\", enforce = False)\n",
        "x"
    ));
}

/// A rule on trial does not stand before one that counts, for words that nobody knows before.
#[test]
fn a_rule_on_trial_hides_no_other() {
    let counts = "prefix_rule(pattern = [\"x\", \"z\", \"--c\"], decision = \"prompt\")\n\
                  prefix_rule(pattern = [\"x\", \"a\", \"b\"], decision = \"prompt\")\n";
    let trial = "command_rule(program = \"x\", flags = \"--c\", decision = \"prompt\", \
                 enforce = False)\n";
    for rules in [format!("{counts}{trial}"), format!("{trial}{counts}")] {
        let judgement = judged(&rules, &request("xargs x a"));
        assert_eq!(judgement.verdict.decision, Decision::Prompt, "{rules}");
        assert!(judgement.presumed().is_some(), "{rules}");
    }
}

#[test]
fn a_program_can_be_a_path_or_a_form() {
    let at = |path: &str, trust: Trust| {
        let program = Program {
            asked: "git".into(),
            path: Some(path.into()),
            real: Some(PathBuf::from(path)),
            trust,
        };
        Request::new(
            program,
            vec!["git".into()],
            WorkingDirectory::new("/").unwrap(),
        )
    };
    let permits = "command_rule(program = glob(\"/opt/*/bin/git\"))\n";
    let placed = |request: Request| judged(permits, &request).verdict.placement;
    assert_eq!(
        placed(at("/opt/x/bin/git", Trust::Trusted)),
        Placement::Outside
    );
    assert_eq!(
        placed(at("/opt/x/y/bin/git", Trust::Trusted)),
        Placement::Inside
    );
    assert_eq!(
        placed(at("/opt/x/bin/git", Trust::Anonymous)),
        Placement::Inside
    );
    let forbids = "command_rule(program = glob(\"/opt/*/git\"), decision = \"forbidden\")\n";
    let judgement = judged(forbids, &at("/opt/x/bin/git", Trust::Anonymous));
    assert_eq!(judgement.verdict.decision, Decision::Forbidden);
}

#[test]
fn a_file_can_say_what_a_program_is_like() {
    let rules = "program(\"frob\", options_with_value = [\"-o\"], wraps = inner(after = 1))
command_rule(program = \"git\", subcommand = [\"push\"], decision = \"forbidden\")\n";
    assert_eq!(decision(rules, "frob -o x y git push"), Decision::Forbidden);
    assert_eq!(decision(rules, "frob -o git push x"), Decision::Allow);
    // Over what is built in.
    let forbids = "command_rule(program = \"git\", decision = \"forbidden\")\n";
    assert_eq!(decision(forbids, "npx git push"), Decision::Forbidden);
    let rules = format!("program(\"npx\")\n{forbids}");
    assert_eq!(decision(&rules, "npx git push"), Decision::Allow);
}

#[test]
fn what_is_nested_too_deep_is_not_permitted() {
    let deep = format!("{}true", "env ".repeat(40));
    let rules = "command_rule(program = \"env\", args = [rest(glob(\"*\"))])\n";
    assert!(permitted(rules, "env true"));
    assert!(!permitted(rules, &deep));
}
