//! The wrapper and its broker, with a bash that `scripts/build-patched-shell` made; run by
//! `CODEX_SHELL_PATCHED_BASH=PATH cargo test --test integration -- --ignored patched`.
//!
//! With that variable, all tests of `run -c` go this way as well; these are the wrapper's own.

use std::os::unix::fs::PermissionsExt as _;

use nix::sys::signal::Signal;

use crate::support::needs::lacks;
use crate::support::ran::Ran;
use crate::support::world::patched_bash;
use crate::support::{World, everyone, everyone_with};

const RULES: &str = "\
prefix_rule(pattern = [\"git\", \"push\"], decision = \"forbidden\", justification = \"no\")
prefix_rule(pattern = [\"probe\"])
prefix_rule(pattern = [\"od\"], decision = \"prompt\")
";

/// A world whose scripts are run by the patched bash.
fn patched(world: World) -> World {
    assert!(
        patched_bash().is_some(),
        "CODEX_SHELL_PATCHED_BASH must name a bash made by scripts/build-patched-shell"
    );
    let world = match std::env::var_os("ASAN_OPTIONS") {
        Some(options) => world.env("ASAN_OPTIONS", options),
        None => world,
    };
    world.rules(RULES).fake_git().program("probe")
}

fn denied(ran: Ran) -> Ran {
    ran.stderr_has("codex-shell: denied: git push (WORLD/team.rules:1: forbidden): no")
        .no_file("ws/mark")
}

#[test]
#[ignore = "needs a patched shell"]
fn every_outcome() {
    everyone(|world| {
        let ran = patched(world).sh("git push; echo $?; /bin/echo inside; probe exit 7; echo $?");
        denied(ran.status(0).stdout("1\ninside\n7"));
    });
    for (ask, told) in [("deny", "1\n"), ("allow", "0000000\n0\n")] {
        everyone(|world| {
            patched(world)
                .ask(ask)
                .sh("od </dev/null; echo $?")
                .stdout(told.trim_end());
        });
    }
}

#[test]
#[ignore = "needs a patched shell"]
fn whatever_a_script_does_to_the_variables() {
    let scripts = [
        "unset EXEC_WRAPPER BASH_EXEC_WRAPPER CODEX_ESCALATE_SOCKET; git push",
        "EXEC_WRAPPER= BASH_EXEC_WRAPPER= CODEX_ESCALATE_SOCKET= git push",
        "export EXEC_WRAPPER=/bin/true CODEX_ESCALATE_SOCKET=0; git push",
        "export CODEX_ESCALATE_SOCKET=77; git push",
        "exec -c git push",
        "exec -c -a git WORLD/bin/git push",
        "readonly EXEC_WRAPPER=x; git push",
        "echo 'unset EXEC_WRAPPER; git push' >s; chmod +x s; unset BASH_EXEC_WRAPPER; ./s",
    ];
    everyone_with(&scripts, |world, script| {
        denied(patched(world).sh(script).status(1).stdout(""));
    });
}

#[test]
#[ignore = "needs a patched shell"]
fn wherever_bash_starts_a_program() {
    let scripts = [
        "exec git push",
        "git push | cat; exit ${PIPESTATUS[0]}",
        "true | git push",
        "git push & wait $!",
        "(git push)",
        "x=$(git push)",
        "cat <(git push) /dev/null; wait $!",
        "coproc git push; wait $COPROC_PID",
        "command git push",
        "eval 'git push'",
        "f() { git push; }; f",
        "trap 'git push' EXIT; exit 1",
        "! ! git push",
        "WORLD/patched-bash -c 'git push'",
    ];
    everyone_with(&scripts, |world, script| {
        denied(patched(world).sh(script).status(1).stdout(""));
    });
}

#[test]
#[ignore = "needs a patched shell"]
fn rules_about_variables() {
    let rules = "command_rule(program = \"git\", env = {\"KIND\": \"push\"}, decision = \"forbidden\")\n\
                 command_rule(program = \"probe\", args = [rest()], env = {\"KIND\": False})\n";
    everyone(|world| {
        patched(world)
            .rules(rules)
            .script("ws/s", "#!WORLD/bin/git x\n")
            .sh(
                "git a; KIND=push git b; echo $?; export KIND=push; git c; echo $?; ./s; echo $?; \
                 probe write WORLD/out/a 2>/dev/null; unset KIND; probe write WORLD/out/b",
            )
            .stdout("1\n1\n1")
            .file("ws/mark", "WORLD/bin/git a\n")
            .no_file("out/a")
            .file("out/b", "written\n");
    });
}

/// What a program starts is not seen; what its words say that it will start is.
#[test]
#[ignore = "needs a patched shell"]
fn what_a_commands_words_say() {
    let scripts = [
        "/bin/sh -c 'git push'",
        "/bin/sh -c 'cd / && FOO=1 git push; true'",
        "env -i nice -n 3 timeout 5 git push",
        "nohup setsid /bin/sh -ec 'exec git push'",
        "find . -maxdepth 0 -exec git push ';'",
    ];
    everyone_with(&scripts, |world, script| {
        patched(world)
            .sh(script)
            .status(1)
            .stderr_has("(WORLD/team.rules:1: forbidden): no")
            .no_file("ws/mark");
    });
}

#[test]
#[ignore = "needs a patched shell"]
fn a_copy_of_a_program_that_a_rule_names() {
    everyone(|world| {
        let ran = patched(world)
            .rules("prefix_rule(pattern = [\"od\"], decision = \"forbidden\")\n")
            .script("ws/s", "#!WORLD/ws/other\n")
            .sh("cp /usr/bin/od other; ./other </dev/null; echo $?; ./s; echo $?");
        ran.stdout("1\n1")
            .stderr_has("codex-shell: denied: ./other");
    });
}

#[test]
#[ignore = "needs a patched shell"]
fn arguments_arrive_as_they_are() {
    everyone(|world| {
        patched(world)
            .sh("(exec -a '' /bin/sh -c 'echo \"<$0>\"'); exec -a -x /bin/sh -c 'echo $0'")
            .status(0)
            .stdout("<>\n-x");
    });
    everyone(|world| {
        let script = "for i in {1..10000}; do a+=(\"$i\" ''); done; \
                      probe \"${a[@]}\" | grep -c '^argv'; \
                      /bin/sh -c 'echo $#; eval echo \\\"\\${$#}\\\" ${19999}' x \"${a[@]}\"";
        patched(world)
            .sh(script)
            .status(0)
            .stdout("20001\n20000\n 10000");
    });
    everyone(|world| {
        patched(world)
            .sh("/usr/bin/printf '%s.' $'\\xff\\xfe' '' $'a\\nb' | base64; \
                 probe $'\\xff' '' | grep -a 'argv.1' | base64")
            .status(0)
            .stdout("//4uLmEKYi4=\nYXJndlsxXSD/Cg==");
    });
    everyone(|world| {
        let script = "x=$(head -c 130000 /dev/zero | tr '\\0' x); a=($x $x $x $x $x $x $x $x); \
                      /bin/echo ${a[@]} | wc -c; probe ${a[@]} | wc -c | grep -c 1040";
        patched(world).sh(script).status(0).stdout("1040008\n1");
    });
}

#[test]
#[ignore = "needs a patched shell"]
fn files_that_the_kernel_cannot_run() {
    everyone(|world| {
        patched(world)
            .script("ws/text", "echo \"$0|$1|$#|${BASH##*/}\"; git push\n")
            .script("ws/empty", "")
            .script("ws/data", "\0\0\n")
            .script("ws/lost", "#!/nonexistent\n")
            .sh("x=1; ./text 'a b' ''; echo $?; ./empty; echo $?; ./data; echo $?; ./lost; echo $?; \
                 ./none; echo $?; nonesuch; echo $?; ./; echo $?; WORLD/team.rules; echo $?")
            .stdout("./text|a b|2|patched-bash\n1\n0\n126\n127\n127\n127\n126\n126")
            .stderr_has("codex-shell: denied: git push")
            .stderr_has("./data: Exec format error")
            .stderr_has("nonesuch: command not found")
            .no_file("ws/mark");
    });
    everyone(|world| {
        patched(world)
            .script("bin/probe", "echo \"$0 $1\"; touch WORLD/out/made\n")
            .sh("probe x")
            .status(0)
            .stdout("WORLD/bin/probe x")
            .file("out/made", "");
    });
}

#[test]
#[ignore = "needs a patched shell"]
fn nothing_of_ours_is_seen_outside() {
    everyone(|world| {
        let names = "grep -E 'descriptors|WRAPPER|SOCKET'";
        patched(world)
            .sh(format!(
                "probe 3>a | {names}; probe <&- 2>&- | {names}; exec 4>b; probe | {names}"
            ))
            .status(0)
            .stdout("descriptors 0 1 2 3\ndescriptors 0 1 2\ndescriptors 0 1 2 4");
    });
}

#[test]
#[ignore = "needs a patched shell"]
fn a_wrapper_that_is_killed_takes_its_program_along() {
    everyone(|world| {
        let script = "probe sleep WORLD/out/t & until [ -e WORLD/out/t ]; do sleep 0.01; done; \
                      kill -9 $!; wait $!; echo $?";
        patched(world).sh(script).status(0).stdout("137");
    });
}

#[test]
#[ignore = "needs a patched shell"]
fn without_a_broker_nothing_runs() {
    everyone(|world| {
        let script =
            "eval \"exec $CODEX_ESCALATE_SOCKET>&-\"; /bin/echo a; echo $?; probe; echo $?";
        patched(world)
            .sh(script)
            .status(0)
            .stdout("125\n125")
            .stderr_has("codex-shell: error: nothing runs unjudged: the broker can't be asked");
    });
    everyone(|world| {
        patched(world)
            .start(["-c", "probe sleep WORLD/out/t; echo never"])
            .wait_for("out/t")
            .signal(Signal::SIGTERM)
            .end_violently()
            .status(143)
            .stdout("");
    });
}

/// Speaks as wrappers do, but never to the end: `hold.py HALVES LONG PROGRAM`.
const HOLD: &str = r#"
import os, socket, struct, sys, time
ask = socket.socket(fileno=os.dup(int(os.environ["CODEX_ESCALATE_SOCKET"])))
def begin(message, *descriptors):
    ours, theirs = socket.socketpair()
    socket.send_fds(ours, [message], descriptors)
    socket.send_fds(ask, [b"R"], [theirs.fileno()])
    return ours
def frame(kind, payload, length=None):
    return struct.pack("<BBHI", 1, kind, 0, length or len(payload)) + payload
def is_open(one):
    try:
        return one.recv(1, socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
def count(ones):
    # Each was looked at once this is answered.
    words = b"no such\0no such\0"
    begin(frame(1, struct.pack("<QI", 0, 2) + words)).recv(1)
    return sum(map(is_open, ones))
halves, long, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
large = [begin(frame(1, b"", length)) for length in [1 << 24] * long + [(1 << 24) + 1]]
print(count(large))
large = None
half = [begin(frame(1, b"", 9)) for _ in range(halves)]
print(count(half))
words = (program + "\0") * 2
told = begin(frame(1, struct.pack("<QI", 0, 2) + words.encode()),
             os.open(".", os.O_PATH), os.open(program, os.O_PATH))
print(told.recv(9))
sys.stdout.flush()
open("held", "w").close()
time.sleep(60)
"#;

/// Whoever keeps the broker waiting waits alone, and only so many can.
#[test]
#[ignore = "needs a patched shell"]
fn who_says_half_of_it_keeps_nobody_waiting() {
    if lacks("python3") {
        return;
    }
    everyone(|world| {
        let script = "python3 hold.py 300 5 WORLD/bin/probe & \
                      until [ -e held ]; do sleep 0.01; done; probe exit 7; echo $?; \
                      /bin/echo inside; kill $!";
        patched(world)
            .file("ws/hold.py", HOLD)
            .sh(script)
            .status(0)
            .stdout("4\n256\nb'\\x01\\x11\\x00\\x00\\x00\\x00\\x00\\x00'\n7\ninside");
    });
}

#[test]
#[ignore = "needs a patched shell"]
fn login_files_are_not_asked_about() {
    everyone(|world| {
        let home = world.path("home/.bash_profile");
        std::fs::write(&home, "od </dev/null >$HOME/x; echo \"profile $?\"\n").unwrap();
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o644)).unwrap();
        patched(world)
            .options(["--login"])
            .sh("od </dev/null; echo $?")
            .status(0)
            .stdout_has("profile")
            .stdout_has("\n1")
            .stderr_has("denied: od");
    });
}

/// Inside another run there is no second listener.
#[test]
#[ignore = "needs a patched shell"]
fn it_takes_the_kernels_place_where_that_is_taken() {
    everyone(|world| {
        let bash = patched_bash().unwrap();
        let world = world.rules(RULES).fake_git();
        std::fs::copy(bash, world.path("bin/patched")).unwrap();
        let inner = "WORLD/codex-shell run --rules WORLD/team.rules --sandbox danger-full-access";
        let script = "git push; echo $?; /bin/echo inside";
        let ran = world.options(["--sandbox", "danger-full-access"]).run([
            "--",
            "sh",
            "-c",
            &format!("{inner} --shell WORLD/bin/patched -c '{script}'"),
        ]);
        denied(
            ran.status(0)
                .stdout("1\ninside")
                .stderr_has("brings execs instead"),
        );
    });
}

#[test]
#[ignore = "needs a patched shell"]
fn a_shell_that_is_not_patched_is_refused() {
    World::new()
        .run([
            "--interceptor",
            "shell",
            "--shell",
            "/bin/bash",
            "-c",
            "true",
        ])
        .status(125)
        .stderr_has("does not start the program that EXEC_WRAPPER names");
    World::new()
        .run(["--interceptor", "shell", "--", "true"])
        .status(125)
        .stderr_has("needs a script");
}

/// Who brings an exec makes no difference to what is recorded of it. What a program starts, and that the kernel
/// executes no such file, the kernel alone tells.
#[test]
#[ignore = "needs a patched shell"]
fn the_records_are_those_of_the_kernels_interceptor() {
    let scripts = [
        "/bin/true",
        "git push",
        "git status; git push; git status",
        "probe exit 3",
        "probe write WORLD/out/a; cat WORLD/out/a",
        "od </dev/null",
        "A=1 probe exit 0",
        "cd /; probe exit 0; cd; /bin/true",
        "exec probe exit 4",
        "(exec git push)",
        "x=$(probe exit 0; /bin/echo a)",
        "nonsense-program; ./nowhere; /; .",
        "touch s; ./s",
        "printf '#!/bin/sh\\ntrue\\n' >s; chmod +x s; ./s",
        "mkdir d; rm -rf d",
        "eval 'git push'; command git push",
        "/bin/ls $'a\\nb' \"$(printf '\\377')\"",
    ];
    everyone_with(&scripts, |world, script| {
        let user = world.user();
        let records = |world: World| {
            let ran = patched(world)
                .ask("allow")
                .options(["--audit", "WORLD/out/log"])
                .sh(format!("{script}\n:"));
            let base = ran.world.base().to_str().unwrap().to_owned();
            let text = ran.left("out/log").replace(&base, "WORLD");
            let records = text.lines().map(|line| {
                let record: serde_json::Value = serde_json::from_str(line).unwrap();
                let of = [
                    "event",
                    "command",
                    "decision",
                    "placement",
                    "outcome",
                    "because",
                    "answer",
                ];
                of.map(|name| record[name].to_string()).join(" ")
            });
            let execs = records.filter(|record| !record.contains("refused-call"));
            execs.collect::<Vec<_>>()
        };
        let by_kernel = records(World::of(user).by_kernel());
        assert_eq!(records(world), by_kernel, "{script}");
    });
}
