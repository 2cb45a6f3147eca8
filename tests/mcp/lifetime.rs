//! Whatever ends a call ends all it started.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::client::{Start, all_gone, mark, read, running, structured};
use crate::support::needs::{lacks, possible};
use crate::support::programs::{Machine, program};

const RULES: &str = "prefix_rule(pattern=[\"sleep\"], decision=\"allow\")\n";

/// A server with a call that runs inside and outside; its number and its mark.
fn busy(arguments: &'static [&'static str]) -> (super::client::Client, u64, String) {
    let mut client = Start {
        rules: RULES,
        arguments,
        ..Start::default()
    }
    .client();
    let mark = mark();
    let script =
        format!("echo busy; sleep {mark} & setsid sleep {mark} & bash -c 'sleep {mark}; :'");
    let id = client.start_shell(&script, &json!({}));
    while running(&mark) < 4 {
        std::thread::sleep(Duration::from_millis(20));
    }
    (client, id, mark)
}

const MODES: [&[&str]; 2] = [
    &["--sandbox", "workspace-write"],
    &["--sandbox", "danger-full-access"],
];

#[test]
fn cancelling_does() {
    for mode in MODES {
        let (mut client, id, mark) = busy(mode);
        let params = json!({ "requestId": id, "reason": "enough" });
        let method = "notifications/cancelled";
        client.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
        assert!(all_gone(&mark), "{mode:?}");
        let message = client.wait_for(|m| m["method"] == "notifications/message");
        let said = message["params"]["data"].as_str().unwrap();
        assert!(said.contains("written:\nbusy\n"), "{said}");
        assert_eq!(client.shell("echo alive")["stdout"], "alive\n");
        assert!(client.kept.iter().all(|m| m["id"] != id));
    }
}

#[test]
fn hanging_up_does() {
    for mode in MODES {
        let (mut client, _, mark) = busy(mode);
        assert!(client.hang_up().success());
        assert!(all_gone(&mark), "{mode:?}");
    }
}

#[test]
fn the_servers_death_does() {
    for mode in MODES {
        let (mut client, _, mark) = busy(mode);
        client.process.kill().unwrap();
        assert!(all_gone(&mark), "{mode:?}");
    }
}

#[test]
fn the_end_of_time_does() {
    let mut client = Start {
        rules: RULES,
        ..Start::default()
    }
    .client();
    let mark = mark();
    let script = format!("trap '' TERM; sleep {mark} & setsid sleep {mark} & sleep {mark}");
    let result = client.shell_with(&script, &json!({ "timeout_ms": 500 }));
    assert_eq!(result["timed_out"], true);
    assert_eq!(running(&mark), 0);
}

#[test]
fn a_background_job_does_not_hold_the_answer() {
    for mode in MODES {
        let mut client = Start {
            arguments: mode,
            ..Start::default()
        }
        .client();
        let mark = mark();
        // Some are about to start when the end comes, and have nothing to say of that.
        for _ in 0..20 {
            let result = client.shell(&format!("sleep {mark} & (sleep {mark} &); echo done"));
            assert_eq!(result["stdout"], "done\n", "{mode:?}");
            assert_eq!(result["stderr"], "", "{mode:?}");
            assert_eq!(running(&mark), 0, "{mode:?}");
        }
    }
}

/// What a command can do where there is no sandbox: stop those who watch it.
#[test]
fn a_stopped_crew_holds_up_nobody() {
    for stop in ["$S", "$S $K", "$K", "$G", "$S $G $K"] {
        let mut client = Start {
            arguments: &["--sandbox", "danger-full-access"],
            ..Start::default()
        }
        .client();
        client.shell("true");
        let other = client.start_shell("sleep 0.5; exit 6", &json!({}));
        let script = "up() { read -ra A </proc/$1/stat; }; up $PPID; S=${A[3]}; up $S; G=${A[3]}; up $G; K=${A[3]}; ";
        // It may get its answer, or none in time.
        let stopping = format!("{script} kill -STOP {stop}; exit 3");
        client.start_shell(&stopping, &json!({}));
        let before = Instant::now();
        assert_eq!(client.shell("exit 2")["exit_code"], 2, "{stop}");
        assert_eq!(structured(&client.finish(other))["exit_code"], 6, "{stop}");
        client.hang_up();
        let took = before.elapsed();
        assert!(took < Duration::from_secs(5), "{stop}: {took:?}");
    }
}

/// Each of a call's three processes alone, and each two of them, stopped or not before they are killed.
#[test]
fn killing_a_crew_does() {
    for killed in [1, 2, 3, 4, 5, 6] {
        for stopped in [0, 7] {
            let (mut client, id, mark) = busy(MODES[0]);
            let crew = crews(&client).into_iter().flatten().enumerate();
            let crew: Vec<(usize, Pid)> = crew.map(|(nth, pid)| (1 << (nth % 3), pid)).collect();
            for (signal, whom) in [(Signal::SIGSTOP, stopped), (Signal::SIGKILL, killed)] {
                for &(_, pid) in crew.iter().filter(|(bit, _)| bit & whom != 0) {
                    // One of those who wait for a call may have ended by the death of another.
                    let _ = kill(pid, signal);
                }
            }
            assert!(all_gone(&mark), "{killed} {stopped}");
            client.finish(id);
            assert_eq!(client.shell("echo alive")["stdout"], "alive\n");
        }
    }
}

/// Keeper, guard and supervisor of each call, and of the next one.
pub(super) fn crews(client: &super::client::Client) -> Vec<[Pid; 3]> {
    let below = |pid: i32| -> Vec<i32> {
        let path = format!("/proc/{pid}/task/{pid}/children");
        let text = crate::support::ran::read(path.as_ref()).unwrap_or_default();
        let text = String::from_utf8(text).unwrap();
        text.split_whitespace()
            .map(|pid| pid.parse().unwrap())
            .collect()
    };
    let keepers = below(client.process.id().cast_signed()).into_iter();
    let crews = keepers.filter_map(|keeper| {
        let guard = *below(keeper).first()?;
        Some([keeper, guard, *below(guard).first()?].map(Pid::from_raw))
    });
    crews.collect()
}

/// What a command, or a program that it has outside, sends to its whole group ends that group: the call
/// is answered, and so is the next one.
#[test]
fn a_signal_to_a_group_reaches_no_crew() {
    for mode in ["danger-full-access", "workspace-write"] {
        let mut client = Start {
            rules: "prefix_rule(pattern=[\"kill\"], decision=\"allow\")\n",
            arguments: &["--sandbox", mode],
            ..Start::default()
        }
        .client();
        // `env` starts the program, which may run outside.
        for (signal, status) in [("KILL", 137), ("USR1", 138), ("TERM", 143)] {
            let commands = [
                format!("kill -{signal} 0"),
                format!("env kill -{signal} 0; exit $?"),
            ];
            for command in commands.iter().filter(|command| !lacks(command)) {
                for _ in 0..5 {
                    let result = client.shell(command);
                    assert_eq!(result["exit_code"], status, "{mode}: {command}: {result}");
                    assert_eq!(client.shell("echo x")["stdout"], "x\n", "{mode}: {command}");
                }
            }
        }
        for command in possible(&["kill -STOP 0", "env kill -STOP 0"]) {
            let call = client.start_shell(command, &json!({ "timeout_ms": 300 }));
            let result = structured(&client.finish(call));
            assert_eq!(result["timed_out"], true, "{mode}: {command}");
            assert_eq!(client.shell("echo x")["stdout"], "x\n", "{mode}: {command}");
        }
    }
}

/// A call that has made the server believe that it is over does not go on for long.
#[test]
fn a_forged_end_is_one() {
    let mut client = Start {
        arguments: &["--sandbox", "danger-full-access"],
        ..Start::default()
    }
    .client();
    client.shell("true");
    let forger = program("forger", Machine::Native);
    let mark = mark();
    // The crew that waits is the one that has a socket to be taken.
    std::thread::sleep(Duration::from_millis(200));
    let script = format!("{} $PPID; sleep {mark}; exit 3", forger.display());
    let result = client.shell(&script);
    assert_eq!(result["exit_code"], 0, "it was not forged: {result}");
    assert!(all_gone(&mark));
    assert_eq!(client.shell("exit 2")["exit_code"], 2);
}

/// What the server process holds: descriptors, and memory in KiB.
fn held(client: &super::client::Client) -> (usize, usize) {
    let process = format!("/proc/{}", client.process.id());
    let descriptors = std::fs::read_dir(format!("{process}/fd")).unwrap().count();
    let status = read(format!("{process}/status").as_ref());
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let memory = memory.and_then(|text| text.trim().strip_suffix(" kB"));
    (descriptors, memory.unwrap().trim().parse().unwrap())
}

/// The processes that the server has beside it.
pub(super) fn children(client: &super::client::Client) -> Vec<Pid> {
    let path = format!("/proc/{0}/task/{0}/children", client.process.id());
    let numbers = read(path.as_ref());
    let numbers = numbers.split_whitespace().map(|it| it.parse().unwrap());
    numbers.map(Pid::from_raw).collect()
}

#[test]
fn nothing_is_left_behind_call_by_call() {
    for mode in MODES {
        let mut client = Start {
            arguments: mode,
            ..Start::default()
        }
        .client();
        let mut round = |at_once: usize| {
            let ids: Vec<u64> = (0..at_once)
                .map(|_| client.start_shell("/bin/true; echo end", &json!({})))
                .collect();
            for id in ids {
                assert_eq!(structured(&client.finish(id))["stdout"], "end\n");
            }
            // The last call's end is tidied up after its answer. The next one's processes wait for it, and
            // so does who looks whether the rules have changed.
            let deadline = Instant::now() + Duration::from_secs(10);
            while children(&client).len() != 2 && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(20));
            }
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!(children(&client).len(), 2);
            held(&client)
        };
        round(16);
        let (descriptors, memory) = round(16);
        for _ in 0..4 {
            round(1);
            round(16);
        }
        let after = round(1);
        assert_eq!(after.0, descriptors, "{mode:?}");
        assert!(after.1 < memory + 1024, "{mode:?}: {memory} to {}", after.1);
    }
}

#[test]
fn a_signal_to_the_server_does_and_leaves_no_file() {
    for (mode, signal) in MODES.into_iter().zip([Signal::SIGTERM, Signal::SIGINT]) {
        let arguments: &'static [&'static str] =
            Vec::leak([mode, &["--ask", "queue", "--max-output", "10"]].concat());
        let (mut client, _, mark) = busy(arguments);
        let long = client.shell("seq 1000");
        let file = PathBuf::from(long["truncated"]["whole_output"].as_str().unwrap());
        let sockets = client.folder.path().join("home/run/codex-shell");
        assert!(file.exists() && std::fs::read_dir(&sockets).unwrap().count() == 1);
        let pid = Pid::from_raw(client.process.id().cast_signed());
        kill(pid, signal).unwrap();
        let status = client.process.wait().unwrap();
        assert_eq!(status.code(), Some(128 + signal as i32));
        assert_eq!(running(&mark), 0, "{mode:?}");
        assert!(!file.parent().unwrap().exists());
        assert_eq!(std::fs::read_dir(&sockets).unwrap().count(), 0);
    }
}

#[test]
fn who_waits_for_the_next_call_goes_with_the_server() {
    for mode in MODES {
        let mut client = Start {
            arguments: mode,
            ..Start::default()
        }
        .client();
        client.shell("true");
        let deadline = Instant::now() + Duration::from_secs(10);
        let children = loop {
            let children = children(&client);
            if children.len() == 2 {
                break children;
            }
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(10));
        };
        client.process.kill().unwrap();
        client.process.wait().unwrap();
        let is_there = |&pid: &Pid| kill(pid, None).is_ok();
        while children.iter().any(is_there) {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Who supervises a call is there for the next one, unless something may be left.
#[test]
fn a_call_that_ends_well_leaves_its_supervisor() {
    let mut client = Start {
        rules: RULES,
        arguments: &["--sandbox", "danger-full-access"],
        ..Start::default()
    }
    .client();
    let script = "cut -d' ' -f4 /proc/$PPID/stat; pwd; ls /proc/self/fd | wc -l";
    let first = client.shell(script);
    for other in ["false", "cd /; sleep 0", "kill -9 $$"] {
        client.shell(other);
    }
    let second = client.shell(script);
    assert_eq!(first["stdout"], second["stdout"]);
    let id = client.start_shell("sleep 9", &json!({ "timeout_ms": 100 }));
    assert_eq!(structured(&client.finish(id))["timed_out"], true);
    let third = client.shell(script);
    assert_ne!(first["stdout"], third["stdout"]);
    assert_eq!(third["exit_code"], 0);
}
