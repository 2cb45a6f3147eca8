//! What a project says counts only while it is what was trusted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::{World, text};

const RULES: &str = "prefix_rule([\"frob\"])\nprefix_rule([\"rm\"], decision = \"forbidden\")\n";

fn with_rules() -> World {
    let world = World::new();
    world.file("home/project/.codex/rules/p.rules", RULES);
    world
}

/// What is decided of `frob`, by how many rules, and what is said on standard error.
fn explained(world: &World) -> (usize, String) {
    let output = world.call(&["rules", "explain", "--format", "json", "frob"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let matches = json["matches"].as_array().unwrap().len();
    (matches, text(&output.stderr))
}

#[test]
fn untrusted_rules_do_not_count_and_that_is_said() {
    let world = with_rules();
    let (matches, notes) = explained(&world);
    assert_eq!(matches, 0);
    assert!(
        notes.contains("/home/project/.codex is not trusted"),
        "{notes}"
    );
    assert!(notes.contains("`codex-shell trust "), "{notes}");
}

#[test]
fn trusted_rules_count_until_a_byte_changes() {
    let world = with_rules();
    let shown = world.said(&["trust", "--yes"]);
    assert!(shown.contains("  .codex/rules/p.rules\n"), "{shown}");
    assert!(
        shown.contains(
            "  rules: 1 allow, 0 prompt, 1 forbidden; 1 let programs out of the sandbox\n"
        ),
        "{shown}"
    );
    assert_eq!(explained(&world), (1, String::new()));
    world.file("home/project/.codex/rules/p.rules", &format!("{RULES}#"));
    let (matches, notes) = explained(&world);
    assert_eq!(matches, 0);
    assert!(
        notes.contains("has changed since it was trusted"),
        "{notes}"
    );
    world.trust();
    assert_eq!(explained(&world), (1, String::new()));
    world.file(
        "home/project/.codex/rules/q.rules",
        "prefix_rule([\"frob\"])\n",
    );
    assert_eq!(explained(&world).0, 0);
}

#[test]
fn a_list_that_can_be_shortened() {
    let world = with_rules();
    assert_eq!(world.said(&["trust", "--list"]), "");
    world.trust();
    let project = world.path("home/project");
    let project = project.to_str().unwrap();
    assert_eq!(world.said(&["trust", "--list"]), format!("{project}\n"));
    world.said(&["trust", "--remove", project]);
    assert_eq!(world.said(&["trust", "--list"]), "");
    assert_eq!(explained(&world).0, 0);
    assert_eq!(
        world.call(&["trust", "--remove", project]).status.code(),
        Some(1)
    );
}

#[test]
fn without_a_terminal_nobody_is_asked_and_nothing_trusted() {
    let world = with_rules();
    let mut command = std::process::Command::new("setsid");
    let output = command
        .arg("--wait")
        .arg(env!("CARGO_BIN_EXE_codex-shell"))
        .arg("trust")
        .current_dir(world.path("home/project"))
        .env("HOME", world.path("home"))
        .env_remove("CODEX_HOME")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--yes"), "{output:?}");
    assert_eq!(world.said(&["trust", "--list"]), "");
}

#[test]
fn files_with_errors_are_not_trusted() {
    for (name, content) in [
        ("rules/x.rules", "prefix_rule([])\n"),
        ("codex-shell.toml", "x = 1\n"),
    ] {
        let world = with_rules();
        world.file(&format!("home/project/.codex/{name}"), content);
        let output = world.call(&["trust", "--yes"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).contains("can't be trusted"),
            "{output:?}"
        );
        assert_eq!(world.said(&["trust", "--list"]), "");
    }
}

#[test]
fn a_store_that_others_can_write_trusts_nothing() {
    let world = with_rules();
    world.trust();
    let store = world.path("home/.codex/codex-shell/trust.json");
    assert_eq!(
        fs::metadata(&store).unwrap().permissions().mode() & 0o777,
        0o600
    );
    fs::set_permissions(&store, fs::Permissions::from_mode(0o666)).unwrap();
    let (matches, notes) = explained(&world);
    assert_eq!(matches, 0);
    assert!(
        notes.contains("others than its owner can write it"),
        "{notes}"
    );
}

#[test]
fn where_there_is_nothing_to_trust() {
    let world = World::new();
    let output = world.call(&["trust", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("is in no project"),
        "{output:?}"
    );
    fs::create_dir(world.path("home/project/.codex")).unwrap();
    let output = world.call(&["trust", "--yes"]);
    assert!(
        text(&output.stderr).contains("neither rules nor"),
        "{output:?}"
    );
    assert_eq!(explained(&world), (0, String::new()));
}

#[test]
fn the_home_directory_is_no_project() {
    let world = World::new();
    world.file("home/.codex/rules/u.rules", RULES);
    assert_eq!(explained(&world), (1, String::new()));
    assert_eq!(world.call(&["trust", "--yes"]).status.code(), Some(1));
}

#[test]
fn rules_that_are_given_stand_alone() {
    let world = with_rules();
    world.trust();
    let given = world.file("given.rules", "");
    let given = given.to_str().unwrap();
    let output = world.said(&[
        "rules", "explain", "--rules", given, "--format", "json", "frob",
    ]);
    let json: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(json["matches"], Value::Array(Vec::new()));
}
