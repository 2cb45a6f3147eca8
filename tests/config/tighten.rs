//! A project's file never loosens anything.

use serde_json::{Value, json};

use super::{World, text};

/// The value of `key` under both files, its source, and what is said on standard error.
fn tightened(user: &str, project: &str, key: &[&str]) -> (Value, String, String) {
    let world = World::new();
    world.user(user);
    world.project(project);
    world.trust();
    let (value, kind) = world.value(key, &[]);
    let notes = text(&world.call(&["config"]).stderr);
    (value, kind, notes)
}

/// A user's line, a project's line, and what the project's comes to.
type Case = (&'static str, &'static str, Value);

fn check(key: &str, cases: &[Case], counts: bool) {
    for (user, project, expected) in cases {
        let (value, kind, notes) = tightened(user, project, &[key]);
        assert_eq!(value, *expected, "{user} {project}");
        assert_eq!(notes.is_empty(), counts, "{user} {project}: {notes}");
        if counts {
            assert_eq!(kind, "file");
        } else {
            let note = format!("codex-shell.toml:1: `{key}` does not count: ");
            assert!(notes.contains(&note), "{notes}");
        }
    }
}

#[test]
fn what_is_stricter_counts() {
    check(
        "sandbox",
        &[
            ("", "sandbox = \"read-only\"", json!("read-only")),
            (
                "sandbox = \"danger-full-access\"",
                "sandbox = \"workspace-write\"",
                json!("workspace-write"),
            ),
            (
                "sandbox = \"read-only\"",
                "sandbox = \"read-only\"",
                json!("read-only"),
            ),
        ],
        true,
    );
    check(
        "network",
        &[("network = true", "network = false", json!(false))],
        true,
    );
    check(
        "writable",
        &[
            (
                "writable = [\"/a\", \"/b\"]",
                "writable = [\"/b\"]",
                json!(["/b"]),
            ),
            ("writable = [\"/a\"]", "writable = []", json!([])),
        ],
        true,
    );
    check(
        "interceptor",
        &[
            ("", "interceptor = \"kernel\"", json!("kernel")),
            (
                "interceptor = \"shell\"",
                "interceptor = \"auto\"",
                json!("auto"),
            ),
        ],
        true,
    );
    check(
        "ask",
        &[
            ("", "ask = \"deny\"", json!("deny")),
            ("ask = \"command:/x\"", "ask = \"deny\"", json!("deny")),
            ("ask = \"allow\"", "ask = \"terminal\"", json!("terminal")),
        ],
        true,
    );
    check(
        "timeout",
        &[
            ("", "timeout = \"5m\"", json!("300s")),
            ("timeout = \"10s\"", "timeout = \"5s\"", json!("5s")),
        ],
        true,
    );
}

#[test]
fn what_is_looser_does_not_count_and_that_is_said() {
    check(
        "sandbox",
        &[
            (
                "",
                "sandbox = \"danger-full-access\"",
                json!("workspace-write"),
            ),
            (
                "sandbox = \"read-only\"",
                "sandbox = \"workspace-write\"",
                json!("read-only"),
            ),
        ],
        false,
    );
    check(
        "network",
        &[
            ("", "network = true", json!(false)),
            ("network = false", "network = true", json!(false)),
        ],
        false,
    );
    check(
        "writable",
        &[
            ("", "writable = [\"/etc\"]", json!([])),
            (
                "writable = [\"/a\"]",
                "writable = [\"/a\", \"/a/b\"]",
                json!(["/a"]),
            ),
            ("writable = [\"/a\"]", "writable = [\"/a/link\"]", json!([])),
        ],
        false,
    );
    check(
        "interceptor",
        &[
            ("", "interceptor = \"shell\"", json!("auto")),
            (
                "interceptor = \"kernel\"",
                "interceptor = \"auto\"",
                json!("kernel"),
            ),
        ],
        false,
    );
    check(
        "ask",
        &[
            ("", "ask = \"allow\"", json!("terminal")),
            ("", "ask = \"command:/project/yes\"", json!("terminal")),
            ("ask = \"deny\"", "ask = \"terminal\"", json!("deny")),
            (
                "ask = \"command:/x\"",
                "ask = \"terminal\"",
                json!("command:/x"),
            ),
        ],
        false,
    );
    let timeout = ("timeout = \"5s\"", "timeout = \"10s\"", json!("5s"));
    check("timeout", &[timeout], false);
    check(
        "shell",
        &[("", "shell = \"/tmp/sh\"", json!("/bin/bash"))],
        false,
    );
    let unprotected = ("", "unprotected = [\".ssh\"]", json!([]));
    check("unprotected", &[unprotected], false);
    check(
        "rules",
        &[("", "rules = [\"/tmp/x.rules\"]", json!([]))],
        false,
    );
}

#[test]
fn lints_only_get_stricter() {
    let level = |user: &str, project: &str| {
        let wrap = |level: &str| format!("[lints]\nW104 = \"{level}\"\n");
        tightened(&wrap(user), &wrap(project), &["lints", "W104"]).0
    };
    assert_eq!(level("warn", "deny"), "deny");
    assert_eq!(level("deny", "allow"), "deny");
}

#[test]
fn a_lint_that_the_user_left_alone_cannot_be_switched_off() {
    let world = World::new();
    world.project("[lints]\nW104 = \"allow\"\nW105 = \"deny\"\n");
    world.trust();
    let json = world.json(&[]);
    let settings = json["settings"].as_array().unwrap();
    let level = |code: &str| {
        let found = settings
            .iter()
            .find(|entry| entry["path"] == json!(["lints", code]));
        found.map(|entry| entry["value"].clone())
    };
    assert_eq!(level("W104"), None);
    assert_eq!(level("W105"), Some(json!("deny")));
}

#[test]
fn profiles_only_get_stricter_and_no_new_ones_appear() {
    let user =
        "[profiles.a]\nmode = \"workspace-write\"\nnetwork = true\nwritable = [\"/a\", \"/b\"]\n";
    let project =
        "[profiles.a]\nmode = \"read-only\"\nnetwork = false\nwritable = [\"/b\", \"/c\"]\n";
    let value = |key: &str| tightened(user, project, &["profiles", "a", key]).0;
    assert_eq!(value("mode"), "read-only");
    assert_eq!(value("network"), false);
    assert_eq!(value("writable"), json!(["/b"]));
    let world = World::new();
    let own = world.user(user).display().to_string();
    let other = world.project("[profiles.a]\nnetwork = false\n");
    world.trust();
    let printed = world.said(&["config"]);
    for (line, source) in [
        ("mode = \"workspace-write\"", format!("{own}:2")),
        ("network = false", format!("{}:2", other.display())),
        ("writable = [\"/a\", \"/b\"]", format!("{own}:4")),
    ] {
        let line = format!("{line:36}  # {source}");
        assert!(printed.lines().any(|it| it == line), "{line}: {printed}");
    }
    let loose = "[profiles.a]\nmode = \"danger-full-access\"\n[profiles.b]\nnetwork = true\n";
    let (mode, _, notes) = tightened(user, loose, &["profiles", "a", "mode"]);
    assert_eq!(mode, "workspace-write");
    assert_eq!(notes.lines().count(), 2, "{notes}");
}

#[test]
fn flags_still_have_the_last_word() {
    let world = World::new();
    world.project("sandbox = \"read-only\"\n");
    world.trust();
    let (value, kind) = world.value(&["sandbox"], &["--sandbox", "workspace-write"]);
    assert_eq!((value, kind.as_str()), (json!("workspace-write"), "flag"));
}
