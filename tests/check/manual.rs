//! Every code is known, unique and explained, and the examples on its page are right.

use std::collections::BTreeSet;

use codex_shell::lint::{LINTS, LOAD_ERRORS, Lint, explain};
use codex_shell::rules::RuleSet;

use super::findings_of;
use crate::examples::load;
use crate::snapshot;

/// Every code with its name and level, as one list.
fn codes() -> Vec<String> {
    let load_errors = LOAD_ERRORS.iter().map(|error| {
        let level = error.page().lines().next().unwrap().to_owned();
        level.trim_start_matches("# ").to_owned()
    });
    let lints = LINTS.iter().map(|lint| {
        let level = lint.level.map_or("off", codex_shell::lint::Level::name);
        format!("{} {} ({level})", lint.code, lint.name)
    });
    load_errors.chain(lints).collect()
}

#[test]
fn codes_and_names_are_unique() {
    let codes = codes();
    for place in [0, 1] {
        let words: BTreeSet<&str> = codes
            .iter()
            .map(|code| code.split(' ').nth(place).unwrap())
            .collect();
        assert_eq!(words.len(), codes.len());
    }
    snapshot::within("lint", || {
        insta::assert_snapshot!("codes", codes.join("\n"));
    });
}

#[test]
fn every_code_of_the_loader_is_explained() {
    let source = include_str!("../../src/rules/codes.rs");
    let written: BTreeSet<&str> = source
        .lines()
        .filter(|line| line.starts_with("pub const "))
        .filter_map(|line| line.split('"').nth(1))
        .collect();
    let explained: BTreeSet<&str> = LOAD_ERRORS.iter().map(|error| error.code).collect();
    assert_eq!(written, explained);
}

#[test]
fn a_page_is_found_by_code_in_any_case_and_by_name() {
    let page = explain("W101").unwrap();
    assert!(
        page.starts_with("# W101 duplicate-rule (warning)\n\nThe same rule "),
        "{page}"
    );
    assert_eq!(explain("w101"), Some(page.clone()));
    assert_eq!(explain("duplicate-rule"), Some(page));
    assert!(explain("e0301").is_some());
    assert_eq!(explain("W999"), None);
}

#[test]
fn every_lint_has_the_same_headings() {
    for lint in LINTS {
        let page = lint.page();
        let headings: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        assert_eq!(
            headings,
            ["## Why it matters", "## Example"],
            "{}",
            lint.code
        );
    }
}

#[test]
fn the_examples_on_each_page_are_right() {
    for lint in LINTS {
        let (bad, good) = examples(&lint.page()).expect(lint.code);
        assert!(
            finds(lint, &bad),
            "{} does not find its bad example",
            lint.code
        );
        assert!(!finds(lint, &good), "{} finds its good example", lint.code);
    }
    for error in LOAD_ERRORS {
        if let Some((bad, good)) = examples(&error.page()) {
            let codes: Vec<String> = load_text(&bad)
                .diagnostics
                .into_iter()
                .map(|d| d.code)
                .collect();
            assert_eq!(codes, [error.code]);
            assert_eq!(load_text(&good).diagnostics, [], "{}", error.code);
        }
    }
}

/// The first and the last block of code.
fn examples(page: &str) -> Option<(String, String)> {
    let mut blocks = page
        .split("```python\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap().to_owned());
    Some((blocks.next()?, blocks.last()?))
}

fn finds(lint: &Lint, text: &str) -> bool {
    let rules = load_text(text);
    assert_eq!(rules.diagnostics, [], "{text}");
    !findings_of(lint, &rules).is_empty()
}

fn load_text(text: &str) -> RuleSet {
    let folder = tempfile::tempdir().unwrap();
    // Where Codex reads it too.
    let path = folder.path().join(".codex/rules/example.rules");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    load(&[path])
}
