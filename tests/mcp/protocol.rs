//! The protocol's edges: what is malformed, early or unknown.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use super::client::Start;
use crate::support::everyone;

#[test]
fn lines_that_are_no_messages_get_their_error() {
    let mut client = Start::default().client();
    for (line, code, id) in [
        (&b"this is not JSON"[..], -32700, Value::Null),
        (br#"{"jsonrpc":"2.0","id":99}"#, -32600, json!(99)),
        (
            br#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#,
            -32600,
            json!("a"),
        ),
        (
            br#"[{"jsonrpc":"2.0","id":98,"method":"ping"}]"#,
            -32600,
            Value::Null,
        ),
        (b"\xff\xfe", -32700, Value::Null),
        (
            br#"{"jsonrpc":"2.0","id":97,"method":"tools/call","result":{},"params":{"name":"shell"}}"#,
            -32600,
            json!(97),
        ),
    ] {
        client.raw(line);
        let answer = client.wait_for(|m| m.get("error").is_some());
        assert_eq!(
            (&answer["error"]["code"], &answer["id"]),
            (&json!(code), &id)
        );
    }
    client.raw(b"");
    client.raw(br#"{"jsonrpc":"2.0","method":"window/whatever"}"#);
    assert_eq!(client.shell("echo alive")["stdout"], "alive\n");
    assert_eq!(client.kept, [] as [Value; 0]);
}

#[test]
fn what_is_unknown_gets_its_error() {
    let mut client = Start::default().client();
    assert_eq!(
        client.request("no/such", &json!({}))["error"]["code"],
        -32601
    );
    let nope = json!({ "name": "nope", "arguments": {} });
    assert_eq!(client.request("tools/call", &nope)["error"]["code"], -32602);
    assert_eq!(client.request("ping", &json!({}))["result"], json!({}));
}

#[test]
fn a_client_may_speak_before_its_time() {
    let mut client = Start::default().unmet();
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    client.send(&json!({ "jsonrpc": "2.0", "id": 5, "result": {} }));
    assert!(client.request("tools/list", &json!({}))["error"].is_object());
    let params = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let answer = client.request("initialize", &params);
    let states = &answer["result"]["capabilities"]["experimental"];
    for name in ["codex/sandbox-state", "codex/sandbox-state-meta"] {
        assert_eq!(states[name]["version"], "1.0.0");
    }
    assert_eq!(client.shell("echo alive")["stdout"], "alive\n");
}

#[test]
fn older_versions_are_spoken() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let client = Start::default().unmet();
        drop(client);
        let mut client = Start {
            version,
            ..Start::default()
        }
        .client();
        assert_eq!(client.shell("echo x")["stdout"], "x\n", "{version}");
    }
}

/// A pipe that another user made can't be opened again.
#[test]
fn pipes_of_another_user() {
    everyone(|world| {
        let server = world.codex_shell();
        let argv = [
            "timeout".as_ref(),
            "-sKILL".as_ref(),
            "20".as_ref(),
            server.as_os_str(),
            "serve".as_ref(),
        ];
        let argv = argv.map(OsStr::to_owned);
        let mut server = world
            .command(&argv)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Open until the end: the server would answer when there is nothing more to come.
        let mut input = server.stdin.take().unwrap();
        let version = "2025-06-18";
        let client = json!({ "name": "test", "version": "1" });
        let hello = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
        let script =
            json!({ "name": "shell", "arguments": { "command": "echo heard", "workdir": "/" } });
        for (id, method, params) in [(1, "initialize", hello), (2, "tools/call", script)] {
            let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
            writeln!(input, "{message}").unwrap();
            let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
            writeln!(input, "{ready}").unwrap();
        }
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("heard")));
        drop(input);
        server.wait().unwrap();
    });
}
