//! Whatever ends a call ends all it started.

use std::time::Duration;

use serde_json::json;

use super::client::{Start, all_gone, mark, read, running, structured};

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
    let mut client = Start::default().client();
    let mark = mark();
    assert_eq!(
        client.shell(&format!("sleep {mark} & echo done"))["stdout"],
        "done\n"
    );
    assert_eq!(running(&mark), 0);
}

#[test]
fn nothing_is_left_behind_call_by_call() {
    let mut client = Start::default().client();
    client.shell("true");
    let descriptors = |client: &super::client::Client| {
        let path = format!("/proc/{}/fd", client.process.id());
        std::fs::read_dir(path).unwrap().count()
    };
    // The last call's end is tidied up after its answer.
    let settle = || std::thread::sleep(Duration::from_millis(500));
    settle();
    let before = descriptors(&client);
    for _ in 0..20 {
        let ids: Vec<u64> = (0..5)
            .map(|_| client.start_shell("/bin/true; echo end", &json!({})))
            .collect();
        for id in ids {
            assert_eq!(structured(&client.finish(id))["stdout"], "end\n");
        }
    }
    settle();
    assert_eq!(descriptors(&client), before);
    let children = format!("/proc/{0}/task/{0}/children", client.process.id());
    assert_eq!(read(children.as_ref()), "");
}
