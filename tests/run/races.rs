//! Something writes the words of an exec after it was judged, by a way that does not show in the process
//! that executes: nothing that is forbidden runs.

use crate::support::everyone_with;

const RULES: &str = "prefix_rule(pattern=[\"cat\"], decision=\"forbidden\")";
/// As long as the name of the other one.
const PERMITTED: &str = "/usr/bin/cut";

/// `weaver HOW`, with and without a sandbox.
fn held(how: &str, count: u32, first: &str) {
    held_in(
        &["workspace-write", "danger-full-access"],
        how,
        count,
        first,
    );
}

fn held_in(modes: &[&str], how: &str, count: u32, first: &str) {
    everyone_with(modes, |world, mode| {
        let ran = world
            .rules(RULES)
            .options(["--sandbox", mode])
            .program("weaver")
            .file("ws/mark", "forbidden")
            .sh(format!(
                "weaver {how} {count} {first} /usr/bin/cat mark 2>/dev/null; exit 0"
            ))
            .status(0);
        let read = ran.text().matches("forbidden").count();
        ran.check(read == 0, &format!("nothing read, not {read} times"));
    });
}

/// What is judged is what the file was; the kernel executes what it is.
#[test]
fn by_rewriting_the_file_in_place() {
    everyone_with(&["workspace-write", "danger-full-access"], |world, mode| {
        let ran = world
            .rules(RULES)
            .options(["--sandbox", mode])
            .program("rewriter")
            .file("ws/mark", "forbidden")
            .sh("rewriter /usr/bin/true /usr/bin/cat 200 mark 2>/dev/null")
            .status(0);
        let read = ran.text().matches("forbidden").count();
        ran.check(read == 0, &format!("nothing read, not {read} times"));
    });
}

#[test]
fn behind_a_path_that_is_replaced() {
    held("behind", 40, "/usr/bin/cat");
}

#[test]
fn in_place_of_the_proxys_file() {
    held("closed", 40, "/usr/bin/cat");
}

#[test]
fn by_whoever_an_orphan_shares_its_memory_with() {
    held("orphan", 30, PERMITTED);
}

#[test]
fn by_an_orphan() {
    held("sibling", 40, PERMITTED);
}

#[test]
fn by_whoever_goes_on_when_another_dies() {
    held("chain", 30, PERMITTED);
}

#[test]
fn by_whoever_stays_when_threads_end() {
    held("heir", 20, PERMITTED);
}

#[test]
fn by_the_first_thread_while_another_executes() {
    held("first", 60, PERMITTED);
}

/// Each waits for the others' end, and for whoever traces them.
#[test]
fn threads_that_execute_at_once_hold_nobody_up() {
    everyone_with(&["workspace-write", "danger-full-access"], |world, mode| {
        world
            .rules(RULES)
            .options(["--sandbox", mode])
            .program("weaver")
            .sh("weaver threads 300 /usr/bin/true /usr/bin/cat; echo $?")
            .status(0)
            .stdout("0");
    });
}

#[test]
fn by_a_disk() {
    held("disk", 120, PERMITTED);
}

/// Without a sandbox, one process may write another's memory, the supervisor's too.
#[test]
fn while_an_exec_waits_for_a_processor() {
    held_in(&["workspace-write"], "late", 3, PERMITTED);
}

/// A check starts nothing, whatever the rules permit.
#[test]
fn a_check_is_no_exec() {
    let rules = "prefix_rule(pattern=[\"touch\"])\n\
                 prefix_rule(pattern=[\"cat\"], decision=\"forbidden\")\n\
                 prefix_rule(pattern=[\"ls\"], decision=\"prompt\")";
    everyone_with(&[()], |world, ()| {
        world
            .rules(rules)
            .program("checker")
            .sh("checker touch WORLD/out/x; checker cat; checker ls; checker cut; checker none")
            .stdout("0\n13\n0\n0\n2")
            .no_file("out/x");
    });
}

/// A flag that nobody knows starts nothing, either.
#[test]
fn an_unknown_flag_is_refused() {
    everyone_with(&[()], |world, ()| {
        world
            .rules("prefix_rule(pattern=[\"touch\"])")
            .program("checker")
            .sh("FLAGS=0x40000 checker touch WORLD/out/x")
            .stdout("22")
            .no_file("out/x");
    });
}
