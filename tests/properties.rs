//! What holds for any rules and any command.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::process::Command;

use codex_shell::evaluate::heuristic::Descendants;
use codex_shell::evaluate::{IndexedRules, Placement, compat, heuristic, judge, near_misses};
use codex_shell::models;
use codex_shell::models::reading::Known;
use codex_shell::request::program::{last_component, normalised};
use codex_shell::request::{Program, Request, Trust, WorkingDirectory, argv};
use codex_shell::rules::lexical::Whereabouts;
use codex_shell::rules::meaning::{Meaning, OperandCondition, Pattern};
use codex_shell::rules::model::{
    CommandRule, DefaultRule, HostExecutable, PrefixRule, ProgramName, Run, Span,
};
use codex_shell::rules::{Decision, RuleSet, canonical};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::read_back::read;
use crate::support::cases::at_least;
use crate::support::needs::skip;

const CWD: &str = "/work";
const SPAN: Span = Span {
    file: 0,
    line: 1,
    column: 1,
    end_line: 1,
    end_column: 1,
};

/// Few words, so that rules and commands often meet.
fn word() -> impl Strategy<Value = String> {
    let words = [
        "push", "-f", "--force", "x", "X", "", "\u{e9}", "e\u{301}", "\u{c9}", "-C", "git", "-rf",
        "env", "--", "-qf",
    ];
    select(words.to_vec()).prop_map(str::to_owned)
}

fn program() -> impl Strategy<Value = String> {
    let programs = [
        "git",
        "GIT",
        "rm",
        "g\u{e9}",
        "ge\u{301}",
        "./git",
        "../git",
        "/usr/bin/git",
        "/usr//bin/./git",
        "/usr/bin/../bin/rm",
        "env",
        "xargs",
        "/opt/git/",
        "/opt/..",
        "",
    ];
    select(programs.to_vec()).prop_map(str::to_owned)
}

fn decision() -> impl Strategy<Value = Decision> {
    select(&[Decision::Allow, Decision::Prompt, Decision::Forbidden][..])
}

prop_compose! {
    fn rule(said: impl Strategy<Value = Decision>)(
        program in program(),
        rest in vec(vec(word(), 1..3), 0..4),
        decision in said,
        canonical in any::<bool>(),
    ) -> PrefixRule {
        PrefixRule {
            program,
            rest,
            decision,
            justification: None,
            canonical,
            span: SPAN,
            examples: Vec::new(),
        }
    }
}

prop_compose! {
    fn meaning()(
        subcommand in vec(vec(word(), 1..3), 0..2),
        flags in vec(vec(select(&["-f", "--force", "-r", "-C"][..]).prop_map(str::to_owned), 1..3), 0..2),
        without in vec(select(&["-f", "-q"][..]).prop_map(str::to_owned), 0..2),
        operands in prop_oneof![
            2 => Just(None),
            1 => (vec(vec(word().prop_map(Pattern::Literal), 1..2), 0..2), any::<bool>()).prop_map(|(places, open)| {
                Some(OperandCondition { places, rest: open.then(Vec::new) })
            }),
        ],
        exact in any::<bool>(),
    ) -> Meaning {
        Meaning { subcommand, flags, without, operands, exact, ..Meaning::default() }
    }
}

prop_compose! {
    fn command_rule(said: impl Strategy<Value = Decision>)(
        programs in vec(program().prop_map(ProgramName::Literal), 1..3),
        meaning in meaning(),
        unless in vec(meaning(), 0..2),
        decision in said,
        enforce in prop_oneof![5 => Just(true), 1 => Just(false)],
        run in prop_oneof![3 => Just(None), 1 => Just(Some(Run::Inside)), 1 => Just(Some(Run::Outside))],
    ) -> CommandRule {
        CommandRule {
            programs,
            meaning,
            unless,
            decision,
            justification: None,
            run,
            pass_env: Vec::new(),
            enforce,
            span: SPAN,
            examples: 0,
        }
    }
}

prop_compose! {
    fn host()(
        name in select(&["git", "rm"][..]),
        folders in vec(select(&["/usr/bin", "/opt", "/work", ""][..]), 0..3),
    ) -> HostExecutable {
        HostExecutable {
            name: name.into(),
            paths: folders.iter().map(|folder| format!("{folder}/{name}")).collect(),
            span: SPAN,
        }
    }
}

prop_compose! {
    fn rules()(
        prefix_rules in vec(rule(decision()), 0..12),
        command_rules in vec(command_rule(decision()), 0..6),
        host_executables in vec(host(), 0..3),
    ) -> RuleSet {
        RuleSet { prefix_rules, command_rules, host_executables, ..RuleSet::default() }
    }
}

fn trust() -> impl Strategy<Value = Trust> {
    prop_oneof![
        3 => Just(Trust::Trusted),
        1 => Just(Trust::Anonymous),
        1 => Just(Trust::Writable { path: "/work/git".into() }),
        1 => Just(Trust::Disguised { argv0: "vi".into() }),
    ]
}

prop_compose! {
    /// The words of a command, and the request that comes of them on some machine.
    fn command()(
        asked in program(),
        arguments in vec(word(), 0..5),
        trust in trust(),
        found in any::<bool>(),
        argv0 in prop_oneof![Just(None), program().prop_map(Some)],
        real in prop_oneof![Just(None), program().prop_map(Some)],
    ) -> (Vec<String>, Request) {
        let words: Vec<String> = std::iter::once(asked.clone()).chain(arguments).collect();
        let place = if asked.contains('/') {
            Path::new(CWD).join(&asked)
        } else {
            Path::new("/usr/bin").join(&asked)
        };
        let path = normalised(&place);
        let program = if found {
            let real = real.map(|real| normalised(&Path::new("/usr/bin").join(real)));
            Program {
                asked: asked.into(),
                real: Some(real.unwrap_or_else(|| path.clone())),
                path: Some(path),
                trust,
            }
        } else {
            Program::named(asked)
        };
        let mut argv: Vec<OsString> = words.iter().map(OsString::from).collect();
        if let Some(argv0) = argv0 {
            argv[0] = argv0.into();
        }
        (words, Request { program, argv, cwd: WorkingDirectory::new(CWD).unwrap(), environment: None, withheld: Vec::new(),
        leading: Vec::new(), interpreter: None, copy_of: None, followed: None, pins: Vec::new(), aliases: Vec::new() })
    }
}

fn severity(rules: &RuleSet, request: &Request) -> Decision {
    judge(&IndexedRules::new(rules.clone()), request)
        .verdict
        .decision
}

/// The rules that restrict and match, found without any index.
fn restrictions(rules: &RuleSet, request: &Request) -> BTreeSet<usize> {
    let program = &request.program;
    let presumed = Path::new(CWD).join(&program.asked);
    let path = match &program.path {
        Some(path) => Some(path.clone()),
        None => program
            .asked
            .as_bytes()
            .contains(&b'/')
            .then(|| normalised(&presumed)),
    };
    let mut names: Vec<&OsStr> = vec![&program.asked];
    names.extend(path.as_deref().map(Path::as_os_str));
    names.extend(program.real.as_deref().map(Path::as_os_str));
    let mut last: Vec<&OsStr> = names.iter().map(|name| last_component(name)).collect();
    last.extend(request.argv.first().map(|argv0| last_component(argv0)));
    names.append(&mut last);
    let same = |rule: &PrefixRule, wanted: &str, had: &OsStr| {
        let had = had.to_str().unwrap();
        wanted == had || (rule.canonical && canonical::equal(wanted, had))
    };
    let numbered = rules.prefix_rules.iter().enumerate();
    numbered
        .filter(|(_, rule)| rule.decision != Decision::Allow)
        .filter(|(_, rule)| names.iter().any(|name| same(rule, &rule.program, name)))
        .filter(|(_, rule)| {
            let words = request.arguments();
            rule.rest.len() <= words.len()
                && rule
                    .rest
                    .iter()
                    .zip(words)
                    .all(|(choices, word)| choices.iter().any(|choice| same(rule, choice, word)))
        })
        .map(|(index, _)| index)
        .collect()
}

/// The rules that restrict and match when each is the only one.
fn each_alone(rules: &RuleSet, request: &Request) -> BTreeSet<usize> {
    let prefix = rules.prefix_rules.iter().map(|rule| RuleSet {
        prefix_rules: vec![rule.clone()],
        ..RuleSet::default()
    });
    let command = rules.command_rules.iter().map(|rule| RuleSet {
        command_rules: vec![rule.clone()],
        ..RuleSet::default()
    });
    let sets = prefix.chain(command).enumerate();
    sets.filter(|(_, alone)| alone.rule(0).unwrap().decision != Decision::Allow)
        .filter(|(_, alone)| {
            let trace = judge(&IndexedRules::new(alone.clone()), request).trace;
            trace.matches.iter().any(|found| !found.presumed)
        })
        .map(|(number, _)| number)
        .collect()
}

proptest! {
    #![proptest_config(at_least(2000))]

    #[test]
    fn never_looser_than_the_released_evaluator(
        rules in rules(),
        (words, request) in command(),
        resolve in any::<bool>(),
    ) {
        let here = Whereabouts { cwd: Some(CWD), home: None };
        let theirs = compat::check(&rules, &words, resolve.then_some(here));
        let theirs = theirs.decision.unwrap_or(Decision::Allow);
        prop_assert!(severity(&rules, &request) >= theirs);
    }

    #[test]
    fn a_restriction_more_is_never_looser(
        rules in rules(),
        more in rule(select(&[Decision::Prompt, Decision::Forbidden][..])),
        (_, request) in command(),
    ) {
        let before = severity(&rules, &request);
        let mut stricter = rules;
        stricter.prefix_rules.push(more);
        prop_assert!(severity(&stricter, &request) >= before);
    }

    #[test]
    fn a_restriction_more_on_a_meaning_is_never_looser(
        rules in rules(),
        more in command_rule(select(&[Decision::Prompt, Decision::Forbidden][..])),
        (_, request) in command(),
    ) {
        let was = judge(&IndexedRules::new(rules.clone()), &request);
        let mut stricter = rules;
        stricter.command_rules.push(more);
        let is = judge(&IndexedRules::new(stricter), &request);
        prop_assert!(is.verdict.decision >= was.verdict.decision, "{was:?}\n{is:?}");
    }

    #[test]
    fn what_permits_a_meaning_has_that_meaning(
        permits in command_rule(Just(Decision::Allow)),
        (_, request) in command(),
    ) {
        let index = |rule: CommandRule| IndexedRules::new(RuleSet {
            command_rules: vec![rule],
            ..RuleSet::default()
        });
        let permitted = judge(&index(permits.clone()), &request).verdict;
        let restricts = CommandRule {
            decision: Decision::Forbidden,
            unless: Vec::new(),
            enforce: true,
            ..permits
        };
        let restricted = judge(&index(restricts), &request).verdict;
        prop_assert!(
            permitted.placement == Placement::Inside || restricted.decision == Decision::Forbidden
        );
    }

    #[test]
    fn a_default_is_never_looser(
        (rules, said) in (rules(), decision()),
        (_, request) in command(),
    ) {
        let before = severity(&rules, &request);
        let mut with = rules;
        with.defaults.push(DefaultRule {
            decision: said,
            justification: None,
            span: SPAN,
        });
        prop_assert!(severity(&with, &request) >= before);
    }

    #[test]
    fn the_index_finds_what_a_plain_search_finds(
        rules in rules(),
        (_, request) in command(),
    ) {
        let judgement = judge(&IndexedRules::new(rules.clone()), &request);
        let found: BTreeSet<usize> = judgement
            .trace
            .matches
            .iter()
            // Of what could be there, one rule is enough.
            .filter(|found| !found.presumed)
            .map(|found| found.rule)
            .filter(|&rule| rules.rule(rule).unwrap().decision != Decision::Allow)
            .collect();
        prop_assert!(found.is_superset(&restrictions(&rules, &request)));
        prop_assert_eq!(found, each_alone(&rules, &request));
    }

    #[test]
    fn only_a_trusted_program_leaves_the_sandbox(
        rules in rules(),
        (_, request) in command(),
    ) {
        let verdict = judge(&IndexedRules::new(rules), &request).verdict;
        if !matches!(request.program.trust, Trust::Trusted | Trust::Unresolved) {
            prop_assert_eq!(verdict.placement, Placement::Inside);
        }
    }

    #[test]
    fn every_word_is_read_once(
        program in select(models::programs().collect::<Vec<_>>()),
        words in vec(prop_oneof![2 => option_word(), 1 => bytes()].prop_map(OsString::from_vec), 0..8),
    ) {
        let name = program.0.split(' ').next().unwrap();
        let model = models::builtin(name).unwrap();
        let reading = models::read(model, &words);
        // What follows the end of a chained command is another command.
        let ends = |word: &OsString| model.chains.iter().any(|end| word.as_bytes().ends_with(end.as_bytes()));
        let own = words.iter().position(ends).map_or(words.len(), |end| end + 1);
        let read: Vec<usize> = reading.parts.iter().map(|part| part.index).collect();
        prop_assert!(read.iter().all(|&index| index < words.len()));
        // Words of a command that ends before another word are that command's.
        if reading.flags().all(|flag| !matches!(flag.known, Known::Runs(_))) {
            let read: BTreeSet<usize> = read.into_iter().collect();
            prop_assert_eq!(read, (0..own).collect());
        }
    }

    #[test]
    fn a_near_miss_is_no_match(rules in rules(), (_, request) in command()) {
        let index = IndexedRules::new(rules);
        let trace = judge(&index, &request).trace;
        let misses = near_misses(&index, &request, &judge(&index, &request).trace).nearest;
        prop_assert!(misses.len() <= 5);
        prop_assert!(misses.windows(2).all(|pair| pair[0].token >= pair[1].token));
        for miss in misses {
            prop_assert!(trace.matches.iter().all(|found| found.rule != miss.rule));
            prop_assert!(trace.discounted.iter().all(|(rule, _)| *rule != miss.rule));
        }
    }
}

/// Words that some models know.
fn option_word() -> impl Strategy<Value = Vec<u8>> {
    let words: [&[u8]; 22] = [
        b"-C",
        b"-c",
        b"-rf",
        b"--force",
        b"--force=x",
        b"--forc",
        b"--no-verify",
        b"push",
        b"remote",
        b"add",
        b"--",
        b"-",
        b"-exec",
        b";",
        b"+",
        b"+x",
        b"-20",
        b"A=b",
        b"5",
        b"compose",
        b"-nx",
        b"sh",
    ];
    select(words.map(<[u8]>::to_vec).to_vec())
}

/// Bytes that matter to shells and terminals more often than chance has them.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces: [&[u8]; 24] = [
        b"a",
        b" ",
        b"  ",
        b"'",
        b"\"",
        b"\\",
        b"$",
        b"`",
        b"\n",
        b"\r",
        b"\x1b",
        b"\x7f",
        b"\x01",
        b"\xff",
        b"\xe2\x82",
        "\u{202e}".as_bytes(),
        "\u{e9}".as_bytes(),
        "\u{301}".as_bytes(),
        "\u{10ffff}".as_bytes(),
        b"=",
        b"~",
        b"#",
        b"$(",
        b"rm -f x",
    ];
    let piece = prop_oneof![
        3 => select(pieces.map(<[u8]>::to_vec).to_vec()),
        1 => (1_u8..).prop_map(|byte| vec![byte]),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn words() -> impl Strategy<Value = Vec<OsString>> {
    vec(bytes().prop_map(OsString::from_vec), 0..6)
}

proptest! {
    #![proptest_config(at_least(256))]

    #[test]
    fn the_text_form_reads_back(words in words()) {
        let text = argv::text(&words);
        prop_assert!(!text.chars().any(char::is_control));
        prop_assert_eq!(read(&text), words);
    }

    #[test]
    fn the_bounded_form_is_bounded_and_clean(words in words(), max in 128_usize..600) {
        let text = argv::bounded(&words, max);
        prop_assert!(text.len() <= max);
        prop_assert!(!text.chars().any(char::is_control));
    }

    #[test]
    fn what_nobody_looked_at_permits_nothing(rules in rules(), (_, whole) in command(), missing in 0..3) {
        prop_assume!(whole.program.path.is_some());
        let mut request = whole;
        match missing {
            0 => request.program.path = None,
            1 => request.program.real = None,
            _ => request.program.trust = Trust::Unexamined,
        }
        let verdict = judge(&IndexedRules::new(rules), &request).verdict;
        prop_assert_eq!(verdict.placement, Placement::Inside);
    }

    #[test]
    fn heuristics_take_any_bytes(words in words()) {
        let script = script(words.join(OsStr::new("")));
        let none = IndexedRules::default();
        let _ = heuristic::dangerous(&none, script.words(), Descendants::Unjudged);
        let _ = heuristic::dangerous(&none, script.words(), Descendants::Judged);
    }

    #[test]
    fn what_surrounds_a_command_does_not_hide_it(
        before in select(&["", "true;", "a | ", "if b; then ", "( ", "{ ", "x && ", "A=1 ", "! "][..]),
        outer in select(&["@", "echo \"$(@)\"", "echo `@`", "sudo sh -c '@'", "f() { @; }"][..]),
    ) {
        let text = outer.replace('@', &format!("{before}rm -rf x"));
        let request = script(text.into());
        let danger = heuristic::dangerous(&IndexedRules::default(), request.words(), Descendants::Unjudged);
        prop_assert!(danger.is_some());
    }
}

fn script(text: OsString) -> Request {
    Request {
        program: Program::named("bash"),
        argv: vec!["bash".into(), "-c".into(), text],
        cwd: WorkingDirectory::new(CWD).unwrap(),
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

#[test]
fn bash_reads_the_text_form_back() {
    let mut words: Vec<OsString> = (1..=255_u8)
        .flat_map(|byte| [vec![byte], vec![b'a', byte, b'b'], vec![byte, byte]])
        .map(OsString::from_vec)
        .collect();
    words.extend(
        [
            "",
            "\u{202e}x",
            "\u{e000}",
            "\u{10ffff}",
            "e\u{301}1",
            "A=b",
            "if",
        ]
        .map(Into::into),
    );
    let script = format!("printf '%s\\0' {}", argv::text(&words));
    let Ok(output) = Command::new("bash")
        .args(["--norc", "-c", &script])
        .env("LC_ALL", "C.UTF-8")
        .output()
    else {
        skip("bash");
        return;
    };
    let expected: Vec<u8> = words
        .iter()
        .flat_map(|word| [word.as_bytes(), b"\0"].concat())
        .collect();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&expected)
    );
    assert_eq!(output.stdout, expected);
}

/// Run with `--ignored --nocapture` for the numbers.
#[test]
#[ignore = "measures; says nothing about right or wrong"]
fn judging_time_does_not_grow_with_the_rules() {
    for count in [10_usize, 10_000] {
        let rule = |program: String, words: &[String]| PrefixRule {
            program,
            rest: words.iter().map(|word| vec![word.clone()]).collect(),
            decision: Decision::Prompt,
            justification: None,
            canonical: false,
            span: SPAN,
            examples: Vec::new(),
        };
        let programs = (0..count).map(|n| rule(format!("tool{n}"), &["run".into()]));
        let subcommands = (0..count).map(|n| rule("git".into(), &[format!("sub{n}")]));
        let deep = (0..count).map(|n| rule("git".into(), &["remote".into(), format!("r{n}")]));
        let sets: [Vec<PrefixRule>; 3] =
            [programs.collect(), subcommands.collect(), deep.collect()];
        for (name, prefix_rules) in ["programs", "subcommands", "third words"].iter().zip(sets) {
            let index = IndexedRules::new(RuleSet {
                prefix_rules,
                ..RuleSet::default()
            });
            let request = Request {
                program: Program::named("git"),
                argv: ["git", "remote", "r7"].map(Into::into).to_vec(),
                cwd: WorkingDirectory::new(CWD).unwrap(),
                environment: None,
                withheld: Vec::new(),
                leading: Vec::new(),
                interpreter: None,
                copy_of: None,
                followed: None,
                pins: Vec::new(),
                aliases: Vec::new(),
            };
            let rounds = 2000;
            let start = std::time::Instant::now();
            for _ in 0..rounds {
                let _ = std::hint::black_box(judge(&index, &request));
            }
            println!("{count} {name}: {:?} a command", start.elapsed() / rounds);
        }
    }
}

/// Run with `--ignored --nocapture` for the numbers.
#[test]
#[ignore = "measures; says nothing about right or wrong"]
fn time_to_resolve_a_program() {
    let sh = OsStr::new("sh");
    let writable = ["/tmp".into(), std::env::current_dir().unwrap()];
    let rounds = 2000;
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        let program = Program::at(sh, Path::new("/bin/sh"), Some(sh), &writable);
        assert_eq!(program.trust, Trust::Trusted);
    }
    println!("/bin/sh: {:?}", start.elapsed() / rounds);
}
