//! A rule that is reported to change nothing changes nothing: the verdict on any command is the
//! same without it.

use codex_shell::config::Profiles;
use codex_shell::evaluate::{IndexedRules, Placement, judge};
use codex_shell::lint::{self, Levels};
use codex_shell::request::{Program, Request, WorkingDirectory};
use codex_shell::rules::model::{PrefixRule, RulesFile, Span};
use codex_shell::rules::{Decision, Layer, RuleSet};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What the lints say can go.
const USELESS: [&str; 3] = ["W101", "W102", "W103"];

fn word() -> impl Strategy<Value = String> {
    select(vec!["x", "y", "z"]).prop_map(str::to_owned)
}

fn program() -> impl Strategy<Value = String> {
    select(vec!["tool", "/usr/bin/tool"]).prop_map(str::to_owned)
}

fn rule() -> impl Strategy<Value = PrefixRule> {
    let decision = select(vec![Decision::Allow, Decision::Prompt, Decision::Forbidden]);
    let rest = vec(vec(word(), 1..3), 0..3);
    (program(), rest, decision, any::<bool>()).prop_map(|(program, rest, decision, canonical)| {
        PrefixRule {
            program,
            rest,
            decision,
            justification: None,
            canonical,
            span: at(0),
            examples: Vec::new(),
        }
    })
}

/// Every rule stands on a line of its own, which tells them apart.
fn at(line: u32) -> Span {
    Span {
        file: 0,
        line,
        column: 1,
        end_line: line,
        end_column: 2,
    }
}

fn rules() -> impl Strategy<Value = RuleSet> {
    vec(rule(), 1..8).prop_map(|mut prefix_rules| {
        for (line, rule) in (1..).zip(&mut prefix_rules) {
            rule.span = at(line);
        }
        RuleSet {
            files: vec![RulesFile {
                layer: Layer::default(),
                name: "a.rules".to_owned(),
                text: String::new(),
            }],
            prefix_rules,
            ..RuleSet::default()
        }
    })
}

fn command() -> impl Strategy<Value = Vec<String>> {
    (program(), vec(word(), 0..4)).prop_map(|(program, words)| {
        let mut command = vec![program];
        command.extend(words);
        command
    })
}

fn verdict(rules: &RuleSet, command: &[String]) -> (Decision, Placement) {
    let request = Request {
        program: Program::named(&command[0]),
        argv: command.iter().map(Into::into).collect(),
        cwd: WorkingDirectory::new("/").unwrap(),
        environment: None,
        withheld: Vec::new(),
        leading: Vec::new(),
        interpreter: None,
        copy_of: None,
        followed: None,
        pins: Vec::new(),
        aliases: Vec::new(),
    };
    let verdict = judge(&IndexedRules::new(rules.clone()), &request).verdict;
    (verdict.decision, verdict.placement)
}

proptest! {
    #[test]
    fn a_rule_that_changes_nothing_changes_nothing(
        rules in rules(),
        commands in vec(command(), 20),
    ) {
        for finding in lint::check(&rules, &Levels::default(), &Profiles::default()) {
            if !USELESS.contains(&finding.code.as_str()) {
                continue;
            }
            let mut without = rules.clone();
            without.prefix_rules.retain(|rule| Some(rule.span) != finding.span);
            for command in &commands {
                prop_assert_eq!(verdict(&rules, command), verdict(&without, command));
            }
        }
    }
}
