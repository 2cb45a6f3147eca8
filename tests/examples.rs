//! Every file in `rules-examples/` loads, its examples hold, and `rules check` is content.

use std::fs;
use std::path::{Path, PathBuf};

use codex_shell::config::Profiles;
use codex_shell::lint::{self, Level, Levels};
use codex_shell::report::findings::{self, Findings};
use codex_shell::rules::{self, Decision, RuleSet};

/// The program that loads rules; these tests are not it.
const PROGRAM: &str = env!("CARGO_BIN_EXE_codex-shell");

pub(crate) fn load(paths: &[PathBuf]) -> RuleSet {
    rules::load_with(Path::new(PROGRAM), paths, &rules::RulesCache::default())
}

/// Every lint, the ones that are off by default too.
fn all_lints() -> Levels {
    let mut levels = Levels::default();
    for lint in lint::LINTS {
        levels.set(lint.code, Some(Level::Warning)).unwrap();
    }
    levels
}

fn assert_clean(rules: &RuleSet) {
    let found = lint::check(rules, &all_lints(), &Profiles::default());
    let findings = Findings {
        rules,
        findings: &found,
    };
    assert!(found.is_empty(), "{}", findings::text(findings, false));
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir("rules-examples")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
fn each_file_is_clean_alone() {
    for file in files() {
        assert_eq!(file.extension().unwrap(), "rules", "{}", file.display());
        let rules = load(&[file]);
        assert!(!rules.prefix_rules.is_empty());
        assert_clean(&rules);
    }
}

#[test]
fn all_files_are_clean_together() {
    let rules = load(&[PathBuf::from("rules-examples")]);
    assert_eq!(rules.files.len(), files().len());
    assert_clean(&rules);
}

#[test]
fn each_file_begins_by_saying_what_it_teaches() {
    let rules = load(&[PathBuf::from("rules-examples")]);
    for file in &rules.files {
        let comment: Vec<&str> = file
            .text
            .lines()
            .take_while(|line| line.starts_with('#'))
            .collect();
        assert!(comment.len() >= 3, "{}", file.name);
        assert!(
            comment.iter().any(|line| line.starts_with("# Teaches: ")),
            "{}",
            file.name
        );
    }
}

#[test]
fn every_rule_has_a_justification_and_an_example() {
    let rules = load(&[PathBuf::from("rules-examples")]);
    for rule in &rules.prefix_rules {
        let place = rules.place(rule.span);
        assert!(rule.justification.is_some(), "{place}");
        assert!(!rule.examples.is_empty(), "{place}");
    }
    for rule in &rules.network_rules {
        assert!(rule.justification.is_some(), "{}", rules.place(rule.span));
    }
}

/// What is allowed runs outside, unasked: every such rule names a subcommand or an option.
#[test]
fn nothing_is_allowed_by_its_program_alone() {
    let rules = load(&[PathBuf::from("rules-examples")]);
    for rule in &rules.prefix_rules {
        if rule.decision == Decision::Allow {
            assert!(!rule.rest.is_empty(), "{}", rules.place(rule.span));
        }
    }
}
