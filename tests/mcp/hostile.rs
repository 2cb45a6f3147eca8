//! Clients and commands that do their worst.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Client, Start, all_gone, mark, running, structured, text};
use crate::support::needs::possible;

const PROMPT: &str = "prefix_rule(pattern=[\"whoami\"], decision=\"prompt\")\n";
const NONE: [&str; 2] = ["--sandbox", "danger-full-access"];

fn asking() -> Client {
    Start {
        rules: PROMPT,
        ..Start::default()
    }
    .client()
}

fn is_alive(client: &mut Client) {
    assert_eq!(client.shell("echo alive")["stdout"], "alive\n");
}

#[test]
fn long_and_deep_messages_get_an_answer() {
    let mut client = Start::default().client();
    let long = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#,
        "x".repeat(17 << 20)
    );
    client.raw(long.as_bytes());
    let answer = client.wait_for(|m| m.get("error").is_some());
    assert_eq!(answer["error"]["code"], -32600);
    for depth in [100, 200, 100_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        client.raw(
            format!(r#"{{"jsonrpc":"2.0","id":{depth},"method":"ping","params":{{"x":{deep}}}}}"#)
                .as_bytes(),
        );
        client.wait_for(|m| m["id"] == depth || m["error"]["code"] == -32700);
    }
    is_alive(&mut client);
}

#[test]
fn numbers_and_words_are_good_ids_and_nothing_else_is() {
    let mut client = Start::default().client();
    for id in [
        json!("x"),
        json!(""),
        json!(0),
        json!(-7),
        json!(9_007_199_254_740_993_u64),
    ] {
        client.send(&json!({ "jsonrpc": "2.0", "id": id, "method": "ping" }));
        let answer = client.wait_for(|m| m["id"] == id);
        assert_eq!(answer["result"], json!({}), "{id}");
    }
    for id in [Value::Null, json!(1.5), json!(true), json!([1]), json!({})] {
        client.send(&json!({ "jsonrpc": "2.0", "id": id, "method": "ping" }));
        let answer = client.wait_for(|m| m.get("error").is_some());
        assert_eq!(answer["error"]["code"], -32600, "{id}: {answer}");
    }
    is_alive(&mut client);
}

#[test]
fn messages_out_of_place_do_no_harm() {
    let mut client = Start::default().client();
    for message in [
        json!({ "method": "notifications/cancelled", "params": { "requestId": 4711 } }),
        json!({ "method": "notifications/cancelled" }),
        json!({ "method": "notifications/progress", "params": { "progressToken": 1, "progress": 1 } }),
        json!({ "method": "notifications/nonsense", "params": [1, 2] }),
        json!({ "id": 99, "result": {} }),
        json!({ "id": "never asked", "error": { "code": 1, "message": "x" } }),
        json!({ "id": null, "error": { "code": 1, "message": "x" } }),
    ] {
        let mut message = message;
        message["jsonrpc"] = json!("2.0");
        client.send(&message);
    }
    is_alive(&mut client);
    let params = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": { "name": "again", "version": "2" },
    });
    let again = client.request("initialize", &params);
    assert!(again.get("error").is_some() || again.get("result").is_some());
    is_alive(&mut client);
}

#[test]
fn nonsense_for_an_answer_is_a_no_that_says_so() {
    let mut client = asking();
    for answer in [
        json!({ "action": "maybe" }),
        json!({ "action": 1 }),
        json!({ "action": "accept", "content": { "decision": ["once"] } }),
        json!({ "action": "accept", "content": "\u{1b}[2K" }),
        json!([]),
        json!({}),
    ] {
        let id = client.start_shell("whoami 'secret argument' || echo refused", &json!({}));
        let question = client.question();
        client.reply(&question, &answer);
        let result = structured(&client.finish(id));
        assert_eq!(result["stdout"], "refused\n", "{answer}");
        let said = result["stderr"].as_str().unwrap();
        assert!(
            said.starts_with("codex-shell: denied: no valid answer for /usr/bin/whoami"),
            "{said}"
        );
        assert!(
            said.contains("is invalid") && !said.contains('\u{1b}'),
            "{said}"
        );
        assert_eq!(result["execs"][0]["verdict"], "refused");
    }
}

#[test]
fn a_client_that_leaves_during_questions_leaves_nothing_behind() {
    let mut client = asking();
    let mark = mark();
    for _ in 0..4 {
        client.start_shell(&format!("sleep {mark} & whoami {mark}"), &json!({}));
    }
    for _ in 0..4 {
        client.question();
    }
    assert!(running(&mark) > 0);
    assert!(client.hang_up().success());
    assert!(all_gone(&mark));
}

#[test]
fn sixty_four_questions_at_once() {
    let mut client = asking();
    let ids: Vec<u64> = (0..64)
        .map(|n| {
            client.start_shell(
                &format!("whoami >/dev/null && echo {n}"),
                &json!({ "timeout_ms": 60_000 }),
            )
        })
        .collect();
    let questions: Vec<Value> = ids.iter().map(|_| client.question()).collect();
    for question in questions.iter().rev() {
        client.reply(question, &json!({ "action": "accept", "content": {} }));
    }
    for (n, id) in ids.into_iter().enumerate() {
        assert_eq!(structured(&client.finish(id))["stdout"], format!("{n}\n"));
    }
}

#[test]
fn a_flood_of_output_is_bounded() {
    let mut client = Start::default().client();
    let script = "head -c 100000000 /dev/zero | tr '\\0' '\\377'; echo; echo END; exit 3";
    let result = client.shell_with(script, &json!({ "timeout_ms": 60_000 }));
    assert_eq!(result["exit_code"], 3);
    let stdout = result["stdout"].as_str().unwrap();
    assert!(
        stdout.ends_with("\nEND\n") && stdout.len() < 1 << 20,
        "{}",
        stdout.len()
    );
    let dropped = result["truncated"]["stdout_dropped_bytes"]
        .as_u64()
        .unwrap();
    assert_eq!(dropped, 100_000_005 - (256 << 10));
}

#[test]
fn parameters_that_cannot_be_are_named() {
    let mut client = Start::default().client();
    for (more, named) in [
        (json!({ "env": { "": "x" } }), "`env`"),
        (json!({ "env": { "A=B": "x" } }), "`env`"),
        (json!({ "env": { "A\0B": "x" } }), "`env`"),
        (json!({ "env": { "1A": "x" } }), "`env`"),
        (json!({ "env": { "A": "x\0y" } }), "NUL"),
        (json!({ "command": "echo a\0b" }), "NUL"),
        (json!({ "workdir": "/tmp\0" }), "workdir"),
        (json!({ "workdir": "relative" }), "absolute"),
        (json!({ "timeout_ms": 0 }), "timeout_ms"),
    ] {
        for login in [false, true] {
            let mut more = more.clone();
            more["login"] = json!(login);
            let id = client.start_shell("true", &more);
            let answer = client.finish(id);
            assert_eq!(answer["result"]["isError"], true, "{more}: {answer}");
            assert!(text(&answer).contains(named), "{more}: {answer}");
        }
    }
    for (more, named) in [
        (json!({ "timeout_ms": -1 }), "`timeout_ms`"),
        (json!({ "timeout_ms": 1.5 }), "`timeout_ms`"),
        (json!({ "timeout_ms": 1e30 }), "`timeout_ms`"),
        (json!({ "env": "A=1" }), "`env`"),
        (json!({ "env": { "A": 1 } }), "`env.A`"),
        (json!({ "stdin": 1 }), "`stdin`"),
        (json!({ "login": "yes" }), "`login`"),
        (json!({ "sandbox": "none" }), "`sandbox`"),
        (json!({ "command": ["ls"] }), "`command`"),
        (json!({ "workdir": 1 }), "`workdir`"),
    ] {
        let id = client.start_shell("true", &more);
        let answer = client.finish(id);
        assert_eq!(answer["result"]["isError"], true, "{more}: {answer}");
        assert!(text(&answer).contains(named), "{more}: {answer}");
    }
    let more = json!({ "timeout_ms": u64::MAX });
    assert_eq!(client.shell_with("echo x", &more)["stdout"], "x\n");
}

#[test]
fn much_is_given_and_read_as_far_as_it_is_wanted() {
    let mut client = Start::default().client();
    let lines = "line\n".repeat(400_000);
    let given = json!({ "stdin": lines });
    assert_eq!(client.shell_with("wc -l", &given)["stdout"], "400000\n");
    let since = Instant::now();
    assert_eq!(client.shell_with("head -n 1", &given)["stdout"], "line\n");
    assert!(since.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_large_environment_reaches_programs_outside() {
    let value = "x".repeat(100_000);
    let mut client = Start {
        rules: "prefix_rule(pattern=[\"printenv\"], decision=\"allow\")\n",
        environment: &[("A", &value), ("B", &value), ("C", &value)],
        ..Start::default()
    }
    .client();
    let result = client.shell("printenv A B C | wc");
    let counted = result["stdout"].as_str().unwrap().split_whitespace();
    assert_eq!(counted.collect::<Vec<_>>(), ["3", "3", "300003"]);
    assert_eq!(result["execs"][0]["verdict"], "escalated");
    let result = client.shell("A=other$A printenv A B | wc -c");
    assert_eq!(result["stdout"], "100001\n");
    assert_eq!(result["execs"][0]["dropped_variables"], json!(["A"]));
}

/// By a copy, another link, a script that a copy reads, and memory; each tells the status.
const COPIES: [&str; 4] = [
    "cp /usr/bin/whoami other; printf '#!./other\\n' > script; chmod +x script; ./script; echo rc=$?",
    "cp /usr/bin/whoami ./other; ./other 'secret'; echo rc=$?",
    "ln /usr/bin/whoami ./other 2>/dev/null || cp /usr/bin/whoami ./other; ./other x; echo rc=$?",
    "/usr/bin/python3 -c 'import os\nfd = os.memfd_create(\"x\", 0)\n\
     os.write(fd, open(\"/usr/bin/whoami\", \"rb\").read())\nos.execv(\"/proc/self/fd/%d\" % fd, [\"other\"])'; echo rc=$?",
];

#[test]
fn a_copy_is_what_it_was_copied_from() {
    let forbid =
        "prefix_rule(pattern=[\"whoami\"], decision=\"forbidden\", justification=\"no\")\n";
    for arguments in [NONE, ["--sandbox", "workspace-write"]] {
        let mut client = Start {
            rules: forbid,
            arguments: &arguments,
            ..Start::default()
        }
        .client();
        for script in possible(&COPIES) {
            let result = client.shell(&format!("rm other script 2>/dev/null; {script}"));
            assert_eq!(
                result["stdout"], "rc=1\n",
                "{arguments:?} {script}: {result}"
            );
            let said = result["stderr"].as_str().unwrap();
            assert!(said.contains("codex-shell: denied: "), "{script}: {said}");
            assert_eq!(result["execs"][0]["verdict"], "forbidden");
        }
        let result = client.shell("rm other; cp /usr/bin/id other; ./other >/dev/null; echo rc=$?");
        assert_eq!(result["stdout"], "rc=0\n", "{result}");
    }
}

#[test]
fn programs_with_the_same_bytes_can_have_rules_of_their_own() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    for name in ["one", "other"] {
        std::fs::copy("/usr/bin/whoami", folder.path().join(name)).unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let mut client = Start {
        rules: "prefix_rule(pattern=[\"one\"], decision=\"allow\")\n\
                prefix_rule(pattern=[\"other\"], decision=\"forbidden\")\n",
        environment: &[("PATH", &path)],
        ..Start::default()
    }
    .client();
    let result = client.shell("one >/dev/null && other");
    let verdicts: Vec<&Value> = result["execs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["verdict"])
        .collect();
    assert_eq!(verdicts, ["escalated", "forbidden"], "{result}");
}

#[test]
fn a_copy_is_not_permitted_what_its_original_is() {
    let mut client = Start {
        rules: "prefix_rule(pattern=[\"whoami\"], decision=\"allow\")\n",
        arguments: &["--sandbox", "workspace-write"],
        ..Start::default()
    }
    .client();
    let result = client.shell("cp /usr/bin/whoami other; ./other >/dev/null; echo rc=$?");
    assert_eq!(result["stdout"], "rc=0\n");
    assert_eq!(result["execs"], json!([]), "it runs inside");
}
