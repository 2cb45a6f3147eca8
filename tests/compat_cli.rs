//! `execpolicy check`: command line, streams and exit status.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const ALLOW_A: &str = "{\"matchedRules\":[{\"prefixRuleMatch\":{\"matchedPrefix\":[\"a\"],\"decision\":\"allow\"}}],\"decision\":\"allow\"}\n";
const NO_MATCH: &str = "{\"matchedRules\":[]}\n";

struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = "prefix_rule(pattern = [\"a\"])\nprefix_rule(pattern = [\"-x\"])\n";
        std::fs::write(folder.path().join("a.rules"), text).unwrap();
        Self { folder }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codex-shell"));
        command.args(["execpolicy", "check"]);
        command.current_dir(self.folder.path()).env_clear();
        command
    }

    fn check<I: AsRef<OsStr>>(&self, words: &[I]) -> Output {
        self.command().args(words).output().unwrap()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn the_command_stands_with_or_without_a_separator() {
    let world = World::new();
    for words in [
        &["-r", "a.rules", "a"][..],
        &["--rules", "a.rules", "--", "a"],
        &["--rules=a.rules", "--compat", "codex", "a", "--pretty"],
        &["-r", "a.rules", "a", "--", "b"],
    ] {
        let output = world.check(words);
        assert_eq!(stdout(&output), ALLOW_A, "{words:?}");
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(stderr(&output), "");
    }
}

#[test]
fn no_match_is_success() {
    let world = World::new();
    for word in ["b", "", "--", "./a"] {
        let output = world.check(&["-r", "a.rules", "--", word]);
        assert_eq!(stdout(&output), NO_MATCH, "{word:?}");
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn wrong_usage_is_2() {
    let world = World::new();
    let not_utf8 = OsStr::from_bytes(b"\xff").to_owned();
    for words in [
        &["-r", "a.rules"][..],
        &["-r", "a.rules", "--"],
        &["a"],
        &["-r", "a.rules", "--pretty", "--pretty", "a"],
        &["-r", "a.rules", "--resolve-host-executable", "a"],
        &[
            "-r",
            "a.rules",
            "--compat",
            "codex",
            "--resolve-host-executable",
            "a",
        ],
        &["-r", "a.rules", "--nonsense", "--", "a"],
        &["-r", "a.rules", "--compat", "other", "a"],
        &["-r", "a.rules", "-x"],
    ] {
        let output = world.check(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert_eq!(stdout(&output), "");
        assert_ne!(stderr(&output), "");
    }
    for compat in [&[][..], &["--compat", "codex"]] {
        let mut words: Vec<OsString> = vec!["-r".into(), "a.rules".into()];
        words.extend(compat.iter().map(OsString::from));
        words.push(not_utf8.clone());
        assert_eq!(world.check(&words).status.code(), Some(2));
    }
}

#[test]
fn a_program_that_looks_like_an_option_goes_after_the_separator() {
    let world = World::new();
    let output = world.check(&["-r", "a.rules", "--", "-x"]);
    assert!(stdout(&output).contains("[\"-x\"]"));
    let output = world.check(&["-r", "a.rules", "--compat", "codex", "--", "--pretty", "a"]);
    assert_eq!(stdout(&output), NO_MATCH);
}

#[test]
fn pretty_indents_by_two() {
    let world = World::new();
    let output = world.check(&["-r", "a.rules", "--pretty", "a"]);
    let lines: Vec<_> = stdout(&output).lines().take(3).collect();
    assert_eq!(lines, ["{", "  \"matchedRules\": [", "    {"]);
    assert!(stdout(&output).ends_with("}\n"));
}

#[test]
fn characters_stand_for_themselves_and_controls_are_escaped() {
    let world = World::new();
    world.write(
        "u.rules",
        "prefix_rule(pattern = [\"\u{fc}\\x7f\\n\\x01\"])\n",
    );
    let output = world.check(&["-r", "u.rules", "\u{fc}\u{7f}\n\u{1}"]);
    let expected = "[\"\u{fc}\u{7f}\\n\\u0001\"]";
    assert!(stdout(&output).contains(expected), "{}", stdout(&output));
}

#[test]
fn every_error_of_every_file_is_named_and_nothing_is_printed() {
    let world = World::new();
    world.write("b.rules", "\n prefix_rule()\n");
    world.write("c.rules", "prefix_rule()\nprefix_rule(pattern = [])\n");
    let output = world.check(&[
        "-r", "b.rules", "-r", "a.rules", "-r", "c.rules", "-r", "d.rules", "a",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    for place in [
        "b.rules:2:1: ",
        "c.rules:1:1: ",
        "c.rules:2:1: ",
        "d.rules: ",
    ] {
        let line = format!("codex-shell: error: {place}");
        assert!(
            stderr(&output).contains(&line),
            "{place}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_folder_counts_unless_the_released_evaluator_would_refuse_it() {
    let world = World::new();
    assert_eq!(stdout(&world.check(&["-r", ".", "a"])), ALLOW_A);
    let output = world.check(&["-r", ".", "--compat", "codex", "a"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
}

#[test]
fn rules_may_come_from_standard_input() {
    let world = World::new();
    let mut command = world.command();
    command.args(["-r", "/dev/stdin", "a"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(b"prefix_rule(pattern = [\"a\"])\n")
        .unwrap();
    drop(input);
    assert_eq!(stdout(&child.wait_with_output().unwrap()), ALLOW_A);
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let world = World::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = world.command();
    command.args(["-r", "a.rules", "a"]).stdout(writer);
    let output = command.stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
}

#[test]
fn as_released_relative_paths_and_home_are_resolved_on_request() {
    let world = World::new();
    let cwd = world.folder.path().canonicalize().unwrap();
    for (word, path) in [
        ("./a", cwd.join("a")),
        ("sub/../a", cwd.join("a")),
        ("~/a", PathBuf::from("/home/user/a")),
        ("~you/a", cwd.join("~you/a")),
        ("/usr//bin/../a/", PathBuf::from("/usr/a")),
    ] {
        let mut command = world.command();
        command.env("HOME", "/home/user");
        command.args(["--compat", "codex", "-r", "a.rules"]);
        command.args(["--resolve-host-executables", "--", word]);
        let output = command.output().unwrap();
        let expected = format!("\"resolvedProgram\":\"{}\"", path.display());
        assert!(stdout(&output).contains(&expected), "{}", stdout(&output));
    }
}

#[test]
fn without_compat_restrictions_see_through_paths_and_danger_is_told() {
    let world = World::new();
    world.write(
        "g.rules",
        "prefix_rule([\"git\", \"push\"], \"forbidden\")\nprefix_rule([\"git\"])\n",
    );
    let output = world.check(&["-r", "g.rules", "/nowhere/git", "push"]);
    assert!(
        stdout(&output).ends_with("\"decision\":\"forbidden\"}\n"),
        "{}",
        stdout(&output)
    );
    assert!(!stdout(&output).contains("\"allow\""));
    let output = world.check(&["-r", "g.rules", "--compat", "codex", "/nowhere/git", "push"]);
    assert_eq!(stdout(&output), NO_MATCH);
    let output = world.check(&["-r", "g.rules", "rm", "-rf", "x"]);
    let expected = concat!(
        "{\"matchedRules\":[{\"heuristicsRuleMatch\":{\"command\":[\"rm\",\"-rf\",\"x\"],",
        "\"decision\":\"prompt\"}}],\"decision\":\"prompt\"}\n"
    );
    assert_eq!(stdout(&output), expected);
}
