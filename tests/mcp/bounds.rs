//! What one client, or one call, can take from others: time, memory, room.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};

use super::client::{Client, Start, structured, text};
use super::lifetime::{children, crews};

/// A command that takes long to judge is judged beside everything else, and not for ever.
#[test]
fn what_takes_long_to_explain_holds_up_nobody() {
    let mut client = Start::default().client();
    let command = format!("{}ls", "env ".repeat(60_000));
    let arguments = json!({ "command": command, "workdir": client.work() });
    let explained = client.start(
        "tools/call",
        &json!({ "name": "explain", "arguments": arguments }),
    );
    assert_eq!(client.request("ping", &json!({}))["result"], json!({}));
    assert_eq!(client.shell("echo alive")["stdout"], "alive\n");
    let answer = client.finish(explained);
    assert!(answer["result"].is_object(), "{answer}");
}

/// What else a machine does must not decide whether there is an explanation.
#[test]
fn time_without_the_processor_does_not_count_for_an_explanation() {
    let mut client = Start::default().client();
    client.shell("true");
    let before = children(&client);
    let arguments = json!({ "command": "ls a b; ".repeat(4_000), "workdir": client.work() });
    let params = json!({ "name": "explain", "arguments": arguments });
    let explained = client.start("tools/call", &params);
    let deadline = Instant::now() + Duration::from_secs(20);
    let explaining = loop {
        let new = children(&client)
            .into_iter()
            .find(|it| !before.contains(it));
        if let Some(new) = new {
            break new;
        }
        assert!(Instant::now() < deadline);
        thread::yield_now();
    };
    kill(explaining, Signal::SIGSTOP).unwrap();
    // Longer than explaining may be on the processor.
    thread::sleep(Duration::from_secs(6));
    kill(explaining, Signal::SIGCONT).unwrap();
    let answer = client.finish(explained);
    assert_eq!(answer["result"]["isError"], false, "{answer}");
}

/// What is said of a long command is bounded, and what decides is not left out.
#[test]
fn an_explanation_has_bounds() {
    let mut client = Start {
        rules: "prefix_rule([\"touch\"], decision=\"forbidden\")\n",
        ..Start::default()
    }
    .client();
    let many = format!("{}touch x; {0}", "ls a b; ".repeat(4_000));
    let long = format!("touch {}", "y".repeat(300_000));
    let longer = format!("touch {0}; ls $x; touch {0}", "y".repeat(300_000));
    for (command, is_many) in [(many, true), (long, false), (longer, false)] {
        let arguments = json!({ "command": command, "workdir": client.work() });
        let params = json!({ "name": "explain", "arguments": arguments });
        let answer = client.request("tools/call", &params);
        let size = answer.to_string().len();
        assert!(size < 3 << 20, "{size}");
        let said = text(&answer);
        let document = &answer["result"]["structuredContent"];
        let is_told = ["forbidden", "left out"].map(|part| said.contains(part));
        assert_eq!(is_told, [true, true], "{size}");
        if is_many {
            assert_eq!(document["decision"], "forbidden");
            let commands = document["commands"].as_array().unwrap();
            let all = commands.len() as u64 + document["left_out"].as_u64().unwrap();
            assert_eq!(all, 8_001);
            assert!(commands.iter().any(|it| it["text"] == "touch x"), "{said}");
        }
    }
}

#[test]
fn what_a_client_sent_is_not_told_back_at_length() {
    let mut client = Start::default().client();
    let long = "x".repeat(5 << 20);
    for more in [
        json!({ "workdir": format!("/{long}") }),
        json!({ "workdir": long }),
        json!({ "timeout_ms": long }),
        json!({ "sandbox": long }),
        json!({ "env": { long.clone(): 1 } }),
    ] {
        let id = client.start_shell("true", &more);
        let answer = client.finish(id).to_string();
        assert!(answer.len() < 2000, "{}", answer.len());
    }
}

#[test]
fn a_parameter_of_a_wrong_type_is_named() {
    let mut client = Start::default().client();
    for (more, named) in [
        (json!({ "timeout_ms": "soon" }), "`timeout_ms`: "),
        (json!({ "env": { "A": 1 } }), "`env.A`: "),
        (json!({ "command": ["ls"] }), "`command`: "),
    ] {
        let id = client.start_shell("true", &more);
        let answer = client.finish(id);
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        assert!(text(&answer).contains(named), "{answer}");
    }
}

#[test]
fn a_command_that_is_no_argument_is_told_how_to_be_given() {
    let mut client = Start::default().client();
    let long = format!("cat <<'END' >/dev/null\n{}\nEND\n", "x".repeat(128 << 10));
    let id = client.start_shell(&long, &json!({}));
    let answer = client.finish(id);
    assert_eq!(answer["result"]["isError"], true);
    assert!(text(&answer).contains("`stdin`"), "{}", text(&answer));
    let stdin = json!({ "stdin": "x".repeat(1 << 20) });
    assert_eq!(client.shell_with("wc -c", &stdin)["stdout"], "1048576\n");
}

/// As many calls have longer answers, all in all, than a server keeps.
const CALLS: u64 = 200;

/// A server with that many calls, from which nobody reads, when it has done all that it will; and its memory in kB.
fn unread(client: &Client) -> (Child, u64) {
    let process = std::process::Command::new(env!("CARGO_BIN_EXE_codex-shell"))
        .args(["serve", "--sandbox", "read-only"])
        .env("CODEX_HOME", client.folder.path().join("home"))
        .current_dir(client.work())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = process.stdin.as_ref().unwrap();
    let mut send = |message: Value| writeln!(input, "{message}").unwrap();
    send(
        json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" } } }),
    );
    send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    let call = client.call("printf %260000s x", &json!({}));
    for id in 1..=CALLS {
        send(json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": call }));
    }
    let resident = || {
        let status = super::client::read(format!("/proc/{}/status", process.id()).as_ref());
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let words = line.and_then(|line| line.split_whitespace().nth(1).map(str::to_owned));
        words.unwrap().parse::<u64>().unwrap()
    };
    let mut most = resident();
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_secs(2) {
        let now = resident();
        if now > most + 1000 {
            (most, since) = (now, Instant::now());
        }
        thread::sleep(Duration::from_millis(50));
    }
    (process, most)
}

/// The server does not read on while its answers are not read.
#[test]
fn answers_that_nobody_reads_do_not_pile_up() {
    let client = Start::default().unmet();
    let (mut process, most) = unread(&client);
    assert!(most < 150_000, "{most} kB");
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let answers = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let calls = answers.filter(|answer| answer["id"].as_u64().is_some_and(|id| id > 0));
    let whole = calls.take(usize::try_from(CALLS).unwrap()).map(|answer| {
        let output = structured(&answer)["stdout"].as_str().map(str::len);
        assert_eq!(output, Some(260_000));
    });
    assert_eq!(whole.count() as u64, CALLS);
    drop(process.stdin.take());
    process.wait().unwrap();
}

/// A client that has hung up and does not read its answers is gone.
#[test]
fn a_client_that_hangs_up_and_reads_nothing_keeps_no_server() {
    let client = Start::default().unmet();
    let (mut process, _) = unread(&client);
    drop(process.stdin.take());
    let deadline = Instant::now() + Duration::from_mins(1);
    while process.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(50));
    }
}

/// Whether they are written by an editor or a script, in place or not.
#[test]
fn rules_that_are_being_written_are_never_half_in_force() {
    let rule = "prefix_rule(pattern = [\"whoami\"], decision = \"forbidden\")\n";
    let mut client = Start {
        rules: rule,
        ..Start::default()
    }
    .client();
    let file = client.rules_file();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut number = 0;
            while !over.load(Ordering::Relaxed) {
                number += 1;
                let mut file = std::fs::File::create(&file).unwrap();
                thread::sleep(Duration::from_millis(3));
                writeln!(file, "# {number}").unwrap();
                thread::sleep(Duration::from_millis(3));
                file.write_all(rule.as_bytes()).unwrap();
                // Now and then it is left alone.
                let pause = if number % 10 == 0 { 150 } else { 5 };
                thread::sleep(Duration::from_millis(pause));
            }
        });
        let refused = (0..10).all(|_| client.shell("whoami")["exit_code"] == 1);
        over.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        assert!(refused);
    });
    std::fs::write(&file, "").unwrap();
    assert_eq!(client.shell("whoami")["exit_code"], 0);
}

/// A supervisor that hangs costs its own call the time that it has.
#[test]
fn a_call_whose_supervisor_hangs_ends() {
    let mut client = Start::default().client();
    client.shell("true");
    // Not as the last one, which bash would become.
    let command = "sleep 30; true";
    let hanging = client.start_shell(command, &json!({ "timeout_ms": 5000 }));
    let deadline = Instant::now() + Duration::from_secs(20);
    while super::client::running(command) == 0 {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(5));
    }
    for pid in crews(&client).into_iter().flatten() {
        kill(pid, Signal::SIGSTOP).unwrap();
    }
    let answer = client.finish(hanging);
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert!(text(&answer).contains("hung"), "{answer}");
    assert_eq!(client.shell("echo alive")["stdout"], "alive\n");
}

/// The output of a server that was killed is removed by the next; that of one that lives is not.
#[test]
fn files_of_a_killed_server_are_removed() {
    let temporary = tempfile::tempdir_in("/var/tmp").unwrap();
    let place = temporary.path().to_str().unwrap();
    let start = Start {
        arguments: &["--sandbox", "read-only", "--max-output", "1000"],
        environment: &[("TMPDIR", place)],
        ..Start::default()
    };
    let own = temporary
        .path()
        .join(format!("codex-shell-{}", nix::unistd::geteuid()));
    let folders = || std::fs::read_dir(&own).map_or(0, Iterator::count);
    let mut first = start.unmet();
    let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" } });
    first.request("initialize", &hello);
    first.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    first.shell("printf %5000s x");
    assert_eq!(folders(), 1);
    let of_first = std::fs::read_dir(&own).unwrap().next().unwrap();
    let of_first = of_first.unwrap().path();
    let age = || {
        let entries = std::fs::read_dir(&own).unwrap().flatten();
        let old = SystemTime::now() - Duration::from_hours(1);
        for entry in entries {
            let folder = std::fs::File::open(entry.path()).unwrap();
            folder.set_modified(old).unwrap();
        }
    };
    let other = own.join("0".repeat(31));
    // Nobody looks at what others have beside it.
    let beside = temporary
        .path()
        .join(format!("codex-shell-{}", "0".repeat(32)));
    for path in [&other, &beside] {
        std::fs::DirBuilder::new().mode(0o700).create(path).unwrap();
    }
    age();
    let mut second = start.unmet();
    second.request("initialize", &hello);
    assert_eq!(folders(), 3);
    assert!(of_first.exists());
    first.process.kill().unwrap();
    first.process.wait().unwrap();
    age();
    let mut third = start.unmet();
    third.request("initialize", &hello);
    assert_eq!(folders(), 3);
    assert!(!of_first.exists());
    assert!(other.exists() && beside.exists());
}

/// Where another has taken the name of the user's directory, the output is kept all the same, and what is put
/// in the place of a directory afterwards gets nothing.
#[test]
fn files_of_output_follow_no_links() {
    let temporary = tempfile::tempdir_in("/var/tmp").unwrap();
    let elsewhere = tempfile::tempdir_in("/var/tmp").unwrap();
    let place = temporary.path().to_str().unwrap();
    let own = temporary
        .path()
        .join(format!("codex-shell-{}", nix::unistd::geteuid()));
    let is_empty = || std::fs::read_dir(elsewhere.path()).unwrap().count() == 0;
    let environment = [("TMPDIR", place)];
    let begun = || {
        let start = Start {
            arguments: &["--sandbox", "read-only", "--max-output", "1000"],
            environment: &environment,
            ..Start::default()
        };
        start.client()
    };
    std::os::unix::fs::symlink(elsewhere.path(), &own).unwrap();
    let mut client = begun();
    let output = client.shell("printf %5000s x");
    let file = output["truncated"]["whole_output"].as_str().unwrap();
    assert!(Path::new(file).exists(), "{output}");
    assert!(is_empty());
    drop(client);
    std::fs::remove_file(&own).unwrap();
    let mut client = begun();
    client.shell("printf %5000s x");
    let folder = std::fs::read_dir(&own)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    std::fs::rename(&folder, temporary.path().join("moved")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), &folder).unwrap();
    client.shell("printf %5000s x");
    assert!(is_empty());
}

/// What a call has put out is what whoever reads the file gets, whatever a later call does.
#[test]
fn kept_output_is_not_for_calls_to_write() {
    for taken in [false, true] {
        let temporary = tempfile::tempdir_in("/var/tmp").unwrap();
        let place = temporary.path().to_str().unwrap();
        let own = temporary
            .path()
            .join(format!("codex-shell-{}", nix::unistd::geteuid()));
        if taken {
            std::fs::write(&own, "").unwrap();
        }
        let environment = [("TMPDIR", place)];
        let start = Start {
            arguments: &["--sandbox", "workspace-write", "--max-output", "1000"],
            environment: &environment,
            ..Start::default()
        };
        let mut client = start.client();
        let tried = client.shell(&format!("echo x >{place}/f && cat {place}/f"));
        assert_eq!(tried["stdout"], "x\n", "{tried}");
        let output = client.shell("printf %5000s x");
        let file = output["truncated"]["whole_output"].as_str().unwrap();
        let folder = Path::new(file).parent().unwrap().display().to_string();
        let above = Path::new(&folder).parent().unwrap().display();
        let script = format!(
            "exec 2>/dev/null; echo y >{file}; echo y >>{file}; unlink {file}; echo y >{folder}/new; mv {folder} {place}/moved; \
             rmdir {folder}; mv {above} {above}.moved; ln -sfn /etc {folder}; chmod 777 {folder}; :"
        );
        client.shell(&script);
        let size = std::fs::metadata(file).unwrap().len();
        assert_eq!(size, 5000, "{taken}");
        let entries = std::fs::read_dir(&folder).unwrap().count();
        assert_eq!(entries, 1, "{taken}");
        let read = client.shell(&format!("wc -c <{file}"));
        assert_eq!(read["stdout"], "5000\n", "{read}");
    }
}
