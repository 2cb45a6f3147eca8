//! `rules heuristics`: the table, the pages, and that codes stay what they are.

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

#[test]
fn every_code_with_its_name_and_reason() {
    let table = said(&["heuristics"]);
    snapshot::within("heuristics", || insta::assert_snapshot!("codes", table));
}

#[test]
fn a_page_is_the_same_wherever_it_is_asked_for() {
    let page = said(&["heuristics", "H001"]);
    assert!(page.starts_with("# H001 forced-rm\n\n"));
    assert_eq!(said(&["heuristics", "forced-rm"]), page);
    assert_eq!(said(&["check", "--explain", "h001"]), page);
    let json: Value =
        serde_json::from_str(&said(&["heuristics", "H001", "--format", "json"])).unwrap();
    assert_eq!(json["heuristics"][0]["page"], page);
}

#[test]
fn json_has_them_all() {
    let json: Value = serde_json::from_str(&said(&["heuristics", "--format", "json"])).unwrap();
    let count = json["heuristics"].as_array().unwrap().len();
    assert_eq!(count, said(&["heuristics"]).lines().count());
}

#[test]
fn an_unknown_code_is_a_mistake_on_the_command_line() {
    let output = rules(&["heuristics", "H999"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout, b"");
}
