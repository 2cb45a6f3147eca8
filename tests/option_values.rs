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

/// Conditions, commands that say what these do, and others where that is not known.
const OVERRIDDEN: [(&str, &[&str], &[&str]); 16] = [
    (
        "\"kubectl\", subcommand = [[\"get\", \"cp\", \"debug\", \"delete\"]], options = {\"--namespace\": \"dev\"}, args = [rest()]",
        &[
            "kubectl get pods -n dev",
            "kubectl get pod/ns -n dev",
            "kubectl cp dev:/x y -n dev",
        ],
        &[
            "kubectl get pods -n dev -A",
            "kubectl get pods -n dev --all-namespaces=true",
            "kubectl get --raw /api/v1/namespaces/prod/secrets -n dev",
            "kubectl cp prod/pod:/y x -n dev",
            "kubectl cp x prod/pod:/y -n dev",
            "kubectl debug node/a -n dev",
            "kubectl delete ns prod -n dev",
            "kubectl delete namespace/prod -n dev",
            "kubectl get pods,nodes -n dev",
            "kubectl delete pv x -n dev",
            "kubectl delete -n dev -f x.yaml",
        ],
    ),
    (
        "\"helm\", subcommand = [\"list\"], options = {\"-n\": \"dev\"}, args = [rest()]",
        &["helm list -n dev", "helm -n=dev list"],
        &[
            "helm list -n dev -A",
            "helm list --namespace dev --all-namespaces",
        ],
    ),
    (
        "\"curl\", options = {\"-X\": \"GET\"}, args = [rest()]",
        &["curl -X GET x", "curl x", "curl -X GET x --next y"],
        &["curl -X GET -K f x"],
    ),
    (
        "\"gcloud\", subcommand = [\"compute\"], options = {\"--project\": \"dev\"}, args = [rest()]",
        &[],
        &[
            "gcloud compute x --project dev projects/prod/zones/z",
            "gcloud compute x --project=dev --flags-file=f",
        ],
    ),
    (
        "\"psql\", options = {\"-h\": \"dev\"}, args = [rest()]",
        &[],
        &[
            "psql -h dev host=prod",
            "psql -h dev postgres://prod/x",
            "psql -h dev -d host=prod",
        ],
    ),
    (
        "\"ssh\", options = {\"-l\": \"me\"}, args = [rest()]",
        &[],
        &[
            "ssh -l me root@host",
            "ssh -l me -o User=root host",
            "ssh -l me -F f host",
        ],
    ),
    (
        "\"redis-cli\", options = {\"-h\": \"dev\"}, args = [rest()]",
        &[],
        &["redis-cli -h dev -u redis://prod get x"],
    ),
    (
        "\"cargo\", subcommand = [\"test\"], options = {\"-p\": \"a\"}, args = [rest()]",
        &[],
        &[
            "cargo test -p a --workspace",
            "cargo test -p a --all",
            "cargo --config x test -p a",
        ],
    ),
    (
        "\"npm\", subcommand = [\"publish\"], options = {\"--registry\": \"r\"}, args = [rest()]",
        &[],
        &["npm publish --registry r --userconfig f"],
    ),
    (
        "\"pip\", subcommand = [\"install\"], options = {\"--index-url\": \"r\"}, args = [rest()]",
        &[],
        &[
            "pip install -i r --extra-index-url q x",
            "pip install -i r -r f",
            "pip install -i r https://x/y.whl",
        ],
    ),
    (
        "\"apt\", subcommand = [\"install\"], options = {\"-t\": \"stable\"}, args = [rest()]",
        &[],
        &[
            "apt install -t stable x/sid",
            "apt install -t stable -o APT::Default-Release=sid x",
        ],
    ),
    (
        "\"dnf\", subcommand = [\"install\"], options = {\"--repo\": \"base\"}, args = [rest()]",
        &[],
        &[
            "dnf install --repo base --enablerepo x y",
            "dnf install --repo base https://x/y.rpm",
        ],
    ),
    (
        "\"gh\", subcommand = [\"pr\"], options = {\"-R\": \"me/a\"}, args = [rest()]",
        &[],
        &["gh pr view -R me/a https://github.com/you/b/pull/1"],
    ),
    (
        "\"az\", subcommand = [\"vm\"], options = {\"-g\": \"dev\"}, args = [rest()]",
        &[],
        &["az vm delete -g dev --ids /subscriptions/x/y"],
    ),
    (
        "\"mysql\", options = {\"-h\": \"dev\"}, args = [rest()]",
        &[],
        &["mysql --defaults-extra-file=f -h dev"],
    ),
    (
        "\"git\", subcommand = [\"push\"], options = {\"--repo\": \"a\"}, args = [rest()]",
        &[],
        &["git push --repo a b"],
    ),
];

/// What other words change nobody knows: no permit, and a rule that restricts counts.
#[test]
fn other_words_change_what_an_option_says() {
    for (conditions, said, changed) in OVERRIDDEN {
        let all: Vec<&str> = said.iter().chain(changed).copied().collect();
        check(conditions, &all, &[], said);
        // But for those words, it would be known that it is another value.
        check(&with_another_value(conditions), changed, said, &[]);
    }
}

/// What follows is another request, which has the defaults.
#[test]
fn options_may_count_no_more() {
    check(
        "\"curl\", options = {\"-X\": \"GET\"}, args = [rest()]",
        &[
            "curl -XGET x --nex y",
            "curl -X GET x -: -d a y",
            "curl -X PUT x --next y",
        ],
        &["curl -X PUT x --next -X PUT -d a y"],
        &[],
    );
    check(
        "\"curl\", options = {\"-m\": \"5\"}, args = [rest()]",
        &["curl -m 5 x", "curl -m 5 x --next y"],
        &["curl -m 6 x --next y"],
        &["curl -m 5 x"],
    );
}

/// The same conditions with a value that no command names.
fn with_another_value(conditions: &str) -> String {
    let (before, behind) = conditions.split_once("options = {").unwrap();
    let (option, rest) = behind.split_once(": \"").unwrap();
    let (_, rest) = rest.split_once('"').unwrap();
    format!("{before}options = {{{option}: \"another\"{rest}")
}

/// Programs that use pflag take what is behind the `=` of `-n=dev`; for others it is part of the value.
#[test]
fn a_letter_may_have_its_value_behind_an_equals_sign() {
    let conditions = |program: &str, option: &str| {
        format!(
            "\"{program}\", subcommand = [\"list\"], options = {{\"{option}\": \"dev\"}}, args = [rest()]"
        )
    };
    check(
        &conditions("helm", "--namespace"),
        &[
            "helm list -n=dev",
            "helm list -an=dev",
            "helm list -ndev",
            "helm list -n dev",
        ],
        &["helm list -n=prod", "helm list -n ==dev"],
        &[
            "helm list -n=dev",
            "helm list -an=dev",
            "helm list -ndev",
            "helm list -n dev",
        ],
    );
    check(
        "\"tar\", options = {\"-C\": \"dev\"}, args = [rest()]",
        &["tar -t -Cdev", "tar -t -C=dev"],
        &["tar -t -C=prod"],
        &["tar -t -Cdev"],
    );
}

#[test]
fn a_value_may_be_said_by_a_key() {
    check(
        "\"docker\", subcommand = [\"run\"], options = {\"--network\": \"host\"}, args = [rest()]",
        &[
            "docker run --network host x",
            "docker run --net=host x",
            "docker run --network name=host x",
            "docker run --network alias=a,name=host x",
        ],
        &[
            "docker run --network name=dev x",
            "docker run --network alias=host x",
        ],
        &["docker run --network host x", "docker run --net=host x"],
    );
    for command in [
        "docker run --network name=host x",
        "kubectl delete x -n dev -A",
        "kubectl delete x -n=prod",
    ] {
        let rules = "prefix_rule([\"docker\", \"run\", \"--network\", \"host\"], decision = \"forbidden\")\n\
                     prefix_rule([\"kubectl\", \"delete\", \"-n\", \"prod\"], decision = \"forbidden\")\n";
        assert_eq!(judged(rules, command).0, Decision::Forbidden, "{command}");
    }
}

/// What is one signal is one, by its number or its name, as an option of its own or as the value of another.
#[test]
fn a_signal_is_the_same_in_any_spelling() {
    for (program, option) in [("kill", "-s"), ("pkill", "--signal"), ("killall", "-s")] {
        let mut spelled: Vec<String> = ["-9", "-KILL", "-SIGKILL"].map(str::to_owned).to_vec();
        for value in ["9", "KILL", "SIGKILL", "kill"] {
            spelled.push(format!("{option} {value}"));
            spelled.push(format!("--signal={value}"));
        }
        let others = [
            "-15",
            "-TERM",
            &format!("{option} TERM"),
            &format!("{option} 15"),
            "",
        ];
        let forbids = |rule: &str, option: &str| {
            let command = format!("{program} {option} x");
            judged(rule, &command).0 == Decision::Forbidden
        };
        for wanted in &spelled {
            let words = format!("{program} {wanted}")
                .replace('=', " ")
                .replace(' ', "\", \"");
            let prefix = format!("prefix_rule([\"{words}\"], decision = \"forbidden\")\n");
            let by_flag = format!(
                "command_rule({program:?}, flags = {wanted:?}, args = [rest()], decision = \"forbidden\")\n"
            );
            let value = wanted.split([' ', '=']).nth(1);
            let by_value = value.map(|value| {
                format!("command_rule({program:?}, options = {{{option:?}: {value:?}}}, decision = \"forbidden\")\n")
            });
            let by_flag = value.is_none().then_some(by_flag);
            for rule in [Some(prefix), by_flag, by_value].into_iter().flatten() {
                for command in &spelled {
                    assert!(forbids(&rule, command), "{rule}: {program} {command}");
                }
                for command in others {
                    assert!(!forbids(&rule, command), "{rule}: {program} {command}");
                }
            }
        }
    }
    // A rule that permits one signal permits no other.
    let rule = "command_rule(\"kill\", flags = \"-TERM\", args = [rest()])\n";
    for (command, lifted) in [
        ("kill -TERM 5", true),
        ("kill -s TERM 5", true),
        ("kill -15 5", true),
        ("kill -s KILL 5", false),
        ("kill -9 5", false),
        ("kill 5", false),
    ] {
        let placed = judged(rule, command).1 == Placement::Outside;
        assert_eq!(placed, lifted, "{command}");
    }
}
