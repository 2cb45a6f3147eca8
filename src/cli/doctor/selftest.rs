//! Fires canaries by `codex-shell run`, and looks from outside at what became of each.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::world::{NAME, World};
use crate::cli::canary::{DONE, REFUSED, WORD};
use crate::confine::Mode;
use crate::report::canaries::{Canary, CanaryOutcome};
use crate::request::argv;

/// What must hold a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CanaryGuard {
    /// Nothing: it shows that canaries can run at all.
    Nothing,
    /// The rule.
    Rule,
    /// The sandbox.
    Sandbox,
}

/// A canary before it is fired.
struct CanaryPlan {
    name: &'static str,
    guard: CanaryGuard,
    script: String,
    /// It has a terminal, one of its own.
    on_terminal: bool,
}

/// The rule that forbids one canary and leaves the others alone.
const RULES: &str = concat!(
    "prefix_rule(pattern = [\"codex-shell-canary\", \"__canary\", \"run\"], ",
    "decision = \"forbidden\", justification = \"a canary\")\n"
);
/// The longest output or record that is read, in bytes.
const LONGEST: u64 = 1 << 16;

/// Fires every canary in a sandbox of this mode.
///
/// # Errors
/// What they try to get at can't be built.
pub(super) fn run(mode: Mode) -> io::Result<Vec<Canary>> {
    let mut canaries = Vec::new();
    loop {
        // Each has a world of its own, so that what one has changed is not held against the next.
        let mut world = World::new()?;
        let Some(plan) = plans(&world).into_iter().nth(canaries.len()) else {
            return Ok(canaries);
        };
        canaries.push(fire(&mut world, mode, &plan)?);
    }
}

fn plans(world: &World) -> Vec<CanaryPlan> {
    let mut plans = vec![plan(
        "a permitted program",
        CanaryGuard::Nothing,
        canary(world, "write allowed"),
    )];
    plans.extend(for_the_rule(world));
    plans.extend(for_the_sandbox(world));
    plans
}

fn plan(name: &'static str, guard: CanaryGuard, script: String) -> CanaryPlan {
    CanaryPlan {
        name,
        guard,
        script,
        on_terminal: false,
    }
}

fn canary(world: &World, words: &str) -> String {
    format!("{} __canary {words}", word(&world.program))
}

fn word(path: &Path) -> String {
    argv::word(path.as_os_str())
}

/// Ways to come to a forbidden program.
fn for_the_rule(world: &World) -> Vec<CanaryPlan> {
    let ran = canary(world, &format!("run {}", word(&world.inside.join("ran"))));
    let nested = argv::word(format!("{ran}; :").as_ref());
    vec![
        plan(
            "a forbidden grandchild",
            CanaryGuard::Rule,
            format!("( sh -c {nested} ); :"),
        ),
        plan(
            "a forbidden program in a nested shell",
            CanaryGuard::Rule,
            format!("env -i bash -c {nested}"),
        ),
        plan(
            "a forbidden program in a script without #!",
            CanaryGuard::Rule,
            format!("echo {nested} > script; chmod +x script; ./script"),
        ),
    ]
}

/// What only the sandbox holds: by this binary, or by the shell without any exec.
fn for_the_sandbox(world: &World) -> Vec<CanaryPlan> {
    let port = world.tcp.local_addr().map_or(0, |address| address.port());
    let (victim, descriptor) = (world.victim(), world.descriptor());
    let [file, mode] = ["file", "mode"].map(|name| word(&world.outside(name)));
    let [stream, datagram] = ["stream", "datagram"].map(|name| word(&world.inside.join(name)));
    let own = |name, words: String| plan(name, CanaryGuard::Sandbox, canary(world, &words));
    let builtin = |name, words: String| {
        let script =
            format!("said=$( {{ {words}; }} 2>&1 ) && echo {DONE} || echo \"{REFUSED}$said\"");
        plan(name, CanaryGuard::Sandbox, script)
    };
    let mut plans = vec![
        builtin(
            "a shell's own write outside",
            format!("echo x > {}", word(&world.outside("built-in"))),
        ),
        own("a write outside", format!("write {file}")),
        own("chmod outside", format!("mode {mode}")),
        builtin(
            "a shell's /dev/tcp",
            format!("exec 3<>/dev/tcp/127.0.0.1/{port}"),
        ),
        own("a TCP connection", format!("tcp {port}")),
        own("a unix socket", format!("stream {stream}")),
        own("a unix datagram", format!("datagram {datagram}")),
        own("ptrace outside", format!("trace {victim}")),
        own("a signal outside", format!("signal {victim}")),
        own("io_uring", "ring".into()),
        own(
            "an inherited descriptor",
            format!("descriptor {descriptor}"),
        ),
    ];
    plans.push(CanaryPlan {
        on_terminal: true,
        ..own("typing into the terminal", "type".into())
    });
    plans
}

fn fire(world: &mut World, mode: Mode, plan: &CanaryPlan) -> io::Result<Canary> {
    let audit = world.outside("audit");
    fs::write(world.outside("rules"), RULES)?;
    let mut command = Command::new(std::env::current_exe()?);
    if plan.on_terminal {
        command.args([WORD, "terminal"]);
    }
    let output = command
        .args(["run", "--ask", "deny", "--timeout", "30s"])
        .args(["--sandbox", mode.as_str(), "--rules"])
        .arg(world.outside("rules"))
        .arg("--audit")
        .arg(&audit)
        .arg("-C")
        .arg(&world.inside)
        .args(["-c", &plan.script])
        .env_remove("TMPDIR")
        .stdin(if plan.on_terminal {
            world.terminal.try_clone()?.into()
        } else {
            Stdio::null()
        })
        .stderr(Stdio::piped())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let told = said.lines().find_map(|line| line.strip_prefix(REFUSED));
    let done = said.lines().any(|line| line == DONE) || has_effect(world)?;
    let judged = was_forbidden(&audit)?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.lines().next_back().unwrap_or("it said nothing");
    let (outcome, detail) = outcome(plan.guard, done, judged, told);
    Ok(Canary {
        name: plan.name,
        outcome,
        detail: detail.unwrap_or(last).to_owned(),
    })
}

/// What became of a canary that has had its effect or not, was forbidden or not, and was `told` why.
fn outcome(
    guard: CanaryGuard,
    done: bool,
    judged: bool,
    told: Option<&str>,
) -> (CanaryOutcome, Option<&str>) {
    match (guard, done, told) {
        (CanaryGuard::Nothing, true, _) => (CanaryOutcome::Ran, Some("")),
        (CanaryGuard::Rule | CanaryGuard::Sandbox, true, _) => {
            (CanaryOutcome::Neither, Some("it succeeded"))
        }
        (CanaryGuard::Rule, false, _) if judged => (CanaryOutcome::Judged, Some("it does not run")),
        (CanaryGuard::Sandbox, false, Some(reason)) => (CanaryOutcome::Contained, Some(reason)),
        (_, false, _) => (CanaryOutcome::Untried, None),
    }
}

/// Whether anything is otherwise than it was built.
fn has_effect(world: &mut World) -> io::Result<bool> {
    let files = ["built-in", "file"].map(|name| world.outside(name));
    let written = files.iter().any(|path| path.exists()) || world.inside.join("ran").exists();
    let changed = fs::metadata(world.outside("mode"))?.mode() & 0o777 != 0o600;
    let grown = fs::metadata(world.outside("open"))?.len() > 0;
    Ok(written || changed || grown || world.was_reached() || world.victim_is_dead())
}

/// Whether the records say that a canary was forbidden.
fn was_forbidden(audit: &Path) -> io::Result<bool> {
    let mut text = Vec::new();
    fs::File::open(audit)?
        .take(LONGEST)
        .read_to_end(&mut text)?;
    Ok(text.split(|&byte| byte == b'\n').any(|line| {
        let record: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
        let field = |name: &str| record.get(name).and_then(serde_json::Value::as_str);
        field("decision") == Some("forbidden")
            && field("command").is_some_and(|command| command.contains(NAME))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No feature can be taken away so that a rule is not asked: then nothing starts. So what is made of
    /// it is looked at here.
    #[test]
    fn a_canary_that_succeeds_is_held_by_nothing() {
        let of = |guard, done, judged, told| outcome(guard, done, judged, told).0;
        for guard in [CanaryGuard::Rule, CanaryGuard::Sandbox] {
            assert_eq!(of(guard, true, true, Some("told")), CanaryOutcome::Neither);
            assert!(of(guard, true, false, None).is_alarming());
            // Neither forbidden nor told why: it may never have started.
            assert_eq!(of(guard, false, false, None), CanaryOutcome::Untried);
        }
        assert!(of(CanaryGuard::Rule, false, false, Some("told")).is_alarming());
        assert!(of(CanaryGuard::Nothing, false, false, Some("told")).is_alarming());
        assert_eq!(
            of(CanaryGuard::Rule, false, true, None),
            CanaryOutcome::Judged
        );
        assert_eq!(
            of(CanaryGuard::Sandbox, false, false, Some("told")),
            CanaryOutcome::Contained
        );
    }
}
