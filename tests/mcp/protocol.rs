//! The protocol's edges: what is malformed, early or unknown.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use super::client::{Start, structured};
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
fn an_id_that_is_in_use_names_no_second_request() {
    let mut client = Start::default().client();
    let first = client.start_shell("until [ -e go ]; do sleep 0.05; done; echo a", &json!({}));
    let again = client.call("echo b", &json!({}));
    let again = json!({ "jsonrpc": "2.0", "id": first, "method": "tools/call", "params": again });
    client.send(&again);
    assert_eq!(client.finish(first)["error"]["code"], -32600);
    std::fs::write(client.work().join("go"), "").unwrap();
    assert_eq!(structured(&client.finish(first))["stdout"], "a\n");
    client.send(&again);
    assert_eq!(structured(&client.finish(first))["stdout"], "b\n");
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

/// What each request of 2026-07-28 brings with it.
fn stateless(more: &Value) -> Value {
    let mut meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        meta[name] = value.clone();
    }
    json!({ "_meta": meta })
}

#[test]
fn what_is_not_declared_is_not_there() {
    let mut client = Start::default().client();
    let mut latest = Start::default().unmet();
    for method in ["prompts/list", "resources/list", "resources/templates/list"] {
        for answer in [
            client.request(method, &json!({})),
            latest.request(method, &stateless(&json!({}))),
        ] {
            assert_eq!(answer["error"]["code"], -32601, "{method}: {answer}");
        }
    }
    let level = json!({ "level": "info" });
    assert_eq!(
        client.request("logging/setLevel", &level)["result"],
        json!({})
    );
    let mut level = stateless(&json!({}));
    level["level"] = json!("info");
    assert_eq!(
        latest.request("logging/setLevel", &level)["error"]["code"],
        -32601
    );
    // What is removed has no parameters that could be wrong.
    let none = stateless(&json!({}));
    assert_eq!(
        latest.request("logging/setLevel", &none)["error"]["code"],
        -32601
    );
}

/// From 2026-07-28 on, a request says what it wants to be told.
#[test]
fn messages_for_the_log_go_to_who_asked() {
    let mut client = Start::default().unmet();
    let mut call = |asked: Option<&str>, text: &str| {
        std::fs::write(client.rules_file(), text).unwrap();
        let level = asked.map_or(
            json!({}),
            |level| json!({ "io.modelcontextprotocol/logLevel": level }),
        );
        let mut params = client.call("true", &json!({}));
        params["_meta"] = stateless(&level)["_meta"].clone();
        assert!(client.request("tools/call", &params)["result"].is_object());
        let ping = client.start("tools/list", &stateless(&json!({})));
        client.finish(ping);
        let kept = std::mem::take(&mut client.kept);
        kept.iter()
            .filter(|m| m["method"] == "notifications/message")
            .count()
    };
    assert_eq!(call(None, "# one\n"), 0);
    assert_eq!(call(Some("info"), "# another\n"), 1);
    assert_eq!(call(Some("error"), "# one more\n"), 0);
}

/// Claude Code has the tool from the start, and the model knows that there are rules.
#[test]
fn the_tool_is_announced() {
    let rules = "prefix_rule(pattern = [\"whoami\"], decision = \"forbidden\")\n";
    for (rules, said) in [
        (rules, "rules in force: 1 in "),
        ("", "no rules are in force"),
    ] {
        let mut client = Start {
            rules,
            ..Start::default()
        }
        .unmet();
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" } });
        let answer = client.request("initialize", &hello);
        let instructions = answer["result"]["instructions"].as_str().unwrap();
        assert!(instructions.contains(said), "{instructions}");
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        let tools = client.request("tools/list", &json!({}));
        let meta = &tools["result"]["tools"][0]["_meta"];
        assert_eq!(meta["anthropic/alwaysLoad"], true, "{tools}");
    }
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
