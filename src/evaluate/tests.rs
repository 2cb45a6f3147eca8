use std::ffi::OsString;
use std::path::Path;

use crate::request::{Program, Request, Trust, WorkingDirectory};
use crate::rules::model::{Diagnostic, HostExecutable, PrefixRule, RuleSet, Severity, Span};

use super::*;

const SPAN: Span = Span {
    file: 0,
    line: 1,
    column: 1,
    end_line: 1,
    end_column: 1,
};

use crate::rules::Decision::{self, Allow, Forbidden, Prompt};
use Placement::{Inside, Outside};

/// A rule; alternatives of a word are written `a|b`.
fn rule(decision: Decision, pattern: &str) -> PrefixRule {
    let mut words = pattern.split(' ').map(str::to_owned);
    PrefixRule {
        program: words.next().unwrap(),
        rest: words
            .map(|word| word.split('|').map(str::to_owned).collect())
            .collect(),
        decision,
        justification: None,
        canonical: false,
        span: SPAN,
        examples: Vec::new(),
    }
}

fn rules(list: &[(Decision, &str)]) -> RuleSet {
    RuleSet {
        prefix_rules: list.iter().map(|(d, p)| rule(*d, p)).collect(),
        ..RuleSet::default()
    }
}

fn host(name: &str, paths: &[&str]) -> HostExecutable {
    HostExecutable {
        name: name.into(),
        paths: paths.iter().map(ToString::to_string).collect(),
        span: SPAN,
    }
}

fn request(program: Program, argv: &str) -> Request {
    Request {
        program,
        argv: argv.split(' ').map(OsString::from).collect(),
        cwd: WorkingDirectory::new("/work").unwrap(),
        environment: None,
        withheld: Vec::new(),
        leading: Vec::new(),
        interpreter: None,
        copy_of: None,
        followed: None,
        pins: Vec::new(),
        aliases: Vec::new(),
    }
}

fn file(asked: &str, path: &str, real: &str, trust: Trust) -> Program {
    Program {
        asked: asked.into(),
        path: Some(path.into()),
        real: Some(real.into()),
        trust,
    }
}

fn git() -> Program {
    file("git", "/usr/bin/git", "/usr/bin/git", Trust::Trusted)
}

fn writable_git() -> Program {
    let trust = Trust::Writable {
        path: "/work/git".into(),
    };
    file("./git", "/work/git", "/work/git", trust)
}

fn answer(rules: &RuleSet, request: &Request) -> (Decision, Placement) {
    let verdict = judge(&IndexedRules::new(rules.clone()), request).verdict;
    (verdict.decision, verdict.placement)
}

#[test]
fn the_strictest_match_wins_whatever_its_length_or_order() {
    let rules = rules(&[
        (Forbidden, "git push --force"),
        (Prompt, "git push"),
        (Allow, "git"),
        (Allow, "git push --force origin"),
    ]);
    for (argv, expected) in [
        ("git status", (Allow, Outside)),
        ("git push", (Prompt, Outside)),
        ("git push --force origin", (Forbidden, Inside)),
        ("hg status", (Allow, Inside)),
    ] {
        let program = if argv.starts_with("git") {
            git()
        } else {
            Program::named("hg")
        };
        assert_eq!(answer(&rules, &request(program, argv)), expected, "{argv}");
    }
}

#[test]
fn the_basis_is_the_first_of_the_longest() {
    let rules = rules(&[
        (Prompt, "git"),
        (Prompt, "git push"),
        (Prompt, "git pull|push"),
    ]);
    let judgement = judge(&IndexedRules::new(rules), &request(git(), "git push x"));
    assert_eq!(judgement.verdict.basis, Basis::Rule(1));
    let matched: Vec<usize> = judgement.trace.matches.iter().map(|m| m.rule).collect();
    assert_eq!(matched, [0, 1, 2]);
    assert_eq!(judgement.trace.matches[1].matched, ["git", "push"]);
}

#[test]
fn restrictions_see_every_name() {
    let program = || {
        file(
            "../bin/./vi",
            "/usr/bin/vi",
            "/opt/vim/vim.basic",
            Trust::Trusted,
        )
    };
    for name in [
        "../bin/./vi",
        "/usr/bin/vi",
        "/opt/vim/vim.basic",
        "vi",
        "vim.basic",
        "view",
    ] {
        let rules = rules(&[(Forbidden, name)]);
        let request = request(program(), "/else/view x");
        assert_eq!(answer(&rules, &request).0, Forbidden, "{name}");
    }
    for name in ["bin/vi", "/bin/vi", "vim", "x"] {
        let rules = rules(&[(Forbidden, name)]);
        let request = request(program(), "/else/view x");
        assert_eq!(answer(&rules, &request).0, Allow, "{name}");
    }
}

#[test]
fn permissions_see_only_the_path_that_runs() {
    let linked = || file("fx", "/usr/bin/fx", "/opt/fx/fx.basic", Trust::Trusted);
    for (name, placement) in [
        ("fx", Outside),
        ("/usr/bin/fx", Outside),
        ("fx.basic", Inside),
        ("/opt/fx/fx.basic", Inside),
        ("fxw", Inside),
        ("/bin/fx", Inside),
    ] {
        let rules = rules(&[(Allow, name)]);
        let request = request(linked(), "fxw x");
        assert_eq!(answer(&rules, &request), (Allow, placement), "{name}");
    }
    // A second path to the same directory changes nothing.
    let merged = file("/bin/git", "/bin/git", "/usr/bin/git", Trust::Trusted);
    let rules = rules(&[(Allow, "/usr/bin/git")]);
    assert_eq!(answer(&rules, &request(merged, "git")), (Allow, Outside));
}

#[test]
fn what_the_sandbox_can_write_is_not_permitted_but_still_restricted() {
    let allowed = rules(&[(Allow, "git"), (Allow, "/work/git")]);
    let request = request(writable_git(), "git push");
    let judgement = judge(&IndexedRules::new(allowed), &request);
    assert_eq!(judgement.verdict.placement, Inside);
    assert_eq!(judgement.verdict.basis, Basis::Unmatched);
    let reason = "the sandbox can write /work/git".to_owned();
    assert_eq!(
        judgement.trace.discounted,
        [(0, reason.clone()), (1, reason)]
    );
    let restricted = rules(&[(Prompt, "git push")]);
    assert_eq!(answer(&restricted, &request), (Prompt, Inside));
}

#[test]
fn a_prompt_that_matches_only_widely_lifts_nothing() {
    let python = file(
        "python3",
        "/usr/bin/python3",
        "/usr/bin/python3",
        Trust::Trusted,
    );
    let rules = rules(&[(Prompt, "git")]);
    assert_eq!(answer(&rules, &request(python, "git x")), (Prompt, Inside));
}

#[test]
fn host_executables_narrow_permissions_only() {
    let mut set = rules(&[(Allow, "git"), (Forbidden, "git push")]);
    set.host_executables = vec![host("git", &["/usr/bin/git"]), host("git", &["/opt/git"])];
    assert_eq!(answer(&set, &request(git(), "git status")), (Allow, Inside));
    assert_eq!(answer(&set, &request(git(), "git push")).0, Forbidden);
    set.host_executables.push(host("git", &["/usr/bin/git"]));
    assert_eq!(
        answer(&set, &request(git(), "git status")),
        (Allow, Outside)
    );
}

#[test]
fn an_exact_path_rule_hides_no_name_rule() {
    let rules = rules(&[(Allow, "/usr/bin/git"), (Forbidden, "git push")]);
    let program = file(
        "/usr/bin/git",
        "/usr/bin/git",
        "/usr/bin/git",
        Trust::Trusted,
    );
    assert_eq!(answer(&rules, &request(program, "git push")).0, Forbidden);
}

#[test]
fn unresolved_programs_are_judged_by_name() {
    let rules = rules(&[
        (Allow, "kubectl get"),
        (Forbidden, "kubectl delete"),
        (Prompt, "usr"),
    ]);
    let kubectl = || Program::named("kubectl");
    assert_eq!(
        answer(&rules, &request(kubectl(), "kubectl get")),
        (Allow, Outside)
    );
    assert_eq!(
        answer(&rules, &request(kubectl(), "kubectl delete")).0,
        Forbidden
    );
    let odd = request(Program::named("/usr/bin/.."), "x");
    assert_eq!(answer(&rules, &odd).0, Prompt);
}

#[test]
fn without_a_match_heuristics_then_broken_rules_decide() {
    let mut set = rules(&[(Allow, "rm -rf build")]);
    let rm = || file("rm", "/bin/rm", "/bin/rm", Trust::Trusted);
    let judged =
        |set: &RuleSet, argv| judge(&IndexedRules::new(set.clone()), &request(rm(), argv)).verdict;
    assert_eq!(judged(&set, "rm -rf build").placement, Outside);
    let verdict = judged(&set, "rm -rf src");
    assert!(matches!(
        verdict.basis,
        Basis::Heuristic { code: "H001", .. }
    ));
    assert_eq!((verdict.decision, verdict.placement), (Prompt, Inside));
    assert_eq!(judged(&set, "rm x").basis, Basis::Unmatched);
    set.diagnostics.push(Diagnostic {
        code: "E0001".into(),
        severity: Severity::Error,
        span: None,
        file: 0,
        message: "broken".into(),
        help: None,
    });
    assert_eq!(judged(&set, "rm x").basis, Basis::BrokenRules);
    assert_eq!(judged(&set, "rm x").decision, Prompt);
    assert_eq!(judged(&set, "rm -rf build").decision, Allow);
}

#[test]
fn patterns_with_many_alternatives_and_words() {
    let long = "p a|b c d|e f g|h i j k l m n o p q";
    let rules = rules(&[(Forbidden, long), (Prompt, "p a|b"), (Prompt, "p  x")]);
    let is = |argv: &str| answer(&rules, &request(Program::named("p"), argv)).0;
    assert_eq!(is("p b c e f h i j k l m n o p q r"), Forbidden);
    assert_eq!(is("p b c e f h i j k l m n o p"), Prompt);
    assert_eq!(is("p c"), Allow);
    assert_eq!(is("p  x"), Prompt);
}

#[test]
fn what_runs_without_an_exec_is_not_hidden() {
    let rules = rules(&[(Forbidden, "git push"), (Allow, "git"), (Allow, "ld.so")]);
    let ld = "/lib64/ld-linux-x86-64.so.2";
    let is = |argv: &str| {
        let name = argv.split(' ').next().unwrap();
        answer(
            &rules,
            &request(file(name, name, name, Trust::Trusted), argv),
        )
    };
    assert_eq!(is(&format!("{ld} /usr/bin/git push")).0, Forbidden);
    assert_eq!(
        is(&format!("{ld} --library-path x --argv0 y git push")).0,
        Forbidden
    );
    // What it is called counts as well.
    for option in ["--argv0 git-push", "--argv0=/x/git-push"] {
        assert_eq!(is(&format!("{ld} {option} /bin/git x")).0, Forbidden);
        assert_eq!(is(&format!("{ld} {option} /bin/x x")).0, Forbidden);
    }
    assert_eq!(is("qemu-x86_64 -0 git-push /bin/git x").0, Forbidden);
    assert_eq!(
        is(&format!("{ld} {ld} --inhibit-cache git push")).0,
        Forbidden
    );
    assert_eq!(is(&format!("{ld} rm -rf x")), (Prompt, Inside));
    assert_eq!(is(&format!("{ld} git status")), (Allow, Inside));
    // Nor does who permits the loader permit what it loads.
    assert_eq!(is("/lib/ld.so git status"), (Allow, Inside));
    assert_eq!(is("/lib/ld.so"), (Allow, Outside));
    assert_eq!(is(ld), (Allow, Inside));
    assert_eq!(is("busybox git push"), (Forbidden, Inside));
    assert_eq!(is("coreutils --coreutils-prog=rm -rf x"), (Prompt, Inside));
    assert_eq!(is("/usr/lib/git-core/git-push x").0, Forbidden);
    assert_eq!(is("git- push").0, Allow);
    let renamed = request(git(), "git-push x");
    assert_eq!(answer(&rules, &renamed).0, Forbidden);
}

#[test]
fn rules_concern_a_program_under_each_of_its_names() {
    let mut set = rules(&[(Allow, "git push"), (Allow, "/usr/bin/vi")]);
    set.prefix_rules[0].canonical = true;
    let index = IndexedRules::new(set);
    let vi = file("vi", "/usr/bin/vi", "/usr/bin/vim", Trust::Trusted);
    assert!(index.concern(request(git(), "x").words()));
    assert!(index.concern(request(Program::named("GIT"), "x").words()));
    assert!(index.concern(request(Program::named("x"), "git").words()));
    assert!(index.concern(request(vi, "x").words()));
    assert!(!index.concern(request(Program::named("vi"), "push").words()));
}

#[test]
fn a_missing_argv0_is_no_escape() {
    let rules = rules(&[(Forbidden, "git")]);
    let request = Request {
        argv: Vec::new(),
        ..request(git(), "git")
    };
    assert_eq!(answer(&rules, &request).0, Forbidden);
}

/// rustup and its like are what they are called, by what they are known to do.
#[test]
fn a_file_that_does_what_it_is_called_is_read_as_that() {
    let rules =
        "prefix_rule([\"cargo\", \"build\"])\nprefix_rule([\"rustup\", \"run\"], \"forbidden\")\n";
    let index = IndexedRules::new(crate::rules::from_own_text("t.rules", rules));
    let judged = |asked: &str, argv: &str, real: &str| {
        let program = Program {
            asked: asked.into(),
            path: Some(Path::new("/usr/bin").join(asked)),
            real: Some(Path::new("/usr/bin").join(real)),
            trust: Trust::Trusted,
        };
        let argv = argv.split(' ').map(OsString::from).collect();
        let cwd = WorkingDirectory::new("/work").unwrap();
        let request = Request::new(program, argv, cwd).with_environment(Vec::new());
        let verdict = judge(&index, &request).verdict;
        (verdict.decision, verdict.placement)
    };
    let lifted = (Decision::Allow, Placement::Outside);
    assert_eq!(judged("cargo", "cargo build --release", "rustup"), lifted);
    assert_eq!(judged("cargo", "cargo build --release", "cargo"), lifted);
    for (asked, argv, real) in [
        // Another option that it doesn't name, another name, and a file of which nobody knows that.
        ("cargo", "cargo build --config x", "rustup"),
        ("cargo", "rustup build --release", "rustup"),
        ("cargo", "cargo build --release", "make"),
    ] {
        assert_ne!(judged(asked, argv, real), lifted, "{argv} as {real}");
    }
    let (decision, _) = judged("cargo", "cargo run", "rustup");
    assert_eq!(decision, Decision::Forbidden);
    let rules = "prefix_rule([\"cargo\", \"build\"], \"forbidden\")\n";
    let index = IndexedRules::new(crate::rules::from_own_text("t.rules", rules));
    for (argv, real, expected) in [
        ("cargo.x build", "rustup", Decision::Forbidden),
        ("cargo.x build", "make", Decision::Allow),
    ] {
        let program = Program {
            asked: "rustc".into(),
            path: Some("/usr/bin/rustc".into()),
            real: Some(Path::new("/usr/bin").join(real)),
            trust: Trust::Trusted,
        };
        let verdict = judge(&index, &request(program, argv)).verdict;
        assert_eq!(verdict.decision, expected, "{argv} as {real}");
    }
}
