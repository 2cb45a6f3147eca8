//! What an exec costs under `codex-shell run`, against plain bash on the same machine.
//!
//! Each round runs the same loop of `/bin/true` four times: plain, inside the sandbox without rules,
//! inside under a rule that forbids something else (which puts the guards up that such a rule needs),
//! and lifted out of it. Rounds are interleaved, so that a busy moment hits all four. Printed are the
//! medians of the loop alone, as bash itself times it, and of the whole process, and the median of
//! the rounds' own ratios. A machine that is busy with other things measures those: the guest of a
//! crowded host, or one that builds something meanwhile, says little.
//!
//!     cargo bench --bench exec_cost
//!
//! `CODEX_SHELL_BENCH_ROUNDS` sets how many rounds there are (21). With `CODEX_SHELL_BENCH_STRICT=1`
//! the exit status is 1 when a loop's ratio is over its limit.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// How often a loop starts its program.
const EXECS: u32 = 500;
/// How many times what plain bash takes a loop may take: inside, there under rules that restrict,
/// and lifted out.
const LIMITS: [f64; 3] = [1.15, 1.15, 2.0];
const CODEX_SHELL: &str = env!("CARGO_BIN_EXE_codex-shell");
/// What a loop starts; the rules below name it.
const PROGRAM: &str = "/bin/true";

/// One way to run the loop.
struct Way {
    name: &'static str,
    /// The options of `run`; `None` for plain bash.
    options: Option<Vec<String>>,
    /// Milliseconds, one for each round.
    looped: Vec<f64>,
    whole: Vec<f64>,
}

impl Way {
    fn new(name: &'static str, options: Option<Vec<String>>) -> Self {
        Self {
            name,
            options,
            looped: Vec::new(),
            whole: Vec::new(),
        }
    }

    fn round(&mut self) {
        let script = format!(
            "s=$EPOCHREALTIME; for ((i = 0; i < {EXECS}; i++)); do {PROGRAM}; done; \
             e=$EPOCHREALTIME; echo $((${{e/./}} - ${{s/./}}))"
        );
        // A session is what some kernels share processors among, and `run` begins one: so does
        // each way here, or a busy machine would be shared unevenly.
        let mut command = Command::new("setsid");
        command.arg("--wait");
        match &self.options {
            None => command.arg("bash"),
            Some(options) => command
                .arg(CODEX_SHELL)
                .args(["run", "--ask", "deny"])
                .args(options),
        };
        command
            .args(["-c", &script])
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        let begun = Instant::now();
        let output = command.stderr(Stdio::inherit()).output().unwrap();
        self.whole.push(begun.elapsed().as_secs_f64() * 1e3);
        assert!(output.status.success(), "{}: {}", self.name, output.status);
        let text = String::from_utf8(output.stdout).unwrap();
        let microseconds: f64 = text.trim().parse().unwrap();
        self.looped.push(microseconds / 1e3);
    }
}

/// How many of one exec are lifted: no figure may be of something else than it says.
fn escalated(way: &Way) -> usize {
    let Some(options) = &way.options else {
        return 0;
    };
    let log = tempfile::NamedTempFile::new_in("/var/tmp").unwrap();
    let status = Command::new(CODEX_SHELL)
        .args(["run", "--ask", "deny", "--audit"])
        .arg(log.path())
        .args(options)
        .args(["-c", PROGRAM])
        .status()
        .unwrap();
    assert!(status.success(), "{}: {status}", way.name);
    io::read_to_string(log)
        .unwrap()
        .matches("\"event\":\"escalated\"")
        .count()
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The median of the rounds' own ratios: both halves of a round saw the same machine.
fn ratio(ours: &[f64], plain: &[f64]) -> f64 {
    let ratios: Vec<f64> = ours.iter().zip(plain).map(|(a, b)| a / b).collect();
    median(&ratios)
}

fn main() -> ExitCode {
    let number = |name: &str| {
        env::var(name)
            .ok()
            .and_then(|value| value.parse::<usize>().ok())
    };
    let rounds = number("CODEX_SHELL_BENCH_ROUNDS").unwrap_or(21).max(1);
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let with_rules = |name: &str, text: &str| {
        let rules = folder.path().join(name);
        fs::write(&rules, text).unwrap();
        Some(vec![
            "--rules".to_owned(),
            rules.to_str().unwrap().to_owned(),
        ])
    };
    // Both names: bash asks for the path, and /bin may be a link to /usr/bin.
    let lift = "prefix_rule(pattern = [[\"/bin/true\", \"/usr/bin/true\"]])\n";
    let restrict = "prefix_rule(pattern = [\"git\", \"push\"], decision = \"forbidden\")\n";
    let mut ways = [
        Way::new("plain bash", None),
        Way::new("inside", with_rules("no.rules", "")),
        Way::new("restricted", with_rules("other.rules", restrict)),
        Way::new("lifted", with_rules("true.rules", lift)),
    ];
    env::set_current_dir(folder.path()).unwrap();
    assert_eq!(ways.each_ref().map(escalated), [0, 0, 0, 1]);
    ways.iter_mut().for_each(Way::round);
    for way in &mut ways {
        way.looped.clear();
        way.whole.clear();
    }
    for _ in 0..rounds {
        ways.iter_mut().for_each(Way::round);
    }
    let within = report(&ways, rounds);
    explain(rounds);
    let strict = env::var_os("CODEX_SHELL_BENCH_STRICT").is_some_and(|value| value == "1");
    if within || !strict {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// `rules explain` as a whole process, with the rules that come as examples.
fn explain(rounds: usize) {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules-examples");
    let mut times = Vec::new();
    for _ in 0..rounds {
        let begun = Instant::now();
        let status = Command::new(CODEX_SHELL)
            .args(["rules", "explain", "--rules"])
            .arg(&rules)
            .args(["--", "git", "push", "origin", "main"])
            .stdout(Stdio::null())
            .status()
            .unwrap();
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        assert!(status.success(), "rules explain: {status}");
    }
    println!("rules explain, rules-examples: {:.1} ms", median(&times));
}

/// Prints the figures; whether all are within their limits.
fn report(ways: &[Way; 4], rounds: usize) -> bool {
    println!("{EXECS} times {PROGRAM}, median of {rounds} rounds");
    println!(
        "{:<12}{:>12}{:>10}{:>14}{:>10}",
        "", "loop ms", "ratio", "process ms", "ratio"
    );
    let [plain, ours @ ..] = ways;
    println!(
        "{:<12}{:>12.1}{:>10}{:>14.1}{:>10}",
        plain.name,
        median(&plain.looped),
        "",
        median(&plain.whole),
        ""
    );
    let mut within = true;
    for (way, limit) in ours.iter().zip(LIMITS) {
        let found = ratio(&way.looped, &plain.looped);
        let over = found > limit;
        println!(
            "{:<12}{:>12.1}{:>10.3}{:>14.1}{:>10.3}  {} {limit}",
            way.name,
            median(&way.looped),
            found,
            median(&way.whole),
            ratio(&way.whole, &plain.whole),
            if over { "OVER" } else { "within" },
        );
        within &= !over;
    }
    within
}
