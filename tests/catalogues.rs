//! `rules heuristics` and `rules lints`: the tables, the pages, and that codes stay what they are.

use std::process::{Command, Output};

use serde_json::Value;

use crate::snapshot;

fn rules(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_codex-shell"))
        .arg("rules")
        .args(arguments)
        .output()
        .unwrap()
}

fn said(arguments: &[&str]) -> String {
    let output = rules(arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const BOTH: [(&str, &str, &str); 2] = [
    ("heuristics", "H001", "forced-rm"),
    ("lints", "W104", "broad-allow"),
];

fn json(arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--format", "json"]].concat();
    serde_json::from_str(&said(&arguments)).unwrap()
}

#[test]
fn every_code_with_its_name_and_reason() {
    for (what, ..) in BOTH {
        let table = said(&[what]);
        snapshot::within(what, || insta::assert_snapshot!("codes", table));
    }
}

#[test]
fn a_page_is_the_same_wherever_it_is_asked_for() {
    for (what, code, name) in BOTH {
        let page = said(&[what, code]);
        assert!(page.starts_with(&format!("# {code} {name}")), "{page}");
        assert_eq!(said(&[what, name]), page);
        let small = code.to_lowercase();
        assert_eq!(said(&["check", "--explain", &small]), page);
        assert_eq!(json(&[what, code])[what][0]["page"], page);
    }
}

#[test]
fn json_has_them_all() {
    for (what, ..) in BOTH {
        let count = json(&[what])[what].as_array().unwrap().len();
        assert_eq!(count, said(&[what]).lines().count());
    }
}

#[test]
fn an_unknown_code_is_a_mistake_on_the_command_line() {
    for (what, ..) in BOTH {
        let output = rules(&[what, "H999"]);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(output.stdout, b"");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(&format!("`codex-shell rules {what}` lists them")));
    }
}
