//! A program that a rule forbids is refused, however it is started.

use crate::support::everyone_with;
use crate::support::needs::possible;
use crate::support::programs::Machine;

const RULES: &str = "\
prefix_rule(
    pattern = [\"git\", \"push\"],
    decision = \"forbidden\",
    justification = \"a person pushes\",
)
";

/// What each script starts is refused as `command`: one message, status 1, and the shell goes on.
fn refused(command: &str, scripts: &[&str]) {
    everyone_with(&possible(scripts), |world, script| {
        world
            .rules(RULES)
            .fake_git()
            .program("starter")
            .program_at("bin/starter32", "starter", Machine::I386)
            .sh(format!("{script}; echo \"status $?\"; git pull"))
            .status(0)
            .stdout("status 1")
            .stderr(&format!(
                "codex-shell: denied: {command} (WORLD/team.rules:1: forbidden): a person pushes"
            ))
            .file("ws/mark", "WORLD/bin/git pull\n");
    });
}

#[test]
fn by_the_shell() {
    refused(
        "git push",
        &[
            "git push",
            "(git push)",
            "git push | cat; (exit ${PIPESTATUS[0]})",
            "command git push",
            "(exec git push)",
            "git push & wait $!",
            "eval 'git push'",
            "f() { git push; }; f",
            "x=$(git push)",
            ". <(echo git push)",
            "trap 'git push; s=$?' USR1; kill -USR1 $$; (exit $s)",
        ],
    );
}

#[test]
fn by_another_spelling() {
    refused(
        "WORLD/bin/git push",
        &["WORLD/bin/git push", "env -i WORLD/bin/git push"],
    );
    refused("../bin/git push", &["../bin/git push"]);
    refused(
        "./git push",
        &["(cd ../bin && ./git push)", "cp ../bin/git .; ./git push"],
    );
    refused(
        "WORLD/ws/..//bin/./git push",
        &["WORLD/ws/..//bin/./git push"],
    );
    refused(
        "/proc/self/rootWORLD/bin/git push",
        &["/proc/self/rootWORLD/bin/git push"],
    );
    refused(
        "/proc/self/cwd/../bin/git push",
        &["/proc/self/cwd/../bin/git push"],
    );
    refused("other push", &["(exec -a other git push)"]);
    refused(
        "/dev/fd/3 push",
        &["(exec 3<../bin/git; exec /dev/fd/3 push)"],
    );
}

#[test]
fn by_a_link() {
    refused("./git push", &["ln -s ../bin/git git; ./git push"]);
    refused("bin/git push", &["ln -s ../bin bin; bin/git push"]);
    refused(
        "./alias push",
        &[
            "ln -s ../bin/git alias; ./alias push",
            "ln -s ../bin/git one; ln -s one alias; ./alias push",
        ],
    );
}

#[test]
fn by_another_shell() {
    refused(
        "git push",
        &[
            "sh -c 'git push'",
            "sh -c 'exec git push'",
            "bash -c 'git push'",
            "bash -lc 'PATH=WORLD/bin:$PATH git push'",
            "dash -c 'git push'",
            "echo git push | sh",
            "sh -c 'sh -c \"sh -c \\\"git push\\\"\"'",
            "setsid -w git push",
            "timeout 20 git push",
            "nice git push",
            "nohup git push",
            "env git push",
            "env -u HOME A=b git push",
            "stdbuf -o0 git push",
        ],
    );
}

#[test]
fn by_a_program_that_starts_others() {
    refused(
        "git push",
        &[
            "echo push | xargs git; [ $? = 123 ]; (exit 1)",
            "find . -maxdepth 0 -exec git push ';'; (exit 1)",
            "python3 -c 'import os, sys; sys.exit(os.system(\"git push\") >> 8)'",
            "python3 -c 'import subprocess, sys; sys.exit(subprocess.run([\"git\", \"push\"]).returncode)'",
            "python3 -c 'import os; os.execvp(\"git\", [\"git\", \"push\"])'",
            "python3 -c 'import os; os._exit(os.waitstatus_to_exitcode(os.waitpid(os.posix_spawnp(\"git\", [\"git\", \"push\"], os.environ), 0)[1]))'",
            "perl -e 'exit(system(\"git\", \"push\") >> 8)'",
            "perl -e 'exec \"git\", \"push\"'",
            "perl -e '`git push`; exit($? >> 8)'",
            "awk 'BEGIN { exit(system(\"git push\")) }'",
        ],
    );
}

#[test]
fn by_make() {
    refused(
        "git push",
        &["printf 'all:\\n\\t-@git push 2>&3\\n' >m; make -sf m 3>&2 2>/dev/null; (exit 1)"],
    );
}

#[test]
fn by_a_script() {
    refused(
        "git push",
        &[
            "printf '#!/bin/sh\\ngit push' >s; chmod +x s; ./s",
            "printf 'git push' >s; chmod +x s; ./s",
            "printf '#!/usr/bin/env sh\\ngit push' >s; chmod +x s; ./s",
        ],
    );
    let env = "printf '#!/usr/bin/env -S git push\\n' >s; chmod +x s; ./s";
    refused("git push ./s", &[env]);
}

#[test]
fn by_a_static_program() {
    let machines = ["starter", "starter32"];
    let ways = [
        "execve",
        "execveat",
        "execveat-descriptor",
        "fexecve",
        "thread",
        "vfork",
    ];
    for machine in machines {
        for way in
            ways.into_iter()
                .chain(["posix_spawn", "page-end", "no-environment", "upper-half"])
        {
            refused(
                "WORLD/bin/git push",
                &[&format!("{machine} {way} WORLD/bin/git push")],
            );
        }
    }
}

#[test]
fn by_a_descriptor() {
    for machine in ["starter", "starter32"] {
        let script = format!("{machine} execveat-directory WORLD/bin/git push");
        refused("WORLD/bin push", &[&script]);
    }
}

/// What starts nothing is no refusal either: the kernel's own errors come back.
#[test]
fn nonsense_is_the_kernels_affair() {
    let cases = [
        (
            "execve WORLD/bin/missing",
            "execve: No such file or directory",
        ),
        ("execve WORLD/bin", "execve: Permission denied"),
        ("execve ../team.rules", "execve: Permission denied"),
        ("execve ../team.rules/x", "execve: Not a directory"),
        ("execve ''", "execve: No such file or directory"),
        ("bad-pointer WORLD/bin/git", "bad-pointer: Bad address"),
    ];
    let machines = possible(&["starter", "starter32"]);
    let each_machine = |words: &str| {
        let commands = machines.iter().map(|machine| format!("{machine} {words}"));
        commands.collect::<Vec<_>>().join("; ")
    };
    everyone_with(&cases, |world, (words, error)| {
        world
            .rules(RULES)
            .fake_git()
            .program("starter")
            .program_at("bin/starter32", "starter", Machine::I386)
            .sh(each_machine(words))
            .status(9)
            .stdout(&[*error; 2][..machines.len()].join("\n"))
            .stderr("");
    });
}

/// With no name at all, the file's is what counts.
#[test]
fn without_an_argument_vector() {
    let rules = "prefix_rule(pattern = [\"git\"], decision = \"forbidden\")\n";
    let ways = [
        "starter no-argv",
        "starter empty-argv",
        "starter32 no-argv",
        "starter32 empty-argv",
    ];
    everyone_with(&possible(&ways), |world, way| {
        world
            .rules(rules)
            .fake_git()
            .program("starter")
            .program_at("bin/starter32", "starter", Machine::I386)
            .sh(format!("{way} WORLD/bin/git; echo $?"))
            .stdout("1")
            .stderr_has("codex-shell: denied:")
            .stderr_has("(WORLD/team.rules:1: forbidden)\n")
            .no_file("ws/mark");
    });
}

#[test]
fn eighty_times_over_from_four_threads() {
    everyone_with(&[()], |world, ()| {
        let ran = world
            .rules(RULES)
            .fake_git()
            .program("starter")
            .sh("starter many-threads WORLD/bin/git push")
            .status(1)
            .no_file("ws/mark");
        let text = String::from_utf8(ran.stderr.clone()).unwrap();
        let refusals = text
            .lines()
            .filter(|line| line.starts_with("codex-shell: denied:"));
        let count = refusals.count();
        ran.check(count == 80 && text.lines().count() == 80, "80 refusals");
    });
}

/// The command itself is judged when it is not our own shell.
#[test]
fn as_the_command_itself() {
    everyone_with(&[()], |world, ()| {
        world
            .rules(RULES)
            .fake_git()
            .run(["--", "git", "push"])
            .status(1)
            .stdout("")
            .stderr(
                "codex-shell: denied: git push (WORLD/team.rules:1: forbidden): a person pushes",
            )
            .no_file("ws/mark");
    });
}

/// The interpreter that a script's first line names starts without a call of its own.
#[test]
fn by_being_an_interpreter() {
    refused(
        "./s",
        &["printf '#!WORLD/bin/git push\\n' >s; chmod +x s; ./s"],
    );
}

/// Another thread changes the words between the judgement and the start.
#[test]
fn by_changing_the_words_meanwhile() {
    everyone_with(&[()], |world, ()| {
        let ran = world
            .rules(RULES)
            .fake_git()
            .program("racer")
            .sh("racer WORLD/bin/git 500 2>/dev/null; exit 0")
            .status(0);
        let pushed = ran.left("ws/mark").matches("git push").count();
        ran.check(pushed == 0, &format!("no push, not {pushed}"));
    });
}

/// The same without a sandbox, with a program whose exec costs no more than it has to.
#[test]
fn by_changing_the_words_without_a_sandbox() {
    everyone_with(&[()], |world, ()| {
        let ran = world
            .rules("prefix_rule(pattern=[\"mkdir\", \"push\"], decision=\"forbidden\")")
            .options(["--sandbox", "danger-full-access"])
            .program("racer")
            .program("sharer")
            .sh("racer /usr/bin/mkdir 500 2>/dev/null; sharer /usr/bin/mkdir 300 2>/dev/null; exit 0")
            .status(0);
        ran.no_file("ws/push");
    });
}

/// A path that led to another file a moment ago, and still does for everybody else.
#[test]
fn by_a_mount_of_its_own() {
    everyone_with(&[()], |world, ()| {
        world
            .rules(RULES)
            .fake_git()
            .options(["--sandbox", "danger-full-access"])
            .sh(
                "printf '#!WORLD/bin/git push\\n' >s; chmod +x s; /usr/bin/true; \
                 unshare -rm sh -c 'mount --bind s /usr/bin/true; /usr/bin/true'; echo $?",
            )
            .status(0)
            .stdout("1")
            .no_file("ws/mark");
    });
}

/// The same by a program outside, whose mounts the sandbox does not hold.
#[test]
fn by_a_mount_outside() {
    everyone_with(&[()], |world, ()| {
        world
            .rules(&format!("{RULES}\nprefix_rule(pattern=[\"mounter\"])"))
            .fake_git()
            .program("mounter")
            .sh(
                "printf '#!WORLD/bin/git push\\n' >s; chmod +x s; /usr/bin/true; \
                 mounter s /usr/bin/true; echo $?",
            )
            .status(0)
            .stdout("1")
            .no_file("ws/mark");
    });
}
