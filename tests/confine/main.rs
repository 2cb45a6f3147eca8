//! The sandbox, tried from inside. Each check forks a sandbox and makes system calls in its first
//! process; nothing is executed, so nobody needs to answer the listener.
//!
//! As root, all checks run a second time as an ordinary user. A layer that this machine does not
//! offer fails the checks that need it. An argument keeps the checks whose names contain it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test, though not one that the harness knows"
)]

mod fallback;
mod files;
mod fuzz;
mod ladder;
mod processes;
mod support;
mod taken_out;
mod told;

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, ExitCode};

use support::Outcome;

type Check = (&'static str, fn() -> Outcome);

/// What the tested program is called beside a copy of this one.
pub(crate) const COPY: &str = "codex-shell";

/// What `main` is asked to do instead of running the checks.
pub(crate) const HOLD: &str = "--hold-a-sandbox";
pub(crate) const FUZZ: &str = "--make-nonsense-calls";
pub(crate) const TAKE_AWAY: &str = "--take-away";
pub(crate) const MASKED: &str = "--checks-with-a-masked-proc";
pub(crate) const MOUNTED: &str = "--checks-with-mounts";
pub(crate) const FALLBACK: &str = "--checks-without-namespaces";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    if has(FUZZ) {
        return fuzz::fuzz(&arguments);
    }
    if has(TAKE_AWAY) {
        return ladder::take_away(&arguments);
    }
    if has(HOLD) {
        return processes::hold();
    }
    let filter: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    if has(MASKED) {
        return run(fallback::MASKED_CHECKS, &filter, "masked /proc");
    }
    if has(MOUNTED) {
        return run(taken_out::MOUNTED_CHECKS, &filter, "its own mounts");
    }
    if has(FALLBACK) {
        return run(fallback::CHECKS, &filter, "without namespaces");
    }
    let checks: Vec<Check> = [
        files::CHECKS,
        processes::CHECKS,
        ladder::CHECKS,
        taken_out::CHECKS,
        told::CHECKS,
        fuzz::CHECKS,
        fallback::STARTERS,
    ]
    .concat();
    if has("--list") {
        for (name, _) in checks {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let root = nix::unistd::geteuid().is_root();
    let status = run(&checks, &filter, if root { "root" } else { "user" });
    if root && as_user(&filter) == ExitCode::FAILURE {
        return ExitCode::FAILURE;
    }
    status
}

fn run(checks: &[Check], filter: &[&str], who: &str) -> ExitCode {
    let mut failed = 0;
    for (name, check) in checks {
        if !filter.is_empty() && !filter.iter().any(|word| name.contains(word)) {
            continue;
        }
        match check() {
            Ok(()) => println!("test {name} ({who}) ... ok"),
            Err(reason) => {
                failed += 1;
                println!("test {name} ({who}) ... FAILED: {reason}");
            }
        }
    }
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        println!("{failed} failed");
        ExitCode::FAILURE
    }
}

/// The same once more as nobody, from a copy that nobody can read.
fn as_user(filter: &[&str]) -> ExitCode {
    let directory = tempfile::tempdir_in("/var/tmp").unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = directory.path().join("confine");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    fs::copy(support::codex_shell(), directory.path().join(COPY)).unwrap();
    let status = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&program)
        .args(filter)
        // Where the starter's own rules and settings are not looked for.
        .env("HOME", directory.path())
        .current_dir("/")
        .status()
        .unwrap();
    if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
