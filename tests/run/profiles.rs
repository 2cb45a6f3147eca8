//! `run = profile(...)`: outside, in a sandbox of the program's own. How faithfully it is started,
//! and how it ends, is held by `faithful` and `lifecycle`.

use std::ffi::OsString;
use std::net::TcpListener;

use crate::support::{World, everyone, everyone_with};

/// A profile that may write to `WORLD/out`, and the probe in it.
const OUT: &str = "command_rule(program = \"probe\", args = [rest()], \
                   run = profile(\"workspace-write\", writable = [\"WORLD/out\"]))\n";

fn world(world: World) -> World {
    world.rules(OUT).program("probe")
}

/// The probe as a script in the profile.
fn script(world: World, text: &str) -> World {
    world.rules(OUT).script("bin/probe", text)
}

#[test]
fn it_writes_what_the_profile_names() {
    everyone(|first| {
        world(first)
            .sh("for f in out/a ws/b home/c out/.git/d ws/.codex/e; \
             do probe write WORLD/$f; echo $?; done; echo x >WORLD/out/f")
            .stdout("0\n0\n1\n1\n1")
            .file("out/a", "written\n")
            .file("ws/b", "written\n")
            .no_file("home/c")
            .no_file("out/.git")
            .no_file("out/f");
    });
}

/// The working directory is the caller's to choose; what may be written is not.
#[test]
fn where_it_starts_is_no_writable_root() {
    everyone(|first| {
        world(first)
            .sh("cd WORLD/home && probe write a; echo $?; probe | grep ^directory")
            .stdout("1\ndirectory WORLD/home")
            .no_file("home/a");
    });
}

#[test]
fn what_was_there_of_a_protected_name_is_protected() {
    everyone(|first| {
        world(first)
            .file("out/.git/config", "mine\n")
            .sh("probe write WORLD/out/.git/config; echo $?; probe write WORLD/out/a; echo $?")
            .stdout("1\n0")
            .file("out/.git/config", "mine\n");
    });
}

#[test]
fn the_network_is_as_the_profile_says() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let script = format!("#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/{port} && echo connected\n");
    let cases = [
        ("network = True", "connected"),
        ("network = False", ""),
        ("writable = []", ""),
    ];
    everyone_with(&cases, |world, (said, told)| {
        let rule = format!(
            "command_rule(program = \"probe\", args = [rest()], run = profile(\"read-only\", {said}))"
        );
        world
            .rules(&rule)
            .script("bin/probe", &script)
            .sh("probe; WORLD/bin/../bin/probe")
            .stdout([*told; 2].join("\n").trim());
    });
}

#[test]
fn processes_outside_are_out_of_reach() {
    let own = std::process::id();
    everyone(|first| {
        let text = format!(
            "#!/bin/sh\nkill -0 {own} 2>/dev/null && echo reached\n[ -e /proc/{own}/exe ] && echo seen\n\
             cat /proc/$PPID/comm >/dev/null && echo $$\nkill -9 -1; echo alone\n"
        );
        let ran = script(first, &text).sh("sleep 60 & probe; kill $! && echo sleeps");
        ran.stdout("2\nalone\nsleeps");
    });
}

#[test]
fn what_it_starts_is_judged() {
    everyone(|first| {
        script(
            first,
            "#!/bin/sh\ngit --version\nenv -u A git push; echo $?\nsh -c 'git push'; echo $?\n",
        )
        .rules_at(
            "more.rules",
            "prefix_rule(pattern = [\"git\", \"push\"], decision = \"forbidden\")\n",
        )
        .fake_git()
        .sh("probe; cat mark")
        .status(0)
        .stdout("1\n1\nWORLD/bin/git --version")
        .stderr(
            "codex-shell: denied: git push (WORLD/more.rules:1: forbidden)\n\
             codex-shell: denied: git push (WORLD/more.rules:1: forbidden)",
        );
    });
}

#[test]
fn what_it_starts_is_asked_about() {
    let rules = "prefix_rule(pattern = [\"git\", \"--version\"], decision = \"prompt\")\n";
    for (who, told) in [
        ("allow", "0\nWORLD/bin/git --version"),
        ("deny", "1\nno mark"),
    ] {
        everyone(|first| {
            script(first, "#!/bin/sh\ngit --version 2>/dev/null; echo $?\n")
                .rules_at("more.rules", rules)
                .fake_git()
                .ask(who)
                .sh("probe; cat mark 2>/dev/null || echo no mark")
                .stdout(told);
        });
    }
}

/// A permit takes what is there already no further: a profile is never left.
#[test]
fn what_it_starts_stays_in_it() {
    everyone(|first| {
        script(first, "#!/bin/sh\nother WORLD/home/a\nother WORLD/out/b\n")
            .rules_at(
                "more.rules",
                "prefix_rule(pattern = [\"other\"])\nprefix_rule(pattern = [\"touch\"])\n",
            )
            .script("bin/other", "#!/bin/sh\ntouch $1 2>/dev/null\necho $?\n")
            .sh("probe; other WORLD/home/c")
            .stdout("1\n0\n0")
            .no_file("home/a")
            .file("out/b", "")
            .file("home/c", "");
    });
}

/// A wrapper's command is judged before the wrapper is let out, and again when it starts.
#[test]
fn a_wrappers_command_is_judged_too() {
    let places = ["\"outside\"", "profile(\"workspace-write\")"];
    everyone_with(&places, |world, place| {
        let rules = format!(
            "command_rule(program = [\"timeout\", \"env\"], args = [rest()], run = {place})\n\
             prefix_rule(pattern = [\"git\", \"push\"], decision = \"forbidden\")\n"
        );
        world
            .rules(&rules)
            .fake_git()
            .script("ws/hidden", "#!/bin/sh\ngit push\n")
            .sh(
                "timeout 5 git push; echo $?; env WORLD/ws/hidden; echo $?; \
                 timeout 5 env sh -c 'g=git; $g push'; echo $?; timeout 5 git pull; echo $?",
            )
            .stdout("1\n1\n1\n0")
            .file("ws/mark", "WORLD/bin/git pull\n");
    });
}

#[test]
fn a_prompt_names_the_profile() {
    everyone(|first| {
        let rules = OUT.replace("run =", "decision = \"prompt\", run =");
        first
            .rules(&rules)
            .program("probe")
            .script("bin/asked", "#!/bin/sh\ncat >WORLD/out/question\n")
            .ask("command:WORLD/bin/asked")
            .sh(
                "probe write WORLD/out/a; probe write WORLD/home/b; echo $?; grep -c \
             '\"placement\":\"outside\",\"profile\":\"workspace-write, writing WORLD/out\"' \
             WORLD/out/question",
            )
            .stdout("1\n1")
            .file("out/a", "written\n")
            .no_file("home/b");
    });
}

#[test]
fn the_settings_name_profiles() {
    everyone(|first| {
        first
            .file(
                "home/.codex/codex-shell.toml",
                "[profiles.fetch]\nmode = \"workspace-write\"\nwritable = [\"WORLD/out\"]\n",
            )
            .rules("command_rule(program = \"probe\", args = [rest()], run = profile(\"fetch\"))\n")
            .program("probe")
            .sh("probe write WORLD/out/a; echo $?; probe write WORLD/home/b; echo $?")
            .stdout("0\n1")
            .file("out/a", "written\n")
            .no_file("home/b");
    });
}

#[test]
fn without_its_sandbox_nothing_runs() {
    let cases = [
        (
            "\"fetch\"",
            "there is no profile `fetch`: no sandbox mode and no table of codex-shell.toml \
             has that name",
        ),
        (
            "\"workspace-write\", writable = [\"WORLD/nowhere\"]",
            "WORLD/nowhere can't be a writable root: No such file or directory (os error 2)",
        ),
        (
            "\"danger-full-access\", network = False",
            "`danger-full-access` always has a network: nothing could take it away",
        ),
    ];
    everyone_with(&cases, |world, (profile, reason)| {
        let rule = format!(
            "command_rule(program = \"probe\", args = [rest()], run = profile({profile}))\n"
        );
        world
            .rules(&rule)
            .program("probe")
            .sh("probe write WORLD/ws/a; echo $?")
            .stdout("1")
            .stderr(&format!(
                "codex-shell: error: probe write WORLD/ws/a: can't be run in the profile of WORLD/team.rules:1: {reason}"
            ))
            .no_file("ws/a");
    });
}

/// What a command makes of the way to a directory does not say where its profile writes.
#[test]
fn a_profiles_directory_is_not_where_a_link_of_the_commands_leads() {
    let cases = [
        ("cache", "rmdir cache; ln -s ../out cache", "cache"),
        (
            "a/cache",
            "mv a b; mkdir a; ln -s ../../out a/cache",
            "a/cache",
        ),
        ("a/cache", "mv a b; ln -s ../out a; mkdir -p a/cache", "a"),
        ("cache", "rmdir cache; ln -s WORLD cache", "cache"),
    ];
    everyone_with(&cases, |world, (directory, change, link)| {
        let rule = format!(
            "command_rule(program = \"probe\", args = [rest()],
                run = profile(\"workspace-write\", writable = [\"WORLD/ws/{directory}\"]))\n"
        );
        world
            .rules(&rule)
            .program("probe")
            .file(&format!("ws/{directory}/.keep"), "")
            .file("out/cache/.keep", "")
            .sh(format!(
                "rm {directory}/.keep; {change}; probe write WORLD/out/a; echo $?"
            ))
            .stdout("1")
            .stderr_has(&format!(
                "WORLD/ws/{directory} can't be a writable root: WORLD/ws/{link} is a symbolic link that a \
                 command could have made"
            ))
            .no_file("out/a");
    });
}

/// Where there are no namespaces, the session goes without, but a profile does not.
#[test]
fn without_namespaces_nothing_runs() {
    const BARRED: &str = "echo 0 > /proc/sys/user/max_user_namespaces && \
                          exec setpriv --bounding-set=-all --inh-caps=-all \"$@\"";
    everyone(|first| {
        let first = world(first);
        let mut argv: Vec<OsString> = ["unshare", "--user", "--map-root-user", "sh", "-c"]
            .map(OsString::from)
            .to_vec();
        argv.extend([BARRED.into(), "sh".into()]);
        argv.extend(first.arguments(["-c", "probe write WORLD/ws/a; echo $?"]));
        first
            .start_program(&argv)
            .end()
            .stdout("1")
            .stderr_has("codex-shell: error: probe write ")
            .stderr_has("can't be run outside: the layer `namespaces` is required")
            .no_file("ws/a");
    });
}

#[test]
fn of_several_places_the_most_confined_counts() {
    let rule = |place: &str| {
        format!("command_rule(program = \"probe\", args = [rest()], run = {place})\n")
    };
    let (home, out) = (
        "profile(\"workspace-write\", writable = [\"WORLD/home\"])",
        "profile(\"workspace-write\", writable = [\"WORLD/out\"])",
    );
    let cases = [
        (["\"inside\"", out], "1 1"),
        (["\"outside\"", out], "0 1"),
        (["\"unconfined\"", out], "0 1"),
        (["profile(\"danger-full-access\")", out], "0 1"),
        (["\"outside\"", "profile(\"danger-full-access\")"], "0 0"),
        ([out, out], "0 1"),
        ([home, out], "1 1"),
        ([home, "profile(\"read-only\", network = True)"], "1 1"),
    ];
    everyone_with(&cases, |world, ([one, other], told)| {
        world
            .rules(&(rule(one) + &rule(other)))
            .rules_at("more.rules", &(rule(other) + &rule(one)))
            .program("probe")
            .sh("probe write WORLD/out/a; a=$?; probe write WORLD/home/b; echo $a $?")
            .stdout(told);
    });
}

/// The session may go without a sandbox; a rule that asks for one gets it.
#[test]
fn without_a_sandbox_it_has_its_own() {
    everyone(|first| {
        world(first)
            .options(["--sandbox", "danger-full-access"])
            .sh("probe write WORLD/home/a; echo $?; probe write WORLD/out/b; echo x >WORLD/home/c")
            .stdout("1")
            .no_file("home/a")
            .file("out/b", "written\n")
            .file("home/c", "x\n");
    });
}

#[test]
fn a_read_only_session_has_programs_that_write() {
    everyone(|first| {
        world(first)
            .options(["--sandbox", "read-only"])
            .sh("probe write WORLD/out/a; probe write WORLD/ws/b; echo $?; echo x >WORLD/ws/c")
            .stdout("0")
            .file("out/a", "written\n")
            .file("ws/b", "written\n")
            .no_file("ws/c");
    });
}

/// What its sandbox put in place goes with it, and at the latest with the run.
#[test]
fn nothing_is_left_of_its_sandbox() {
    let ends: [(&[&str], &str, i32); 3] = [
        (&[], "probe write WORLD/out/a", 0),
        (&["--timeout", "1s"], "probe sleep WORLD/out/t", 124),
        (&[], "probe sleep WORLD/out/t & sleep 0.3", 0),
    ];
    everyone_with(&ends, |first, (options, script, status)| {
        let ran = world(first).options(*options).sh(script).status(*status);
        ran.no_file("out/.git")
            .no_file("out/.codex")
            .no_file("ws/.git");
    });
}

/// One that was started in the background goes on while the run does, as outside.
#[test]
fn what_it_leaves_running_stays() {
    everyone(|first| {
        script(
            first,
            "#!/bin/sh\n(setsid sh -c 'exec <&- >&- 2>&-; sleep 0.3; touch WORLD/out/late' &) &\n",
        )
        .sh("probe | cat; until [ -e WORLD/out/late ]; do sleep 0.01; done; echo end")
        .status(0)
        .stdout("end")
        .file("out/late", "");
    });
}

/// A program that is never done starting is no reason to wait for others.
#[test]
fn many_at_once() {
    everyone(|first| {
        world(first)
            .sh("for i in {1..12}; do (echo $i | probe cat >$i) & done; wait; cat {1..12} | wc -l")
            .status(0)
            .stdout("12")
            .stderr("");
    });
}

#[test]
fn the_audit_log_names_the_profile() {
    everyone(|first| {
        let ran = world(first)
            .options(["--audit", "WORLD/out/log"])
            .sh("probe write WORLD/out/a")
            .status(0);
        let said = "\"placement\":\"outside\",\"profile\":\"workspace-write, writing ";
        let found = ran.left("out/log").contains(said);
        ran.check(found, said);
    });
}
