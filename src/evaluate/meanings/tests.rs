//! The index against a look at every rule.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::evaluate::IndexedRules;
use crate::evaluate::see_through::seen_through;
use crate::models::{self, Phrased, Reading};
use crate::rules::from_own_text;
use crate::rules::meaning::{Paths, Subject};

/// Programs, and subcommands of theirs by several names, options that they have and that they haven't, with
/// and without values, tasks, and words that are nothing.
const PROGRAMS: [(&str, &str); 6] = [
    (
        "git",
        "push remote rm remove add sub x -C -f --force --odd -q - -- -x=push",
    ),
    (
        "docker",
        "image push rm rmi container ls ps images remove x -D -H --odd -- -f",
    ),
    (
        "npm",
        "publish pub run test t run-script x -w --odd -- install i",
    ),
    ("make", "X=1 deploy clean -j 4 -C d -k -- --odd"),
    ("tar", "xf x f -f -x a cf -xf -- --odd"),
    ("dd", "if=x of=y of=x x -- bs=1"),
];

/// The rules that a look at `reading` meets.
fn candidates(index: &IndexedRules, program: &str, reading: &Reading<'_>) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let meanings = index.meanings();
    meanings.candidates(OsStr::new(program), &Phrased::of(reading), &mut |rule| {
        found.insert(rule);
    });
    found
}

/// The rules that match when each is tried.
fn matching(index: &IndexedRules, reading: &Reading<'_>) -> BTreeSet<usize> {
    let rules = index.rules();
    let phrased = Phrased::of(reading);
    let subject = Subject {
        reading,
        phrased: &phrased,
        cwd: None,
        environment: None,
        paths: Paths::Unknown,
    };
    let prefix = rules.prefix_rules.iter();
    let prefix = prefix.map(|rule| seen_through(rule, &phrased).is_some());
    let command = rules.command_rules.iter();
    let command = command.map(|rule| rule.applies(&subject).is_ok());
    let all = prefix.chain(command).enumerate();
    all.filter(|(_, matches)| *matches)
        .map(|(number, _)| number)
        .collect()
}

fn rule(program: &'static str, words: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    let word = prop::sample::select(words.to_vec());
    let place = prop_oneof![
        3 => word.clone().prop_map(|word| format!("{word:?}")),
        1 => prop::collection::vec(word, 1..3).prop_map(|words| format!("{words:?}")),
    ];
    let places = prop::collection::vec(place, 0..5).prop_map(|places| places.join(", "));
    (places, prop::bool::weighted(0.7)).prop_map(move |(places, prefix)| {
        if prefix {
            format!("prefix_rule([{program:?}, {places}], \"forbidden\")\n")
        } else {
            format!("command_rule({program:?}, subcommand = [{places}], decision = \"prompt\")\n")
        }
    })
}

fn words(text: &[&str]) -> Vec<OsString> {
    text.iter().map(OsString::from).collect()
}

#[test]
fn no_rule_that_matches_is_passed_over() {
    let config = Config {
        cases: 1_500,
        failure_persistence: None,
        ..Config::default()
    };
    for (program, text) in PROGRAMS {
        let known: Vec<&'static str> = text.split(' ').collect();
        let rules = prop::collection::vec(rule(program, &known), 1..12);
        let command = prop::collection::vec(prop::sample::select(known), 0..8);
        let matches = std::cell::Cell::new(0);
        let model = models::builtin(program).unwrap();
        let outcome = TestRunner::new(config.clone()).run(&(rules, command), |(rules, command)| {
            let index = IndexedRules::new(from_own_text("t.rules", &rules.concat()));
            let command = words(&command);
            let reading = models::read(model, &command);
            let wanted = matching(&index, &reading);
            let met = candidates(&index, program, &reading);
            let missed: Vec<_> = wanted.difference(&met).copied().collect();
            prop_assert_eq!(missed, Vec::<usize>::new());
            matches.set(matches.get() + wanted.len());
            Ok(())
        });
        outcome.unwrap();
        assert!(matches.get() > 500, "{program}: {} matches", matches.get());
    }
}

#[test]
fn rules_on_other_subcommands_are_passed_over() {
    let rules: Vec<String> = (0..100)
        .map(|n| format!("prefix_rule([\"git\", \"sub{n}\", \"x\"], \"forbidden\")\n"))
        .collect();
    let index = IndexedRules::new(from_own_text("t.rules", &rules.concat()));
    let git = models::builtin("git").unwrap();
    for (command, met) in [
        (&["sub7", "x"][..], 1),
        (&["sub7", "--odd", "x"], 1),
        (&["sub7", "--odd", "y", "x"], 1),
        (&["--odd", "sub7", "sub8", "x"], 1),
        (&["-C", "sub7", "sub8", "x"], 1),
        (&["sub7", "y"], 0),
        (&["push", "--odd", "sub7"], 0),
    ] {
        let command = words(command);
        let reading = models::read(git, &command);
        let found = candidates(&index, "git", &reading).len();
        assert_eq!(found, met, "{command:?}");
    }
}

#[test]
fn a_rule_on_a_glob_is_on_the_programs_of_that_form() {
    let rules = "command_rule(glob(\"/usr/bin/{git,gh}\"), decision = \"forbidden\")\n\
                 command_rule([glob(\"/opt/**/[gh]*\"), \"true\"], decision = \"prompt\")\n";
    let index = IndexedRules::new(from_own_text("t.rules", rules));
    for (program, rules) in [
        ("/usr/bin/git", &[0][..]),
        ("/usr/bin/gh", &[0]),
        ("/opt/x/bin/helm", &[1]),
        ("true", &[1]),
        ("/usr/bin/gi", &[]),
        ("git", &[]),
        ("/usr/bin/{git,gh}", &[]),
    ] {
        let program = OsStr::new(program);
        let mut found = BTreeSet::new();
        let reading = Reading::default();
        let meanings = index.meanings();
        meanings.candidates(program, &Phrased::of(&reading), &mut |rule| {
            found.insert(rule);
        });
        assert_eq!(
            found,
            rules.iter().copied().collect(),
            "{}",
            program.display()
        );
        assert_eq!(meanings.has_rules_on(program), !rules.is_empty());
    }
}
