//! Operands that are programs, or name some: a rule that permits the command without them does not let
//! them out.

use crate::support::{World, everyone, everyone_with};

/// A rule's words; a command that has one operand more, which would write `WORLD/out/pwned`; and a program
/// that is needed.
const CASES: &[(&str, &str, &str)] = &[
    (
        r#""perl", "-ne", "print""#,
        "perl -ne print 'echo x >WORLD/out/pwned|'",
        "/usr/bin/perl",
    ),
    (
        r#""perl", "-pe", "1""#,
        "echo x | perl -pe 1 - '|tee WORLD/out/pwned'",
        "/usr/bin/perl",
    ),
    (
        r#""perl", "-ne", "print""#,
        "perl -ne print '>WORLD/out/pwned'",
        "/usr/bin/perl",
    ),
    (
        r#""sqlite3", ":memory:", "select 1""#,
        "sqlite3 :memory: 'select 1' '.shell touch WORLD/out/pwned'",
        "/usr/bin/sqlite3",
    ),
    (
        r#""sqlite3", ":memory:", "select 1""#,
        "sqlite3 :memory: 'select 1' \"select writefile('WORLD/out/pwned', 'x')\"",
        "/usr/bin/sqlite3",
    ),
    (
        r#""sed", "-n", "p""#,
        "sed -n p -e 'w WORLD/out/pwned' /etc/passwd",
        "/usr/bin/sed",
    ),
    (
        r#""make", "-s""#,
        "printf 'x:\\n\\ttouch WORLD/out/pwned\\n' >Makefile; make -s x",
        "/usr/bin/make",
    ),
];

/// Whether the case can be tried here.
fn is_here(program: &str) -> bool {
    let here = std::path::Path::new(program).exists();
    if !here {
        eprintln!("skipped: no {program}");
    }
    here
}

#[test]
fn that_are_programs_do_not_run_outside() {
    everyone_with(CASES, |world, (words, script, program)| {
        if is_here(program) {
            world
                .rules(&format!("prefix_rule(pattern = [{words}])\n"))
                .env("PATH", "/usr/bin:/bin")
                .sh(*script)
                .no_file("out/pwned");
        }
    });
}

/// What a file of the session names by a bare name lies where the command is.
#[test]
fn a_variable_with_a_bare_name_does_not_go_outside() {
    everyone(|world: World| {
        world
            .rules("prefix_rule(pattern = [\"probe\"])\n")
            .script("bin/probe", "#!/bin/sh\necho \"${MAKEFILES-none} ${PSQLRC-none} ${AWS_PROFILE-none}\" >WORLD/out/seen\n")
            .env("MAKEFILES", "common.mk")
            .env("PSQLRC", "x")
            .env("AWS_PROFILE", "dev")
            .sh("probe")
            .file("out/seen", "none none dev\n");
    });
}
