//! `--ask queue` and `codex-shell approve`.

use std::ffi::OsString;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::{Client, Start, structured};
use crate::support::World;
use crate::support::terminal::Terminal;

fn waiting() -> (Client, u64) {
    let mut client = Start {
        rules: "prefix_rule(pattern=[\"whoami\"], decision=\"prompt\", justification=\"why?\")\n",
        arguments: &[
            "--sandbox",
            "workspace-write",
            "--network",
            "true",
            "--ask",
            "queue",
        ],
        capabilities: json!({}),
        ..Start::default()
    }
    .client();
    let id = client.start_shell(
        "whoami; echo status $?",
        &json!({ "justification": "to see" }),
    );
    (client, id)
}

fn approve(client: &Client, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_codex-shell"))
        .arg("approve")
        .args(arguments)
        .env_clear()
        .env("CODEX_HOME", client.folder.path().join("home"))
        .output()
        .unwrap()
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// The name of the one question.
fn listed(client: &Client) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let list = approve(client, &["list"]).stdout;
        let list = String::from_utf8(list).unwrap();
        let mut lines = list.lines();
        if let (Some(head), Some(line)) = (lines.next(), lines.next()) {
            assert_eq!(
                words(head),
                ["ID", "WAITS", "COMMAND", "ASKED", "BY", "REASON"]
            );
            let line = words(line);
            assert_eq!(line[2..4], ["s", "whoami"], "{list}");
            assert!(line[4].ends_with("default.rules:1"), "{list}");
            assert_eq!(line[5], "why?", "{list}");
            return line[0].to_owned();
        }
        assert_eq!(list, "no question is open\n");
        assert!(Instant::now() < deadline, "no question came");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn another_terminal_answers() {
    let (mut client, id) = waiting();
    let question = listed(&client);
    let shown = String::from_utf8(approve(&client, &["show", &question]).stdout).unwrap();
    for part in [
        "/usr/bin/whoami",
        "OUTSIDE",
        "default.rules:1",
        "why?",
        "to see",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(
        approve(&client, &["yes", &question, "--reason", "fine"])
            .status
            .success()
    );
    let result = structured(&client.finish(id));
    assert!(result["stdout"].as_str().unwrap().ends_with("status 0\n"));
    assert_eq!(result["execs"][0]["reason"], "fine");
    assert!(!approve(&client, &["yes", &question]).status.success());

    let id = client.start_shell("whoami; echo status $?", &json!({}));
    let question = listed(&client);
    assert!(
        approve(&client, &["no", &question, "--reason", "not now"])
            .status
            .success()
    );
    let result = structured(&client.finish(id));
    assert_eq!(result["stdout"], "status 1\n");
    assert!(
        result["stderr"]
            .as_str()
            .unwrap()
            .contains("declined: not now")
    );
}

#[test]
fn a_terminal_that_watches_is_asked() {
    let (mut client, id) = waiting();
    let home = client.folder.path().join("home");
    let world = World::new().env("CODEX_HOME", home.to_str().unwrap());
    let argv = [env!("CARGO_BIN_EXE_codex-shell"), "approve", "--watch"].map(OsString::from);
    let terminal = Terminal::start_program(world, &argv)
        .wait_for("codex-shell: run this OUTSIDE")
        .wait_for("whoami")
        .wait_for("why?")
        .wait_for("to see")
        .wait_for("or no: ")
        .keys("yes\r");
    let result = structured(&client.finish(id));
    assert!(result["stdout"].as_str().unwrap().ends_with("status 0\n"));
    let id = client.start_shell("whoami; echo status $?", &json!({}));
    let terminal = terminal.wait_for("or no: ").keys("no\r");
    assert_eq!(structured(&client.finish(id))["stdout"], "status 1\n");
    terminal.keys("\x03").end(128 + 2);
}

#[test]
fn what_the_server_started_may_not_answer() {
    let (mut client, id) = waiting();
    let question = listed(&client);
    let script = format!(
        "CODEX_HOME={} {} approve yes {question}",
        client.folder.path().join("home").display(),
        env!("CARGO_BIN_EXE_codex-shell"),
    );
    let result = client.shell(&script);
    assert_eq!(result["exit_code"], 1, "{result}");
    assert_eq!(listed(&client), question);
    assert!(approve(&client, &["no", &question]).status.success());
    assert_eq!(structured(&client.finish(id))["stdout"], "status 1\n");
}
