//! What a client's permission profile takes out of the workspace, from call to call.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use super::client::{Client, Start};
use super::session::{entry, profile, shell_with_state};

fn client() -> Client {
    Start {
        arguments: &[],
        ..Start::default()
    }
    .client()
}

/// Whether each command works in a call of its own, all with the same state.
fn works(client: &mut Client, state: &Value, commands: &[(&str, bool)]) {
    for (command, works) in commands {
        let answer = shell_with_state(client, command, state);
        assert_eq!(answer["exit_code"] == 0, *works, "{command}: {answer}");
    }
}

#[test]
fn paths_are_taken_out_of_the_workspace() {
    let mut client = client();
    let work = client.work();
    for name in ["kept", "secret"] {
        std::fs::create_dir(work.join(name)).unwrap();
        std::fs::write(work.join(name).join("file"), "text\n").unwrap();
    }
    std::fs::write(work.join("token"), "text\n").unwrap();
    let mut skipped = entry(&work.join("free"), "read");
    skipped["missing_path_behavior"] = "skip".into();
    let mut ours = entry(&work.join(".git"), "read");
    ours["missing_path_behavior"] = "skip".into();
    let state = profile(
        &client,
        &[
            entry(&work, "write"),
            entry(&work.join("kept"), "read"),
            entry(&work.join("missing/below"), "read"),
            entry(&work.join("secret"), "deny"),
            entry(&work.join("token"), "none"),
            skipped,
            ours,
        ],
    );
    for (command, works) in [
        ("touch new", true),
        ("cat kept/file", true),
        ("touch kept/new", false),
        ("mv kept gone", false),
        ("mkdir -p missing/below", false),
        ("touch free", true),
        ("mkdir .git/x", false),
        ("cat secret/file", false),
        ("ls secret", false),
        ("chmod 700 secret", false),
        ("mv secret gone", false),
        ("cat token", false),
        ("rm -r token", false),
    ] {
        let answer = shell_with_state(&mut client, command, &state);
        assert_eq!(answer["exit_code"] == 0, works, "{command}: {answer}");
    }
    assert!(!work.join("missing").exists());
    assert_eq!(
        client.shell("cat secret/file token")["stdout"],
        "text\ntext\n"
    );
}

/// A profile names the same paths in each call, and where they lead is not the calls' to say.
#[test]
fn a_link_leads_to_the_same_place_in_the_next_call() {
    let mut client = client();
    let work = client.work();
    for name in ["one", "other"] {
        std::fs::create_dir(work.join(name)).unwrap();
        std::fs::write(work.join(name).join("key"), "text\n").unwrap();
    }
    symlink("one", work.join("kept")).unwrap();
    symlink("one/key", work.join("secret")).unwrap();
    let entries = [
        entry(&work, "write"),
        entry(&work.join("kept/conf"), "read"),
        entry(&work.join("secret"), "deny"),
    ];
    std::fs::write(work.join("one/conf"), "text\n").unwrap();
    let state = profile(&client, &entries);
    works(
        &mut client,
        &state,
        &[
            ("ln -sfn other kept", false),
            ("mv kept away", false),
            ("ln -sf other/key secret", false),
            ("rm secret", false),
            ("mv one away", false),
            ("cat one/key", false),
            ("echo x > one/conf", false),
            ("echo x > one/new", true),
        ],
    );
}

#[test]
fn what_is_denied_and_missing_is_not_made() {
    let mut client = client();
    let work = client.work();
    let entries = [
        entry(&work, "write"),
        entry(&work.join(".env"), "deny"),
        entry(&work.join("a/b"), "deny"),
    ];
    let state = profile(&client, &entries);
    works(
        &mut client,
        &state,
        &[
            ("echo x > .env", false),
            ("mkdir a", false),
            ("test ! -e .env && test ! -e a", true),
        ],
    );
    assert!(work.join(".env").symlink_metadata().is_err());
}

fn pattern(pattern: &str, access: &str) -> Value {
    json!({ "path": { "type": "glob_pattern", "pattern": pattern }, "access": access })
}

#[test]
fn patterns_hide_what_there_is() {
    let mut client = client();
    let work = client.work();
    std::fs::create_dir_all(work.join("a/b")).unwrap();
    for name in [".env", "a/b/.env", "a/b/x.pem"] {
        std::fs::write(work.join(name), "text\n").unwrap();
    }
    let entries = [
        entry(&work, "write"),
        pattern("**/.env", "deny"),
        pattern(&format!("{}/**/*.pem", work.display()), "none"),
    ];
    let state = profile(&client, &entries);
    works(
        &mut client,
        &state,
        &[
            ("cat .env", false),
            ("cat a/b/.env", false),
            ("mv a/b c", false),
            ("cat a/b/x.pem", false),
            ("echo x > a/new", true),
        ],
    );
    let entries = [entry(&work, "write"), pattern("/[", "deny")];
    let state = profile(&client, &entries);
    let mut params = client.call("true", &json!({}));
    params["_meta"] = json!({ "codex/sandbox-state": state });
    let answer = client.request("tools/call", &params).to_string();
    assert!(answer.contains("a bracket is not closed"), "{answer}");
}

#[test]
fn what_can_not_be_hidden_is_refused_with_the_reason() {
    let mut client = client();
    let work = client.work();
    std::fs::write(work.join("key"), "text\n").unwrap();
    std::fs::hard_link(work.join("key"), work.join("other")).unwrap();
    for (path, why) in [
        (
            std::path::PathBuf::from("/proc/1"),
            "a /proc and a /dev of its own",
        ),
        ("/dev/shm".into(), "a /proc and a /dev of its own"),
        (work.join("key"), "another name (a hard link)"),
    ] {
        let entries = [entry(&work, "write"), entry(&path, "deny")];
        let state = profile(&client, &entries);
        let mut params = client.call("echo ran", &json!({}));
        params["_meta"] = json!({ "codex/sandbox-state": state });
        let answer = client.request("tools/call", &params).to_string();
        assert!(
            answer.contains(why) && !answer.contains("ran\\n"),
            "{answer}"
        );
    }
}

#[test]
fn what_is_hidden_stays_so_when_a_program_outside_replaces_it() {
    let mut client = Start {
        rules: "prefix_rule(pattern = [\"mv\", \"x\", \"token\"])\n\
                prefix_rule(pattern = [\"rm\", \"token\"])\n",
        arguments: &[],
        ..Start::default()
    }
    .client();
    let work = client.work();
    std::fs::write(work.join("token"), "text\n").unwrap();
    let state = profile(
        &client,
        &[entry(&work, "write"), entry(&work.join("token"), "none")],
    );
    for script in [
        "echo new > x; mv x token; cat token",
        "rm token; echo mine > token",
    ] {
        let answer = shell_with_state(&mut client, script, &state);
        assert_ne!(answer["exit_code"], 0, "{answer}");
        assert_eq!(answer["stdout"], "", "{answer}");
        assert_eq!(answer["execs"][0]["verdict"], "escalated", "{answer}");
    }
    assert!(!work.join("token").exists());
}
