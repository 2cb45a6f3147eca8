//! What the sandbox refused is told at the end, with what would permit it.

use std::process::{Command, Output};

use crate::Check;
use crate::support::{Outcome, World, codex_shell, ensure, text};

pub(crate) const CHECKS: &[Check] = &[
    ("refused_calls_are_told", refused_calls_are_told),
    (
        "a_script_reads_its_own_errors_alone",
        a_script_reads_its_own_errors_alone,
    ),
    (
        "a_flood_of_refusals_is_counted",
        a_flood_of_refusals_is_counted,
    ),
];

fn run(world: &World, options: &[&str], script: &str) -> Output {
    let rules = world.outside.join("none.rules");
    std::fs::write(&rules, "").unwrap();
    Command::new(codex_shell())
        // Without them bash asks the name service, by a socket that is refused as well.
        .envs([("SHELL", "/bin/bash"), ("HOME", "/nonexistent")])
        .args(["run", "--ask", "deny", "--timeout", "60s", "--audit"])
        .arg(world.outside.join("audit"))
        .arg("--rules")
        .arg(rules)
        .args(options)
        .args(["-c", script])
        .output()
        .unwrap()
}

/// The records of refused calls.
fn records(world: &World) -> Vec<serde_json::Value> {
    text(world.outside.join("audit"))
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|record| record["event"] == "refused-call")
        .collect()
}

const CONNECT: &str = "exec 2>/dev/null; exec 3<>/dev/tcp/127.0.0.1/9";

fn refused_calls_are_told() -> Outcome {
    let world = World::new();
    let output = run(&world, &["--verbose"], CONNECT);
    let err = String::from_utf8_lossy(&output.stderr);
    let told = err.contains("the sandbox refused a socket, AF_INET (1 in all, first to ")
        && err.contains("`--network true` permits it");
    ensure(told, &err)?;
    let records = records(&world);
    let [record] = records.as_slice() else {
        return Err(format!("{records:?}"));
    };
    let expected = record["call"] == "socket" && record["family"] == 2 && record["times"] == 1;
    ensure(expected, &record.to_string())
}

fn a_script_reads_its_own_errors_alone() -> Outcome {
    let world = World::new();
    let output = run(&world, &[], CONNECT);
    ensure(
        output.stderr.is_empty() && output.status.code() == Some(1),
        &format!("{output:?}"),
    )
}

/// One socket after the other, and many families: a few kinds are remembered, all are refused.
fn a_flood_of_refusals_is_counted() -> Outcome {
    let world = World::new();
    let script = "perl -MSocket -e 'for (1..2000) { exit 9 if socket(S, $_ % 100, 1, 0) }'";
    let output = run(&world, &[], script);
    ensure(output.status.success(), &format!("{output:?}"))?;
    let records = records(&world);
    ensure(records.len() == 32, &format!("{}", records.len()))?;
    let each = records.iter().all(|record| record["times"] == 20);
    ensure(each, &format!("{records:?}"))
}
