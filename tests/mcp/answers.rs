//! What answers to questions mean, as clients give them.

use serde_json::{Value, json};

use super::approvals::{RULES, WRITABLE, choose, modern};
use super::client::{Client, Start, all_gone, mark, read, structured};
use crate::support::needs::possible;

fn called(name: &str) -> Client {
    Start {
        rules: RULES,
        arguments: &WRITABLE,
        name,
        ..Start::default()
    }
    .client()
}

/// The form of a question about `whoami`, and the standard error of the call once it was answered so.
fn answered(client: &mut Client, answer: &Value) -> (Value, String) {
    let id = client.start_shell("whoami", &json!({}));
    let question = client.question();
    client.reply(&question, answer);
    let result = structured(&client.finish(id));
    let ran = result["exit_code"] == 0;
    let said = result["stderr"].as_str().unwrap();
    let schema = question["params"]["requestedSchema"].clone();
    (schema, if ran { "ran".into() } else { said.to_owned() })
}

#[test]
fn who_accepts_says_yes_unless_a_client_may_do_so_by_itself() {
    for (name, by_itself) in [("test", false), ("codex-mcp-client", true)] {
        let mut client = called(name);
        for answer in [
            json!({ "action": "accept" }),
            json!({ "action": "accept", "content": {} }),
            json!({ "action": "accept", "content": { "reason": "sure" } }),
        ] {
            let (_, said) = answered(&mut client, &answer);
            if by_itself {
                let why = "no valid answer for /usr/bin/whoami (";
                assert!(said.contains(why), "{answer}: {said}");
                assert!(said.contains("without the decision"), "{answer}: {said}");
            } else {
                assert_eq!(said, "ran", "{answer}");
            }
        }
    }
    let mut client = called("test");
    // What fills in defaults fills in texts.
    let (schema, said) = answered(&mut client, &choose("once"));
    let defaults = ["decision", "reason"].map(|name| schema["properties"][name]["default"].clone());
    assert_eq!((defaults, &*said), ([json!("once"), json!("")], "ran"));
}

#[test]
fn codex_is_asked_for_a_choice_alone() {
    let mut client = called("codex-mcp-client");
    let (schema, said) = answered(&mut client, &json!({ "action": "decline" }));
    let fields: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["decision"]);
    assert!(
        said.contains("no valid answer") && said.contains("by itself"),
        "{said}"
    );
    let answer =
        |decision: &str| json!({ "action": "accept", "content": { "decision": decision } });
    let (_, said) = answered(&mut client, &answer("no"));
    assert!(
        said.contains("declined") && !said.contains("nobody"),
        "{said}"
    );
    assert_eq!(answered(&mut client, &answer("once")).1, "ran");
}

#[test]
fn codex_confirms_a_rule_by_a_choice() {
    for (answer, written) in [("once", true), ("no", false), ("", false)] {
        let mut client = called("codex-mcp-client");
        let id = client.start_shell("mkdir d; rm -rf d", &json!({}));
        let question = client.question();
        client.reply(&question, &choose("always"));
        let question = client.question();
        let reply = match answer {
            "" => json!({ "action": "accept", "content": {} }),
            answer => choose(answer),
        };
        client.reply(&question, &reply);
        client.finish(id);
        let rules = read(&client.rules_file());
        assert_eq!(rules != RULES, written, "{answer}");
    }
}

/// What a script says is what is run, whoever reads it.
#[test]
fn a_yes_for_the_session_is_for_the_script_as_it_was() {
    let mut client = Start {
        rules: "prefix_rule(pattern=[\"sh\"], decision=\"prompt\")\n",
        files: &[("s", "echo harmless\n")],
        arguments: &WRITABLE,
        ..Start::default()
    }
    .client();
    let file = client.work().join("../s");
    for (text, answer, said) in [
        ("echo harmless\n", Some("session"), "harmless\n"),
        ("echo harmless\n", None, "harmless\n"),
        ("echo other\n", Some("no"), ""),
        ("echo other\n", Some("once"), "other\n"),
    ] {
        if read(&file) != text {
            std::fs::write(&file, text).unwrap();
        }
        let id = client.start_shell("sh -e ../s", &json!({}));
        if let Some(answer) = answer {
            let question = client.question();
            client.reply(&question, &choose(answer));
        }
        assert_eq!(structured(&client.finish(id))["stdout"], said, "{text}");
    }
}

/// So is what any other program is given to read.
#[test]
fn a_yes_for_the_session_is_for_what_the_words_name_as_it_was() {
    let mut client = Start {
        rules: "prefix_rule(pattern=[\"grep\"], decision=\"prompt\")\n",
        files: &[("work/f", "one\n"), ("work/d/e/g", "one\n")],
        arguments: &WRITABLE,
        ..Start::default()
    }
    .client();
    for (script, asked) in [
        ("grep one f", true),
        ("grep one f", false),
        ("echo one >new; mv new f; grep one f", true),
        ("grep one f", false),
        ("grep -r one d", true),
        ("grep -r one d", false),
        ("touch d/e/h; grep -r one d", true),
    ] {
        let id = client.start_shell(script, &json!({}));
        if asked {
            let question = client.question();
            client.reply(&question, &choose("session"));
        }
        assert_eq!(structured(&client.finish(id))["exit_code"], 0, "{script}");
    }
}

/// Nobody is shown what a call gives to read.
#[test]
fn there_is_no_yes_for_the_session_to_what_a_call_gives_to_read() {
    let mut client = Start {
        rules: "prefix_rule(pattern=[\"cat\"], decision=\"prompt\")\n",
        arguments: &WRITABLE,
        ..Start::default()
    }
    .client();
    for (input, answer, exit_code) in [
        (json!({}), Some("session"), 0),
        (json!({}), None, 0),
        (json!({ "stdin": "a\n" }), Some("session"), 1),
        (json!({ "stdin": "a\n" }), Some("once"), 0),
        (json!({ "stdin": "a\n" }), Some("no"), 1),
        (json!({}), None, 0),
    ] {
        let id = client.start_shell("cat", &input);
        if let Some(answer) = answer {
            let question = client.question();
            client.reply(&question, &choose(answer));
        }
        let result = structured(&client.finish(id));
        assert_eq!(result["exit_code"], exit_code, "{input} {answer:?}");
    }
}

/// What goes outside as the caller has it is part of what a yes is for.
#[test]
fn a_yes_for_the_session_is_for_one_umask() {
    let mut client = called("test");
    for (script, asked) in [
        ("umask 22; whoami", true),
        ("umask 22; whoami", false),
        ("umask 777; whoami", true),
    ] {
        let id = client.start_shell(script, &json!({}));
        if asked {
            let question = client.question();
            client.reply(&question, &choose("session"));
        }
        assert_eq!(structured(&client.finish(id))["exit_code"], 0, "{script}");
    }
}

/// What says what runs can be another file the next time, and nothing in the question shows it.
#[test]
fn there_is_no_yes_for_the_session_to_what_can_change_unseen() {
    let programs = ["sh", "make", "python3", "perl", "env"];
    let rule = |name| format!("prefix_rule(pattern=[\"{name}\"], decision=\"prompt\")\n");
    let rules = programs.map(rule).concat();
    let mut client = Start {
        rules: &rules,
        files: &[
            ("work/s", "echo a\n"),
            ("work/sources", ". ./s\n"),
            ("work/plain", "echo a\n"),
            ("work/d/a", "a\n"),
            ("work/x.mk", "all:\n\t@echo a\n"),
            ("work/__main__.py", "print('a')\n"),
            ("work/x.py", "print('a')\n"),
            ("work/X.pm", "print \"a\\n\"; 1\n"),
        ],
        arguments: &WRITABLE,
        ..Start::default()
    }
    .client();
    for script in possible(&[
        "make -fx.mk",
        "make --file=x.mk",
        "python3 .",
        "python3 -m x",
        "perl -MX -I. -e 1",
        "sh <s",
        "cat s | sh",
        "sh -c '. ./s'",
        "sh sources",
        "sh plain",
        "env -C d cat a",
        "env PATH=$PWD:$PATH cat d/a",
        "sh -c 'for PATH in $PWD; do echo a; done'",
    ]) {
        let mut ask = |answer: &str| {
            let id = client.start_shell(script, &json!({}));
            let question = client.question();
            let choices = question.pointer("/params/requestedSchema/properties/decision/oneOf");
            let choices = choices.unwrap().as_array().unwrap().clone();
            assert!(
                choices.iter().all(|choice| choice["const"] != "session"),
                "{script}"
            );
            let message = question["params"]["message"].as_str().unwrap();
            assert!(
                message.contains("A yes is for once: `"),
                "{script}: {message}"
            );
            client.reply(&question, &choose(answer));
            structured(&client.finish(id))["stdout"].clone()
        };
        assert_eq!(ask("session"), "", "{script}: it was not offered");
        assert_eq!(ask("once"), "a\n", "{script}");
        assert_eq!(ask("no"), "", "{script}: it is asked again");
    }
}

/// A call whose client is to come back with an answer, and the parameters to come back with.
fn parked(client: &mut Client, script: &str) -> (u64, Value) {
    let mut params = client.call(script, &json!({}));
    params["_meta"] = modern();
    params["_meta"]["progressToken"] = "first".into();
    let id = client.start("tools/call", &params);
    let answer = client.finish(id);
    let result = &answer["result"];
    let name = result["inputRequests"].as_object().unwrap().keys().next();
    params["inputResponses"] = json!({ name.unwrap(): choose("once") });
    params["requestState"] = result["requestState"].clone();
    (id, params)
}

fn unmet() -> Client {
    Start {
        rules: RULES,
        arguments: &WRITABLE,
        ..Start::default()
    }
    .unmet()
}

#[test]
fn progress_after_an_answer_is_that_of_the_new_request() {
    let mut client = unmet();
    let (_, mut params) = parked(&mut client, "whoami; sleep 0.3; echo more; sleep 0.3");
    params["_meta"]["progressToken"] = "second".into();
    client.kept.clear();
    let id = client.start("tools/call", &params);
    client.finish(id);
    let progress = |m: &&Value| m["method"] == "notifications/progress";
    let told: Vec<&Value> = client.kept.iter().filter(progress).collect();
    assert!(!told.is_empty());
    assert!(
        told.iter()
            .all(|m| m["params"]["progressToken"] == "second"),
        "{told:?}"
    );
}

#[test]
fn a_call_that_waits_for_its_client_can_be_cancelled() {
    let mut client = unmet();
    let mark = mark();
    let (id, params) = parked(&mut client, &format!("sleep {mark} & whoami"));
    client.send(&json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id },
    }));
    assert!(all_gone(&mark));
    let answer = client.request("tools/call", &params);
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
}
