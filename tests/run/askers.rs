//! Programs that answer questions: they run outside, with what any program has there.

use crate::support::{everyone, everyone_with};

const RULES: &str = "prefix_rule(pattern = [\"probe\"], decision = \"prompt\")\n";

/// Its interpreter is looked for as everything outside is: not where the sandbox can write.
#[test]
fn an_asker_gets_nothing_of_the_sandboxs_making() {
    everyone(|world| {
        let path = world.spelled("WORLD/ws/bin:WORLD/ws:/usr/bin:/bin");
        let library = world.spelled("WORLD/ws/lib:/opt/lib");
        let ran = world
            .rules(RULES)
            .program("probe")
            .script(
                "ws/bin/bash",
                "#!/bin/sh\necho planted > WORLD/out/planted\n",
            )
            .script(
                "bin/asker",
                "#!/usr/bin/env bash\npwd > WORLD/out/directory\nenv > WORLD/out/environment\n",
            )
            .env("PATH", path)
            .env("PYTHONPATH", library)
            .env("KEPT", "as it is")
            .ask("command:WORLD/bin/asker")
            .sh("WORLD/bin/probe write WORLD/out/a; echo $?")
            .stdout("0")
            .file("out/a", "written\n")
            .file("out/directory", "/\n")
            .no_file("out/planted");
        let environment = ran.left("out/environment");
        for line in ["PATH=/usr/bin:/bin", "PYTHONPATH=/opt/lib", "KEPT=as it is"] {
            assert!(
                environment.lines().any(|is| is == line),
                "{line}: {environment}"
            );
        }
    });
}

/// None is blocked or ignored, whatever is so where it is started.
#[test]
fn an_asker_has_every_signal() {
    everyone(|world| {
        world
            .rules(RULES)
            .program("probe")
            .script(
                "bin/asker",
                "#!/bin/sh\ngrep -E '^Sig(Blk|Ign)' /proc/self/status > WORLD/out/signals\n",
            )
            .ask("command:WORLD/bin/asker")
            .sh("trap '' USR1 TERM; WORLD/bin/probe exit 0")
            .status(0)
            .file(
                "out/signals",
                "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n",
            );
    });
}

/// What it loads could answer in its place.
#[test]
fn an_asker_loads_nothing_of_the_sandboxs_making() {
    let options = [
        "-Wl,-rpath,WORLD/ws/lib",
        "-Wl,-rpath,'$ORIGIN/../ws/lib'",
        "-Wl,--dynamic-linker=WORLD/ws/ld.so",
        "-Wl,-rpath,.",
    ];
    everyone_with(&options, |world, options| {
        let world = world
            .rules(RULES)
            .file("out/asker.c", "int main(void) { return 1; }\n");
        let build = world.spelled(format!(
            "gcc -o WORLD/bin/asker WORLD/out/asker.c {options}"
        ));
        let built = std::process::Command::new("sh")
            .arg("-c")
            .arg(build)
            .status();
        assert!(built.unwrap().success());
        let ran = world.ask("command:WORLD/bin/asker").sh(":").status(125);
        ran.stderr_has("codex-shell: error: ");
    });
}
