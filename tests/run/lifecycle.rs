//! How a run ends, and that nothing outlives it, inside or outside.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, getpgid};

use crate::support::ran::read;
use crate::support::running::number;
use crate::support::{World, every_way, every_way_with, everyone, everyone_with};

fn world(world: World) -> World {
    world.program("probe")
}

#[test]
fn exit_statuses() {
    let cases: &[(&[&str], i32)] = &[
        (&["-c", "true"], 0),
        (&["-c", "exit 3"], 3),
        (&["-c", "exit 255"], 255),
        (&["-c", "kill -9 $$"], 137),
        (&["-c", "kill -SEGV $$"], 139),
        (&["-c", "kill -35 $$"], 163),
        (&["-c", "nonsense-program"], 127),
        (&["-c", "exec nonsense-program"], 127),
        (&["-c", "./plain"], 126),
        (&["--", "true"], 0),
        (&["--", "false"], 1),
        (&["--", "sh", "-c", "exit 9"], 9),
        (&["--", "sh", "-c", "kill -TERM $$"], 143),
    ];
    everyone_with(cases, |world, (arguments, status)| {
        world.file("ws/plain", "").run(*arguments).status(*status);
    });
}

#[test]
fn what_cannot_start_is_told() {
    let cases = [
        (
            "nonsense-program",
            127,
            "codex-shell: error: nonsense-program: not found",
        ),
        (
            "WORLD/nowhere/x",
            127,
            "codex-shell: error: WORLD/nowhere/x: not found",
        ),
        ("../ws", 126, "codex-shell: error: ../ws: Permission denied"),
        (
            "./plain",
            126,
            "codex-shell: error: ./plain: Permission denied",
        ),
        ("./orphan", 127, "codex-shell: error: ./orphan: not found"),
        ("", 127, "codex-shell: error: '': not found"),
    ];
    everyone_with(&cases, |world, (program, status, message)| {
        world
            .file("ws/plain", "")
            .script("ws/orphan", "#!/nowhere/interpreter\n")
            .run(["--", program])
            .status(*status)
            .stdout("")
            .stderr(message);
    });
}

#[test]
fn the_timeout_ends_everything() {
    let scripts = [
        "echo begun; sleep 60",
        "echo begun; sleep 60 & sleep 61 & wait",
        "echo begun; trap '' TERM INT HUP; while :; do sleep 1; done",
        "echo begun; while :; do :; done",
        "echo begun; kill -STOP $$",
        "echo begun; probe sleep WORLD/out/t",
        "echo begun; exec probe sleep WORLD/out/t",
        "echo begun; probe signals WORLD/out/t",
        "echo begun; probe orphan WORLD/out/t",
        "echo begun; set -m; probe sleep WORLD/out/t; sleep 60",
        "echo begun; set -m; probe orphan WORLD/out/t & sleep 60",
        "echo begun; probe orphan WORLD/out/t & setsid probe orphan WORLD/out/u & sleep 60",
        "echo begun; setsid sh -c 'probe yes >/dev/null' & setsid -f sleep 60; sleep 60",
    ];
    every_way_with(&scripts, |first, script| {
        let since = Instant::now();
        world(first)
            .options(["--timeout", "1s"])
            .sh(script)
            .status(124)
            .stdout("begun")
            .stderr("codex-shell: time was up after 1s: the command was ended");
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "at once: {script}"
        );
    });
}

/// Who should keep the time can't.
#[test]
fn the_timeout_holds_though_the_supervisor_hangs() {
    everyone_with(&[1, 2], |first, stopped| {
        let running = world(first)
            .rules("prefix_rule(pattern = [\"probe\"])")
            .options(["--timeout", "1s"])
            .start(["-c", "sleep 60 & probe sleep WORLD/out/t"])
            .wait_for("out/t");
        let ours = ours(running.pid());
        for &pid in ours.iter().rev().take(*stopped) {
            kill(pid, Signal::SIGSTOP).unwrap();
        }
        running.end().status(124);
    });
}

#[test]
fn the_end_of_the_command_is_the_end_of_everything() {
    let scripts = [
        "sleep 60 &",
        "setsid -f sleep 60; (sleep 61 &)",
        "nohup sleep 60 >/dev/null 2>&1 &",
        "probe sleep WORLD/out/t & until [ -e WORLD/out/t ]; do sleep 0.01; done",
        "probe orphan WORLD/out/t & until [ -e WORLD/out/t ]; do sleep 0.01; done",
        "set -m; probe orphan WORLD/out/t & until [ -e WORLD/out/t ]; do sleep 0.01; done",
        "timeout -s KILL 0.1 probe sleep WORLD/out/t",
        "setsid -f probe orphan WORLD/out/t; until [ -e WORLD/out/t ]; do sleep 0.01; done",
    ];
    every_way_with(&scripts, |first, script| {
        world(first)
            .sh(format!("{script}\necho end; exit 6"))
            .status(6)
            .stdout("end");
    });
}

/// One that has left its session, its parent and its descriptors is found all the same.
#[test]
fn a_daemon_outside_ends_with_the_run() {
    every_way(|first| {
        world(first)
            .script(
                "bin/probe",
                "#!/bin/sh\n(setsid sh -c 'exec <&- >&- 2>&-; touch WORLD/out/d; sleep 60' &) &\n",
            )
            .sh("probe; until [ -e WORLD/out/d ]; do sleep 0.01; done; echo end")
            .status(0)
            .stdout("end");
    });
}

/// The sandbox's first process can't end before its process groups are empty.
#[test]
fn a_group_outside_does_not_hold_up_the_end() {
    every_way(|first| {
        let since = Instant::now();
        world(first)
            .script(
                "bin/probe",
                "#!/bin/sh\nsleep 60 </dev/null >/dev/null 2>&1 &\n",
            )
            .sh("set -m; probe & wait; probe; echo end")
            .status(0)
            .stdout("end");
        assert!(since.elapsed() < Duration::from_secs(8));
    });
}

/// Scripts that leave something running both inside and outside when the signal comes.
const BUSY: [&str; 3] = [
    "sleep 60 & probe sleep WORLD/out/t",
    "setsid -f sleep 60; probe orphan WORLD/out/t",
    "trap '' TERM INT HUP; probe signals WORLD/out/t",
];

#[test]
fn killing_the_outer_process_ends_everything() {
    every_way_with(&BUSY, |first, script| {
        world(first)
            .start(["-c", script])
            .wait_for("out/t")
            .signal(Signal::SIGKILL)
            .end_violently()
            .status(137);
    });
}

#[test]
fn killing_the_supervisor_ends_everything() {
    every_way_with(&BUSY, |first, script| {
        let running = world(first).start(["-c", script]).wait_for("out/t");
        let [_, _, supervisor] = ours(running.pid());
        kill(supervisor, Signal::SIGKILL).unwrap();
        running.end_violently().status(137);
    });
}

#[test]
fn killing_the_sandboxs_first_process_ends_everything() {
    every_way_with(&BUSY, |first, script| {
        let running = world(first).start(["-c", script]).wait_for("out/t");
        let [_, _, supervisor] = ours(running.pid());
        kill(child_of(supervisor), Signal::SIGKILL).unwrap();
        running.end().status(137);
    });
}

/// What becomes of one of our processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Left,
    Stopped,
    Killed,
    StoppedAndKilled,
}

/// Keeper, guard and supervisor, each let be, stopped, or killed, at least one and not all of them: a
/// daemon outside that no polite signal ends does not outlive that, nor does anything inside.
#[test]
fn whichever_of_our_processes_are_stopped_and_killed_nothing_is_left() {
    use Fate::{Killed, Left, Stopped, StoppedAndKilled};
    let fates = [Left, Stopped, Killed, StoppedAndKilled];
    let mut cases = Vec::new();
    for keeper in fates {
        for guard in fates {
            cases.extend(fates.map(|supervisor| [keeper, guard, supervisor]));
        }
    }
    let is_killed = |fate: &Fate| matches!(fate, Killed | StoppedAndKilled);
    cases.retain(|case| (1..3).contains(&case.iter().filter(|fate| is_killed(fate)).count()));
    assert_eq!(cases.len(), 48);
    everyone_with(&cases, |first, case| {
        let running = first
            .rules("prefix_rule(pattern = [\"probe\"])")
            .script("bin/probe", DAEMON)
            .start(["-c", "sleep 60 & probe; sleep 61"])
            .wait_for("out/t");
        let ours = ours(running.pid());
        let each = || case.iter().zip(ours);
        for (_, pid) in each().filter(|(fate, _)| matches!(fate, Stopped | StoppedAndKilled)) {
            kill(pid, Signal::SIGSTOP).unwrap();
        }
        for (_, pid) in each().filter(|(fate, _)| is_killed(fate)) {
            // One whose turn it is may have ended by the death of the one before.
            let _ = kill(pid, Signal::SIGKILL);
        }
        let ran = running.end_violently();
        assert!(case[0] != Killed || number(ran.status) == 137, "{case:?}");
    });
}

/// Starts what has left its session, its parent and its group, and heeds no signal that can be ignored.
const DAEMON: &str = "#!/bin/sh
trap '' HUP TERM INT QUIT
setsid sh -c '(touch WORLD/out/t; sleep 62 & sleep 63) &' </dev/null >/dev/null 2>&1 &
";

/// Who ends all processes by our name does not reach the guard.
#[test]
fn the_guard_goes_by_another_name_and_has_its_own_group() {
    everyone(|first| {
        let running = world(first)
            .rules("prefix_rule(pattern = [\"probe\"])")
            .start(["-c", "probe sleep WORLD/out/t"])
            .wait_for("out/t");
        let [keeper, guard, supervisor] = ours(running.pid());
        let name = |pid| read(Path::new(&format!("/proc/{pid}/comm"))).unwrap();
        assert_eq!(name(guard), b"codex-guard\n");
        assert_eq!(name(keeper), name(supervisor));
        assert_eq!(getpgid(Some(guard)), Ok(guard));
        assert_eq!(getpgid(Some(supervisor)), getpgid(Some(keeper)));
        running.signal(Signal::SIGTERM).end().status(143);
    });
}

/// Keeper, guard and supervisor.
fn ours(keeper: Pid) -> [Pid; 3] {
    let guard = child_of(keeper);
    [keeper, guard, child_of(guard)]
}

fn child_of(pid: Pid) -> Pid {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = String::from_utf8(read(Path::new(&path)).unwrap()).unwrap();
    // Programs outside are the supervisor's later children.
    Pid::from_raw(children.split_whitespace().next().unwrap().parse().unwrap())
}

#[test]
fn terminating_it_ends_everything() {
    for (signal, status) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        every_way_with(&BUSY, |first, script| {
            world(first)
                .start(["-c", script])
                .wait_for("out/t")
                .signal(signal)
                .end()
                .status(status);
        });
    }
}

/// An interrupt is the command's to handle.
#[test]
fn interrupting_it_reaches_the_command() {
    for (signal, name, status) in [(Signal::SIGINT, "INT", 130), (Signal::SIGQUIT, "QUIT", 131)] {
        everyone(|first| {
            let script = format!(
                "trap 'echo caught; exit 5' {name}; touch ready; while :; do sleep 0.01; done"
            );
            let running = world(first)
                .start(["-c".into(), script])
                .wait_for("ws/ready");
            running.signal(signal).end().status(5).stdout("caught");
        });
        everyone(|first| {
            let running = world(first).start(["--", "sh", "-c", "touch ready; exec sleep 60"]);
            running
                .wait_for("ws/ready")
                .signal(signal)
                .end()
                .status(status);
        });
    }
}

/// As from the terminal's keys: to the whole group.
#[test]
fn interrupting_the_group_ends_everything() {
    every_way_with(&BUSY[..2], |first, script| {
        let first = world(first);
        let mut argv = vec!["setsid".into()];
        argv.extend(first.arguments(["-c", script]));
        let running = first.start_program(&argv).wait_for("out/t");
        killpg(running.pid(), Signal::SIGINT).unwrap();
        running.end().status(130);
    });
}

#[test]
fn questions_of_time_are_read_exactly() {
    for (time, valid) in [
        ("1h", true),
        ("90", true),
        ("1.5s", true),
        ("500ms", true),
        ("5m", true),
        ("0", false),
        ("-1", false),
        ("1d", false),
        ("", false),
        ("s", false),
        ("1e999s", false),
        ("99999999999999999999h", false),
    ] {
        let ran = World::new()
            .options([format!("--timeout={time}")])
            .sh("exit 3");
        ran.status(if valid { 3 } else { 2 });
    }
}

/// What is written last arrives, also from outside.
#[test]
fn no_output_is_lost() {
    every_way(|first| {
        let text = "x".repeat(200_000);
        world(first)
            .file("ws/f", &text)
            .sh("probe cat <f; cat f; probe cat <f | cat >&2")
            .status(0)
            .stdout(&text.repeat(2))
            .stderr(&text);
    });
}

const MODES: [&str; 3] = ["read-only", "workspace-write", "danger-full-access"];

/// Its own first process takes in what nobody waits for any more.
#[test]
fn what_ended_is_gone() {
    let script = "(sleep 100 & echo $! >&3) 3>&1 | { read pid; kill $pid; \
                  while kill -0 $pid 2>/dev/null; do sleep .02; done; echo gone; }";
    everyone_with(&MODES, |world, mode| {
        world
            .options(["--sandbox", mode, "--timeout", "10s"])
            .sh(script)
            .status(0)
            .stdout("gone");
    });
}

/// So is a program outside whose caller was killed, as anybody outside sees.
#[test]
fn what_was_killed_outside_is_gone() {
    everyone(|world| {
        world
            .rules("prefix_rule(pattern = [\"probe\"])")
            .script(
                "bin/probe",
                "#!/bin/sh\nif [ \"$1\" ]; then echo $$ >WORLD/out/pid; exec sleep 60; fi\n\
                 read pid <WORLD/out/pid\nwhile kill -0 $pid 2>/dev/null; do sleep .02; done\n\
                 echo gone\n",
            )
            .options(["--timeout", "10s"])
            .sh("probe x & until [ -s WORLD/out/pid ]; do sleep .01; done; kill -9 $!; wait $!; probe")
            .status(0)
            .stdout("gone");
    });
}

/// An exec that fails leaves its watch behind, and the command its status.
#[test]
fn the_status_after_an_exec_that_failed() {
    everyone_with(&MODES, |world, mode| {
        world
            .rules("prefix_rule(pattern = [\"git\"], decision = \"forbidden\")")
            .script("ws/text", "exit 3\n")
            .options(["--sandbox", mode])
            .run(["--", "/bin/bash", "-c", "exec ./text"])
            .status(3);
    });
}
