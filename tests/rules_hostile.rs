//! Hostile rules files: each ends in a clear error, soon, and alone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use codex_shell::rules::model::Diagnostic;
use codex_shell::rules::{RulesCache, load_with};

use super::rules_load::{Folder, brief, briefs, load, load_text, programs};

/// A hostile file has two seconds of processor time; the rest is for a machine that is busy. Still
/// less than a loader is waited for.
const PATIENCE: Duration = Duration::from_secs(200);

/// Loads `text` between two good files, which must not suffer; its one error is returned.
fn hostile(text: impl AsRef<[u8]>) -> Diagnostic {
    let folder = Folder::new();
    folder.write("1.rules", "prefix_rule(pattern = [\"before\"])");
    folder.write("2.rules", text);
    folder.write("3.rules", "prefix_rule(pattern = [\"after\"])");
    let start = Instant::now();
    let rules = load(&[folder.path()]);
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    assert_eq!(programs(&rules), ["before", "after"]);
    assert!(rules.is_broken());
    let [found] = rules.diagnostics.as_slice() else {
        panic!("{:?}", rules.diagnostics);
    };
    assert_eq!(found.file, 1);
    found.clone()
}

#[test]
fn endless_evaluation_ends() {
    for text in [
        "for i in range(1000000000):\n    for j in range(1000000000):\n        pass\n",
        "x = sorted(range(100000000))\n",
        "for i in range(100000000):\n    prefix_rule(pattern = [\"a\", str(i)])\n",
        "l = []\nfor i in range(100000000):\n    l = [l]\n",
    ] {
        assert_eq!(hostile(text).code, "E0104", "{text}");
    }
}

#[test]
fn memory_is_bounded() {
    for text in [
        "x = \"a\" * 1000000000\n",
        "x = \"ab\"\nfor i in range(40):\n    x = x + x\n",
        "w = [\"a\" * 1000] * 1000\nfor i in range(10000):\n    prefix_rule(pattern = [w, w, w])\n",
    ] {
        let found = hostile(text);
        assert!(["E0104", "E0105"].contains(&found.code.as_str()), "{text}");
    }
}

#[test]
fn recursion_is_bounded() {
    let text = "def a(n):\n    return b(n)\ndef b(n):\n    return a(n)\na(1)\n";
    assert_eq!(brief(&hostile(text)), "E0104 2:12");
}

#[test]
fn nesting_is_bounded() {
    for text in [
        format!("x = {}{}", "[".repeat(20_000), "]".repeat(20_000)),
        format!("x = {}1", "1 + ".repeat(10_000)),
        format!("x = \"\"{}", ".strip()".repeat(5_000)),
        format!("x = {}1", "not ".repeat(20_000)),
        format!("if 1:\n  pass\n{}", "elif 1:\n  pass\n".repeat(100_000)),
        format!(
            "x = f\"{{{}1{}}}\"",
            "(".repeat(200_000),
            ")".repeat(200_000)
        ),
    ] {
        assert_eq!(hostile(&text).code, "E0104", "{:?}", text.get(..20));
    }
}

#[test]
fn moderate_nesting_is_accepted() {
    for text in [
        format!("x = {}{}", "[".repeat(1_000), "]".repeat(1_000)),
        format!("x = {}1", "1 + ".repeat(2_000)),
        format!("x = \"\"{}", ".strip()".repeat(1_000)),
    ] {
        assert_eq!(briefs(&load_text(&text)), Vec::<String>::new());
    }
}

#[test]
fn files_that_are_no_text_are_refused() {
    assert_eq!(hostile(b"x = \"caf\xe9\"\n").code, "E0003");
    assert_eq!(brief(&hostile("x = 1\n\0\n")), "E0101 2:1");
    assert_eq!(hostile("#".repeat((4 << 20) + 1)).code, "E0002");
}

#[test]
fn all_files_together_are_bounded() {
    let folder = Folder::new();
    let text = format!("#{}\n", "x".repeat(4 << 20).split_off(100));
    for index in 0..5 {
        folder.write(&format!("{index}.rules"), &text);
    }
    assert_eq!(briefs(&load(&[folder.path()])), ["E0002"]);
}

#[test]
fn things_that_are_no_files_are_refused() {
    let folder = Folder::new();
    let fifo = folder.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let start = Instant::now();
    for path in [
        Path::new("/dev/zero"),
        &fifo,
        &folder.path().join("absent.rules"),
        Path::new("/proc/self/mem"),
    ] {
        let rules = load(&[path.to_owned()]);
        assert_eq!(rules.diagnostics.len(), 1, "{}", path.display());
        assert_eq!(rules.files.len(), 1);
    }
    assert!(start.elapsed() < PATIENCE);
}

/// A loader that is started by a script, which runs `before` first.
fn loader_after(folder: &Folder, before: &str) -> PathBuf {
    let program = env!("CARGO_BIN_EXE_codex-shell");
    let script = format!("#!/bin/sh\n{before}\nexec {program} \"$@\"\n");
    let path = folder.write("loader", script);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Each takes a second or two of processor time, which is what is counted: how long that is by the
/// clock is for the machine to say.
#[test]
fn hostile_files_share_one_time_limit() {
    let folder = Folder::new();
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).unwrap();
    for index in 0..40 {
        let text = "for i in range(1000000000):\n    for j in range(1000000000):\n        pass\n";
        fs::write(rules.join(format!("{index:02}.rules")), text).unwrap();
    }
    let starts = folder.write("starts", "");
    let loader = loader_after(&folder, &format!("echo >> {}", starts.display()));
    let rules = load_with(&loader, &[rules], &RulesCache::default());
    assert_eq!(briefs(&rules), ["E0104"; 40]);
    let starts = fs::File::open(starts).and_then(std::io::read_to_string);
    let starts = starts.unwrap().lines().count();
    assert!(starts <= 11, "{starts} loaders");
    let last = rules.diagnostics.last().unwrap();
    assert!(last.message.contains("all rules together"), "{last:?}");
}

/// As on a machine that has no time for it: longer than all files may take.
#[test]
fn a_loader_that_gets_no_processor_time_is_waited_for() {
    let folder = Folder::new();
    let rules = folder.write("a.rules", "prefix_rule([\"a\"])");
    let loader = loader_after(&folder, "/bin/sleep 11");
    let rules = load_with(&loader, &[rules], &RulesCache::default());
    assert_eq!(briefs(&rules), Vec::<String>::new());
    assert_eq!(programs(&rules), ["a"]);
}

#[test]
fn messages_obey_nobody() {
    let found = hostile("fail(\"\\x1b[2J\\ncodex-shell: fine\")\n");
    assert!(
        !found.message.contains(char::is_control),
        "{}",
        found.message
    );
}

#[test]
fn very_many_files_are_refused() {
    let folder = Folder::new();
    for index in 0..4100 {
        folder.write(&format!("{index}.rules"), "");
    }
    let rules = load(&[folder.path()]);
    assert_eq!(
        (briefs(&rules), rules.files.len()),
        (vec!["E0002".to_owned()], 4097)
    );
}

#[test]
fn very_many_rules_from_little_text_are_refused() {
    let text =
        "w = [\"a\" * 1000] * 100\nfor i in range(10000):\n    prefix_rule(pattern = [\"a\", w])\n";
    assert_eq!(hostile(text).code, "E0104");
}

/// The child waits for its input, so it can be looked at.
#[test]
fn the_child_keeps_no_descriptor_that_it_inherits() {
    let inherited = nix::unistd::dup(std::io::stderr()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_codex-shell"))
        .arg("__load-rules")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(inherited);
    let folder = PathBuf::from(format!("/proc/{}/fd", child.id()));
    let deadline = Instant::now() + PATIENCE;
    let open = || -> Vec<String> {
        let entries = fs::read_dir(&folder).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries
            .map(name)
            .filter_map(|name| name.into_string().ok())
            .collect();
        names.sort();
        names
    };
    while open() != ["0", "1", "2"] && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(open(), ["0", "1", "2"]);
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
