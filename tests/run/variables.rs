//! Rules that ask for variables know them, of every exec.

use crate::support::everyone;

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
