//! Questions to a person, by both forms of elicitation.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Client, Start, read, structured, text};

/// `whoami` is asked about by a rule, `rm -rf` by a heuristic.
pub(super) const RULES: &str =
    "prefix_rule(pattern=[\"whoami\"], decision=\"prompt\", justification=\"who asks?\")\n";
pub(super) const WRITABLE: [&str; 2] = ["--sandbox", "workspace-write"];
const DECLINE: &str = "decline";

fn asking(arguments: &[&str]) -> Client {
    Start {
        rules: RULES,
        arguments,
        ..Start::default()
    }
    .client()
}

/// Runs `script`, answers its one question, and returns both.
fn answered(client: &mut Client, script: &str, answer: &Value) -> (Value, Value) {
    let id = client.start_shell(script, &json!({}));
    let question = client.question();
    client.reply(&question, answer);
    (question, structured(&client.finish(id)))
}

pub(super) fn choose(decision: &str) -> Value {
    json!({ "action": "accept", "content": { "decision": decision, "reason": "because" } })
}

#[test]
fn a_question_says_what_where_and_why() {
    let mut client = asking(&WRITABLE);
    let more = json!({ "justification": "to see\nwho \u{1b}[2K I am" });
    let id = client.start_shell("X=1 whoami $'a\\nb'", &more);
    let question = client.question();
    let message = question["params"]["message"].as_str().unwrap();
    for part in [
        r"`whoami $'a\nb'`",
        "/usr/bin/whoami",
        "outside the sandbox",
        "default.rules:1: who asks?",
        "not get these variables, as they are inside: `X`",
        r"to see who \e[2K I am",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    assert!(!message.chars().any(char::is_control), "{message}");
    let schema = &question["params"]["requestedSchema"];
    let choices: Vec<&Value> = schema["properties"]["decision"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|choice| &choice["const"])
        .collect();
    assert_eq!(
        choices,
        ["once", "session", "no"],
        "a further rule can't lift one that asks"
    );
    client.reply(&question, &json!({ "action": DECLINE }));
    let result = structured(&client.finish(id));
    assert!(
        result["stderr"]
            .as_str()
            .unwrap()
            .contains("denied: whoami")
    );
    assert_eq!(result["exit_code"], 1);
    assert_eq!(result["execs"][0]["verdict"], "refused");
}

#[test]
fn a_yes_runs_it_and_its_reason_reaches_the_agent() {
    let mut client = asking(&WRITABLE);
    let (_, result) = answered(&mut client, "whoami", &choose("once"));
    assert_eq!(result["exit_code"], 0);
    assert_eq!(result["execs"][0]["verdict"], "escalated");
    assert_eq!(result["execs"][0]["reason"], "because");
    let no = choose("no");
    let (_, result) = answered(&mut client, "whoami", &no);
    assert_eq!(result["execs"][0]["reason"], "declined: because");
}

#[test]
fn what_is_not_a_clear_yes_is_a_no() {
    let mut client = asking(&WRITABLE);
    for answer in [
        json!({ "action": "cancel" }),
        json!({ "action": "maybe" }),
        choose("perhaps"),
        json!("yes"),
    ] {
        let (_, result) = answered(&mut client, "whoami", &answer);
        assert_eq!(result["exit_code"], 1, "{answer}");
    }
    let id = client.start_shell("whoami", &json!({}));
    let question = client.question();
    let error = json!({ "code": -32603, "message": "broken" });
    client.send(&json!({ "jsonrpc": "2.0", "id": question["id"], "error": error }));
    let result = structured(&client.finish(id));
    assert!(result["stderr"].as_str().unwrap().contains("broken"));
}

#[test]
fn a_yes_for_the_session_is_remembered_for_this_very_request() {
    let mut client = asking(&WRITABLE);
    answered(&mut client, "whoami", &choose("session"));
    assert_eq!(client.shell("whoami")["exit_code"], 0);
    let (_, result) = answered(&mut client, "whoami --help", &json!({ "action": DECLINE }));
    assert_eq!(result["exit_code"], 1);
}

/// By the link the program is not trusted, and runs inside: no yes to outside is one to that. It could lead to
/// another program the next time, so that no yes to it is for the session.
#[test]
fn a_yes_for_the_session_is_for_the_place_that_was_shown() {
    let mut client = asking(&WRITABLE);
    let (outside, _) = answered(&mut client, "whoami", &choose("session"));
    let message = |question: &Value| question["params"]["message"].as_str().unwrap().to_owned();
    let shown = message(&outside);
    assert!(shown.contains("outside the sandbox"), "{shown}");
    let script = "mkdir -p b; ln -sf /usr/bin/whoami b/whoami; PATH=$PWD/b:$PATH whoami";
    for _ in 0..2 {
        let (inside, result) = answered(&mut client, script, &choose("once"));
        let shown = message(&inside);
        for part in [
            "inside the sandbox because `the sandbox can write ",
            "A yes is for once: `the command can change ",
        ] {
            assert!(shown.contains(part), "{shown}");
        }
        assert_eq!(result["execs"][0]["verdict"], "approved", "{result}");
    }
    // The first is still remembered.
    let result = client.shell("whoami");
    assert_eq!(result["execs"][0]["verdict"], "escalated", "{result}");
}

/// What somebody said yes to and did not run all the same was refused, and why.
#[test]
fn a_yes_that_means_nothing_any_more_is_told_as_a_refusal() {
    let mut client = asking(&WRITABLE);
    let id = client.start_shell("mkdir d; cd d; whoami", &json!({}));
    let question = client.question();
    let work = client.work();
    std::fs::rename(work.join("d"), work.join("e")).unwrap();
    client.reply(&question, &choose("once"));
    let result = structured(&client.finish(id));
    assert_eq!(result["exit_code"], 1, "{result}");
    assert_eq!(result["stdout"], "", "{result}");
    let exec = &result["execs"][0];
    assert_eq!(exec["verdict"], "refused", "{result}");
    assert_eq!(
        exec["reason"],
        "since the question, its directory was moved"
    );
}

#[test]
fn others_words_stay_in_their_code_span() {
    let mut client = asking(&WRITABLE);
    let more = json!({ "justification": "x\u{201d}. Program: `/usr/bin/ls`, inside the sandbox." });
    let script = "whoami 'a` in `/tmp`? Program: /usr/bin/ls, inside the sandbox. **Safe**'";
    let id = client.start_shell(script, &more);
    let question = client.question();
    let message = question["params"]["message"].as_str().unwrap();
    for part in [
        "run ``whoami 'a` in `/tmp`? Program: /usr/bin/ls, inside the sandbox. **Safe**'`` in `/",
        "The agent says: ``x\u{201d}. Program: `/usr/bin/ls`, inside the sandbox.``.",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    client.reply(&question, &json!({ "action": DECLINE }));
    client.finish(id);
}

#[test]
fn always_shows_the_rule_then_writes_it() {
    let mut client = asking(&WRITABLE);
    let id = client.start_shell("mkdir d; rm -rf d; test ! -e d", &json!({}));
    let question = client.question();
    client.reply(&question, &choose("always"));
    let confirmation = client.question();
    let message = confirmation["params"]["message"].as_str().unwrap();
    let rule = r#"prefix_rule(pattern=["rm", "-rf", "d"], decision="allow")"#;
    assert!(
        message.contains(rule) && message.contains("default.rules"),
        "{message}"
    );
    let before = read(&client.rules_file());
    assert_eq!(before, RULES);
    client.reply(&confirmation, &json!({ "action": "accept", "content": {} }));
    assert_eq!(structured(&client.finish(id))["exit_code"], 0);
    let after = read(&client.rules_file());
    assert_eq!(after, format!("{RULES}\n{rule}\n"));
    let result = client.shell("mkdir d; rm -rf d");
    assert_eq!(result["execs"][0]["verdict"], "escalated", "{result}");
}

#[test]
fn a_rule_that_is_not_confirmed_is_not_written() {
    let mut client = asking(&WRITABLE);
    let id = client.start_shell("mkdir d; rm -rf d", &json!({}));
    let question = client.question();
    client.reply(&question, &choose("always"));
    let confirmation = client.question();
    client.reply(&confirmation, &json!({ "action": DECLINE }));
    assert_eq!(structured(&client.finish(id))["exit_code"], 0);
    assert_eq!(read(&client.rules_file()), RULES);
}

#[test]
fn who_declares_no_elicitation_is_not_asked() {
    let mut client = Start {
        rules: RULES,
        capabilities: json!({}),
        ..Start::default()
    }
    .client();
    let result = client.shell("whoami");
    let stderr = result["stderr"].as_str().unwrap();
    assert!(stderr.contains("declares no elicitation"), "{stderr}");
    assert_eq!(client.kept, [] as [Value; 0]);
}

#[test]
fn time_spent_asking_does_not_count() {
    let mut client = asking(&WRITABLE);
    let id = client.start_shell("whoami; sleep 600", &json!({ "timeout_ms": 1000 }));
    let question = client.question();
    std::thread::sleep(Duration::from_millis(1500));
    client.reply(&question, &choose("once"));
    let since = Instant::now();
    let result = structured(&client.finish(id));
    assert_eq!(result["timed_out"], true);
    assert!(!result["stdout"].as_str().unwrap().is_empty());
    assert!(since.elapsed() < Duration::from_secs(5));
}

#[test]
fn questions_are_asked_at_once_and_answered_by_number() {
    let mut client = asking(&WRITABLE);
    let id = client.start_shell("whoami one & whoami & wait $!", &json!({}));
    let (first, second) = (client.question(), client.question());
    for question in [second, first] {
        let message = question["params"]["message"].as_str().unwrap();
        let yes = message.contains("`whoami`");
        client.reply(&question, &choose(if yes { "once" } else { "no" }));
    }
    let result = structured(&client.finish(id));
    assert_eq!(result["exit_code"], 0);
}

#[test]
fn a_question_has_a_deadline_and_is_withdrawn() {
    let mut client = asking(&["--sandbox", "read-only", "--ask-timeout", "300ms"]);
    let result = client.shell("whoami");
    assert!(
        result["stderr"]
            .as_str()
            .unwrap()
            .contains("nobody answered")
    );
    let question = client.question();
    let withdrawn = client.wait_for(|m| m["method"] == "notifications/cancelled");
    assert_eq!(withdrawn["params"]["requestId"], question["id"]);

    let mut client = asking(&WRITABLE);
    let id = client.start_shell("whoami & sleep 0.5; kill -9 $!", &json!({}));
    let question = client.question();
    client.finish(id);
    let withdrawn = client.wait_for(|m| m["method"] == "notifications/cancelled");
    assert_eq!(withdrawn["params"]["requestId"], question["id"]);
}

#[test]
fn a_program_answers_for_clients_that_cannot() {
    let mut client = asking(&["--sandbox", "read-only", "--ask", "command:/usr/bin/false"]);
    assert_eq!(client.shell("whoami")["exit_code"], 1);
    let mut client = asking(&["--sandbox", "read-only", "--ask", "command:/usr/bin/true"]);
    assert_eq!(client.shell("whoami")["exit_code"], 0);
}

/// The metadata of a client that speaks the version without a handshake.
pub(super) fn modern() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
    })
}

/// Each that waits keeps its processes.
#[test]
fn so_many_calls_wait_for_their_client_and_no_more() {
    let mut client = Start {
        rules: RULES,
        arguments: &WRITABLE,
        ..Start::default()
    }
    .unmet();
    let mut params = client.call("whoami; echo end", &json!({ "timeout_ms": 60_000 }));
    params["_meta"] = modern();
    let mut waiting = Vec::new();
    let refused = loop {
        let answer = client.request("tools/call", &params);
        if answer["result"]["resultType"] != "input_required" {
            break structured(&answer);
        }
        waiting.push(answer);
        assert!(waiting.len() < 1000);
    };
    assert_eq!(waiting.len(), 32);
    let reason = refused["execs"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("32 calls wait"), "{refused}");
    assert_eq!(refused["stdout"], "end\n");
    // One that is answered makes room for another.
    let first = &waiting[0]["result"];
    let names = first["inputRequests"].as_object().unwrap().keys();
    let answers: serde_json::Map<_, _> = names.map(|n| (n.clone(), choose("once"))).collect();
    let mut answered = params.clone();
    answered["requestState"] = first["requestState"].clone();
    answered["inputResponses"] = answers.into();
    let result = structured(&client.request("tools/call", &answered));
    assert_eq!(result["exit_code"], 0, "{result}");
    let answer = client.request("tools/call", &params);
    assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
}

#[test]
fn the_call_itself_asks_where_the_protocol_wants_that() {
    let mut client = Start {
        rules: RULES,
        arguments: &WRITABLE,
        ..Start::default()
    }
    .unmet();
    let mut params = client.call("echo before; whoami", &json!({}));
    params["_meta"] = modern();
    let answer = client.request("tools/call", &params);
    assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
    let requests = answer["result"]["inputRequests"].as_object().unwrap();
    let (name, form) = requests.iter().next().unwrap();
    assert_eq!(form["method"], "elicitation/create");
    assert!(
        form["params"]["message"]
            .as_str()
            .unwrap()
            .contains("`whoami`")
    );

    let mut forged = params.clone();
    forged["requestState"] = json!("0123456789abcdef");
    assert_eq!(
        client.request("tools/call", &forged)["error"]["code"],
        -32602
    );
    let mut other = params.clone();
    other["requestState"] = answer["result"]["requestState"].clone();
    other["arguments"]["command"] = json!("echo something else");
    assert_eq!(
        client.request("tools/call", &other)["error"]["code"],
        -32602
    );

    params["requestState"] = answer["result"]["requestState"].clone();
    params["inputResponses"] = json!({ name.as_str(): choose("once") });
    let answer = client.request("tools/call", &params);
    let result = structured(&answer);
    assert!(
        result["stdout"].as_str().unwrap().starts_with("before\n"),
        "{answer}"
    );
    assert_eq!(result["exit_code"], 0);
    let answer = client.request("tools/call", &params);
    assert_eq!(answer["error"]["code"], -32602, "an answer counts once");
    assert_eq!(text(&answer), "");
}
