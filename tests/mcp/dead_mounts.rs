//! Names that lead to a file system which never answers: they cost their own call its time.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::client::{Client, Start, structured, text};

/// Starts a program beside such a file system, on `dead` next to the working directory.
const BESIDE: [&str; 6] = [
    "unshare",
    "--mount",
    "sh",
    "-c",
    "mkdir ../dead && exec 3<>/dev/fuse && \
     mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 dead ../dead && exec \"$@\"",
    "sh",
];

/// Puts such a file system on `place`, as the server `client` sees it, for as long as the process runs.
fn dies(client: &Client, place: &Path) -> Child {
    let script = "exec 3<>/dev/fuse && mount -i -t fuse \
        -o fd=3,rootmode=40000,user_id=0,group_id=0 dead \"$1\" && echo dead && exec sleep 600";
    let server = client.process.id().to_string();
    let mut process = Command::new("nsenter")
        .args(["--mount", "--target", &server, "sh", "-c", script, "sh"])
        .arg(place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let said = process.stdout.take().unwrap();
    BufReader::new(said).read_line(&mut line).unwrap();
    assert_eq!(line, "dead\n");
    process
}

/// Whether there can be one here.
fn is_possible() -> bool {
    let script = "exec 3<>/dev/fuse && \
        mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 dead /mnt";
    let tried = Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .output();
    let is_possible = tried.is_ok_and(|output| output.status.success());
    if !is_possible {
        // Few machines for tests in containers have it.
        eprintln!("skipped: only root can mount /dev/fuse, where there is one");
    }
    is_possible
}

fn beside(mode: &str) -> Client {
    Start {
        arguments: &["--sandbox", mode],
        starter: &BESIDE,
        ..Start::default()
    }
    .client()
}

fn entry(path: &str, access: &str) -> Value {
    json!({ "path": { "type": "path", "path": path }, "access": access,
        "missing_path_behavior": "skip" })
}

fn profile(entries: &[Value]) -> Value {
    let root =
        json!({ "path": { "type": "special", "value": { "kind": "root" } }, "access": "read" });
    let entries: Vec<&Value> = std::iter::once(&root).chain(entries).collect();
    json!({ "permissionProfile": { "type": "managed", "network": "restricted",
        "file_system": { "type": "restricted", "entries": entries } } })
}

/// Calls `tool`, and sees that others are served meanwhile.
fn costs_itself_alone(client: &mut Client, tool: &str, more: &Value, state: Option<&Value>) {
    let work = client.work();
    let mut arguments = json!({ "command": "echo here", "workdir": work });
    if tool == "shell" {
        arguments["timeout_ms"] = json!(200);
    }
    for (name, value) in more.as_object().unwrap() {
        arguments[name] = value.clone();
    }
    let mut params = json!({ "name": tool, "arguments": arguments });
    if let Some(state) = state {
        params["_meta"] = json!({ "codex/sandbox-state": state });
    }
    let call = client.start("tools/call", &params);
    let other = client.start_shell("echo other", &json!({ "timeout_ms": 60_000 }));
    assert_eq!(client.request("ping", &json!({}))["result"], json!({}));
    let answer = client.finish(other);
    assert_eq!(structured(&answer)["stdout"], "other\n", "{params}");
    let answer = client.finish(call);
    assert_eq!(answer["result"]["isError"], true, "{params}: {answer}");
    assert!(!text(&answer).contains("here"), "{params}: {answer}");
}

#[test]
fn a_dead_working_directory_holds_up_nobody_else() {
    if !is_possible() {
        return;
    }
    for mode in ["danger-full-access", "read-only"] {
        let mut client = beside(mode);
        client.shell("true");
        let dead = client.folder.path().join("dead");
        for place in [dead.clone(), dead.join("below")] {
            costs_itself_alone(&mut client, "shell", &json!({ "workdir": place }), None);
        }
        let below = json!({ "workdir": dead.join("below") });
        costs_itself_alone(&mut client, "explain", &below, None);
    }
}

#[test]
fn a_dead_place_in_a_clients_sandbox_holds_up_nobody_else() {
    if !is_possible() {
        return;
    }
    let mut client = beside("client");
    let dead = client.folder.path().join("dead/below");
    let (dead, work) = (dead.to_str().unwrap(), client.work());
    let work = work.to_str().unwrap();
    let old = |roots: &[&str], cwd: &str| {
        let policy = json!({ "type": "workspace-write", "writable_roots": roots });
        json!({ "sandboxPolicy": policy, "sandboxCwd": cwd })
    };
    for state in [
        profile(&[entry(work, "write"), entry(dead, "write")]),
        profile(&[entry(work, "write"), entry(dead, "read")]),
        profile(&[entry(work, "write"), entry(dead, "deny")]),
        old(&[dead], work),
        old(&[], dead),
    ] {
        costs_itself_alone(&mut client, "shell", &json!({}), Some(&state));
    }
    let state = old(&[dead], work);
    costs_itself_alone(&mut client, "explain", &json!({}), Some(&state));
}

/// Where the server was started, and where it looks for rules of the project.
#[test]
fn a_project_that_dies_costs_calls_elsewhere_a_moment() {
    if !is_possible() {
        return;
    }
    for (mode, dead) in [
        ("read-only", "work/.codex"),
        ("read-only", "work"),
        ("danger-full-access", "work/.codex/rules"),
    ] {
        let mut client = Start {
            files: &[("work/.codex/rules/a.rules", "prefix_rule([\"frob\"])\n")],
            arguments: &["--sandbox", mode],
            starter: &["unshare", "--mount"],
            ..Start::default()
        }
        .client();
        client.shell("true");
        let mut holder = dies(&client, &client.folder.path().join(dead));
        let elsewhere = json!({ "workdir": "/", "login": false });
        let calls = [(); 4].map(|()| client.start_shell("echo elsewhere", &elsewhere));
        assert_eq!(client.request("ping", &json!({}))["result"], json!({}));
        for call in calls {
            let answer = client.finish(call);
            assert_eq!(
                structured(&answer)["stdout"],
                "elsewhere\n",
                "{mode}, {dead}"
            );
        }
        let told = client.wait_for(|m| m["method"] == "notifications/message");
        let told = told["params"]["data"].to_string();
        assert!(told.contains("can't be looked at in time"), "{told}");
        holder.kill().unwrap();
        holder.wait().unwrap();
    }
}
