//! Loading rules files: broken ones, several at once, folders, examples.

use std::fs;
use std::path::{Path, PathBuf};

use codex_shell::rules::model::Diagnostic;
use codex_shell::rules::{Decision, RuleSet, RulesCache, from_own_text, load_with};
use proptest::prelude::*;
use tempfile::TempDir;

pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}

pub(super) fn load(paths: &[PathBuf]) -> RuleSet {
    load_with(
        Path::new(env!("CARGO_BIN_EXE_codex-shell")),
        paths,
        &RulesCache::default(),
    )
}

pub(super) fn load_text(text: impl AsRef<[u8]>) -> RuleSet {
    let folder = Folder::new();
    load(&[folder.write("a.rules", text)])
}

/// `CODE LINE:COLUMN`, or the code alone where there is no place.
pub(super) fn brief(found: &Diagnostic) -> String {
    match found.span {
        Some(span) => format!("{} {}:{}", found.code, span.line, span.column),
        None => found.code.clone(),
    }
}

pub(super) fn briefs(rules: &RuleSet) -> Vec<String> {
    rules.diagnostics.iter().map(brief).collect()
}

pub(super) fn programs(rules: &RuleSet) -> Vec<&str> {
    let rules = rules.prefix_rules.iter();
    rules.map(|rule| rule.program.as_str()).collect()
}

#[test]
fn every_bad_call_is_reported() {
    let rules = load_text(concat!(
        "prefix_rule(pattern = [])\n",
        "prefix_rule(pattern = [\"a\"], decision = \"deny\", justification = \" \")\n",
        "prefix_rule(pattern = \"a b\", reason = \"x\")\n",
        "host_executable(name = \"git\", paths = [\"git\", \"/usr/bin/hg\"])\n",
        "network_rule(host = \"*\", protocol = \"ftp\")\n",
        "prefix_rule(pattern = [\"fine\"], decision = \"prompt\")\n",
    ));
    let expected = [
        "E0204 1:1",
        "E0202 2:1",
        "E0203 2:1",
        "E0201 3:1",
        "E0201 3:1",
        "E0206 4:1",
        "E0206 4:1",
        "E0201 5:1",
        "E0207 5:1",
        "E0207 5:1",
    ];
    assert_eq!(briefs(&rules), expected);
    assert_eq!(programs(&rules), ["fine"]);
}

#[test]
fn a_bad_call_in_a_loop_is_one_error() {
    let rules = load_text("for i in range(1000):\n    prefix_rule(pattern = [])\n");
    assert_eq!(briefs(&rules), ["E0204 2:5"]);
}

#[test]
fn a_thousand_errors_are_cut_short() {
    let rules = load_text("prefix_rule(pattern = [])\n".repeat(1000));
    assert_eq!(rules.diagnostics.len(), 100);
}

#[test]
fn a_broken_file_keeps_what_restricts_and_loses_what_permits() {
    let rules = load_text(concat!(
        "prefix_rule(pattern = [\"git\"])\n",
        "prefix_rule(pattern = [\"git\", \"push\"], decision = \"forbiden\")\n",
        "prefix_rule(pattern = [\"rm\"], decision = \"forbidden\")\n",
        "network_rule(host = \"a\", protocol = \"http\", decision = \"allow\")\n",
        "network_rule(host = \"b\", protocol = \"http\", decision = \"deny\")\n",
    ));
    assert_eq!(programs(&rules), ["rm"]);
    assert_eq!(rules.network_rules.len(), 1);
    assert_eq!(rules.network_rules[0].decision, Decision::Forbidden);
}

#[test]
fn the_file_and_its_text_are_kept() {
    let folder = Folder::new();
    let good = folder.write("good.rules", "prefix_rule(pattern = [\"a\"])\n");
    let bad = folder.write("bad.rules", "\n  x = 1\n");
    let rules = load(&[good.clone(), bad.clone()]);
    let names: Vec<_> = rules
        .files
        .iter()
        .map(|file| PathBuf::from(&file.name))
        .collect();
    assert_eq!(names, [good, bad]);
    assert_eq!(rules.files[1].text, "\n  x = 1\n");
    assert_eq!(
        rules.place(rules.diagnostics[0].span.unwrap()),
        format!("{}:2", names[1].display())
    );
}

#[test]
fn a_folder_gives_its_rules_files_by_name() {
    let folder = Folder::new();
    for name in [
        "b.rules",
        "a.rules",
        "C.rules",
        "d.rules.bak",
        ".rules",
        "e.txt",
    ] {
        folder.write(name, format!("prefix_rule(pattern = [\"{name}\"])"));
    }
    fs::create_dir(folder.path().join("sub.rules")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("z.rules")).unwrap();
    std::os::unix::fs::symlink("e.txt", folder.path().join("y.rules")).unwrap();
    let rules = load(&[folder.path()]);
    assert_eq!(programs(&rules), ["C.rules", "a.rules", "b.rules", "e.txt"]);
    assert_eq!(briefs(&rules), ["W0004", "E0001"]);
}

#[test]
fn a_file_given_twice_counts_twice() {
    let folder = Folder::new();
    let path = folder.write("a.rules", "prefix_rule(pattern = [\"a\"])");
    assert_eq!(programs(&load(&[path.clone(), path])), ["a", "a"]);
}

#[test]
fn an_example_that_fails_is_pointed_at() {
    let rules = load_text(concat!(
        "prefix_rule(\n",
        "    pattern = [\"git\", \"push\"],\n",
        "    match = [\n",
        "        \"git push x\",\n",
        "        \"git pull\",\n",
        "    ],\n",
        "    not_match = [\n",
        "        [\"git\", \"push\"],\n",
        "    ],\n",
        ")\n",
        "prefix_rule([\"hg\"], \"allow\", [\"hg\"], [\"svn\",\n",
        "    \"hg x\"])\n",
    ));
    assert_eq!(briefs(&rules), ["E0302 8:9", "E0301 5:9", "E0302 12:5"]);
}

#[test]
fn an_example_put_together_elsewhere_is_placed_at_its_call() {
    let rules = load_text("e = [\"b\"]\nprefix_rule(pattern = [\"a\"], match = e)\n");
    assert_eq!(briefs(&rules), ["E0301 2:1"]);
}

#[test]
fn examples_know_the_hosts_of_files_before_them() {
    let folder = Folder::new();
    let hosts = folder.write(
        "hosts.rules",
        "host_executable(\"git\", [\"/usr/bin/git\"])",
    );
    let rules = folder.write(
        "git.rules",
        "prefix_rule(pattern = [\"git\"], not_match = [\"/opt/git\"])",
    );
    let dead = folder.write("dead.rules", "x = \"a\" * 1000000000\n");
    assert_eq!(
        briefs(&load(&[hosts.clone(), rules.clone()])),
        Vec::<String>::new()
    );
    assert_eq!(
        briefs(&load(&[rules.clone(), hosts.clone()])),
        ["E0302 1:45"]
    );
    assert_eq!(briefs(&load(&[hosts, dead, rules])), ["E0104"]);
}

#[test]
fn a_loader_that_cannot_start_blames_every_file() {
    let folder = Folder::new();
    let path = folder.write("a.rules", "");
    let rules = load_with(
        Path::new("/nonexistent"),
        std::slice::from_ref(&path),
        &RulesCache::default(),
    );
    assert_eq!(briefs(&rules), ["E0105"]);
    let rules = load_with(Path::new("/bin/true"), &[path], &RulesCache::default());
    assert_eq!(briefs(&rules), ["E0105"]);
}

#[test]
fn errors_come_in_the_order_of_the_files() {
    let folder = Folder::new();
    let bad = folder.write("bad.rules", "prefix_rule()\n");
    let absent = folder.path().join("absent.rules");
    let rules = load(&[bad.clone(), absent, bad]);
    assert_eq!(briefs(&rules), ["E0201 1:1", "E0001", "E0201 1:1"]);
}

proptest! {
    #[test]
    fn any_text_loads_or_says_where_it_is_wrong(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..30)
    ) {
        let text = pieces.concat();
        let rules = from_own_text("t.rules", &text);
        let lines = u32::try_from(text.matches('\n').count()).unwrap() + 1;
        for found in &rules.diagnostics {
            let span = found.span.unwrap();
            prop_assert!(1 <= span.line && span.line <= span.end_line && span.end_line <= lines);
            prop_assert!(!found.message.is_empty());
        }
        for rule in &rules.prefix_rules {
            prop_assert!(rule.rest.iter().all(|choices| !choices.is_empty()));
        }
    }
}

const PIECES: &[&str] = &[
    "prefix_rule(",
    "host_executable(",
    "network_rule(",
    "pattern = ",
    "match = ",
    "not_match = ",
    "decision = ",
    "[",
    "]",
    "(",
    ")",
    ", ",
    "\"git\"",
    "\"/usr/bin/git\"",
    "\"allow\"",
    "\"\u{fc}\"",
    "'",
    "\\",
    "f\"{",
    "}\"",
    "!r",
    "None",
    "1",
    "for x in [1, 2]:",
    "    ",
    "\n",
    "def f():",
    "f()",
    "+",
    "# ",
    "\t",
    "\u{feff}",
    "\r",
    "\0",
    "if ",
    "else",
    "**",
    "*",
];
