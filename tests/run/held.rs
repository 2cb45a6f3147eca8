//! What is held stays held, whatever others put in its place while the command runs.

use std::fs;

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use crate::support::ran::read;
use crate::support::running::wait_until;
use crate::support::{World, everyone, everyone_with};

/// Lets a program out that puts other things in the places of what is held.
const SWAP: &str = "prefix_rule(pattern = [\"swap\"])\n";

/// What is held, what `swap` makes of it, what the command does then, and what must be there in the end.
struct Case {
    files: &'static [(&'static str, &'static str)],
    options: &'static [&'static str],
    swap: &'static str,
    script: &'static str,
    /// `None`: nothing.
    left: &'static [(&'static str, Option<&'static str>)],
}

const PLAIN: Case = Case {
    files: &[("ws/.envrc", "one\n")],
    options: &[],
    swap: "",
    script: "echo EVIL >> .envrc",
    left: &[("ws/.envrc", Some("two\n"))],
};

const CASES: &[Case] = &[
    Case {
        swap: "echo two > x; mv x .envrc",
        ..PLAIN
    },
    Case {
        swap: "rm .envrc; echo two > .envrc",
        ..PLAIN
    },
    Case {
        swap: "mv .envrc x; echo two > .envrc",
        ..PLAIN
    },
    Case {
        swap: "rm .envrc",
        script: "echo EVIL >> .envrc; mv .envrc x; mkdir x; mv x .envrc",
        left: &[("ws/.envrc", None)],
        ..PLAIN
    },
    // Gone, and there again.
    Case {
        swap: "if [ -f .envrc ]; then rm .envrc; else rmdir .envrc; echo two > .envrc; fi",
        script: "echo EVIL >> .envrc; swap; echo EVIL >> .envrc",
        ..PLAIN
    },
    Case {
        files: &[("ws/team.rules", "# one\n")],
        options: &["--rules", "team.rules"],
        swap: "echo two > x; mv x team.rules",
        script: "echo EVIL >> team.rules; rm team.rules; swap; echo EVIL >> team.rules",
        left: &[("ws/team.rules", Some("two\n"))],
    },
    Case {
        files: &[("ws/a/b/team.rules", "# one\n")],
        options: &["--rules", "a/b/team.rules"],
        swap: "mv a c; mkdir -p a/b; echo two > a/b/team.rules",
        script: "mv a d; mkdir -p a/b; echo EVIL >> a/b/team.rules",
        left: &[("ws/a/b/team.rules", Some("two\n"))],
    },
    Case {
        files: &[("ws/a/b/team.rules", "# one\n")],
        options: &["--rules", "a/b/team.rules"],
        swap: "rm -r a",
        script: "mkdir -p a/b; echo EVIL >> a/b/team.rules",
        left: &[("ws/a/b/team.rules", None)],
    },
    Case {
        files: &[("ws/.git/config", "one\n")],
        swap: "rm -r .git; mkdir .git; echo two > .git/config",
        script: "echo EVIL >> .git/config; mkdir .git/hooks; echo EVIL > .git/hooks/x",
        left: &[("ws/.git/config", Some("two\n")), ("ws/.git/hooks", None)],
        ..PLAIN
    },
    // What stands for a name that is missing is replaced, too.
    Case {
        files: &[],
        swap: "rmdir .codex; mkdir .codex",
        script: "mkdir .codex/rules; echo EVIL > .codex/rules/x.rules",
        left: &[("ws/.codex/rules", None)],
        ..PLAIN
    },
    Case {
        files: &[("ws/.vscode/tasks.json", "one\n")],
        swap: "rm -r .vscode",
        script: "mkdir -p .vscode; echo EVIL > .vscode/tasks.json",
        left: &[("ws/.vscode", None)],
        ..PLAIN
    },
    Case {
        files: &[
            ("ws/.vscode/tasks.json", "one\n"),
            (
                "bin/exchange",
                "rename '.vscode', 'old'; symlink 'cfg', '.vscode';\n",
            ),
        ],
        swap: "mkdir cfg; echo two > cfg/tasks.json; perl WORLD/bin/exchange",
        script: "echo EVIL >> .vscode/tasks.json; echo EVIL >> cfg/tasks.json; \
                 rm .vscode; mkdir .vscode; echo EVIL > .vscode/tasks.json",
        left: &[
            ("ws/.vscode/tasks.json", Some("two\n")),
            ("ws/cfg/tasks.json", Some("two\n")),
        ],
        ..PLAIN
    },
];

fn prepared(mut world: World, case: &Case) -> World {
    for (name, text) in case.files {
        world = world.file(name, text);
    }
    world
        .rules(SWAP)
        .options(case.options)
        .script("bin/swap", &format!("#!/bin/sh\n{}\n", case.swap))
}

#[test]
fn what_a_program_outside_replaces_is_held_before_its_caller_goes_on() {
    everyone_with(CASES, |world, case| {
        let world = prepared(world, case);
        let ran = world.sh(format!("exec 2>/dev/null; swap; {}; true", case.script));
        for (name, text) in case.left {
            let found = read(&ran.world.path(name)).ok();
            assert_eq!(
                found.as_deref(),
                text.map(str::as_bytes),
                "{name} after {}",
                case.swap
            );
        }
        ran.status(0);
    });
}

#[test]
fn what_was_replaced_is_told() {
    everyone(|world| {
        let case = &CASES[0];
        prepared(world, case).sh("swap; echo EVIL >> .envrc").stderr_has(
            "codex-shell: replaced from outside while the command ran, which could have written \
             there for a moment: WORLD/ws/.envrc",
        );
    });
}

/// Waits until `.envrc` is another and can't be opened to be written.
const WAITS: &str = "#!/bin/sh
exec 2>/dev/null
touch ready
until read -r text < .envrc && [ \"$text\" = two ] && ! (: >> .envrc); do :; done
echo EVIL >> .envrc
true
";

/// The test is the editor. A program with a sandbox of its own is held off, too.
#[test]
fn what_somebody_else_replaces_is_held_too() {
    let own =
        "command_rule(program = \"waits\", args = [rest()], run = profile(\"workspace-write\"))\n";
    let cases = [
        ("rename", ""),
        ("moved", ""),
        ("exchange", ""),
        ("rename", own),
        ("moved", own),
    ];
    everyone_with(&cases, |world, (how, rules)| {
        let ws = world.path("ws");
        let running = world
            .file("ws/.envrc", "one\n")
            .file("ws/new", "two\n")
            .script("bin/waits", WAITS)
            .rules(rules)
            .options(["--timeout", "30s"])
            .start(["-c", "waits"])
            .wait_for("ws/ready");
        let (held, new) = (ws.join(".envrc"), ws.join("new"));
        match *how {
            "rename" => fs::rename(&new, &held).unwrap(),
            "moved" => {
                fs::rename(&held, ws.join("old")).unwrap();
                fs::rename(&new, &held).unwrap();
            }
            _ => renameat2(
                AT_FDCWD,
                &new,
                AT_FDCWD,
                &held,
                RenameFlags::RENAME_EXCHANGE,
            )
            .unwrap(),
        }
        running.end().status(0).file("ws/.envrc", "two\n");
    });
}

/// Nothing can hold a file that has a second name.
#[test]
fn where_it_can_not_be_held_the_command_is_ended() {
    everyone(|world| {
        let case = Case {
            files: &[("ws/team.rules", "# one\n")],
            options: &["--rules", "team.rules"],
            swap: "echo two > x; ln x y; mv x team.rules",
            ..PLAIN
        };
        prepared(world, &case)
            .sh("swap; echo EVIL >> team.rules; touch after")
            .status(125)
            .stderr_has(
                "codex-shell: error: WORLD/ws/team.rules was replaced while the command ran, and can no \
                 longer be held: ",
            )
            .stderr_has("; the command was ended")
            .file("ws/team.rules", "two\n")
            .no_file("ws/after");
    });
}

/// What is made in the place of something that goes away is removed in the end.
#[test]
fn what_stands_for_the_missing_goes_with_the_command() {
    everyone(|world| {
        let case = Case {
            swap: "rm .envrc",
            ..PLAIN
        };
        let ran = prepared(world, &case).sh("swap; ls -A");
        let left = fs::read_dir(ran.world.path("ws")).unwrap().count();
        wait_until("nothing is left", || left == 0);
        ran.status(0).stdout(".agents\n.codex\n.envrc\n.git\n");
    });
}
