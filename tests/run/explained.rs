//! What `rules explain` says of a command's directory and variables, `run` shows.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;

use crate::support::World;

const ELSEWHERE: &str =
    "command_rule(program = \"git\", cwd = under(\"WORLD/out\"), decision = \"forbidden\")\n";
const SET: &str =
    "command_rule(program = \"git\", env = {\"X\": \"1\"}, decision = \"forbidden\")\n";
const UNSET: &str =
    "command_rule(program = \"git\", env = {\"X\": False}, decision = \"forbidden\")\n";

/// What is said of the script, and whether git is refused when it starts.
fn said_and_refused(rules: &str, script: &str) -> (String, bool) {
    let world = World::new().fake_git().file("out/there", "");
    let rules = world.spelled(rules).into_string().unwrap();
    let world = world.rules(&rules);
    let output = world.explained("--format=json", script);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let run = world.arguments(["-c".into(), world.spelled(script)]);
    let _ = world.command(&run).output().unwrap();
    let refused = !world.path("ws/mark").exists();
    (said["decision"].as_str().unwrap().to_owned(), refused)
}

#[test]
fn directories_and_variables_are_those_that_the_command_has() {
    for (rules, script, refused) in [
        (ELSEWHERE, "git a", false),
        (ELSEWHERE, "cd WORLD/out && git a", true),
        (ELSEWHERE, "cd ../out; git a", true),
        (ELSEWHERE, "(cd ../out); git a", false),
        (ELSEWHERE, "(cd ../out; git a)", true),
        (ELSEWHERE, "cd ../out | true; git a", false),
        (ELSEWHERE, "cd ../out & wait; git a", false),
        (ELSEWHERE, "cd ../out; cd ../ws; git a", false),
        (ELSEWHERE, "env -C ../out git a", true),
        (ELSEWHERE, "sh -c 'cd ../out; git a'", true),
        (ELSEWHERE, "pushd ../out >/dev/null; git a", true),
        (ELSEWHERE, "ln -s ../out link; cd link; cd ..; git a", false),
        (SET, "git a", false),
        (SET, "X=1 git a", true),
        (SET, "X=2 git a", false),
        (SET, "X=1; git a", false),
        (SET, "export X=1; git a", true),
        (SET, "env X=1 git a", true),
        (SET, "X=1 timeout 5 git a", true),
        (SET, "X=1 env -u X git a", false),
        (SET, "(export X=1); git a", false),
        (SET, "timeout 5 git a", false),
        (UNSET, "timeout 5 git a", true),
        (UNSET, "X=1 sh -c 'git a'", false),
        (UNSET, "export X=1; env -i git a", true),
    ] {
        let (said, was_refused) = said_and_refused(rules, script);
        assert_eq!(was_refused, refused, "run: {script}");
        assert_eq!(said == "forbidden", refused, "explain: {script}");
    }
}

/// An interpreter that is given a script runs what the kernel would run for its name.
#[test]
fn a_script_is_the_same_by_its_name_and_by_its_interpreter() {
    let by_name = "prefix_rule([\"./task\"], decision = \"forbidden\")\n";
    let by_place = "prefix_rule([\"WORLD/ws/task\", \"-x\"], decision = \"forbidden\")\n";
    let by_pattern = "command_rule(program = glob(\"/**/task\"), decision = \"forbidden\")\n";
    let by_bare_name = "prefix_rule([\"task\"], decision = \"forbidden\")\n";
    for (rules, script, refused) in [
        (by_bare_name, "./link", true),
        (by_bare_name, "sh link", true),
        (by_bare_name, "nice sh ../ws/link", true),
        (by_bare_name, "cd ..; sh ws/link", true),
        (by_bare_name, "sh other", false),
        (by_name, "./task", true),
        (by_name, "sh task", true),
        (by_name, "sh -u ./task x", true),
        (by_name, "env sh task", true),
        (by_name, "sh -c 'sh task'", true),
        (by_name, "sh other", false),
        (by_name, ". ./task", false),
        (by_place, "sh task -x", true),
        (by_place, "sh ../ws/task -x", true),
        (by_place, "cd ..; sh ws/task -x", true),
        (by_place, "sh link -x", true),
        (by_place, "cd ..; sh ws/link -x", true),
        (by_place, "sh link", false),
        (by_place, "sh task", false),
        (by_pattern, "sh task", true),
        (by_pattern, "sh other", false),
    ] {
        let world = World::new();
        let rules = world.spelled(rules).into_string().unwrap();
        let text = "#!/bin/sh\necho x >WORLD/ws/mark\n";
        let world = ["ws/task", "ws/other"].iter().fold(world, |world, name| {
            let text = world.spelled(text).into_string().unwrap();
            world.script(name, &text)
        });
        symlink("task", world.path("ws/link")).unwrap();
        let world = world.rules(&rules);
        let said = world.explained("--exit-code", script).status.code();
        assert_eq!(said == Some(11), refused, "explain: {rules}{script}");
        let mark = world.path("ws/mark");
        let _ran = world.sh(script);
        let ran = mark.exists();
        assert_eq!(ran, !refused, "run: {rules}{script}");
    }
}

/// What flows from one program into another shows in the script alone, and counts there.
#[test]
fn what_the_network_sends_is_not_run_unasked() {
    for (script, is_asked) in [
        ("curl x | sh", true),
        ("true; curl x | (cat; sudo bash)", true),
        ("bash <(curl x)", true),
        ("curl x | cat", false),
        ("curl x; sh there", false),
    ] {
        let world = World::new()
            .script("bin/curl", "#!/bin/sh\necho true\n")
            .file("ws/there", "true\n");
        let said = world.explained("--exit-code", script).status.code();
        assert_eq!(said == Some(10), is_asked, "explain: {script}");
        let ran = world.sh(script);
        let stderr = String::from_utf8_lossy(&ran.stderr).into_owned();
        let asked = stderr.contains("H007");
        assert_eq!(asked, is_asked, "run: {script}: {stderr}");
    }
}

/// What a program has run where no exec is seen, on another machine or with rights that it doesn't get here,
/// counts when the program starts; what is seen counts when that starts.
#[test]
fn what_runs_out_of_sight_counts_when_it_is_asked_for() {
    let forbidden = "prefix_rule([\"git\", \"push\"], decision = \"forbidden\")\n";
    for (script, is_started, is_refused) in [
        ("ssh h git push", false, true),
        ("ssh -p 22 h 'cd x && git push'", false, true),
        ("docker exec c git push", false, true),
        ("timeout 5 docker run --rm i git push", false, true),
        ("kubectl exec p -- git push", false, true),
        ("adb -s d shell git push", false, true),
        ("sudo git push", false, true),
        ("su -c 'git push' me", false, true),
        ("ssh h git pull", true, false),
        ("docker push git", true, false),
        ("nice git push", true, true),
        ("env X=1 git push", true, true),
    ] {
        let mut words = script.split(' ');
        let program = words.find(|word| !["timeout", "5"].contains(word)).unwrap();
        let mut world = World::new().fake_git().rules(forbidden);
        world = world.script(
            &format!("bin/{program}"),
            "#!/bin/sh\nprintf x > started\nwhile [ \"$1\" != git ] && [ $# -gt 0 ]; do shift; done\n\"$@\"\n",
        );
        let (said, stderr) = explained_and_ran(&world, script);
        assert_eq!(said == Some(11), is_refused, "explain: {script}: {said:?}");
        assert_eq!(
            stderr.contains("denied"),
            is_refused,
            "run: {script}: {stderr}"
        );
        assert_eq!(
            world.path("ws/started").exists(),
            is_started,
            "run: {script}"
        );
    }
}

/// Whether a person was asked, or would have been, and whether something was refused by a rule.
fn explained_and_ran(world: &World, script: &str) -> (Option<i32>, String) {
    let said = world.explained("--exit-code", script).status.code();
    let run = world.arguments(["-c".into(), world.spelled(script)]);
    let ran = world.command(&run).output().unwrap();
    (said, String::from_utf8_lossy(&ran.stderr).into_owned())
}

/// A rule about the program into which a download flows decides, as it does elsewhere.
#[test]
fn a_rule_decides_about_what_the_network_flows_into() {
    for (decision, script, said, asked) in [
        ("allow", "curl x | python3 -c pass", 0, false),
        ("allow", "curl x | python3 -c pass; curl x | sh", 10, true),
        ("allow", "curl x | python3 -c fail", 0, false),
        ("allow", "curl x | bash -c 'python3 -c pass'", 0, false),
        (
            "allow",
            "python3() { sh; }; curl x | python3 -c pass",
            10,
            false,
        ),
        ("prompt", "curl x | python3 -c pass", 10, false),
        ("forbidden", "curl x | python3 -c pass", 11, false),
    ] {
        let rule =
            format!("prefix_rule([\"python3\", \"-c\", \"pass\"], decision = \"{decision}\")\n");
        let world = World::new()
            .script("bin/curl", "#!/bin/sh\necho true\n")
            .script("bin/python3", "#!/usr/bin/env sh\nexec cat >/dev/null\n")
            .rules(&rule);
        let (explained, stderr) = explained_and_ran(&world, script);
        assert_eq!(explained, Some(said), "explain: {script}");
        assert_eq!(stderr.contains("H007"), asked, "run: {script}: {stderr}");
    }
}

/// Nobody is asked about a command that starts what a rule forbids.
#[test]
fn what_would_be_refused_within_is_refused_unasked() {
    let mut rules = "prefix_rule([\"git\", \"push\"], decision = \"forbidden\")\n".to_owned();
    for asked in ["\"npx\"", "\"npm\"", "\"git\", \"submodule\""] {
        let _ = writeln!(rules, "prefix_rule([{asked}], decision = \"prompt\")");
    }
    for (script, said) in [
        ("npx git push", 11),
        ("npm exec -- git push", 11),
        ("git submodule foreach git push", 11),
        ("npx uname", 10),
        ("git submodule foreach uname", 10),
    ] {
        let stub = "#!/bin/sh\n:\n";
        let world = World::new().fake_git().rules(&rules);
        let world = world.script("bin/npx", stub).script("bin/npm", stub);
        let (explained, stderr) = explained_and_ran(&world, script);
        assert_eq!(explained, Some(said), "explain: {script}");
        let is_asked = stderr.contains("declined");
        assert_eq!(is_asked, said == 10, "run: {script}: {stderr}");
        assert_eq!(
            stderr.contains("forbidden"),
            said == 11,
            "run: {script}: {stderr}"
        );
    }
}

/// A script's interpreter has the path by which the script was found, however that is asked for.
#[test]
fn a_script_is_read_by_the_path_that_it_is_started_by() {
    let rules = "prefix_rule([\"sh\", \"WORLD/bin/tool\"], decision = \"prompt\")\n\
                 prefix_rule([\"sh\", \"./tool\"], decision = \"prompt\")\n\
                 prefix_rule([\"sh\", \"tool\"], decision = \"forbidden\")\n";
    for (line, rule) in [
        ("tool a", "team.rules:1"),
        ("WORLD/bin/tool a", "team.rules:1"),
        ("nice tool a", "team.rules:1"),
        ("./tool a", "team.rules:2"),
    ] {
        let stub = "#!/bin/sh\n:\n";
        let world = World::new()
            .script("bin/tool", stub)
            .script("ws/tool", stub);
        let rules = world.spelled(rules).into_string().unwrap();
        let world = world.rules(&rules);
        let line = world.spelled(line).into_string().unwrap();
        let explain = [world.codex_shell().into(), "rules".into(), "explain".into()];
        let named = ["--rules".into(), world.path("team.rules").into()];
        let words = line.split(' ').map(Into::into);
        let words: Vec<_> = { explain.into_iter().chain(named) }
            .chain(["--".into()])
            .chain(words)
            .collect();
        let whole = world.explained("--format=text", &line).stdout;
        let alone = world.command(&words).output().unwrap().stdout;
        let run = world.arguments(["-c", &line]);
        let refused = world.command(&run).output().unwrap().stderr;
        for (how, said) in [("-c", whole), ("--", alone), ("run", refused)] {
            let said = String::from_utf8_lossy(&said);
            assert!(said.contains(rule), "{how}: {line}: {said}");
            assert!(!said.contains("forbidden  "), "{how}: {line}: {said}");
        }
    }
}
