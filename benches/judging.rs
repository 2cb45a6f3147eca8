//! How long judging takes with ten thousand rules: `cargo bench --bench judging`.
//!
//! Each line is the least of several rounds, which is what the machine can do when nothing else
//! runs on it.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::ffi::OsString;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use codex_shell::evaluate::{IndexedRules, judge};
use codex_shell::request::{Program, Request, WorkingDirectory};
use codex_shell::rules::from_own_text;

/// Rules of every kind, on programs with many rules and with few.
const RULES: usize = 10_000;
const ROUNDS: usize = 20;
const REPEATS: u32 = 500;

const COMMANDS: [(&str, &str); 7] = [
    ("no rule on it", "true"),
    ("plain", "git status -sb"),
    ("plain, many rules", "git sub77 --force origin"),
    ("global options", "git -C /x -c a.b=c push --force"),
    ("one wrapper", "timeout 5 git -C y push --force"),
    (
        "wrappers",
        "env -i A=b timeout 5 sudo -u me xargs -n 1 git push --force",
    ),
    (
        "nested script",
        "sh -c 'cd /x && timeout 5 git -C y push --force | tee log; env A=b bash -c \"find . -exec rm -rf {} +\"'",
    ),
];

fn main() {
    let index = IndexedRules::new(from_own_text("bench.rules", &text()));
    assert!(!index.is_broken());
    let Some(cwd) = WorkingDirectory::new("/work") else {
        return;
    };
    for (name, command) in COMMANDS {
        let request = request(command, cwd.clone());
        let best = (0..ROUNDS).map(|_| round(&index, &request)).min();
        println!("{:>10.2?}  {name}", best.unwrap_or_default());
    }
}

/// The time of one judgement.
fn round(index: &IndexedRules, request: &Request) -> Duration {
    let start = Instant::now();
    for _ in 0..REPEATS {
        let _ = black_box(judge(index, black_box(request)));
    }
    start.elapsed() / REPEATS
}

fn text() -> String {
    let mut text = String::new();
    for n in 0..RULES / 4 {
        let _ = writeln!(text, "prefix_rule([\"git\", \"sub{n}\"], \"prompt\")");
        let _ = writeln!(text, "prefix_rule([\"tool{n}\", \"run\"], \"forbidden\")");
        let _ = writeln!(
            text,
            "command_rule(\"git\", subcommand = [\"remote\", \"r{n}\"], decision = \"forbidden\")"
        );
        let _ = writeln!(
            text,
            "command_rule(\"other{n}\", flags = \"--x\", decision = \"prompt\")"
        );
    }
    text.push_str("command_rule(\"git\", subcommand = [\"push\"], flags = \"--force\", decision = \"forbidden\")\n");
    text.push_str("prefix_rule([\"rm\", \"-rf\"], \"forbidden\")\n");
    text
}

fn request(command: &str, cwd: WorkingDirectory) -> Request {
    let words = shlex::split(command).unwrap_or_default();
    let argv: Vec<OsString> = words.iter().map(Into::into).collect();
    let program = Program::named(argv.first().cloned().unwrap_or_default());
    Request::new(program, argv, cwd)
}
