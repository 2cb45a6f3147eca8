//! What the sandbox refused is told at the end, with what would permit it.

use std::process::{Command, Output, Stdio};

use crate::Check;
use crate::support::{Outcome, World, codex_shell, ensure, text};

pub(crate) const CHECKS: &[Check] = &[
    ("refused_calls_are_told", refused_calls_are_told),
    (
        "standard_error_is_the_scripts_own_unless_it_fails",
        standard_error_is_the_scripts_own_unless_it_fails,
    ),
    ("refused_paths_are_told", refused_paths_are_told),
    (
        "what_the_sandbox_did_not_refuse_is_not_told",
        what_the_sandbox_did_not_refuse_is_not_told,
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
        // With nothing that could have bash ask the name service, by a socket that is refused as
        // well: no user to look up, no BASH_ENV, no connection on its standard input.
        .env_clear()
        .envs([
            ("PATH", "/usr/bin:/bin"),
            ("SHELL", "/bin/bash"),
            ("HOME", "/nonexistent"),
        ])
        .stdin(Stdio::null())
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
    recorded(world, "refused-call")
}

fn recorded(world: &World, event: &str) -> Vec<serde_json::Value> {
    text(world.outside.join("audit"))
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|record| record["event"] == event)
        .collect()
}

const CONNECT: &str = "exec 2>/dev/null; exec 3<>/dev/tcp/127.0.0.1/9";

fn refused_calls_are_told() -> Outcome {
    let world = World::new();
    let output = run(&world, &["--verbose"], CONNECT);
    let err = String::from_utf8_lossy(&output.stderr);
    let told = err.contains("the sandbox refused a socket, AF_INET (1 in all, first by ")
        && err.contains("`--network true` permits it");
    ensure(told, &err)?;
    let records = records(&world);
    let one = |record: &&serde_json::Value| {
        record["call"] == "socket" && record["family"] == 2 && record["times"] == 1
    };
    let found = records.iter().filter(one).count();
    ensure(found == 1, &format!("{records:?}"))
}

fn standard_error_is_the_scripts_own_unless_it_fails() -> Outcome {
    let world = World::new();
    let refused = format!("{CONNECT}; touch {}/x; true", world.outside.display());
    let output = run(&world, &[], &format!("({refused}) 2>&1 >/dev/null; true"));
    ensure(
        output.stderr.is_empty() && output.status.success(),
        &format!("{output:?}"),
    )?;
    let err = run(&world, &[], CONNECT).stderr;
    let err = String::from_utf8_lossy(&err);
    let told = err.lines().count() == 1 && err.contains("AF_INET");
    ensure(told, &err)
}

/// Builtins and programs, by name, by link, in pieces, with standard error sent elsewhere.
fn refused_paths_are_told() -> Outcome {
    let world = World::new();
    let outside = world.outside.display().to_string();
    std::os::unix::fs::symlink(&outside, world.workspace.join("link")).unwrap();
    let remedy = format!("`--writable {outside}` permits it");
    for (script, path, times) in [
        ("echo x > $OUT/a", "a", "once"),
        ("touch $OUT/b; touch $OUT/b; false", "b", "2 times"),
        ("cd $OUT && mkdir c", "c", "once"),
        ("echo x > link/d", "d", "once"),
        ("rm $OUT/canary 2>/dev/null", "canary", "once"),
        (
            "perl -e 'open F, q(>), qq($ENV{OUT}/e) or die qq($ENV{OUT}/e: $!\\n)'",
            "e",
            "once",
        ),
    ] {
        let output = run(&world, &[], &format!("export OUT={outside}; {script}"));
        let err = String::from_utf8_lossy(&output.stderr);
        let line = format!(
            "codex-shell: the sandbox refused writing {outside}/{path} ({times}); {remedy}"
        );
        let said = err.lines().filter(|said| *said == line).count() == 1;
        ensure(
            said && !output.status.success(),
            &format!("{script}: {err}"),
        )?;
    }
    let records = recorded(&world, "refused-path");
    let times: Vec<_> = records
        .iter()
        .map(|record| record["times"].as_u64())
        .collect();
    ensure(
        times == [1, 2, 1, 1, 1, 1].map(Some),
        &format!("{records:?}"),
    )
}

/// A complaint is no proof: what the sandbox permits, or something else forbids, is not told of.
fn what_the_sandbox_did_not_refuse_is_not_told() -> Outcome {
    let world = World::new();
    for script in [
        "echo 'touch: own: Read-only file system' >&2; false",
        "echo '/nowhere/at/all: Read-only file system' >&2; false",
        "echo 'touch: /proc/self/x: No such file or directory' >&2; false",
        "touch /nowhere/x",
    ] {
        let output = run(&world, &[], script);
        let err = String::from_utf8_lossy(&output.stderr);
        ensure(!err.contains("codex-shell:"), &format!("{script}: {err}"))?;
    }
    Ok(())
}

/// One socket after the other, and many families: a few kinds are remembered, all are refused.
fn a_flood_of_refusals_is_counted() -> Outcome {
    let world = World::new();
    let script = "perl -MSocket -e 'for (1..2000) { exit 9 if socket(S, $_ % 100, 1, 0) }'";
    let output = run(&world, &[], script);
    ensure(output.status.success(), &format!("{output:?}"))?;
    let records = records(&world);
    ensure(records.len() == 32, &format!("{}", records.len()))?;
    // Those of the name service are local sockets too, and bash may have asked it.
    let each = records.iter().all(|record| {
        let times = record["times"].as_u64();
        times == Some(20) || (record["family"] == 1 && times > Some(20))
    });
    ensure(each, &format!("{records:?}"))
}
