//! The command itself: arguments, output, exit status.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn check(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_codex-shell"))
        .args(["rules", "check"])
        .args(arguments)
        .output()
        .unwrap()
}

fn status(arguments: &[&str]) -> i32 {
    check(arguments).status.code().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn clean_rules_succeed() {
    let output = check(&["--deny-warnings", "rules-examples"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).ends_with(" rules: nothing to report\n"));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn what_a_session_writes_that_is_started_here_is_said_to_permit_nothing() {
    let world = tempfile::tempdir_in("/var/tmp").unwrap();
    let here = std::fs::canonicalize(world.path()).unwrap();
    let rules = format!(
        "prefix_rule([\"{0}/tool\"])\ncommand_rule(\"cat\", args = [under(\"{0}/x\")])\nprefix_rule([\"/opt/tool\"])\n",
        here.display()
    );
    std::fs::write(here.join("t.rules"), rules).unwrap();
    for (directory, found) in [(here.as_path(), 2), (std::path::Path::new("/"), 0)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codex-shell"));
        let file = here.join("t.rules");
        command
            .args(["rules", "check", "--allow", "W106"])
            .arg(file);
        let output = command.current_dir(directory).output().unwrap();
        let count = text(&output.stdout).matches("warning[W121]").count();
        assert_eq!(count, found, "{}", text(&output.stdout));
    }
}

#[test]
fn warnings_fail_only_when_denied() {
    let file = "tests/check/W111-bad.rules";
    assert_eq!(status(&[file]), 0);
    assert_eq!(status(&["--deny-warnings", file]), 1);
    assert_eq!(status(&["--deny", "W111", file]), 1);
    assert_eq!(
        status(&["--deny-warnings", "--allow", "repeated-alternative", file]),
        0
    );
    assert_eq!(status(&["--deny", "W106", "tests/check/W106-bad.rules"]), 1);
    assert_eq!(
        status(&["--deny-warnings", "tests/check/W106-bad.rules"]),
        0
    );
}

#[test]
fn a_failed_example_names_its_line() {
    let output = check(&["tests/check/formats/b.rules"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("E0301"));
    assert!(text(&output.stdout).contains("--> tests/check/formats/b.rules:4:"));
}

#[test]
fn a_path_that_does_not_exist_is_a_finding_that_names_it() {
    let output = check(&["--format", "json", "tests/check/nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["findings"][0]["code"], "E0001");
    assert_eq!(report["findings"][0]["file"], "tests/check/nowhere");
}

#[test]
fn a_directory_without_rules_is_not_clean() {
    let output = check(&["src"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    assert_eq!(
        text(&output.stderr),
        "codex-shell: error: no *.rules files in src\n"
    );
}

#[test]
fn the_default_place_is_the_users() {
    let home = tempfile::tempdir().unwrap();
    let run = || {
        Command::new(env!("CARGO_BIN_EXE_codex-shell"))
            .args(["rules", "check"])
            .env("CODEX_HOME", home.path())
            .current_dir(home.path())
            .output()
            .unwrap()
    };
    let folder = home.path().join("rules");
    std::fs::create_dir(&folder).unwrap();
    let output = run();
    assert_eq!(output.status.code(), Some(2));
    // Each place is named, that of a project too.
    for place in [
        "/etc/codex/rules",
        "$CODEX_HOME/rules",
        ".codex/rules (of this",
    ] {
        assert!(text(&output.stderr).contains(place), "{place}");
    }
    std::fs::write(folder.join("a.rules"), "prefix_rule(pattern = [])\n").unwrap();
    let output = run();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("a.rules:1:1"));
}

/// Whether or not it is trusted.
#[test]
fn the_project_one_is_in_is_checked() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("project/.codex/rules");
    let below = root.path().join("project/below");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::create_dir(&below).unwrap();
    std::fs::write(folder.join("a.rules"), "prefix_rule(pattern = [])\n").unwrap();
    for directory in [&below, &root.path().join("project")] {
        let output = Command::new(env!("CARGO_BIN_EXE_codex-shell"))
            .args(["rules", "check"])
            .env("CODEX_HOME", root.path().join("home"))
            .env("HOME", root.path().join("home"))
            .current_dir(directory)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stdout).contains("a.rules:1:1"));
        assert_eq!(text(&output.stderr), "");
    }
}

#[test]
fn standard_input_is_a_file_like_others() {
    for (rules, expected) in [
        ("prefix_rule(pattern = [])\n", Some(1)),
        (
            "prefix_rule(pattern = [\"git\"], decision = \"prompt\")\n",
            Some(0),
        ),
        ("# nothing yet\n", Some(2)),
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_codex-shell"))
            .args(["rules", "check", "--format", "json", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(rules.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), expected, "{output:?}");
    }
}

#[test]
fn files_that_say_nothing_are_not_clean() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.rules");
    std::fs::write(&file, "\n").unwrap();
    assert_eq!(status(&[file.to_str().unwrap()]), 2);
}

#[test]
fn a_byte_order_mark_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("marked.rules");
    std::fs::write(&file, "\u{feff}prefix_rule(pattern = [\"git\"])\n").unwrap();
    let output = check(&[file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("byte order mark"));
}

#[test]
fn an_unknown_code_is_an_error() {
    for arguments in [
        ["--explain", "W999"],
        ["--allow", "W999"],
        ["--deny", "nothing"],
    ] {
        let output = check(&arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).starts_with("codex-shell: error: "));
    }
}

#[test]
fn a_page_is_printed_for_a_lint_and_for_a_load_error() {
    for code in ["W104", "E0301"] {
        let output = check(&["--explain", code]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).starts_with(&format!("# {code} ")));
    }
}
