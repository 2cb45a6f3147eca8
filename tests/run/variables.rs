//! Rules that ask for variables know them, of every exec; and what of them a program outside gets.

use crate::support::{everyone, everyone_with};

const RULES: &str = "\
command_rule(program = \"git\", env = {\"KIND\": \"push\"}, decision = \"forbidden\")
command_rule(program = \"probe\", args = [rest()], env = {\"KIND\": False})
command_rule(program = \"other\", args = [rest()], env = {\"KIND\": \"safe\"}, decision = \"prompt\")
";

#[test]
fn a_restriction_holds_for_the_value_that_it_names() {
    everyone(|world| {
        world
            .rules(RULES)
            .fake_git()
            .sh(
                "git a; KIND=pull git b; KIND=push git c; echo $?; env KIND=push git d; echo $?; \
                 export KIND=push; env -u KIND git e; sh -c 'git f'; echo $?",
            )
            .stdout("1\n1\n1")
            .file(
                "ws/mark",
                "WORLD/bin/git a\nWORLD/bin/git b\nWORLD/bin/git e\n",
            );
    });
}

/// The kernel starts the interpreter by the script's exec, with its variables.
#[test]
fn a_restriction_on_an_interpreter_knows_them_too() {
    everyone(|world| {
        world
            .rules(RULES)
            .fake_git()
            .script("ws/s", "#!WORLD/bin/git x\n")
            .sh("./s; KIND=push ./s; echo $?")
            .stdout("1")
            .file("ws/mark", "WORLD/bin/git x ./s\n");
    });
}

#[test]
fn a_permission_needs_the_variables_that_it_names() {
    everyone(|world| {
        world
            .rules(RULES)
            .program("probe")
            .sh(
                "KIND=x probe write WORLD/out/a 2>/dev/null; echo $?; probe write WORLD/out/b; \
                 echo $?",
            )
            .stdout("1\n0")
            .no_file("out/a")
            .file("out/b", "written\n");
    });
}

#[test]
fn a_question_is_asked_for_the_value_that_a_rule_names() {
    everyone(|world| {
        world
            .rules(RULES)
            .script("bin/other", "#!/bin/sh\necho ${KIND-none} >WORLD/out/$1\n")
            .env("KIND", "safe")
            .ask("allow")
            .sh("other a; KIND=b other b 2>/dev/null")
            .file("out/a", "safe\n")
            .no_file("out/b");
    });
}

/// Another thread changes the variable between the judgement and the start.
#[test]
fn by_changing_the_variable_meanwhile() {
    everyone(|world| {
        let ran = world
            .rules(RULES)
            .script("bin/git", "#!/bin/sh\necho $KIND >>WORLD/ws/mark\n")
            .program("racer")
            .sh("racer WORLD/bin/git 300 KIND 2>/dev/null; exit 0")
            .status(0);
        let pushed = ran.left("ws/mark").matches("push").count();
        ran.check(pushed == 0, &format!("no push, not {pushed}"));
    });
}

/// Each is a configuration of the command's own.
#[test]
fn a_rule_passes_no_settings_that_can_be_written() {
    let rules = "command_rule(program = [\"kubectl\", \"deploy\"], args = [rest()], pass_env = [\"KUBECONFIG\",
    \"GOOGLE_APPLICATION_CREDENTIALS\", \"CARGO_TARGET_DIR\", \"OWN\"])\n";
    let cases = [
        ("KUBECONFIG=WORLD/ws/k kubectl get", false),
        ("KUBECONFIG=k kubectl get", false),
        ("KUBECONFIG=./k kubectl get", false),
        ("KUBECONFIG=WORLD/out/k:WORLD/ws/k kubectl get", false),
        (
            "ln -s WORLD/out/k l; KUBECONFIG=WORLD/ws/l kubectl get",
            false,
        ),
        ("KUBECONFIG=WORLD/link kubectl get", false),
        ("KUBECONFIG=$TMPDIR/none kubectl get", false),
        ("KUBECONFIG=WORLD/ws/k deploy x", false),
        ("GOOGLE_APPLICATION_CREDENTIALS=WORLD/ws/k deploy x", false),
        ("KUBECONFIG=WORLD/out/k kubectl get", true),
        ("KUBECONFIG= kubectl get", true),
        ("CARGO_TARGET_DIR=WORLD/ws/target deploy x", true),
        ("OWN=WORLD/ws/k deploy x", true),
        ("kubectl get", true),
    ];
    everyone_with(&cases, |world, (script, runs)| {
        let told = "#!/bin/sh\necho x >WORLD/out/mark\n";
        let world = world
            .rules(rules)
            .script("bin/kubectl", told)
            .script("bin/deploy", told)
            .file("scratch/x", "")
            .env("TMPDIR", "WORLD/scratch");
        std::os::unix::fs::symlink(world.path("ws/k"), world.path("link")).unwrap();
        if *runs {
            world.sh(*script).status(0).file("out/mark", "x\n");
        } else {
            world
                .sh(*script)
                .status(1)
                .stderr_has("which leads to what the sandbox can write")
                .stderr_has("decision = \"prompt\"")
                .no_file("out/mark");
        }
    });
}

const ALLOWED: &str = "prefix_rule(pattern = [\"probe\"])\n";

/// Each is where a program `tool` of the workspace would be found first.
#[test]
fn nothing_of_the_sandbox_is_found_by_path_outside() {
    let cases = [
        ("WORLD/ws/bin:WORLD/bin:/usr/bin:/bin", "WORLD/ws/bin"),
        ("WORLD/out/link:WORLD/bin:/usr/bin:/bin", "WORLD/out/link"),
        ("WORLD/ws/none:WORLD/bin:/usr/bin:/bin", "WORLD/ws/none"),
        ("bin:WORLD/bin:/usr/bin:/bin", "bin"),
        (
            "/proc/self/cwd/bin:WORLD/bin:/usr/bin:/bin",
            "/proc/self/cwd/bin",
        ),
    ];
    let scripts = [
        "#!/bin/sh\ntool\n",
        "#!/usr/bin/env tool\n",
        "#!/bin/sh\nenv tool\n",
    ];
    everyone_with(&cases, |first, (path, entry)| {
        for script in scripts {
            let world = crate::support::World::of(first.user())
                .rules(ALLOWED)
                .script("ws/bin/tool", "#!/bin/sh\necho inside >WORLD/out/mark\n")
                .script("bin/tool", "#!/bin/sh\necho outside >WORLD/out/mark\n")
                .script("bin/probe", script)
                .env("PATH", path);
            std::os::unix::fs::symlink(world.path("ws/bin"), world.path("out/link")).unwrap();
            world
                .sh("mkdir -p none && cp bin/tool none; tool 2>/dev/null; probe")
                .status(0)
                .file("out/mark", "outside\n")
                .stderr(&format!(
                    "codex-shell: note: probe runs outside without PATH={entry}, which leads to \
                     what the sandbox can write"
                ));
        }
    });
}

/// What a variable of the start names in the workspace stays inside; what it names elsewhere goes.
#[test]
fn what_leads_to_the_workspace_is_left_out() {
    everyone(|world| {
        world
            .rules(ALLOWED)
            .script("bin/probe", SHOW)
            .env("VIRTUAL_ENV", "WORLD/ws/.venv")
            .env("EDITOR", "WORLD/ws/ed -x")
            .env("PAGER", "/usr/bin/less")
            .env("PYTHONPATH", "WORLD/ws/lib:WORLD/bin")
            .env("TMPDIR", "/tmp")
            .sh("probe EDITOR PAGER PYTHONPATH TMPDIR VIRTUAL_ENV; probe EDITOR")
            .status(0)
            .stdout("PAGER=/usr/bin/less\nPYTHONPATH=WORLD/bin\nTMPDIR=/tmp")
            .stderr_has("codex-shell: note: probe runs outside without ")
            .stderr_has("VIRTUAL_ENV=WORLD/ws/.venv");
    });
}

/// Shows those of its variables that its arguments name.
const SHOW: &str = "#!/bin/sh
for name in \"$@\"; do env | grep \"^$name=\"; done; exit 0
";

/// Each set of variables once; nothing is said of those that shells set by themselves.
#[test]
fn what_the_command_set_and_is_dropped_is_said() {
    everyone(|world| {
        world
            .rules(ALLOWED)
            .script("bin/probe", SHOW)
            .sh(
                "cd ..; cd -; probe; export LANG=C PATH=$PATH:/opt; probe LANG; A=1 B=2 probe A; \
                 echo - >&2; A=2 B=1 probe B; B=1 probe B; sh -c 'B=3 probe B'; \
                 B=1 sh -c 'echo inside $B'; HOME=/ probe",
            )
            .status(0)
            .stdout("WORLD/ws\nLANG=C\ninside 1")
            .stderr(
                "codex-shell: note: probe runs outside without A and B, set by the command\n-\n\
                 codex-shell: note: probe runs outside without B, set by the command\n\
                 codex-shell: note: probe runs outside without HOME, set by the command",
            );
    });
}

/// Who can't be told is not kept waiting, and the program runs.
#[test]
fn a_note_that_nobody_can_read_changes_nothing() {
    everyone(|world| {
        world
            .rules(ALLOWED)
            .program("probe")
            .sh("A=1 probe write WORLD/out/a 2>&-; B=1 probe write WORLD/out/b 2>/dev/full")
            .status(0)
            .file("out/a", "written\n")
            .file("out/b", "written\n");
    });
}

/// `probe` acts by TARGET, and by what begins with AREA_.
const MODEL: &str = "\
program(\"probe\", variables = [\"TARGET\", \"AREA_*\"])
";

#[test]
fn a_program_that_would_act_on_something_else_is_refused() {
    everyone(|world| {
        world
            .rules(&format!("{MODEL}prefix_rule(pattern = [\"probe\"])\n"))
            .script("bin/probe", SHOW)
            .env("AREA_1", "here")
            .env("TARGET", "WORLD/ws/target")
            .sh(
                "env -u TARGET sh -c '
                   probe AREA_1; TARGET= probe; echo $?; OTHER=1 AREA_1=here probe AREA_1 OTHER
                   AREA_1=there probe; export AREA_2=x TARGET=y; probe'; probe",
            )
            .status(1)
            .stdout("AREA_1=here\n1\nAREA_1=here")
            .stderr_has(
                "codex-shell: denied: probe (WORLD/team.rules:2: outside it would be without TARGET, which says \
                 what it acts on): write the rule at WORLD/team.rules:2 as command_rule(program = \"probe\", args = \
                 [rest()], pass_env = [\"TARGET\"]), which",
            )
            .stderr_has("would be without AREA_1, which says")
            .stderr_has("be without AREA_2, TARGET, which say what");
    });
}

#[test]
fn a_rule_passes_the_variables_that_it_names() {
    let rule = "command_rule(program = \"probe\", args = [rest()], pass_env = [\"TARGET\", \"X\"]";
    everyone(|world| {
        world
            .rules(&format!("{MODEL}{rule})\nprefix_rule(pattern = [\"probe\"])\n"))
            .script("bin/probe", SHOW)
            .sh("TARGET=a X=/tmp Y=2 probe TARGET X Y 2>/dev/null; AREA_=b probe 2>/dev/null; echo $?")
            .stdout("TARGET=a\nX=/tmp\n1");
    });
    everyone(|world| {
        let ran = world
            .rules(&format!("{MODEL}{rule}, decision = \"prompt\")\n"))
            .script("bin/probe", SHOW)
            .script("bin/asker", "#!/bin/sh\ncat >>WORLD/out/asked\n")
            .ask("command:WORLD/bin/asker")
            .sh("TARGET=a AREA_1=x probe TARGET AREA_1 2>/dev/null; probe TARGET")
            .status(0)
            .stdout("TARGET=a");
        let asked = ran.left("out/asked");
        let asked: Vec<&str> = asked.lines().collect();
        let shown = asked[0].contains("\"passed_variables\":[\"TARGET=a\"]")
            && asked[0].contains("\"dropped_variables\":[\"AREA_1\"]")
            && !asked[1].contains("variables");
        ran.check(shown, &format!("the variables are shown: {asked:?}"));
    });
}
