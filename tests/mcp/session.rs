//! The session: sandbox state, roots, rules that change, flags of the released server.

use serde_json::{Value, json};

use super::client::{Client, Start};

fn update(client: &mut Client, kind: &str) {
    let policy = match kind {
        "workspace-write" => json!({
            "type": kind, "writable_roots": [], "network_access": false,
            "exclude_tmpdir_env_var": true, "exclude_slash_tmp": true,
        }),
        _ => json!({ "type": kind }),
    };
    let cwd = client.work();
    let params = json!({
        "sandboxPolicy": policy, "codexLinuxSandboxExe": null, "sandboxCwd": cwd,
        "useLinuxSandboxBindMounts": false, "useLinuxSandboxBwrap": false,
    });
    let answer = client.request("codex/sandbox-state/update", &params);
    assert_eq!(answer["result"], json!({}), "{answer}");
}

/// Whether the work directory, /tmp and what is beside the work directory can be written.
fn writable(client: &mut Client) -> [bool; 3] {
    let name = format!("codex-shell-test-{}", client.process.id());
    ["x".into(), format!("/tmp/{name}"), "../x".into()]
        .map(|path| client.shell(&format!("touch {path} && rm {path}"))["exit_code"] == 0)
}

#[test]
fn without_a_floor_the_client_says_what_the_sandbox_is() {
    let mut client = Start {
        arguments: &[],
        ..Start::default()
    }
    .client();
    assert_eq!(writable(&mut client), [false, false, false]);
    update(&mut client, "workspace-write");
    assert_eq!(writable(&mut client), [true, false, false]);
    update(&mut client, "danger-full-access");
    assert_eq!(writable(&mut client), [true, true, true]);
    update(&mut client, "read-only");
    assert_eq!(writable(&mut client), [false, false, false]);
}

#[test]
fn a_state_that_is_not_known_is_the_strictest() {
    let mut client = Start {
        arguments: &[],
        ..Start::default()
    }
    .client();
    update(&mut client, "danger-full-access");
    update(&mut client, "new");
    assert_eq!(writable(&mut client), [false, false, false]);
    let hides = json!({ "permissionProfile": {
        "type": "managed", "file_system": { "type": "restricted", "entries": [] },
    }});
    let answer = client.request("codex/sandbox-state/update", &hides);
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
}

/// Where a call may write that the client sends `state` with.
fn writable_with(client: &mut Client, state: &Value) -> [bool; 3] {
    let name = format!("codex-shell-test-{}", client.process.id());
    ["x".into(), format!("/tmp/{name}"), "../x".into()].map(|path: String| {
        let answer = shell_with_state(client, &format!("touch {path} && rm {path}"), state);
        answer["exit_code"] == 0
    })
}

pub(super) fn shell_with_state(client: &mut Client, command: &str, state: &Value) -> Value {
    let mut params = client.call(command, &json!({}));
    params["_meta"] = json!({
        "codex/sandbox-state": state, "codex/sandbox-state-meta": state, "threadId": "t", "callId": "c",
    });
    let answer = client.request("tools/call", &params);
    answer["result"]["structuredContent"].clone()
}

/// What Codex sends that has a permission profile with these entries beside "all may be read".
pub(super) fn profile(client: &Client, entries: &[Value]) -> Value {
    let root =
        json!({ "path": { "type": "special", "value": { "kind": "root" } }, "access": "read" });
    let entries = [&[root], entries].concat();
    json!({
        "permissionProfile": {
            "type": "managed", "network": "restricted",
            "file_system": { "type": "restricted", "entries": entries },
        },
        "sandboxCwd": format!("file://{}", client.work().display()), "useLegacyLandlock": false,
    })
}

pub(super) fn entry(path: &std::path::Path, access: &str) -> Value {
    json!({ "path": { "type": "path", "path": path }, "access": access })
}

#[test]
fn each_call_has_the_sandbox_that_comes_with_it() {
    let mut client = Start {
        arguments: &[],
        ..Start::default()
    }
    .client();
    let work = client.work();
    let closed = profile(&client, &[]);
    let workspace = profile(&client, &[entry(&work, "write")]);
    let full = json!({ "permissionProfile": { "type": "disabled" } });
    let older = json!({ "sandboxPolicy": { "type": "workspace-write" }, "sandboxCwd": work });
    for (state, expected) in [
        (&closed, [false, false, false]),
        (&workspace, [true, false, false]),
        (&full, [true, true, true]),
        (&closed, [false, false, false]),
        (&older, [true, true, false]),
        (&json!({}), [false, false, false]),
    ] {
        assert_eq!(writable_with(&mut client, state), expected, "{state}");
    }
    assert_eq!(writable(&mut client), [false, false, false]);
}

#[test]
fn records_name_the_clients_call() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit.jsonl");
    let mut client = Start {
        arguments: &["--audit", audit.to_str().unwrap()],
        ..Start::default()
    }
    .client();
    shell_with_state(&mut client, "/bin/true", &json!({}));
    client.shell("/bin/true");
    let file = std::fs::File::open(&audit).unwrap();
    let records = serde_json::Deserializer::from_reader(file).into_iter::<Value>();
    let records: Vec<Value> = records.map(Result::unwrap).collect();
    let (first, last) = (records.first().unwrap(), records.last().unwrap());
    assert_eq!(first["client"], json!({ "thread_id": "t", "call_id": "c" }));
    assert!(last["client"].is_null(), "{last}");
}

#[test]
fn a_call_that_says_its_sandbox_does_not_leave_the_floor() {
    let mut client = Start {
        arguments: &["--sandbox", "workspace-write", "--no-tmp"],
        ..Start::default()
    }
    .client();
    let full = json!({ "permissionProfile": { "type": "disabled" } });
    assert_eq!(writable_with(&mut client, &full), [true, false, false]);
    let git = client.work().join(".git");
    std::fs::create_dir(&git).unwrap();
    let state = profile(&client, &[entry(&git, "write")]);
    let answer = shell_with_state(&mut client, "touch .git/x", &state);
    assert_ne!(answer["exit_code"], 0, "{answer}");
}

#[test]
fn a_floor_is_never_loosened() {
    let mut client = Start {
        arguments: &["--sandbox", "workspace-write"],
        ..Start::default()
    }
    .client();
    assert_eq!(writable(&mut client), [true, true, false]);
    update(&mut client, "danger-full-access");
    assert_eq!(writable(&mut client), [true, true, false]);
    update(&mut client, "workspace-write");
    assert_eq!(writable(&mut client), [true, false, false]);
    update(&mut client, "read-only");
    assert_eq!(writable(&mut client), [false, false, false]);
}

#[test]
fn roots_are_part_of_the_clients_workspace() {
    let mut client = Start {
        arguments: &[],
        capabilities: json!({ "roots": {} }),
        ..Start::default()
    }
    .client();
    let request = client.wait_for(|m| m["method"] == "roots/list");
    let root = client.folder.path().join("a root");
    std::fs::create_dir(&root).unwrap();
    let uri = format!("file://{}", root.display().to_string().replace(' ', "%20"));
    client.reply(&request, &json!({ "roots": [{ "uri": uri }] }));
    update(&mut client, "workspace-write");
    let script = format!("touch '{}/x'", root.display());
    assert_eq!(client.shell(&script)["exit_code"], 0);
    assert_eq!(writable(&mut client), [true, false, false]);
}

#[test]
fn rules_are_read_again_when_they_change() {
    let mut client = Start::default().client();
    assert_eq!(client.shell("whoami")["exit_code"], 0);
    let forbid = "prefix_rule(pattern=[\"whoami\"], decision=\"forbidden\")\n";
    std::fs::write(client.rules_file(), forbid).unwrap();
    assert_eq!(client.shell("whoami")["exit_code"], 1);
    let logged = |m: &Value| m["method"] == "notifications/message";
    assert_eq!(client.wait_for(logged)["params"]["level"], "info");

    std::fs::write(client.rules_file(), "prefix_rule(\n").unwrap();
    assert_eq!(client.shell("whoami")["exit_code"], 1, "the old rules hold");
    let message = client.wait_for(logged);
    assert_eq!(message["params"]["level"], "error");
    assert!(
        message["params"]["data"]
            .as_str()
            .unwrap()
            .contains("default.rules:"),
        "{message}"
    );
    client.shell("true");

    client.request("logging/setLevel", &json!({ "level": "warning" }));
    std::fs::write(client.rules_file(), "").unwrap();
    assert_eq!(client.shell("whoami")["exit_code"], 0);
    assert!(!client.kept.iter().any(logged), "{:?}", client.kept);
}

#[test]
fn a_file_that_is_new_is_read_and_one_that_is_gone_is_not() {
    let mut client = Start::default().client();
    let folder = client.rules_file().parent().unwrap().to_owned();
    let forbid = "prefix_rule(pattern=[\"whoami\"], decision=\"forbidden\")\n";
    assert_eq!(client.shell("whoami")["exit_code"], 0);
    std::fs::write(folder.join("new.rules"), forbid).unwrap();
    assert_eq!(client.shell("whoami")["exit_code"], 1);
    std::fs::remove_file(folder.join("new.rules")).unwrap();
    assert_eq!(client.shell("whoami")["exit_code"], 0);
}

/// Writes the user's settings before there is a server.
fn with_settings(text: &str, arguments: &[&str]) -> Client {
    Start {
        settings: text,
        arguments,
        ..Start::default()
    }
    .client()
}

#[test]
fn settings_come_from_the_users_file() {
    let mut client = with_settings(
        "sandbox = \"workspace-write\"\nshell = \"/bin/sh\"\nask = \"deny\"\n\
         timeout = \"300ms\"\n",
        &[],
    );
    assert_eq!(writable(&mut client), [true, true, false]);
    assert_eq!(client.shell("echo $0")["stdout"], "/bin/sh\n");
    let call = client.call("sleep 5", &json!({ "timeout_ms": null }));
    let answer = client.request("tools/call", &call);
    assert_eq!(answer["result"]["structuredContent"]["timed_out"], true);

    let home = client.folder.path().join("home");
    let ask = "prefix_rule(pattern=[\"whoami\"], decision=\"prompt\")\n";
    std::fs::write(home.join("more.rules"), ask).unwrap();
    assert_eq!(client.shell("whoami")["exit_code"], 0);
    std::fs::write(home.join("codex-shell.toml"), "rules = [\"more.rules\"]\n").unwrap();
    assert_eq!(client.shell("whoami")["exit_code"], 1, "nobody is asked");
}

#[test]
fn flags_have_the_last_word() {
    let mut client = with_settings(
        "sandbox = \"workspace-write\"\nshell = \"/bin/sh\"\n",
        &["--sandbox", "read-only", "--bash", "/bin/bash"],
    );
    assert_eq!(writable(&mut client), [false, false, false]);
    assert_eq!(client.shell("echo $0")["stdout"], "/bin/bash\n");
}

#[test]
fn settings_that_are_wrong_stop_the_start() {
    let nowhere: &[&str] = &["--sandbox", "workspace-write", "--writable", "/nowhere"];
    for (settings, arguments) in [("sandbox = \"none\"\n", &[][..]), ("", nowhere)] {
        let start = Start {
            settings,
            arguments,
            ..Start::default()
        };
        let mut client = start.unmet();
        assert_eq!(client.hang_up().code(), Some(125), "{arguments:?}");
    }
}

#[test]
fn a_server_does_not_start_with_broken_rules() {
    let start = Start {
        rules: "prefix_rule(pattern=[\"a\"], decision=\"allow\", match=[\"b\"])\n",
        ..Start::default()
    };
    let mut client = start.unmet();
    let mut stderr = String::new();
    let mut pipe = client.process.stderr.take().unwrap();
    std::io::Read::read_to_string(&mut pipe, &mut stderr).unwrap();
    assert_eq!(client.hang_up().code(), Some(125));
    assert!(stderr.contains("default.rules:1"), "{stderr}");
}

#[test]
fn the_released_servers_flags_are_known() {
    let mut client = Start {
        arguments: &[
            "--bash",
            "/bin/sh",
            "--execve",
            "/nowhere/codex-execve-wrapper",
            "--preserve-program-paths",
        ],
        ..Start::default()
    }
    .client();
    assert_eq!(client.shell("echo $0")["stdout"], "/bin/sh\n");
}
