//! What became of each exec that was judged: one record says it, and it is what happened.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::support::ran::Ran;
use crate::support::{World, everyone};

const RULES: &str = "\
prefix_rule(pattern = [\"git\"], decision = \"forbidden\")
prefix_rule(pattern = [\"probe\"], decision = \"allow\")
prefix_rule(pattern = [\"broken\"], decision = \"allow\")
prefix_rule(pattern = [\"asked\"], decision = \"prompt\")
prefix_rule(pattern = [\"od\"], decision = \"prompt\")
";

fn world(world: World) -> World {
    world
        .rules(RULES)
        .fake_git()
        .program("probe")
        // It begins as a program, and is none.
        .script("bin/broken", "\u{7f}ELF")
        .script("bin/asked", "\u{7f}ELF")
        .options(["--audit", "WORLD/out/log"])
}

/// Of each record of the command that begins so: event, outcome, placement, and why not.
fn records(ran: &Ran, command: &str) -> Vec<String> {
    let text = ran.left("out/log");
    let records = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let records = records.filter(|record| {
        let words = record["command"].as_str().unwrap_or_default();
        words.starts_with(command)
    });
    let of = |record: &serde_json::Value, name: &str| record[name].as_str().map(str::to_owned);
    let records = records.map(|record| {
        let told = ["event", "outcome", "placement"].map(|name| of(&record, name));
        let why = ["refused", "failed"].map(|name| of(&record, name));
        let told = told
            .map(|it| it.unwrap_or_else(|| "-".to_owned()))
            .join(" ");
        match why.into_iter().flatten().next() {
            Some(why) => format!("{told}: {why}"),
            None => told,
        }
    });
    records.collect()
}

#[test]
fn what_ran_and_what_did_not() {
    everyone(|it| {
        let ran = world(it)
            .ask("allow")
            .sh("probe exit 0; git x; /bin/echo here; broken; asked; od </dev/null; :");
        assert_eq!(
            records(&ran, "probe"),
            ["judged - outside", "escalated ran outside"]
        );
        assert_eq!(records(&ran, "git"), ["judged refused -"]);
        assert_eq!(records(&ran, "/bin/echo"), ["judged ran inside"]);
        let failed = "outcome failed outside: Exec format error (os error 8)";
        assert_eq!(records(&ran, "broken"), ["judged - outside", failed]);
        let asked = ["judged - outside", "answered - outside", failed];
        assert_eq!(records(&ran, "asked"), asked);
        let od = [
            "judged - outside",
            "answered - outside",
            "escalated ran outside",
        ];
        assert_eq!(records(&ran, "od"), od);
    });
}

#[test]
fn what_nobody_could_be_asked_about() {
    everyone(|it| {
        let ran = world(it)
            .ask("allow")
            .sh("od $(printf '%0100000d ' {1..11}); :");
        let why = "the command is too long to be asked about";
        assert_eq!(
            records(&ran, "od"),
            [
                "judged - outside".to_owned(),
                format!("outcome refused outside: {why}")
            ]
        );
    });
}

#[test]
fn who_is_gone_when_the_answer_comes() {
    everyone(|it| {
        let ran = world(it)
            .script(
                "bin/asker",
                "#!/bin/sh\ntouch WORLD/out/asked\nuntil [ -e WORLD/ws/go ]; do sleep 0.01; done\n",
            )
            .ask("command:WORLD/bin/asker")
            .sh(
                "od /dev/null & until [ -e WORLD/out/asked ]; do sleep 0.01; done; kill -9 $!; \
                 wait; touch go; until ! grep -q . <(jobs -r); do sleep 0.01; done; ls >/dev/null",
            );
        let gone = "outcome failed outside: its caller is gone";
        assert_eq!(records(&ran, "od"), ["judged - outside", gone]);
    });
}

/// No place for it: it never ran, and nothing says that it did.
#[test]
fn a_place_that_there_is_not() {
    everyone(|it| {
        let rules =
            "command_rule(program = \"probe\", args = [rest()], run = profile(\"nosuch\"))\n";
        let ran = world(it).rules(rules).sh("probe exit 0");
        let records = records(&ran, "probe");
        assert_eq!(records.len(), 1, "{records:?}");
        assert!(records[0].starts_with("judged refused -: "), "{records:?}");
    });
}

/// The kernel executes no file that somebody has open for writing.
#[test]
fn what_the_kernel_refuses_has_not_run() {
    everyone(|world| {
        let ran = self::world(world)
            .sh("cp /bin/true x; exec 5>>x; ./x; echo $?; exec 5>&-; ./x; echo $?")
            .stdout("126\n0\n");
        assert_eq!(
            records(&ran, "./x"),
            [
                "judged ran inside",
                "outcome failed inside: the kernel did not execute it",
                "judged ran inside"
            ]
        );
    });
}

/// The records of a call of which nothing is dropped: as many outcomes as judgements.
#[test]
fn each_has_one() {
    everyone(|it| {
        let ran = world(it)
            .ask("deny")
            .sh("for i in 1 2 3; do probe exit $i; git x; od x; /bin/true; broken; done; :");
        let log: PathBuf = ran.world.path("out/log");
        let text = ran.left("out/log");
        let count = |event: &str| text.matches(event).count();
        assert_eq!(
            count("\"event\":\"judged\""),
            15,
            "{}: {text}",
            log.display()
        );
        assert_eq!(count("\"outcome\":\""), 15, "{text}");
    });
}

/// A file system that never answers, mounted where the command can write, is none of what is judged beside it.
#[test]
fn a_dead_mount_beside_holds_up_nothing() {
    let mount = "mkdir dead && exec 3<>/dev/fuse && mount -i -t fuse \
        -o fd=3,rootmode=40000,user_id=0,group_id=0 dead dead && echo mounted && \"$@\" 3>&-";
    let world = World::new().fake_git().rules(
        "prefix_rule([\"git\", \"push\"], decision = \"forbidden\")\nprefix_rule([\"git\", \"log\"])\n",
    );
    let script = "git push; git log; git status";
    let beside = [
        "unshare", "--mount", "timeout", "-s", "KILL", "60", "sh", "-c", mount, "sh",
    ];
    let mut argv: Vec<OsString> = beside.map(OsString::from).to_vec();
    argv.extend(world.arguments(["-c", script]));
    let output = world.command(&argv).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    if !output.stdout.starts_with(b"mounted") {
        // Few machines for tests in containers have it.
        eprintln!("skipped: only root can mount /dev/fuse, where there is one: {stderr}");
        return;
    }
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("denied: git push"), "{stderr}");
    let mark = std::fs::File::open(world.path("ws/mark"))
        .and_then(std::io::read_to_string)
        .unwrap();
    assert_eq!(mark.lines().count(), 2, "{mark}");
}
