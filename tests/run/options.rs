//! The other options of `run`: what each of them does.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::support::needs::lacks;
use crate::support::{World, everyone, everyone_with};

const PROBE: &str = "prefix_rule(pattern = [\"probe\"])\n";

/// A run in a run is told what is wrong.
#[test]
fn nested() {
    everyone(|world| {
        let ran = world
            .sh("WORLD/codex-shell run -c 'echo ran'; echo $?")
            .status(0)
            .stdout("125");
        let text = String::from_utf8(ran.stderr.clone()).unwrap();
        assert!(
            text.starts_with("codex-shell: error: ") && text.lines().count() == 1,
            "{text}"
        );
        assert!(text.contains("sandbox"), "{text}");
    });
}

/// Outside there is no sandbox above.
#[test]
fn nested_by_escalation() {
    everyone(|world| {
        world
            .rules("prefix_rule(pattern = [\"WORLD/codex-shell\", \"run\"])\n")
            .sh("WORLD/codex-shell run -c 'echo ran; exit 4'; echo $?")
            .status(0)
            .stderr("")
            .stdout("ran\n4");
    });
}

/// The numbers that a shell opens before it starts us.
fn with_descriptors(world: World, redirection: &str, script: &str) -> crate::support::ran::Ran {
    let mut argv = vec![
        "bash".into(),
        "-c".into(),
        format!("\"$@\" {redirection}").into(),
        "sh".into(),
    ];
    argv.extend(world.arguments(["-c", script]));
    world.start_program(&argv).end()
}

#[test]
fn descriptors_are_closed_unless_passed() {
    everyone(|world| {
        let world = world.rules(PROBE).program("probe").program_at(
            "ws/probe",
            "probe",
            crate::support::programs::Machine::Native,
        );
        with_descriptors(
            world,
            "3>f 17>g 200>h",
            "./probe | grep ^desc; probe | grep ^desc",
        )
        .status(0)
        .stdout("descriptors 0 1 2\ndescriptors 0 1 2");
    });
    everyone(|world| {
        let world = world
            .rules(PROBE)
            .program("probe")
            .file("out/f", "")
            .options(["--pass-fd", "17", "--pass-fd=200"]);
        let world = world.program_at(
            "ws/probe",
            "probe",
            crate::support::programs::Machine::Native,
        );
        let script = "./probe | grep ^desc; probe | grep ^desc; echo inside >&17; probe exit 3; \
         ls -d . >&200";
        with_descriptors(world, "3>f 17>../out/f 200>&17", script)
            .status(0)
            .stdout("descriptors 0 1 2 17 200\ndescriptors 0 1 2 17 200")
            .file("out/f", "inside\n.\n");
    });
}

/// One that is not open can't turn into one of ours.
#[test]
fn descriptors_that_are_not_open_are_refused() {
    for number in 3..12 {
        let number = number.to_string();
        let world = World::new().options(["--audit", "WORLD/out/log", "--pass-fd", &number]);
        with_descriptors(world, &format!("{number}>&-"), "echo ran")
            .status(125)
            .stdout("")
            .stderr(&format!(
                "codex-shell: error: descriptor {number}: Bad file descriptor (os error 9)"
            ));
    }
}

/// Ones that the tests' own process has open don't count either.
#[test]
fn inherited_descriptors_of_a_parent() {
    everyone(|world| {
        let file: OwnedFd = File::open("/etc/passwd").unwrap().into();
        assert!(file.as_raw_fd() > 2);
        world
            .rules(PROBE)
            .program("probe")
            .sh("probe | grep ^desc")
            .stdout("descriptors 0 1 2");
    });
}

#[test]
fn directory() {
    everyone(|world| {
        world
            .file("out/sub/f", "")
            .options(["-C", "../out/sub"])
            .sh("pwd; echo $PWD; echo x >f; echo x >../g; echo x >WORLD/ws/h")
            .status(1)
            .stdout("WORLD/out/sub\nWORLD/out/sub")
            .file("out/sub/f", "x\n")
            .no_file("out/g")
            .no_file("ws/h");
    });
}

#[test]
fn writable_directories() {
    everyone(|world| {
        world
            .file("out/a/f", "")
            .file("out/b/f", "")
            .options(["--writable", "WORLD/out/a", "--writable", "../out/b"])
            .sh("echo x >../out/a/f; echo x >../out/b/f; echo x >../out/c")
            .status(1)
            .file("out/a/f", "x\n")
            .file("out/b/f", "x\n")
            .no_file("out/c");
    });
}

#[test]
fn modes() {
    let script = "echo x >f; echo x >WORLD/out/f; t=$(mktemp 2>/dev/null) && echo temporary; \
     rm \"$t\" 2>/dev/null; exit 0";
    let cases = [
        ("read-only", [false, false, false]),
        ("workspace-write", [true, false, true]),
        ("danger-full-access", [true, true, true]),
    ];
    everyone_with(&cases, |world, (mode, [workspace, outside, temporary])| {
        let ran = world.options(["--sandbox", mode]).sh(script).status(0);
        let written = |name: &str| ran.world.path(name).exists();
        assert_eq!(written("ws/f"), *workspace, "{mode}");
        assert_eq!(written("out/f"), *outside, "{mode}");
        assert_eq!(!ran.stdout.is_empty(), *temporary, "{mode}");
    });
}

/// Rules hold without a sandbox too; what they lift is where it would be anyway.
#[test]
fn rules_without_a_sandbox() {
    everyone(|world| {
        world
            .rules(
                "prefix_rule(pattern = [\"git\"], decision \
             = \"forbidden\")\nprefix_rule(pattern = [\"probe\"])\n",
            )
            .fake_git()
            .program("probe")
            .options(["--sandbox", "danger-full-access"])
            .sh("env git push; echo $?; probe write WORLD/out/f")
            .status(0)
            .stdout("1")
            .file("out/f", "written\n")
            .no_file("ws/mark");
    });
}

#[test]
fn protected_names() {
    let script = "for n in .git .codex .agents; do mkdir -p $n; echo x >$n/f; done 2>/dev/null; \
     echo x >.gitignore; exit 0";
    everyone(|world| {
        world
            .file("ws/.git/config", "kept")
            .sh(script)
            .no_file("ws/.git/f")
            .no_file("ws/.codex")
            .no_file("ws/.agents")
            .file("ws/.git/config", "kept")
            .file("ws/.gitignore", "x\n");
    });
}

#[test]
fn network() {
    let connect = "python3 -c 'import socket, sys; \
     socket.create_connection((\"127.0.0.1\", int(sys.argv[1])))' PORT && echo connected";
    if lacks(connect) {
        return;
    }
    for (value, reached) in [("true", true), ("false", false)] {
        everyone(|world| {
            let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let port = server.local_addr().unwrap().port().to_string();
            let ran = world
                .options(["--network", value])
                .sh(connect.replace("PORT", &port));
            ran.status(i32::from(!reached))
                .stdout(if reached { "connected" } else { "" });
        });
    }
}

#[test]
fn layers() {
    everyone(|world| {
        let names = ["namespaces", "proc", "landlock", "filter", "privileges"];
        let mut world = world.options(["--verbose"]);
        for name in names {
            world = world.options(["--require", name]);
        }
        let ran = world.sh("echo ran").status(0).stdout("ran");
        let text = String::from_utf8(ran.stderr.clone()).unwrap();
        for name in names {
            assert!(text.contains(&format!("{name}: ")), "{text}");
        }
        assert!(!text.contains(" no "), "{text}");
    });
}

#[test]
fn shells_and_arguments() {
    everyone(|world| {
        world
            .options(["--shell", "/bin/dash"])
            .run([
                "-c",
                "echo \"$0 $# $1 $2\"; readlink /proc/$$/exe",
                "name",
                "a b",
                "-c",
            ])
            .status(0)
            .stdout("name 2 a b -c\n/usr/bin/dash");
    });
    everyone(|world| {
        world
            .file("home/.bash_profile", "echo profile\n")
            .options(["--login"])
            .sh("shopt -q login_shell && echo login")
            .status(0)
            .stdout("profile\nlogin");
    });
    everyone(|world| {
        world
            .run(["--", "sh", "-c", "echo $0 $1", "--ask", "-x"])
            .status(0)
            .stdout("--ask -x");
    });
}

#[test]
fn the_audit_file_has_a_line_of_json_for_each_event() {
    everyone(|world| {
        let ran = world
            .rules(
                "prefix_rule(pattern = [\"probe\"], decision \
             = \"prompt\")\nprefix_rule(pattern = [\"git\"], decision = \"forbidden\")\n",
            )
            .fake_git()
            .program("probe")
            .ask("allow")
            .options(["--audit", "WORLD/out/log"])
            .sh(
                "EVIL=1 probe exit 3; git $'a\\nb' \"$(printf '\\377')\"; /bin/true; \
             ls /nowhere/x 2>/dev/null; nonsense-program 2>/dev/null; exit 0",
            )
            .status(0);
        let text = ran.left("out/log");
        let records: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let events: Vec<String> = records
            .iter()
            .map(|r| {
                let of = |name| r[name].as_str().unwrap_or("-");
                let of = ["event", "decision", "placement", "outcome"].map(of);
                of.join(" ")
            })
            .collect();
        assert_eq!(
            events,
            [
                "judged prompt outside -",
                "answered - outside -",
                "escalated - outside ran",
                "judged forbidden - refused",
                "judged allow inside ran", // printf is built in; this is true
                "judged allow inside ran",
                "refused-call - - -", // bash looks for a name service's socket
            ],
            "{text}"
        );
        let place = |line: u32| format!("{}:{line}", ran.world.path("team.rules").display());
        assert_eq!(records[0]["because"], place(1));
        assert_eq!(records[0]["command"], "probe exit 3");
        assert_eq!(records[1]["answer"], "yes");
        assert_eq!(records[2]["dropped_variables"], serde_json::json!(["EVIL"]));
        assert_eq!(records[3]["because"], place(2));
        assert!(records.iter().all(|r| r["schema"] == 1
            && r["time"].is_u64()
            && (r["event"] == "refused-call" || r["directory"].is_string() && r["pid"].is_u64())));
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(ran.world.path("out/log"))
                .unwrap()
                .permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    });
}

#[test]
fn the_audit_file_tells_of_rules_on_trial() {
    everyone(|world| {
        let ran = world
            .rules("command_rule(program = \"ls\", decision = \"forbidden\", enforce = False)\n")
            .options(["--audit", "WORLD/out/log"])
            .sh("ls -d /; /bin/true")
            .status(0)
            .stdout("/");
        let text = ran.left("out/log");
        let of = |command: &str| -> serde_json::Value {
            let mut records = text.lines().map(|line| serde_json::from_str(line).unwrap());
            records
                .find(|record: &serde_json::Value| record["command"] == command)
                .unwrap()
        };
        let place = format!("{}:1", ran.world.path("team.rules").display());
        assert_eq!(of("ls -d /")["on_trial"], serde_json::json!([place]));
        assert_eq!(of("ls -d /")["decision"], "allow");
        assert!(of("/bin/true").get("on_trial").is_none(), "{text}");
    });
}

/// A second run appends.
#[test]
fn the_audit_file_grows() {
    everyone(|world| {
        let ran = world
            .rules("prefix_rule(pattern = [\"WORLD/codex-shell\", \"run\"])\n")
            .options(["--audit", "WORLD/out/log"])
            .sh("WORLD/codex-shell run --audit WORLD/out/log -c /bin/true; /bin/true");
        let text = ran.left("out/log");
        assert_eq!(text.matches("\"/bin/true\"").count(), 2, "{text}");
        assert!(
            text.lines()
                .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
        );
    });
}

/// That a record can't be written is said once, and changes nothing.
#[test]
fn a_record_that_is_lost_is_said() {
    everyone(|world| {
        let ran = world
            .rules("prefix_rule(pattern = [\"/bin/false\"], decision = \"forbidden\")\n")
            .options(["--audit", "/dev/full"])
            .sh("/bin/true; /bin/false; echo $?")
            .status(0)
            .stdout("1");
        let lost = "codex-shell: /dev/full: records are lost: No space left on device";
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(stderr.matches(lost).count(), 1, "{stderr}");
    });
}

/// Without a command there is the shell, each of whose programs is judged.
#[test]
fn alone_it_starts_a_shell() {
    everyone(|world| {
        world
            .rules("prefix_rule(pattern = [\"probe\"], decision = \"forbidden\")\n")
            .program("probe")
            .stdin("echo in $0; probe; echo status $?\n")
            .run([""; 0])
            .status(0)
            .stdout("in /bin/bash\nstatus 1");
    });
}

/// It would be an option of the shell.
#[test]
fn a_script_may_begin_with_a_dash() {
    everyone_with(&["-", "+", "--"], |world, dashes| {
        let script = format!("{dashes}c 2>/dev/null; echo status $?");
        let ran = world.run(["-c", &script]);
        ran.status(0).stdout("status 127");
    });
}

/// What a command is told that was kept from making a repository is right as it stands.
#[test]
fn the_advice_for_a_new_repository_works() {
    everyone(|world| {
        let script = "mkdir .git/x";
        let ran = world
            .sh(script)
            .status(1)
            .stderr_has("`--writable WORLD/ws/.git` permits it")
            .no_file("ws/.git");
        ran.world
            .options(["--writable", "WORLD/ws/.git"])
            .sh(script)
            .status(0);
    });
}

const GIT_OUTSIDE: &str = "only git outside writes there, by a rule on its subcommand: for `git commit`, \
                           `prefix_rule([\"git\", \"commit\"], decision = \"prompt\")`";

/// What git would be doubted for afterwards is no advice.
#[test]
fn the_advice_for_a_repository_is_to_let_git_out() {
    everyone(|world| {
        world
            .file("ws/.git/HEAD", "ref: refs/heads/main\n")
            .sh("touch .git/x")
            .status(1)
            .stderr_has(GIT_OUTSIDE)
            .stderr_lacks("--writable");
    });
}

/// Without `--verbose` a few stand for all.
#[test]
fn each_path_that_was_refused_is_named_to_who_asks() {
    everyone(|world| {
        let script = "for i in 1 2 3 4 5; do touch WORLD/out/new$i; done";
        let ran = world.sh(script).status(1);
        let ran = ran
            .stderr_has("refused writing WORLD/out/new3 ")
            .stderr_lacks("refused writing WORLD/out/new4 ")
            .stderr_has("and 2 more paths; `--verbose` names each");
        ran.world
            .options(["--verbose"])
            .sh(script)
            .status(1)
            .stderr_has("refused writing WORLD/out/new5 ");
    });
}

/// Some programs say what they could not open, and why on a line below.
#[test]
fn a_path_is_found_on_the_line_above_the_reason() {
    everyone(|world| {
        let said = [
            "failed to open `WORLD/out/x`",
            "",
            "Caused by:",
            "  Read-only file system (os error 30)",
        ];
        let said = said
            .map(|line| format!("print STDERR \"{line}\\n\";"))
            .concat();
        let ran = world.run(["--", "/usr/bin/perl", "-e", &format!("{said} exit 1")]);
        ran.status(1).stderr_has("refused writing WORLD/out/x ");
    });
}

/// A directory that workspace-write alone would let be written is no reason to think it is; and a missing one
/// is none.
#[test]
fn a_writable_directory_that_counts_for_nothing_is_told() {
    everyone(|world| {
        world
            .options(["--sandbox", "read-only", "--writable", "."])
            .sh("true")
            .status(0)
            .stderr_has("--writable counts with --sandbox workspace-write alone");
    });
    everyone(|world| {
        let world = world.options(["--writable", "missing"]);
        world.sh("true").status(125).no_file("ws/missing");
    });
}
