//! A program that a rule lifts out of the sandbox, or into one of its own, is started as its caller
//! would have started it.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::support::needs::lacks;
use crate::support::programs::Machine;
use crate::support::{World, every_way, every_way_with, everyone, everyone_with};

const RULES: &str = "prefix_rule(pattern = [\"probe\"])\n";

fn lifted(world: World) -> World {
    with_programs(world.rules(RULES))
}

fn with_programs(world: World) -> World {
    world.program("probe").program("starter")
}

/// The lines of the probe's output that begin with one of `names`.
fn told(script: &str, names: &str, expected: &str) {
    every_way(|world| {
        let filter = format!("{{ {script}; }} | grep -E '^({names}) ?'");
        with_programs(world)
            .sh(filter)
            .status(0)
            .stderr("")
            .stdout(expected);
    });
}

/// Not a test of faithfulness, but of the other tests: the probe is outside.
#[test]
fn it_writes_outside_the_sandbox() {
    every_way(|world| {
        with_programs(world)
            .sh("probe write WORLD/out/a; echo $?; echo x >WORLD/out/b; \
             cp WORLD/bin/probe probe; ./probe write WORLD/out/c; echo $?")
            .stdout("0\n1")
            .file("out/a", "written\n")
            .no_file("out/b")
            .no_file("out/c");
    });
}

#[test]
fn directory() {
    told("probe", "directory", "directory WORLD/ws");
    told(
        "mkdir 'a b'; cd 'a b'; probe",
        "directory",
        "directory WORLD/ws/a b",
    );
    told("cd /usr/lib; probe", "directory", "directory /usr/lib");
    told(
        "mkdir d; ln -s d l; cd l; probe",
        "directory|env PWD",
        "directory WORLD/ws/d\nenv PWD=WORLD/ws/d",
    );
    told(
        "mkdir d; cd d; mv ../d ../e; probe",
        "directory",
        "directory WORLD/ws/e",
    );
}

#[test]
fn arguments() {
    told(
        "probe a '' 'b c' $'d\\te'",
        "argv...",
        "argv[0] probe\nargv[1] a\nargv[2] \nargv[3] b c\nargv[4] d\te",
    );
    told(
        "(exec -a WORLD/elsewhere/probe WORLD/bin/probe x)",
        "argv...",
        "argv[0] WORLD/elsewhere/probe\nargv[1] x",
    );
    told("../bin/probe", "argv...", "argv[0] ../bin/probe");
}

/// The kernel keeps 15 bytes of a program's name, here with half a letter at their end.
#[test]
fn a_caller_of_any_name() {
    let script = "printf '#!/bin/bash\\nprobe a\\nexit 0\\n' >xxxxxxxxxxxxxxé; chmod +x x*";
    let script = format!("{script}; ./xxxxxxxxxxxxxxé");
    told(&script, "argv...", "argv[0] probe\nargv[1] a");
}

/// A name that a program may take for an order is not lifted by a rule on its file's name.
#[test]
fn another_name_stays_inside() {
    every_way(|world| {
        with_programs(world)
            .sh("(exec -a probe-x WORLD/bin/probe write WORLD/out/a)")
            .status(1)
            .stderr_has("Read-only file system")
            .no_file("out/a");
    });
}

/// The same lines come from a copy of the probe that no rule lifts, under each of these.
#[test]
fn attributes_are_those_of_a_program_inside() {
    let before = [
        ("umask 027", "umask 027"),
        ("umask 077", "umask 077"),
        ("ulimit -Sc 0", "core 0"),
        ("renice -n 7 $$ >/dev/null", "nice 7"),
        ("trap '' USR1 INT", "ignored 2 10"),
        ("trap '' PIPE", "ignored 13"),
        ("trap : USR1", "ignored\n"),
        ("trap '' 34 64", "ignored 34 64"),
    ];
    every_way_with(&before, |world, (before, told)| {
        let names = "grep -E '^(umask|files|core|nice|ignored|blocked)'";
        with_programs(world)
            .program_at("ws/inside", "probe", Machine::Native)
            .sh(format!(
                "{before}; ./inside | {names} >in; probe | {names} >out; cmp in out && cat out"
            ))
            .status(0)
            .stderr("")
            .stdout_has(told);
    });
}

/// They would be written where the caller likes.
#[test]
fn core_files_are_no_larger_than_our_own() {
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE).unwrap();
    setrlimit(Resource::RLIMIT_CORE, 0, hard).unwrap();
    told("ulimit -Sc hard; probe", "core", "core 0");
}

/// Who bounds what it is permitted, or what it checks, by a limit has it fail where it should not.
#[test]
fn nothing_of_its_callers_bounds_it() {
    let scripts = [
        "probe | grep ^files >own; ulimit -n 77; probe | grep ^files >its; cmp own its && echo same",
        "probe | grep ^files >own; ulimit -Sn 9; probe | grep ^files >its; cmp own its && echo same",
        "probe | grep ^umask >own; umask 0; probe | grep ^umask >its; cmp own its && echo same",
        "probe | grep ^umask >own; umask 002; probe | grep ^umask >its; cmp own its && echo same",
        "(ulimit -f 0; probe write WORLD/out/a); [ -s WORLD/out/a ] && echo same",
        "(ulimit -Sf 0; probe write WORLD/out/a); [ -s WORLD/out/a ] && echo same",
    ];
    every_way_with(&scripts, |world, script| {
        with_programs(world).sh(*script).stdout("same").stderr("");
    });
}

/// The supervisor's own, which is higher for moments, is nobody else's.
#[test]
fn priority() {
    told("/usr/bin/true; probe", "policy", "policy 0");
}

#[test]
fn blocked_signals() {
    told(
        "starter blocked WORLD/bin/probe",
        "blocked|ignored",
        "ignored\nblocked 12 37",
    );
}

#[test]
fn descriptors() {
    told("probe", "descriptors", "descriptors 0 1 2");
    told("probe 3>a 9<a", "descriptors", "descriptors 0 1 2 3 9");
    told("probe 200>a", "descriptors", "descriptors 0 1 2 200");
    told(
        "exec 5>&1; probe 3>a 4<&3",
        "descriptors",
        "descriptors 0 1 2 3 4 5",
    );
    told(
        "starter descriptors WORLD/bin/probe",
        "descriptors",
        "descriptors 0 1 2 700",
    );
}

#[test]
fn standard_streams() {
    every_way(|world| {
        with_programs(world)
            .stdin("from outside\n")
            .sh("probe cat; echo here | probe cat; probe cat <<<there; probe cat 3>&1 >&2 <<<err")
            .status(0)
            .stdout("from outside\nhere\nthere")
            .stderr("err");
    });
    every_way(|world| {
        with_programs(world)
            .sh(
                "echo one >a; probe cat <a >b; probe cat <a >>b; exec 3<>b; probe cat <&3; \
             echo two >&3; cat b",
            )
            .status(0)
            .stdout("one\none\none\none\ntwo");
    });
}

/// Descriptors share their offsets with the caller's, as inherited ones do.
#[test]
fn offsets_are_shared() {
    every_way(|world| {
        with_programs(world)
            .sh(
                "{ echo a; echo b | probe cat; echo c; } >f; cat f; exec 4<f; read x <&4; \
             probe cat <&4; read y <&4; echo $x$y",
            )
            .stdout("a\nb\nc\nb\nc\na");
    });
}

#[test]
fn environment() {
    every_way(|world| {
        let script = "LC_ALL=de_DE.UTF-8 TERM=dumb TZ=Europe/Rome LANG=../evil EVIL=1 \
         LD_PRELOAD=/tmp/x.so \
                      KEPT=changed PATH=/tmp:$PATH HOME=/tmp BASH_ENV=x PYTHONPATH=. WORLD/bin/probe | grep ^env";
        with_programs(world)
            .env("KEPT", "own")
            .env("SAME", "\u{fc} = \n x")
            .sh(format!("f() {{ :; }}; export -f f; {script} | sort"))
            .status(0)
            .stdout(
                "env HOME=WORLD/home\nenv LC_ALL=de_DE.UTF-8\nenv LESSSECURE=1\nenv PATH=WORLD/bin:/usr/bin:/bin\n\
                 env PWD=WORLD/ws\nenv SAME=\u{fc} = \nenv SHLVL=1\n\
                 env SYSTEMD_PAGERSECURE=1\nenv TERM=dumb\nenv TZ=Europe/Rome",
            );
    });
    every_way(|world| {
        with_programs(world)
            .env("KEPT", "own")
            .sh("env -i WORLD/bin/probe | grep ^env | sort; env -u KEPT probe | grep -c KEPT")
            .stdout(
                "env HOME=WORLD/home\nenv LESSSECURE=1\nenv PATH=WORLD/bin:/usr/bin:/bin\n\
                 env SYSTEMD_PAGERSECURE=1\n0",
            );
    });
}

#[test]
fn exit_status_and_signals_of_its_own() {
    every_way(|world| {
        with_programs(world)
            .sh(
                "for n in 0 1 42 126 255; do probe exit $n; echo -n \"$? \"; done; \
             for s in 1 6 9 11 14 15 34; do (probe die $s) 2>/dev/null; echo -n \"$? \"; done",
            )
            .status(0)
            .stdout("0 1 42 126 255 129 134 137 139 142 143 162 ");
    });
    every_way(|world| {
        with_programs(world).sh("exec probe exit 9").status(9);
    });
    every_way(|world| {
        with_programs(world).sh("exec probe die 15").status(143);
    });
    every_way(|world| {
        with_programs(world)
            .run(["--", "probe", "exit", "77"])
            .status(77);
    });
}

/// The shell sees the same kind of death as it would without us.
#[test]
fn death_is_told_by_the_shell() {
    if lacks("python3") {
        return;
    }
    every_way(|world| {
        with_programs(world)
            .sh("probe die 11; python3 -c 'import subprocess; \
             print(subprocess.run([\"probe\", \"die\", \"9\"]).returncode)'")
            .status(0)
            .stdout("-9")
            .stderr_has("Segmentation fault");
    });
}

#[test]
fn signals_sent_to_it_arrive() {
    for (signal, number) in [
        ("HUP", 1),
        ("INT", 2),
        ("USR1", 10),
        ("ALRM", 14),
        ("WINCH", 28),
    ] {
        every_way(|world| {
            let wait = "until [ -s WORLD/out/t ]; do sleep 0.01; done";
            with_programs(world)
                .sh(format!(
                    "set -m; probe signals WORLD/out/t & until [ -e WORLD/out/t ]; \
                 do sleep 0.01; done; kill -{signal} $!; {wait}; kill -TERM $!; wait $!"
                ))
                .status(7)
                .file("out/t", &format!("got {number}\ngot 15\n"));
        });
    }
}

#[test]
fn kill_ends_it() {
    every_way(|world| {
        with_programs(world)
            .sh(
                "probe sleep WORLD/out/t & until [ -e WORLD/out/t ]; do sleep 0.01; done; \
             kill -TERM $!; wait $!; echo $?; rm -f x; probe sleep WORLD/out/u & until [ -e \
             WORLD/out/u ]; do sleep 0.01; done; kill -9 $!; wait $!; echo $?",
            )
            .status(0)
            .stdout("143\n137");
    });
}

#[test]
fn job_control_stops_it_and_goes_on() {
    every_way(|world| {
        with_programs(world)
            .sh(
                "set -m; probe sleep WORLD/out/t & until [ -e WORLD/out/t ]; do sleep 0.01; done
                 kill -TSTP %1; until jobs %1 | grep -q Stopped; do sleep 0.01; done; echo stopped
                 bg %1 >/dev/null; until jobs %1 | grep -q Running; do sleep 0.01; done; echo runs
                 kill %1; wait %1; echo $?",
            )
            .status(0)
            .stdout("stopped\nruns\n143");
    });
}

/// Whoever has it go on did not wait to see it stopped, and the other way round.
#[test]
fn it_stops_and_goes_on_as_soon_as_it_is_told_to() {
    every_way(|world| {
        with_programs(world.program("toggler"))
            .sh(
                "set -m; probe signals WORLD/out/t & until [ -e WORLD/out/t ]; do sleep 0.01; done
                 toggler $! 60 WORLD/out/t; wait $!; echo $?",
            )
            .status(0)
            .stdout("all held\n7");
    });
}

#[test]
fn pipes_end_a_hundred_times_over() {
    everyone(|world| {
        lifted(world)
            .sh("for i in {1..100}; do echo $i | probe cat | probe cat; done | tail -1")
            .status(0)
            .stdout("100")
            .stderr("");
    });
}

#[test]
fn a_closed_pipe_ends_it() {
    every_way(|world| {
        with_programs(world)
            .sh(
                "probe yes | head -1; echo ${PIPESTATUS[0]}; trap '' PIPE; probe yes | head -1; \
             echo ${PIPESTATUS[0]}",
            )
            .status(0)
            .stdout("y\n141\ny\n4");
    });
}

#[test]
fn scripts() {
    let script = "#!/bin/sh -e\necho \"$0 $# $1\"\ntouch WORLD/out/made\n";
    for name in ["probe", "WORLD/bin/probe", "../bin/probe"] {
        every_way(|world| {
            let shown = if name == "probe" {
                "WORLD/bin/probe"
            } else {
                name
            };
            world
                .script("bin/probe", script)
                .sh(format!("{name} 'a b' c"))
                .status(0)
                .stderr("")
                .stdout(&format!("{shown} 2 a b"))
                .file("out/made", "");
        });
    }
}

/// What is closed is not taken for what the program opens.
#[test]
fn closed_streams_lead_nowhere() {
    for closed in ["<&-", "2>&-", "<&- 2>&-"] {
        let script = format!("probe 200>a {closed}");
        told(&script, "descriptors", "descriptors 0 1 2 200");
    }
}

/// Who can't learn of the end of a child takes it for one that succeeded.
#[test]
fn the_end_of_children_is_told() {
    told("trap '' CHLD; exec probe", "ignored", "ignored");
}

/// A name that an interpreter takes for an option or for a subcommand of its own.
#[test]
fn scripts_of_misleading_names() {
    let cases = [
        ("-c", "/bin/sh", "echo judged", "touch WORLD/out/planted"),
        (
            "-e",
            "/usr/bin/perl",
            "print qq(judged\n)",
            "open F, q(>WORLD/out/planted)",
        ),
    ];
    for (name, interpreter, judged, planted) in cases {
        every_way(|world| {
            let world = with_programs(world)
                .rules(&format!("prefix_rule([\"WORLD/bin/{name}\"])\n"))
                .script(
                    &format!("bin/{name}"),
                    &format!("#!{interpreter}\n{judged}\n"),
                );
            let script =
                format!("cd WORLD/bin; starter execve {name} '{planted}' WORLD/out/planted");
            world.sh(script).no_file("out/planted");
        });
    }
}

/// Some interpreters take the words behind a script for their own.
#[test]
fn scripts_whose_interpreters_read_on() {
    let cases = [
        (
            "/usr/bin/sed -nf",
            "p",
            "-e '1w WORLD/out/planted' WORLD/bin/probe",
        ),
        ("/usr/bin/awk -f", "{ print }", "-f evil /dev/null"),
        (
            "/usr/bin/make -f",
            "all:",
            "--eval='$(shell touch WORLD/out/planted)' all",
        ),
    ];
    for (interpreter, judged, words) in cases {
        everyone(|world| {
            with_programs(world)
                .rules(RULES)
                .file("ws/evil", "BEGIN { print > \"WORLD/out/planted\" }")
                .script("bin/probe", &format!("#!{interpreter}\n{judged}\n"))
                .sh(format!("probe {words}"))
                .no_file("out/planted");
        });
    }
    everyone(|world| {
        lifted(world)
            .file("ws/data", "a\n")
            .script(
                "bin/probe",
                "#!/usr/bin/awk -f\n{ print > \"WORLD/out/made\" }\n",
            )
            .sh("probe data")
            .file("out/made", "a\n");
    });
}

/// A name means the file that was judged, for its interpreter as well.
#[test]
fn scripts_by_descriptors() {
    let cases = [
        ("/bin/sh", "echo judged", "touch WORLD/out/planted"),
        (
            "/usr/bin/perl",
            "print qq(judged\\n)",
            "open F, q(>WORLD/out/planted)",
        ),
    ];
    for (interpreter, judged, planted) in cases {
        for how in ["execveat-directory", "execveat-descriptor", "fexecve"] {
            every_way(|world| {
                with_programs(world)
                    .script("bin/probe", &format!("#!{interpreter}\n{judged}\n"))
                    .sh(format!(
                        "echo \"{planted}\" >probe; chmod +x probe; \
                         starter {how} WORLD/bin/probe <probe"
                    ))
                    .status(0)
                    .stderr("")
                    .stdout("judged")
                    .no_file("out/planted");
            });
        }
    }
}

#[test]
fn what_the_sandbox_can_write_is_not_lifted() {
    let places = [
        "cp WORLD/bin/probe probe; PATH=.:$PATH probe",
        "cp WORLD/bin/probe probe; ./probe",
        "d=$(mktemp -d); cp WORLD/bin/probe $d/; $d/probe",
        "ln -s WORLD/bin/probe probe; ./probe",
        "d=$(mktemp -d); ln -s WORLD/bin $d/b; $d/b/probe",
        "echo '#!/bin/sh' >probe; echo 'echo x >WORLD/out/a' >>probe; chmod +x probe; \
         PATH=.:$PATH; probe",
    ];
    every_way_with(&places, |world, place| {
        with_programs(world)
            .sh(format!("{place} write WORLD/out/a; rm -rf \"$d\""))
            .no_file("out/a");
    });
}

/// An interpreter that the sandbox can write takes its script's leave away.
#[test]
fn a_script_of_a_writable_interpreter_is_not_lifted() {
    everyone(|world| {
        world
            .rules(RULES)
            .script("ws/interpreter", "#!/bin/sh\necho x >WORLD/out/a\n")
            .script("bin/probe", "#!WORLD/ws/interpreter\n")
            .sh("probe")
            .no_file("out/a");
    });
}

/// A program whose file names libraries, or what loads them, where the sandbox can write is not lifted, nor started by
/// one that is.
#[test]
fn a_program_that_loads_what_the_sandbox_writes_is_not_lifted() {
    const PROGRAM: &str = "int f(void);\nint main(void) { return f(); }\n";
    const LIBRARY: &str =
        "#include <stdio.h>\nint f(void) { return !fopen(\"WORLD/out/pwned\", \"w\"); }\n";
    const BUILD: &str = "cd WORLD/out && mkdir -p lib && gcc -shared -fPIC -o lib/libf.so lib.c && \
                         gcc -o WORLD/bin/tool tool.c -Llib -lf";
    const RULES: &str = "prefix_rule(pattern = [\"tool\"])\nprefix_rule(pattern = [\"starter\"])\n";
    let own = "-Wl,-rpath,WORLD/out/lib";
    let loader = "$(ls /lib*/ld-linux*.so.* | head -1)";
    let built = |world: World, options: &str| {
        let world = world
            .rules(RULES)
            .script("bin/starter", "#!/bin/sh\n\"$@\"\n")
            .file("out/tool.c", PROGRAM)
            .file("out/lib.c", LIBRARY)
            .env("PATH", "WORLD/bin:/usr/bin:/bin");
        let build = world.spelled(format!("{BUILD} {options}"));
        let built = std::process::Command::new("sh")
            .arg("-c")
            .arg(build)
            .output();
        let errors = String::from_utf8(built.unwrap().stderr).unwrap();
        assert_eq!(errors, "");
        world
    };
    let open = [
        "-Wl,-rpath,WORLD/ws/lib".to_owned(),
        "-Wl,--disable-new-dtags,-rpath,WORLD/ws/lib".to_owned(),
        format!("-Wl,-rpath,'$ORIGIN/../ws/lib' {own}"),
        "-Wl,-rpath,.:WORLD/out/lib".to_owned(),
        format!("-Wl,--dynamic-linker=WORLD/ws/ld.so {own}"),
    ];
    everyone_with(&open, |world, options| {
        for script in ["tool", "starter tool"] {
            let world = built(World::of(world.user()), options);
            let prepared = format!(
                "mkdir -p lib; cp WORLD/out/lib/libf.so lib/; cp {loader} ld.so; cp lib/* .;"
            );
            world
                .sh(format!("{prepared} {script}"))
                .no_file("out/pwned");
        }
    });
    everyone(|world| {
        built(world, own).sh("tool").status(0).file("out/pwned", "");
    });
}

/// A program of the user's own, where the sandbox can't write, is as good as the system's.
#[test]
fn a_program_of_the_users_own_is_lifted() {
    everyone(|world| {
        world
            .rules("prefix_rule(pattern = [\"WORLD/out/bin/own\"])\n")
            .script("out/bin/own", "#!/bin/sh\necho x >WORLD/out/a\n")
            .sh("WORLD/out/bin/own")
            .status(0)
            .file("out/a", "x\n");
    });
}

/// What it starts is outside as well, and nobody judges it.
#[test]
fn what_it_starts_is_judged_too() {
    everyone(|world| {
        world
            .rules(
                "prefix_rule(pattern = [\"probe\"])\nprefix_rule(pattern = [\"git\", \"push\"], \
             decision = \"forbidden\")\n",
            )
            .fake_git()
            .script(
                "bin/probe",
                "#!/bin/sh\ngit --version\ncat WORLD/ws/mark >WORLD/out/a\nenv git push; echo $? >>WORLD/out/a\n",
            )
            .sh("probe")
            .status(0)
            .stderr("codex-shell: denied: git push (WORLD/team.rules:2: forbidden)")
            .file("out/a", "WORLD/bin/git --version\n1\n");
    });
}

#[test]
fn what_it_starts_is_not_judged_if_a_rule_says_so() {
    everyone(|world| {
        world
            .rules(
                "command_rule(program = \"probe\", args = [rest()], run = \"unconfined\")\n\
             prefix_rule(pattern = [\"git\", \"push\"], decision = \"forbidden\")\n",
            )
            .fake_git()
            .script(
                "bin/probe",
                "#!/bin/sh\ngit push\ncat WORLD/ws/mark >WORLD/out/a\n",
            )
            .sh("probe; git push")
            .status(1)
            .stderr("codex-shell: denied: git push (WORLD/team.rules:2: forbidden)")
            .file("out/a", "WORLD/bin/git push\n");
    });
}

#[test]
fn an_interpreted_caller() {
    if lacks("make and python3") {
        return;
    }
    every_way(|world| {
        with_programs(world)
            .sh("make -sf - <<<$'all:\\n\\tprobe write WORLD/out/a\\n'; \
             env probe write WORLD/out/b; echo WORLD/out/c | xargs probe write; \
             python3 -c 'import os; os.system(\"probe write WORLD/out/d\")'; \
             starter vfork WORLD/bin/probe write WORLD/out/e; \
             starter thread WORLD/bin/probe write WORLD/out/f")
            .status(0)
            .stderr("")
            .file("out/a", "written\n")
            .file("out/b", "written\n")
            .file("out/c", "written\n")
            .file("out/d", "written\n")
            .file("out/e", "written\n")
            .file("out/f", "written\n");
    });
}
