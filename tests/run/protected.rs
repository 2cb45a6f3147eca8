//! What a command must not write although it lies where it may: what decides about it, and what other
//! programs obey.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Stdio;

use codex_shell::confine::obeyed;

use crate::support::ran::{Ran, read};
use crate::support::running::wait_until;
use crate::support::{World, everyone, everyone_with};

/// What is in force, and what the command would rather have.
const PROMPT: &str = "prefix_rule(pattern = [\"touch\"], decision = \"prompt\")\n";
const ALLOW: &str = "prefix_rule(pattern = [\"touch\", \"WORLD/out/made\"], decision = \"allow\")";

/// Something that decides, in reach of the command: how it comes to be, the options and variables that
/// make it decide, and what the command does to it.
struct Case {
    files: &'static [(&'static str, &'static str)],
    /// Each with where it leads.
    links: &'static [(&'static str, &'static str)],
    options: &'static [&'static str],
    codex_home: Option<&'static str>,
    script: &'static str,
}

const PLAIN: Case = Case {
    files: &[("ws/team.rules", PROMPT)],
    links: &[],
    options: &["--rules", "team.rules"],
    codex_home: None,
    script: "",
};

const CASES: &[Case] = &[
    Case {
        script: "echo 'ALLOW' > team.rules",
        ..PLAIN
    },
    Case {
        script: "rm team.rules; mv team.rules x; echo 'ALLOW' > y; mv -f y team.rules",
        ..PLAIN
    },
    Case {
        script: "ln team.rules x; echo 'ALLOW' > x",
        ..PLAIN
    },
    Case {
        files: &[("ws/a/b/team.rules", PROMPT)],
        options: &["--rules", "a/b/team.rules"],
        script: "mv a c; mkdir -p a/b; echo 'ALLOW' > a/b/team.rules",
        ..PLAIN
    },
    Case {
        files: &[("ws/rules/team.rules", PROMPT)],
        options: &["--rules", "rules"],
        script: "rm rules/team.rules; echo 'ALLOW' > rules/other.rules",
        ..PLAIN
    },
    Case {
        links: &[("out/team.rules", "WORLD/ws/team.rules")],
        options: &["--rules", "WORLD/out/team.rules"],
        script: "echo 'ALLOW' > team.rules",
        ..PLAIN
    },
    Case {
        files: &[("out/team.rules", PROMPT)],
        links: &[("ws/link", "WORLD/out/team.rules")],
        options: &["--rules", "link"],
        script: "rm link; echo 'ALLOW' > link",
        ..PLAIN
    },
    Case {
        files: &[("out/rules/team.rules", PROMPT)],
        links: &[("ws/link", "WORLD/out/rules")],
        options: &["--rules", "link/team.rules"],
        script: "rm link; mkdir link; echo 'ALLOW' > link/team.rules",
        ..PLAIN
    },
    Case {
        links: &[("home/.codex/rules/team.rules", "WORLD/ws/team.rules")],
        options: &[],
        script: "echo 'ALLOW' > team.rules",
        ..PLAIN
    },
    Case {
        files: &[("ws/mine/rules/a.rules", PROMPT)],
        links: &[("home/.codex", "WORLD/ws/mine")],
        options: &[],
        script: "rm -rf mine; mkdir -p mine/rules; echo 'ALLOW' > mine/rules/a.rules",
        ..PLAIN
    },
    Case {
        files: &[(
            "home/.codex/codex-shell.toml",
            "rules = [\"WORLD/ws/more.rules\"]\n",
        )],
        options: &[],
        script: "echo 'ALLOW' > more.rules",
        ..PLAIN
    },
    Case {
        codex_home: Some("WORLD/ws/mine"),
        options: &[],
        script: "mkdir -p mine/rules; echo 'ALLOW' > mine/rules/a.rules",
        ..PLAIN
    },
    Case {
        codex_home: Some("WORLD/ws/a/mine"),
        options: &[],
        script: "mkdir -p a/mine/rules; echo 'ALLOW' > a/mine/rules/a.rules",
        ..PLAIN
    },
    Case {
        codex_home: Some("WORLD/ws"),
        options: &[],
        script: "mkdir -p rules; echo 'ALLOW' > rules/a.rules; \
                 echo 'sandbox = \"danger-full-access\"' > codex-shell.toml; \
                 ln -s x codex-shell.toml; mkdir codex-shell; echo '{}' > codex-shell/trust.json",
        ..PLAIN
    },
];

fn prepared(mut world: World, case: &Case) -> World {
    for (name, text) in case.files {
        world = world.file(name, text);
    }
    for (name, target) in case.links {
        let path = world.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(world.spelled(target), path).unwrap();
    }
    if let Some(home) = case.codex_home {
        world = world.env("CODEX_HOME", home);
    }
    world.options(case.options)
}

/// The names in a directory of the world.
fn names(world: &World, directory: &str) -> Vec<String> {
    let entries = fs::read_dir(world.path(directory)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn no_command_changes_what_decides_about_the_next() {
    everyone_with(CASES, |world, case| {
        let world = prepared(world, case);
        let before = names(&world, "ws");
        let ran = world.sh(case.script.replace("ALLOW", ALLOW));
        let again = ran.world.sh("touch WORLD/out/made; true");
        let again = again.no_file("out/made");
        // What the command made beside it is its own; nothing of ours stays.
        for home in ["mine", "a/mine", "a", "."] {
            forget_writing(&again.world, &format!("ws/{home}"));
        }
        let after = names(&again.world, "ws");
        let ours = [
            "mine",
            "a",
            "rules",
            "codex-shell",
            "codex-shell.toml",
            "more.rules",
        ];
        let new = |name: &&String| ours.contains(&name.as_str()) && !before.contains(name);
        assert_eq!(after.iter().find(new), None, "{}", case.script);
    });
}

#[test]
fn why_it_is_refused_is_told() {
    everyone(|world| {
        prepared(world, &PLAIN)
            .sh("echo x > team.rules")
            .status(1)
            .stderr_has(
                "the sandbox refused writing WORLD/ws/team.rules (once); it is protected: it decides \
                 what is permitted: rules are read from it",
            );
    });
}

/// A program that rules give a sandbox of its own does not write them either.
#[test]
fn a_profile_holds_it_too() {
    let rules = "command_rule(program = \"cp\", args = [rest()],\n    \
                 run = profile(\"workspace-write\", writable = [\"WORLD/out\"]))\n";
    everyone(|world| {
        let world = world.file("out/team.rules", rules);
        world
            .options(["--rules", "WORLD/out/team.rules"])
            .sh("echo new > new; cp new WORLD/out/team.rules; cp new WORLD/out/other")
            .file("out/team.rules", rules)
            .file("out/other", "new\n");
    });
}

/// Options, what is done before the start, and a part of the refusal.
type Refused<'a> = (&'a [&'a str], &'a dyn Fn(&World), &'a str);

#[test]
fn what_nothing_could_hold_starts_nothing() {
    let linked = |world: &World| {
        fs::hard_link(world.path("ws/team.rules"), world.path("ws/other")).unwrap();
    };
    let cases: &[Refused] = &[
        (
            &["--rules", "team.rules"],
            &linked,
            "it has another name (a hard link)",
        ),
        (
            &["--rules", "."],
            &|_| (),
            "it is itself a writable directory",
        ),
        // What answers questions is also what the kernel starts for a script, and any other name of it.
        (
            &["--ask", "command:WORLD/out/asker"],
            &|world: &World| {
                fs::copy("/bin/sh", world.path("ws/sh")).unwrap();
                let sh = world.path("ws/sh");
                fs::write(world.path("out/asker"), format!("#!{}\n", sh.display())).unwrap();
            },
            "ws/sh, and it answers questions",
        ),
        (
            &["--ask", "command:WORLD/out/asker"],
            &|world: &World| {
                fs::write(world.path("out/asker"), "#!/bin/sh\n").unwrap();
                fs::hard_link(world.path("out/asker"), world.path("ws/other")).unwrap();
            },
            "it has another name (a hard link)",
        ),
        (
            &["--ask", "command:./asker"],
            &|_| (),
            "and it answers questions: programs obey what lies beside them",
        ),
        (
            &["--ask", "command:WORLD/ws/missing"],
            &|_| (),
            "and it answers questions",
        ),
        (
            &["--ask", "command:no-such-asker"],
            &|_| (),
            "no such program is in PATH",
        ),
    ];
    for (options, prepare, message) in cases {
        let world = World::new()
            .file("ws/team.rules", PROMPT)
            .script("ws/asker", "#!/bin/sh\nexit 0\n");
        let world = match options {
            ["--ask", who] => world.ask(who),
            options => world.options(*options),
        };
        prepare(&world);
        world
            .sh("echo ran")
            .status(125)
            .stdout("")
            .stderr_has("codex-shell: error: ")
            .stderr_has(message);
    }
}

/// An asker by its name is the one that was found at the start, wherever `PATH` leads later.
#[test]
fn an_asker_stays_what_it_was_at_the_start() {
    everyone(|world| {
        let yes = "#!/bin/sh\nexit 0\n";
        let world = world
            .rules(PROMPT)
            .script("bin/asker", "#!/bin/sh\nexit 1\n")
            .env("PATH", "WORLD/ws/first:WORLD/bin:/usr/bin:/bin")
            .ask("command:asker");
        world
            .sh(format!(
                "mkdir first; printf '{}' > first/asker; chmod +x first/asker; touch WORLD/out/made",
                yes.escape_default()
            ))
            .no_file("out/made");
    });
}

fn home(world: World) -> World {
    world.options(["-C", "WORLD/home"])
}

/// Everything that is tried on names, and fails.
fn attack(names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<&str> = names.collect();
    let all = names.join(" ");
    // The shell's own writes start no program.
    let writes = names
        .iter()
        .map(|name| format!("echo x >> {name}; echo x > {name}/new; echo x > {name}; "));
    let writes: Vec<String> = writes.collect();
    format!(
        "{}rm -rf {all}; mkdir {all} d; mv -t d {all}; ln -t d {all}; \
         for n in {all}; do echo x > z; mv -fT z $n; done; rm -rf d z",
        writes.concat()
    )
}

#[test]
fn names_that_other_programs_obey_are_held_where_they_exist() {
    everyone(|mut world| {
        for one in obeyed::all() {
            world = world.file(&format!("home/{}/kept", one.name), "kept");
        }
        let script = attack(obeyed::all().map(|one| one.name));
        let ran = home(world).sh(format!("{{ {script} }} 2>/dev/null"));
        for one in obeyed::all() {
            let path = ran.world.path("home").join(one.name);
            assert_eq!(names(&ran.world, &format!("home/{}", one.name)), ["kept"]);
            assert_eq!(read(&path.join("kept")).unwrap(), b"kept", "{}", one.name);
        }
    });
    everyone(|mut world| {
        let of_roots = || obeyed::all().filter(|one| one.scope.is_of_roots());
        for one in of_roots() {
            world = world.file(&format!("ws/{}", one.name), "kept");
        }
        let script = attack(of_roots().map(|one| one.name));
        let ran = world.sh(format!("{{ {script} }} 2>/dev/null"));
        for one in of_roots() {
            let text = read(&ran.world.path("ws").join(one.name)).unwrap();
            assert_eq!(text, b"kept", "{}", one.name);
        }
    });
}

/// Modules of the user's own are code of each program in that language.
#[test]
fn where_modules_are_found_is_held() {
    everyone(|world| {
        let site = "home/.local/lib/python3.11/site-packages";
        home(world.file(&format!("{site}/a.pth"), "kept"))
            .sh("cd .local/lib/python3.11/site-packages; echo x > c.py; echo x > b.pth; mv a.pth c")
            .status(1)
            .no_file(&format!("{site}/b.pth"))
            .no_file(&format!("{site}/c.py"))
            .file(&format!("{site}/a.pth"), "kept");
    });
}

/// A program that a rule lets out does what its settings in the home directory say.
#[test]
fn what_is_let_out_obeys_nothing_that_the_command_made() {
    let roots = [
        ["-C", "WORLD/home"].as_slice(),
        &["--writable", "WORLD/home"],
    ];
    everyone_with(&roots, |world, options| {
        let obeying =
            |name: &str| format!("#!/bin/sh\nfor f in ~/{name}; do [ ! -f $f ] || . $f; done\n");
        world
            .rules("prefix_rule([[\"gdb\", \"curl\", \"tool\", \"kubectl\"]])\n")
            .script("bin/gdb", &obeying(".gdbinit"))
            .script("bin/curl", &obeying(".curlrc"))
            .script("bin/tool", &obeying(".local/lib/python3.11/site-packages/usercustomize.py"))
            .script("bin/kubectl", &obeying(".kube/config"))
            .env("PATH", "WORLD/bin:/usr/bin:/bin")
            .options(options.iter().copied())
            .sh("cd; for f in .gdbinit .curlrc .kube/config .local/lib/python3.11/site-packages/usercustomize.py; do \
                 mkdir -p ${f%/*}; echo ': >WORLD/out/pwned' >$f; done; gdb; curl; tool; kubectl; echo ran")
            .stdout("ran")
            .no_file("out/pwned");
    });
}

#[test]
fn what_a_login_would_run_can_not_be_made() {
    everyone_with(&[true, false], |world, has_config| {
        let login = || {
            let names = obeyed::all().filter(|one| one.scope.is_of_login());
            names.map(|one| one.name)
        };
        let world = if *has_config {
            fs::create_dir_all(world.path("home/.config")).unwrap();
            world.file("home/.config/kept", "")
        } else {
            world
        };
        let looks: Vec<String> = login()
            .map(|name| format!("test -e {name} && echo {name} exists"))
            .collect();
        let looks = looks.join("; ");
        let script = attack(login());
        let ran = home(world).sh(format!("{{ {looks}; {script} }} 2>/dev/null"));
        let ran = ran.stdout("");
        for name in login() {
            let path = ran.world.path("home").join(name);
            assert!(fs::symlink_metadata(&path).is_err(), "{name}");
        }
        let left: Vec<_> = [".config", ".local", ".kde", ".kde4"]
            .into_iter()
            .filter(|name| ran.world.path("home").join(name).exists())
            .collect();
        let expected: &[&str] = if *has_config { &[".config"] } else { &[] };
        assert_eq!(left, expected);
    });
}

/// On the way to such names, many programs keep what nobody obeys.
#[test]
fn a_missing_directory_on_the_way_can_be_used() {
    everyone(|world| {
        let script = "mkdir -p .config/tool .local/share/tool && echo a > .config/tool/a && \
                      mv .config/tool/a .config/tool/b && rmdir .local/share/tool; \
                      echo x > .config/fish; mkdir .config/systemd .local/bin .local/share/systemd; \
                      mv .config c; mv .local l; rmdir .local/share; rm -r .config/fish; \
                      ln -s tool .config/autostart; ls -A .config";
        let ran = home(world).sh(format!("{{ {script}; }} 2>/dev/null"));
        let path = |name: &str| ran.world.path("home").join(name);
        assert_eq!(read(&path(".config/tool/b")).unwrap(), b"a\n");
        assert_eq!(names(&ran.world, "home/.config"), ["tool"]);
        let mode = fs::metadata(path(".config")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
        assert!(!path(".local").exists());
    });
}

/// A shell looks for the first of some files: what stands for one that is missing must not be that.
#[test]
fn what_stands_for_a_missing_name_is_not_there_for_shells() {
    everyone(|world| {
        home(world)
            .file("home/.profile", "echo from .profile\n")
            .options(["--login"])
            .sh("test ! -e .bash_profile && echo x > .bash_profile")
            .status(1)
            .stdout("from .profile")
            .stderr_has(
                "a shell runs it when it starts or ends; `unprotected = [\".bash_profile\"]`",
            );
    });
}

/// A home directory need not be the root: what of it leads there is held.
#[test]
fn a_start_up_file_that_leads_into_the_workspace_is_held() {
    everyone(|world| {
        let world = world.file("ws/dotfiles/rc", "kept");
        symlink(world.path("ws/dotfiles/rc"), world.path("home/.bashrc")).unwrap();
        symlink(world.path("ws/dotfiles/new"), world.path("home/.profile")).unwrap();
        world
            .sh("echo x > dotfiles/rc; echo x > dotfiles/new; mv dotfiles d")
            .file("ws/dotfiles/rc", "kept")
            .no_file("ws/dotfiles/new");
    });
}

/// A variable, its value, what is there, and what the next shell or program would obey.
const NAMED: [(&str, &str, &str, &str); 11] = [
    ("ENV", "WORLD/ws/rc", "ws/rc", "ws/rc"),
    ("ENV", "WORLD/ws/rc", "", "ws/rc"),
    ("ENV", "rc", "", "ws/rc"),
    ("BASH_ENV", "WORLD/ws/sub/rc", "", "ws/sub/rc"),
    ("ENV", "WORLD/link", "ws/rc", "ws/rc"),
    ("ZDOTDIR", "WORLD/ws/z", "ws/z/.zshrc", "ws/z/.zshrc"),
    ("ZDOTDIR", "WORLD/ws/z", "ws/z/.zshrc", "ws/z/.zshenv"),
    ("PYTHONSTARTUP", "WORLD/ws/start.py", "", "ws/start.py"),
    (
        "XDG_CONFIG_HOME",
        "WORLD/ws/x",
        "ws/x/git/config",
        "ws/x/git/config",
    ),
    ("KUBECONFIG", "WORLD/out/k:WORLD/ws/k", "ws/k", "ws/k"),
    (
        "GIT_CONFIG_GLOBAL",
        "WORLD/scratch/g",
        "scratch/g",
        "scratch/g",
    ),
];

#[test]
fn what_the_sessions_variables_name_is_held() {
    everyone_with(&NAMED, |world, (variable, value, there, obeyed)| {
        let mut world = world.file("scratch/x", "").env("TMPDIR", "WORLD/scratch");
        if !there.is_empty() {
            world = world.file(there, "kept");
        }
        symlink(world.path("ws/rc"), world.path("link")).unwrap();
        let path = world.path(obeyed);
        let directory = path.parent().unwrap().display().to_string();
        let ran = world.env(*variable, *value).sh(format!(
            "mkdir -p {directory}; echo x >{0}; mv {directory} {directory}.old; mkdir -p {directory}; echo x >{0}; \
             rm -f {0}; echo x >{0}; true",
            path.display()
        ));
        let left = read(&path).unwrap_or_default();
        let left = String::from_utf8_lossy(&left);
        let expected = if there == obeyed { "kept" } else { "" };
        ran.check(left == expected, &format!("{variable}: {left}"));
    });
}

/// What no shell runs by itself can be made, and is told.
#[test]
fn what_they_name_elsewhere_can_be_made() {
    everyone(|world| {
        world
            .env("XDG_CONFIG_HOME", "WORLD/ws/y")
            .sh("mkdir -p y/git && echo x >y/git/config && echo x >other")
            .status(0)
            .stderr_has("new since the command started: WORLD/ws/y/git (")
            .file("ws/y/git/config", "x\n")
            .file("ws/other", "x\n");
    });
}

/// A link that a command made is no way to name where the next one writes.
#[test]
fn a_root_is_not_named_by_a_link_of_an_earlier_command() {
    let ways: [&[&str]; 4] = [
        &["--writable", "WORLD/ws/a/b"],
        &["--writable", "a/b"],
        &["-C", "WORLD/ws/a/b"],
        &["-C", "a/b/.", "--writable", "WORLD/other"],
    ];
    everyone_with(&ways, |world, way| {
        let ran = world
            .file("home/.keep", "")
            .file("other/.keep", "")
            .file("ws/a/b/.keep", "")
            .sh("mv a old; mkdir a; ln -s ../../out a/b; touch made")
            .file("ws/made", "");
        let way: Vec<OsString> = way.iter().map(|word| ran.world.spelled(word)).collect();
        ran.world
            .options(way)
            .sh("touch WORLD/out/a")
            .stderr_has("WORLD/ws/a/b is a symbolic link that a command could have made")
            .no_file("out/a");
    });
}

/// Nor where records go, or who answers.
#[test]
fn no_file_is_named_by_a_link_of_an_earlier_command() {
    let link = "is a symbolic link that a command could have made";
    let cases = [
        ("WORLD/ws/log", "deny", link),
        (
            "WORLD/ws/pipe",
            "deny",
            "it is a pipe or socket that nobody reads",
        ),
        ("WORLD/ws/other", "command:WORLD/ws/yes", link),
    ];
    everyone_with(&cases, |world, (audit, ask, refused)| {
        let ran = world
            .rules("prefix_rule([\"probe\"], decision = \"prompt\")\n")
            .program("probe")
            .file("home/.keep", "")
            .file("out/precious", "x\n")
            .script("out/yes", "#!/bin/sh\n")
            .sh("ln -s ../out/precious log; ln -s ../out/yes yes; mkfifo pipe");
        ran.world
            .options(["--audit", audit])
            .ask(ask)
            .sh("probe")
            .stderr_has(refused)
            .file("out/precious", "x\n");
    });
}

#[test]
fn settings_take_a_variable_out() {
    everyone(|world| {
        world
            .file("home/.codex/codex-shell.toml", "unprotected = [\"ENV\"]\n")
            .file("ws/rc", "old")
            .env("ENV", "WORLD/ws/rc")
            .env("BASH_ENV", "WORLD/ws/other")
            .sh("echo new >rc; echo new >other; true")
            .file("ws/rc", "new\n")
            .no_file("ws/other");
    });
}

#[test]
fn settings_take_a_name_out() {
    everyone(|world| {
        let settings = "unprotected = [\".vscode\", \".bash_profile\"]\n";
        home(world)
            .file("home/.codex/codex-shell.toml", settings)
            .file("home/.vscode/tasks.json", "old")
            .sh("echo new > .vscode/tasks.json; echo new > .bash_profile; echo new > .zshrc; true")
            .file("home/.vscode/tasks.json", "new\n")
            .file("home/.bash_profile", "new\n")
            .no_file("home/.zshrc");
    });
}

fn told(ran: &Ran) -> usize {
    let text = String::from_utf8_lossy(&ran.stderr);
    text.matches("new since the command started").count()
}

#[test]
fn what_was_made_under_such_a_name_is_told() {
    everyone(|world| {
        let ran = world
            .file("ws/.mcp.json", "{}")
            .sh("mkdir .vscode && echo x > .envrc && echo x > .github")
            .status(0)
            .stderr_has("new since the command started: WORLD/ws/.envrc (direnv")
            .stderr_has("new since the command started: WORLD/ws/.vscode (editor");
        assert_eq!(told(&ran), 2);
        let ran = ran.world.sh("echo x > other").status(0).stderr("");
        assert_eq!(told(&ran), 0);
        // Not held, and told where it is new.
        let mut world = ran.world;
        for name in [
            ".cargo/config.toml",
            ".yarnrc.yml",
            ".pre-commit-config.yaml",
            ".Rprofile",
            ".hg",
        ] {
            let line = format!("new since the command started: WORLD/ws/{name} (");
            let make = format!("mkdir -p .cargo; echo x > {name}");
            let ran = world.sh(&make).status(0).stderr_has(&line);
            assert_eq!(told(&ran), 1, "{name}");
            let ran = ran
                .world
                .sh(format!("echo y > {name}"))
                .status(0)
                .stderr("");
            assert_eq!(told(&ran), 0, "{name}");
            world = ran.world;
        }
    });
}

/// What is held can't go away, and that is told; so is what did.
#[test]
fn what_went_away_under_such_a_name_is_told() {
    everyone(|world| {
        let ran = world
            .file("ws/.Rprofile", "x")
            .file("ws/.pre-commit-config.yaml", "x")
            .file("ws/.vscode/tasks.json", "{}")
            .sh("mv .Rprofile r; rm .pre-commit-config.yaml; echo y >.Rprofile; rm .Rprofile")
            .status(0)
            .stderr_has("gone since the command started: WORLD/ws/.Rprofile (")
            .stderr_has("gone since the command started: WORLD/ws/.pre-commit-config.yaml (");
        assert_eq!(told(&ran), 0);
        let ran = ran.world.sh("true").status(0).stderr("");
        for (remove, path) in [
            ("mv .vscode x", ".vscode"),
            ("rmdir .vscode", ".vscode"),
            ("rm -r .vscode", ".vscode/tasks.json"),
        ] {
            let told = format!("the sandbox refused writing WORLD/ws/{path} (once)");
            let world = World::of(ran.world.user()).file("ws/.vscode/tasks.json", "{}");
            world.sh(remove).status(1).stderr_has(&told);
        }
    });
}

/// Removes what is remembered in `codex_home` of where commands could write, if there is nothing else.
fn forget_writing(world: &World, codex_home: &str) {
    let folder = world.path(codex_home).join("codex-shell");
    let _ = fs::remove_dir_all(folder.join("written"));
    let _ = fs::remove_dir(&folder);
    // Not what the command works in, which has a dot at its end here.
    let _ = fs::remove_dir(world.path(codex_home));
}

#[test]
fn nothing_stays_behind() {
    everyone(|world| {
        let world = home(world);
        let before = names(&world, "home");
        let running = world.start(["-c", "touch WORLD/home/up; exec sleep 100"]);
        let running = running.wait_for("home/up");
        let ran = running
            .signal(nix::sys::signal::Signal::SIGKILL)
            .end_violently();
        fs::remove_file(ran.world.path("home/up")).unwrap();
        let ran = ran.world.sh("true").status(0);
        forget_writing(&ran.world, "home/.codex");
        assert_eq!(names(&ran.world, "home"), before);
    });
}

/// Two at once in a home directory: what one relies on stays until both have ended.
#[test]
fn two_share_what_stands_for_missing_names() {
    everyone(|world| {
        let world = home(world);
        let start = |script: &str| {
            let mut command = world.command(&world.arguments(["-c", script]));
            command.stdin(Stdio::piped()).stderr(Stdio::null());
            command.spawn().unwrap()
        };
        // It goes on when its input ends, as it does with this process.
        let mut first = start("touch up; read line; echo x > .bash_profile");
        wait_until("it is up", || world.path("home/up").exists());
        assert_eq!(start("echo x > .profile").wait().unwrap().code(), Some(1));
        drop(first.stdin.take());
        assert_eq!(first.wait().unwrap().code(), Some(1));
        forget_writing(&world, "home/.codex");
        assert_eq!(names(&world, "home"), ["up"]);
    });
}

/// Rules are mounted at a place in the workspace as well, as containers have it.
#[test]
fn what_decides_is_held_at_each_place_where_it_is_seen() {
    let world = World::new();
    let script = "cd $0
        mkdir -p ws/rules conf && touch ws/one && echo 'prefix_rule(pattern=[\"x\"])' > conf/a.rules &&
        mount --bind conf ws/rules && mount --bind conf/a.rules ws/one && cd ws || exit 9
        for rules in conf conf/a.rules; do
            $1 run --rules ../$rules -c 'echo z > rules/z.rules; echo y >> one; echo x >> rules/a.rules'
            $1 run --rules ../$rules --writable ../conf -c 'echo w >> rules/a.rules'
        done
        cat ../conf/*";
    let output = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "bash", "-c", script])
        .args([world.path(""), world.codex_shell()])
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let left = stdout.lines().filter(|line| !matches!(*line, "z"));
    assert_eq!(
        left.collect::<Vec<_>>(),
        ["prefix_rule(pattern=[\"x\"])"],
        "{output:?}"
    );
    assert_eq!(output.status.code(), Some(0));
}
