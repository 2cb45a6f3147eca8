//! The tool `shell`: what a call takes and gives.

use serde_json::{Value, json};

use super::client::{Start, structured, text};
use crate::support::programs::{Machine, program};

const NONE: [&str; 2] = ["--sandbox", "danger-full-access"];

#[test]
fn the_text_is_the_released_servers() {
    let mut client = Start::default().client();
    let id = client.start_shell("echo out; echo err >&2; exit 7", &json!({}));
    let answer = client.finish(id);
    let result: Value = serde_json::from_str(&text(&answer)).unwrap();
    let keys: Vec<&String> = result.as_object().unwrap().keys().collect();
    // What may be long comes last: some clients cut.
    assert_eq!(keys, ["exit_code", "timed_out", "duration", "output"]);
    assert_eq!(result["exit_code"], 7);
    assert_eq!(result["timed_out"], false);
    assert!(result["duration"]["secs"].is_u64() && result["duration"]["nanos"].is_u64());
    assert_eq!(answer["result"]["isError"], false);
    let result = structured(&answer);
    assert_eq!(
        (&result["stdout"], &result["stderr"]),
        (&json!("out\n"), &json!("err\n"))
    );
}

#[test]
fn the_structure_is_as_its_schema_says() {
    let mut client = Start::default().client();
    let tools = client.request("tools/list", &json!({}));
    let shell = &tools["result"]["tools"][0];
    assert_eq!(shell["name"], "shell");
    assert_eq!(shell["annotations"]["destructiveHint"], true);
    let result = client.shell("echo x > /etc/x; head -c 400000 /dev/zero");
    let schema = &shell["outputSchema"];
    let known: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    for key in result.as_object().unwrap().keys() {
        assert!(known.contains(&key), "{key}");
    }
    for key in schema["required"].as_array().unwrap() {
        assert!(result.get(key.as_str().unwrap()).is_some(), "{key}");
    }
    assert_eq!(
        client.request("tools/list", &json!({}))["result"]["tools"][1]["name"],
        "explain"
    );
}

#[test]
fn the_order_is_told() {
    let mut client = Start::default().client();
    let result = client.shell("echo one; sleep 0.3; echo two >&2; sleep 0.3; echo three");
    let order = json!([
        { "stream": "stdout", "bytes": 4 },
        { "stream": "stderr", "bytes": 4 },
        { "stream": "stdout", "bytes": 6 },
    ]);
    assert_eq!(result["order"], order);
}

#[test]
fn long_output_keeps_both_ends_and_says_where_the_rest_is() {
    let mut client = Start::default().client();
    let script = "echo BEGIN; head -c 2000000 /dev/zero | tr '\\0' x; echo END";
    let result = client.shell(script);
    let stdout = result["stdout"].as_str().unwrap();
    assert!(stdout.starts_with("BEGIN\n") && stdout.ends_with("xEND\n"));
    assert!(stdout.len() < 300_000, "{}", stdout.len());
    let dropped = result["truncated"]["stdout_dropped_bytes"]
        .as_u64()
        .unwrap();
    assert_eq!(dropped, 2_000_010 - (256 << 10));
    assert!(stdout.contains(&format!("{dropped} bytes left out")));
    let whole = result["truncated"]["whole_output"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(std::fs::metadata(&whole).unwrap().len(), 2_000_010);
    assert!(client.hang_up().success());
    assert!(!std::path::Path::new(&whole).exists());
}

#[test]
fn bytes_that_are_no_text_do_no_harm() {
    let mut client = Start::default().client();
    let result = client.shell(r"printf 'caf\303\251 \377 ok'");
    assert_eq!(result["stdout"], "caf\u{e9} \u{fffd} ok");
}

#[test]
fn what_was_written_survives_the_end_of_time() {
    let mut client = Start::default().client();
    let result = client.shell_with("echo early; sleep 600", &json!({ "timeout_ms": 300 }));
    assert_eq!(
        (
            &result["timed_out"],
            &result["exit_code"],
            &result["stdout"]
        ),
        (&json!(true), &json!(124), &json!("early\n"))
    );
    let result = client.shell("echo early; kill -9 $$");
    assert_eq!(
        (&result["exit_code"], &result["stdout"]),
        (&json!(137), &json!("early\n"))
    );
}

#[test]
fn standard_input_and_variables_are_given() {
    let mut client = Start::default().client();
    let result = client.shell("cat; echo end");
    assert_eq!(result["stdout"], "end\n");
    let more = json!({ "stdin": "given\n", "env": { "A": "it's $HOME" } });
    for login in [false, true] {
        let mut more = more.clone();
        more["login"] = json!(login);
        let result = client.shell_with("cat; echo \"$A\"", &more);
        assert_eq!(result["stdout"], "given\nit's $HOME\n", "{login}");
    }
    let id = client.start_shell("true", &json!({ "env": { "A=B": "" } }));
    assert!(text(&client.finish(id)).contains("`env`"));
}

#[test]
fn a_call_can_only_tighten_the_sandbox() {
    let mut client = Start {
        arguments: &["--sandbox", "workspace-write"],
        ..Start::default()
    }
    .client();
    assert_eq!(client.shell("echo x > file")["exit_code"], 0);
    let result = client.shell_with("echo x > other", &json!({ "sandbox": "read-only" }));
    assert_eq!(result["exit_code"], 1);
    let path = client.work().join("other").display().to_string();
    assert_eq!(result["denials"][0]["path"], path);
    let id = client.start_shell("true", &json!({ "sandbox": "danger-full-access" }));
    assert!(text(&client.finish(id)).contains("only be tighter"));
}

/// A socket of this family, or what is said without one; then `end`.
fn socket(family: u8, end: &str) -> String {
    format!("perl -MSocket -e 'socket(S, {family}, SOCK_STREAM, 0); {end}'")
}

/// In the structure, and in the text with what would permit it.
#[test]
fn refused_calls_are_told_where_a_program_failed_of_them() {
    let mut client = Start::default().client();
    for (script, what, permits) in [
        (
            "exec 3<>/dev/tcp/127.0.0.1/9".to_owned(),
            "AF_INET",
            "--network true",
        ),
        (socket(2, r#"die "$!\n""#), "AF_INET", "--network true"),
        (
            format!(
                "{} || {{ echo no network >&2; false; }}",
                socket(2, "exit 6")
            ),
            "AF_INET",
            "--network true",
        ),
        (
            socket(1, r#"die "socket: $!\n""#),
            "AF_UNIX",
            "danger-full-access",
        ),
        (
            format!(
                "perl -e 'getpwuid 4242'; {}",
                socket(1, r#"die "cannot open display: :0\n""#)
            ),
            "AF_UNIX",
            "danger-full-access",
        ),
        (
            socket(16, r#"die "netlink socket: Operation not permitted\n""#),
            "AF_NETLINK",
            "--network true",
        ),
        (
            "unshare --user true".to_owned(),
            "the system call unshare",
            "danger-full-access",
        ),
    ] {
        let id = client.start_shell(&script, &json!({}));
        let answer = client.finish(id);
        let result = structured(&answer);
        let refused = &result["refused_calls"][0];
        assert!(
            refused["what"].as_str().unwrap().contains(what),
            "{script}: {result}"
        );
        let text: Value = serde_json::from_str(&text(&answer)).unwrap();
        let note = text["notes"][0].as_str().unwrap();
        assert!(note.contains(what) && note.contains(permits), "{text}");
    }
}

/// Libraries try sockets by habit, and do without.
#[test]
fn what_no_program_failed_of_is_not_told() {
    let mut client = Start::default().client();
    for script in [
        // Without a user of that number anywhere, the C library looks for a daemon that knows.
        "id 4242 2>/dev/null; true".to_owned(),
        "id nobody-of-that-name".to_owned(),
        "id; false".to_owned(),
        socket(2, "exit 0"),
        format!("{}; false", socket(2, "exit 0")),
        socket(2, r#"die "AssertionError: 2 is not 3\n""#),
        socket(16, r#"die "TypeError: x is not a function\n""#),
        socket(1, r#"die "chown: Operation not permitted\n""#),
        socket(2, r#"warn "connect: no network\n"; exit 0"#),
        // The C library looks for that daemon in the program that then fails of a connection, or of what
        // sounds like one.
        r#"perl -e 'getpwuid 4242; die "could not connect to the server\n"'"#.to_owned(),
        r#"perl -e 'getpwuid 4242; die "connect: Connection refused\n"'"#.to_owned(),
        socket(1, r#"die "connect to port 22: Connection refused\n""#),
        socket(1, r#"warn "in socket.pm\n"; die "Connection refused\n""#),
        socket(
            2,
            r#"die "FileNotFoundException: x (No such file or directory)\n""#,
        ),
        socket(2, r#"die "cat: x: Permission denied\n""#),
    ] {
        let id = client.start_shell(&script, &json!({}));
        let answer = client.finish(id);
        let result = structured(&answer);
        assert_eq!(result["refused_calls"], json!([]), "{script}: {result}");
        assert!(!text(&answer).contains("\"notes\""), "{script}: {answer}");
    }
}

/// What is told a model that sees the text alone.
#[test]
fn the_text_says_what_was_refused_and_dropped() {
    let mut client = Start {
        rules: r#"
prefix_rule(pattern = ["printenv", "HOME"], decision = "forbidden")
prefix_rule(pattern = ["printenv", "PATH"], decision = "allow")
"#,
        arguments: &["--sandbox", "workspace-write"],
        ..Start::default()
    }
    .client();
    let script = "(printenv HOME; MINE=1 printenv PATH) >/dev/null 2>&1; echo x >>../outside; \
                  touch .envrc; false";
    let id = client.start_shell(script, &json!({}));
    let text: Value = serde_json::from_str(&text(&client.finish(id))).unwrap();
    let notes: Vec<&str> = text["notes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for (at, parts) in [
        (0, ["refused: printenv HOME", "default.rules:2"]),
        (1, ["printenv PATH ran outside", "MINE"]),
        (2, ["refused writing", "--writable"]),
        (3, ["new since the command started", ".envrc"]),
    ] {
        let note = notes.get(at).copied().unwrap_or_default();
        assert!(parts.iter().all(|part| note.contains(part)), "{notes:?}");
    }
}

#[test]
fn wrong_parameters_are_named() {
    let mut client = Start::default().client();
    for tool in ["shell", "explain"] {
        for (arguments, named) in [
            (json!({ "workdir": "/" }), "command"),
            (json!({ "command": "true" }), "workdir"),
            (json!({ "command": "true", "workdir": 1 }), "workdir"),
            (json!({ "command": "true", "workdir": "." }), "workdir"),
            (
                json!({ "command": "true", "workdir": "/nowhere/at/all" }),
                "workdir",
            ),
        ] {
            let params = json!({ "name": tool, "arguments": arguments });
            let answer = client.request("tools/call", &params);
            assert_eq!(answer["result"]["isError"], true, "{answer}");
            assert!(text(&answer).contains(named), "{answer}");
        }
    }
    let params = json!({ "name": "shell", "arguments": [] });
    let answer = client.request("tools/call", &params);
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("tools/call"), "{message}");
    for (workdir, named) in [
        (".", "absolute"),
        ("", "absolute"),
        ("/nowhere/at/all", "/nowhere/at/all"),
        ("/etc/passwd", "not a directory"),
    ] {
        let id = client.start_shell("true", &json!({ "workdir": workdir }));
        let answer = client.finish(id);
        assert_eq!(answer["result"]["isError"], true);
        assert!(text(&answer).contains(named), "{answer}");
    }
}

#[test]
fn output_is_told_as_it_comes_to_whoever_asks() {
    let mut client = Start::default().client();
    let mut params = client.call("echo first; sleep 1; echo second", &json!({}));
    params["_meta"] = json!({ "progressToken": "p" });
    let id = client.start("tools/call", &params);
    let progress = client.wait_for(|m| m["method"] == "notifications/progress");
    assert_eq!(progress["params"]["message"], "first\n");
    assert_eq!(progress["params"]["progressToken"], "p");
    let answered = |m: &&Value| m["id"] == id;
    assert!(client.kept.iter().find(answered).is_none());
    assert_eq!(structured(&client.finish(id))["stdout"], "first\nsecond\n");
}

#[test]
fn progress_is_bounded() {
    let mut client = Start::default().client();
    let script = "head -c 20000000 /dev/zero | tr '\\0' a";
    let mut params = client.call(script, &json!({}));
    params["_meta"] = json!({ "progressToken": "p" });
    let id = client.start("tools/call", &params);
    client.finish(id);
    let told = client
        .kept
        .iter()
        .filter(|m| m["method"] == "notifications/progress");
    let lengths = told.map(|m| m["params"]["message"].as_str().unwrap().len());
    let longest = lengths.max().unwrap();
    assert!((1..17 << 10).contains(&longest), "{longest}");
}

#[test]
fn verdicts_are_told() {
    let rules = "prefix_rule(pattern=[\"whoami\"], decision=\"forbidden\", justification=\"no\")\n\
                 prefix_rule(pattern=[\"printenv\"], decision=\"allow\")\n";
    let mut client = Start {
        rules,
        ..Start::default()
    }
    .client();
    let result = client.shell("whoami; export EXTRA=1; printenv GREETING");
    assert_eq!(result["stdout"], "hello\n");
    assert!(
        result["stderr"]
            .as_str()
            .unwrap()
            .contains("codex-shell: denied: whoami")
    );
    let place = |line: u32| format!("{}:{line}", client.rules_file().display());
    let execs = json!([
        {
            "command": "whoami", "verdict": "forbidden", "because": place(1),
            "justification": "no", "dropped_variables": [],
        },
        {
            "command": "printenv GREETING", "verdict": "escalated", "because": place(2),
            "dropped_variables": ["EXTRA"],
        },
    ]);
    assert_eq!(result["execs"], execs);
}

/// Group and session of a program inside and of one outside, by the numbers that each sees. Where the
/// kernel does not let a process have the number that it wants, each outside has a session of its own.
#[test]
fn a_program_outside_is_in_the_session_that_it_has_inside() {
    for mode in ["read-only", "workspace-write", "danger-full-access"] {
        let mut client = Start {
            rules: "prefix_rule(pattern=[[\"cut\", \"cat\"]], decision=\"allow\")\n",
            arguments: &["--sandbox", mode],
            ..Start::default()
        }
        .client();
        let both = "read -ra a </proc/self/stat; echo ${a[4]} ${a[5]}; \
                    cut -d' ' -f5,6 /proc/self/stat; cut -d' ' -f5,6 /proc/self/stat";
        let result = client.shell(both);
        let escalated = result["execs"][0]["verdict"] == "escalated";
        assert_eq!(escalated, mode != "danger-full-access", "{result}");
        let stdout = result["stdout"].as_str().unwrap();
        let lines: Vec<Vec<&str>> = stdout.lines().map(|l| l.split(' ').collect()).collect();
        let [inside, outside, next] = lines.as_slice() else {
            panic!("{result}");
        };
        if escalated && !numbers_can_be_had() {
            assert!(inside[1] != outside[1] && outside[1] != next[1], "{mode}");
            continue;
        }
        assert_eq!(inside[1], outside[1], "{mode}");
        // Those outside share a group, which has a number of its own.
        assert_eq!(outside, next, "{mode}");
        assert_eq!(inside == outside, !escalated, "{mode}");

        // The programs of a job share a group of their own, in the same session, as long as one of
        // them runs: `cat` does, from its first line to the signal. The last program leaves both.
        let own = "read -ra a </proc/self/stat; set -m; \
                   (echo go; exec sleep 60) | cat | \
                   (read go; cut -d' ' -f5,6 /proc/self/stat; cut -d' ' -f5,6 /proc/self/stat; \
                   kill 0); set +m; echo ${a[4]} ${a[5]}; setsid --wait cut -d' ' -f5,6 /proc/self/stat";
        let result = client.shell(own);
        let stdout = result["stdout"].as_str().unwrap();
        let lines: Vec<Vec<&str>> = stdout.lines().map(|l| l.split(' ').collect()).collect();
        let [job, same, shell, apart] = lines.as_slice() else {
            panic!("{result}");
        };
        assert_eq!(job, same, "{mode}");
        assert!(job[0] != shell[0] && job[1] == shell[1], "{mode}: {result}");
        assert!(
            apart[0] != shell[0] && apart[1] != shell[1],
            "{mode}: {result}"
        );
    }
}

/// It is read-only in some containers.
fn numbers_can_be_had() -> bool {
    let last = std::fs::File::options()
        .write(true)
        .open("/proc/sys/kernel/ns_last_pid");
    last.is_ok()
}

#[test]
fn nobodys_descriptors_are_another_calls() {
    let mut client = Start {
        arguments: &NONE,
        ..Start::default()
    }
    .client();
    let ids: Vec<u64> = (0..8)
        .map(|_| client.start_shell("sleep 0.2; ls /proc/self/fd | wc -l", &json!({})))
        .collect();
    for id in ids {
        // 0, 1, 2, and the directory that ls reads.
        assert_eq!(structured(&client.finish(id))["stdout"], "4\n");
    }
}

#[test]
fn explain_runs_nothing() {
    let mut client = Start {
        rules: "prefix_rule(pattern=[\"touch\"], decision=\"forbidden\")\n",
        arguments: &NONE,
        ..Start::default()
    }
    .client();
    for ask in [
        json!({ "command": "touch x" }),
        json!({ "argv": ["touch", "x"] }),
    ] {
        let mut arguments = ask.clone();
        arguments["workdir"] = json!(client.work());
        let params = json!({ "name": "explain", "arguments": arguments });
        let answer = client.request("tools/call", &params);
        assert_eq!(structured(&answer)["decision"], "forbidden", "{ask}");
        assert!(text(&answer).contains("default.rules:1"), "{answer}");
    }
    assert!(!client.work().join("x").exists());
}

/// The last program of a line says nothing of those before it.
#[test]
fn what_could_not_be_written_is_told_once_though_the_line_succeeds() {
    let mut client = Start::default().client();
    for script in [
        "touch a; echo over",
        "echo x > a; echo over",
        "touch a b c 2>&1 | cat",
        "touch a || true",
    ] {
        let id = client.start_shell(script, &json!({}));
        let answer = client.finish(id);
        let result = structured(&answer);
        let text: Value = serde_json::from_str(&text(&answer)).unwrap();
        let notes = text["notes"].as_array().unwrap();
        let note = notes[0].as_str().unwrap();
        assert_eq!(result["exit_code"], 0, "{script}");
        assert_eq!(notes.len(), 1, "{script}: {text}");
        assert!(
            note.contains("`--sandbox workspace-write` permits it"),
            "{text}"
        );
    }
    for script in [
        // Who asked for it does not want to know.
        "touch a 2>/dev/null || true",
        "echo hello; ls a; true",
        "echo 'touch: a: Read-only file system'",
    ] {
        let id = client.start_shell(script, &json!({}));
        let answer = client.finish(id);
        assert_eq!(structured(&answer)["denials"], json!([]), "{script}");
        assert!(!text(&answer).contains("\"notes\""), "{script}: {answer}");
    }
}

/// Nothing was said of it, so that nothing was recorded, and then it became another.
#[test]
fn what_was_let_go_without_a_judgement_and_killed_is_told() {
    let mut client = Start {
        rules: "prefix_rule(pattern=[\"cat\"], decision=\"forbidden\")\n",
        ..Start::default()
    }
    .client();
    let weaver = program("weaver", Machine::Native).display().to_string();
    let script = format!("{weaver} first 40 /usr/bin/cut /usr/bin/cat /dev/null");
    // Whoever writes has to meet the moment, which a busy machine makes rare.
    for _ in 0..200 {
        let result = client.shell(&script);
        let killed = result["stderr"]
            .as_str()
            .unwrap()
            .matches(": killed")
            .count();
        let execs = result["execs"].as_array().unwrap();
        let told: Vec<&Value> = execs
            .iter()
            .filter(|it| it["verdict"] == "killed")
            .collect();
        assert_eq!(told.len(), killed, "{result}");
        if let Some(told) = told.first() {
            assert_eq!(told["command"], "/usr/bin/cut /dev/null", "{result}");
            assert_eq!(told["because"], "no rule", "{result}");
            return;
        }
    }
    panic!("none of 8,000 was caught");
}
