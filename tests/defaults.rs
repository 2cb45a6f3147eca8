//! `default(...)` as it is called: in explain, in refusals of other evaluators, and not under
//! `--compat codex`.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn world(rules: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("t.rules"), rules).unwrap();
    folder
}

fn call(folder: &TempDir, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_codex-shell"))
        .args(words)
        .current_dir(folder.path())
        .output()
        .unwrap()
}

const EXPLAIN: [&str; 4] = ["rules", "explain", "--rules", "t.rules"];

#[test]
fn explain_names_the_default() {
    let folder = world("\ndefault(\n  \"forbidden\", justification = \"not on the list\")\n");
    let text = call(&folder, &[&EXPLAIN[..], &["--exit-code", "ls"]].concat());
    assert_eq!(text.status.code(), Some(11));
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("no rule matches, and the default at t.rules:2 says so"),
        "{text}"
    );
    assert!(text.contains("not on the list"), "{text}");
    let json = call(
        &folder,
        &[&EXPLAIN[..], &["--format", "json", "ls"]].concat(),
    );
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["basis"]["kind"], "default");
    assert_eq!(json["basis"]["default"]["line"], 2);
    assert_eq!(json["basis"]["default"]["decision"], "forbidden");
    assert_eq!(json["basis"]["default"]["layer"], "given");
}

#[test]
fn a_real_allow_list() {
    let folder = world("default(\"prompt\")\nprefix_rule([\"ls\"])\n");
    let decision = |command: &str| {
        let words = [&EXPLAIN[..], &["--exit-code", command]].concat();
        call(&folder, &words).status.code()
    };
    assert_eq!(decision("ls"), Some(0));
    assert_eq!(decision("cat"), Some(10));
}

#[test]
fn the_released_language_does_not_know_it() {
    let folder = world("default(\"prompt\")\n");
    let check = ["execpolicy", "check", "--rules", "t.rules"];
    let ours = call(&folder, &[&check[..], &["ls"]].concat());
    assert_eq!(ours.status.code(), Some(0));
    let json: Value = serde_json::from_slice(&ours.stdout).unwrap();
    assert_eq!(json["decision"], "prompt");
    let released = [&check[..], &["--compat", "codex", "ls"]].concat();
    let released = call(&folder, &released);
    assert_eq!(released.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&released.stderr).contains("default"));
}
