//! Replays `tests/compat/`: recorded answers of `codex execpolicy check` 0.169.0.
//!
//! `cases.jsonl` has one case a line: the rules files in order, flags and command that were given,
//! and what came back: the exit status, standard output, and where there was one, the place that
//! an error message named. `@CWD@` and `@HOME@` in the output stand for the folder with the rules
//! and for the home directory. `"separator": false` means that no `--` stood before the command,
//! and `quirk` names a behaviour that looks unintended. `refused.toml` lists the cases in which
//! codex-shell answers differently on purpose.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde::Deserialize;

const HOME: &str = "/home/user";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    rules: Vec<String>,
    flags: Vec<String>,
    command: Vec<String>,
    #[serde(default = "yes")]
    separator: bool,
    quirk: Option<String>,
    exit: i32,
    #[serde(default)]
    stdout: String,
    /// `FILE:LINE:COLUMN`.
    place: Option<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusals {
    refused: Vec<Refusal>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    id: String,
    reason: String,
}

#[test]
fn recorded_answers_are_given() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat");
    let cases = cases();
    let refused = refusals();
    assert!(cases.len() > 800, "the recording is incomplete");

    let disagreements = replay(&cases, &folder.join("rules"));

    let mut complaints = Vec::new();
    for case in &cases {
        match (disagreements.get(case.id.as_str()), refused.get(&case.id)) {
            (Some(how), None) => complaints.push(format!("{}: {how}\n  {case:?}", case.id)),
            (None, Some(_)) => complaints.push(format!("{} agrees after all", case.id)),
            (Some(_), Some(reason)) => assert!(!reason.trim().is_empty(), "{}", case.id),
            (None, None) => {}
        }
    }
    for id in refused.keys() {
        let case = cases.iter().find(|case| case.id == *id);
        let quirk = case.is_some_and(|case| case.quirk.is_some());
        assert!(quirk, "{id} is refused, but is not recorded as a quirk");
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn cases() -> Vec<Case> {
    let case = |line| serde_json::from_str(line).unwrap();
    include_str!("compat/cases.jsonl")
        .lines()
        .map(case)
        .collect()
}

fn refusals() -> BTreeMap<String, String> {
    let refusals: Refusals = toml::from_str(include_str!("compat/refused.toml")).unwrap();
    let pair = |refusal: Refusal| (refusal.id, refusal.reason);
    refusals.refused.into_iter().map(pair).collect()
}

/// Runs every case, on all processors, and says how those that disagree do.
fn replay<'a>(cases: &'a [Case], rules: &Path) -> BTreeMap<&'a str, String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(how) = compare(case, rules) {
                found.push((case.id.as_str(), how));
            }
        }
        found
    };
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let results = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap());
        results.collect()
    })
}

fn compare(case: &Case, rules: &Path) -> Result<(), String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codex-shell"));
    command.args(["execpolicy", "check", "--compat", "codex"]);
    for file in &case.rules {
        command.args(["--rules", file]);
    }
    command.args(&case.flags);
    command.args(case.separator.then_some("--"));
    let output = command
        .args(&case.command)
        .current_dir(rules)
        .env_clear()
        .env("HOME", HOME)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(case.exit) {
        return Err(format!("{}, not {}: {stderr}", output.status, case.exit));
    }
    let stdout = String::from_utf8(output.stdout).unwrap();
    let expected = expected_stdout(case, rules);
    if stdout != expected {
        return Err(format!("printed {stdout}not {expected}"));
    }
    if case.exit != 0 && stderr.trim().is_empty() {
        return Err("no message".to_owned());
    }
    match &case.place {
        Some(place) if !stderr.contains(&format!("{place}:")) => {
            Err(format!("{place} is not named in: {stderr}"))
        }
        _ => Ok(()),
    }
}

fn expected_stdout(case: &Case, rules: &Path) -> String {
    let cwd: PathBuf = rules.canonicalize().unwrap();
    case.stdout
        .replace("@CWD@", cwd.to_str().unwrap())
        .replace("@HOME@", HOME)
}
