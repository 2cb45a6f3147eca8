//! `rules check`: every lint, every format, the manual, and the exit status.

mod cli;
mod manual;
mod soundness;

use std::path::PathBuf;

use codex_shell::config::Profiles;
use codex_shell::lint::{self, Finding, LINTS, Level, Levels, Lint};
use codex_shell::report::findings::{self, Findings};
use codex_shell::rules::RuleSet;

use crate::examples::load;
use crate::snapshot;

/// The findings of one lint, whatever its level is by default.
fn findings_of(lint: &Lint, rules: &RuleSet) -> Vec<Finding> {
    let mut levels = Levels::default();
    levels.set(lint.code, Some(Level::Warning)).unwrap();
    let mut found = lint::check(rules, &levels, &Profiles::default());
    found.retain(|finding| finding.code == lint.code);
    found
}

fn load_side(lint: &Lint, side: &str) -> RuleSet {
    let file = PathBuf::from(format!("tests/check/{}-{side}.rules", lint.code));
    let folder = PathBuf::from(format!("tests/check/{}-{side}/.codex/rules", lint.code));
    let rules = load(&[if file.exists() { file } else { folder }]);
    assert!(!rules.is_broken(), "{:?}", rules.diagnostics);
    rules
}

#[test]
fn each_lint_finds_its_bad_side() {
    for lint in LINTS {
        let rules = load_side(lint, "bad");
        let found = findings_of(lint, &rules);
        assert!(!found.is_empty(), "{} finds nothing", lint.code);
        let report = findings::json(Findings {
            rules: &rules,
            findings: &found,
        });
        snapshot::within("lint", || {
            insta::assert_snapshot!(lint.code, report.unwrap());
        });
    }
}

/// Each line of that file is a fault of its own.
#[test]
fn each_suspicious_word_is_found() {
    let lint = lint::find("W112").unwrap();
    let rules = load_side(lint, "bad");
    let found = findings_of(lint, &rules);
    let lines = rules.files[0].text.lines().count();
    for line in 1..=lines {
        let is_found = found.iter().any(|finding| {
            let span = finding.span.unwrap();
            span.line as usize == line
        });
        assert!(is_found, "line {line}");
    }
}

#[test]
fn no_lint_finds_its_good_side() {
    for lint in LINTS {
        let rules = load_side(lint, "good");
        let found = findings_of(lint, &rules);
        assert!(found.is_empty(), "{}: {found:#?}", lint.code);
    }
}

/// Broken files and clean ones, findings of one line and of several, and one in two files.
fn formats() -> RuleSet {
    load(&[
        PathBuf::from("tests/check/formats"),
        PathBuf::from("tests/check/missing"),
    ])
}

#[test]
fn every_format_says_the_same() {
    let rules = formats();
    let found = lint::check(&rules, &Levels::default(), &Profiles::default());
    let findings = Findings {
        rules: &rules,
        findings: &found,
    };
    snapshot::within("report", || {
        insta::assert_snapshot!("text", findings::text(findings, false));
        insta::assert_snapshot!("json", findings::json(findings).unwrap());
        insta::assert_snapshot!("github", findings::github(findings, None));
    });
    assert_eq!(
        findings::github(findings, None).lines().count(),
        found.len() + 1
    );
}

#[test]
fn colour_only_adds_colour() {
    let rules = formats();
    let found = lint::check(&rules, &Levels::default(), &Profiles::default());
    let findings = Findings {
        rules: &rules,
        findings: &found,
    };
    let plain = findings::text(findings, false);
    let coloured = findings::text(findings, true);
    assert!(!plain.contains('\x1b'));
    assert!(coloured.contains('\x1b'));
    assert_eq!(without_colour(&coloured), plain);
}

fn without_colour(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').unwrap().1)
}

#[test]
fn a_rules_file_cannot_draw_on_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("\x1b[31mred.rules");
    let text = "prefix_rule(pattern = [\"a b\x1b[2J\"], decision = \"allow\") # \x1b[2J\n";
    std::fs::write(&path, text).unwrap();
    let rules = load(&[path]);
    let found = lint::check(&rules, &Levels::default(), &Profiles::default());
    assert!(!found.is_empty());
    let findings = Findings {
        rules: &rules,
        findings: &found,
    };
    assert!(!findings::text(findings, false).contains('\x1b'));
    assert!(!findings::github(findings, None).contains('\x1b'));
}

#[test]
fn levels_switch_off_and_raise() {
    let rules = load(&[PathBuf::from("tests/check/W111-bad.rules")]);
    let count = |level| {
        let mut levels = Levels::default();
        levels.set("repeated-alternative", level).unwrap();
        let found = lint::check(&rules, &levels, &Profiles::default());
        let errors = found.iter().filter(|f| f.level == Level::Error).count();
        (found.iter().filter(|f| f.code == "W111").count(), errors)
    };
    assert_eq!(count(None), (0, 0));
    assert_eq!(count(Some(Level::Warning)), (2, 0));
    assert_eq!(count(Some(Level::Error)), (2, 2));
    assert!(Levels::default().set("W999", None).is_err());
}
