//! What happens to about a thousand real command lines under `rules-examples/`, as a snapshot.
//!
//! The snapshots say what is, not what should be: where a command gets past a rule, the line
//! shows it. Programs are known by name alone, so that every machine gives the same answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use codex_shell::evaluate::{Basis, IndexedRules, Verdict, judge};
use codex_shell::request::{Program, Request, WorkingDirectory};

use crate::examples::load;
use crate::snapshot;

/// One file of `tests/decisions/`: groups of command lines, in the order of their names.
type Family = BTreeMap<String, Group>;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    commands: Vec<String>,
}

#[test]
fn decisions_are_as_recorded() {
    let rules = IndexedRules::new(load(&[PathBuf::from("rules-examples")]));
    assert!(!rules.is_broken());
    for path in families() {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let table = table(&rules, &read(&path));
        snapshot::within("decisions", || insta::assert_snapshot!(name, table));
    }
}

#[test]
fn no_command_is_listed_twice() {
    let mut seen = BTreeSet::new();
    for path in families() {
        for group in read(&path).into_values() {
            for command in group.commands {
                assert!(seen.insert(command.clone()), "{command}");
            }
        }
    }
    assert!(seen.len() > 900, "{}", seen.len());
}

fn families() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir("tests/decisions")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Family {
    let text = fs::File::open(path)
        .and_then(std::io::read_to_string)
        .unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// JSON with one line for each command, so that a difference reads as one.
fn table(rules: &IndexedRules, family: &Family) -> String {
    let groups: Vec<String> = family
        .iter()
        .map(|(name, group)| {
            let lines: Vec<String> = group.commands.iter().map(|c| line(rules, c)).collect();
            format!("  {name:?}: [\n    {}\n  ]", lines.join(",\n    "))
        })
        .collect();
    let table = format!("{{\n{}\n}}", groups.join(",\n"));
    serde_json::from_str::<serde_json::Value>(&table).unwrap();
    table
}

fn line(rules: &IndexedRules, command: &str) -> String {
    let verdict = verdict(rules, command);
    serde_json::json!({
        "command": command,
        "decision": verdict.decision,
        "placement": verdict.placement,
        "by": by(rules, &verdict.basis),
    })
    .to_string()
}

fn verdict(rules: &IndexedRules, command: &str) -> Verdict {
    let argv = shlex::split(command).unwrap_or_else(|| panic!("not one command: {command}"));
    let request = Request {
        program: Program::named(
            argv.first()
                .unwrap_or_else(|| panic!("no words: {command}")),
        ),
        argv: argv.iter().map(Into::into).collect(),
        cwd: WorkingDirectory::new("/work/project").unwrap(),
        environment: None,
        withheld: Vec::new(),
        leading: Vec::new(),
        interpreter: None,
        copy_of: None,
        followed: None,
        pins: Vec::new(),
        aliases: Vec::new(),
    };
    judge(rules, &request).verdict
}

fn by(rules: &IndexedRules, basis: &Basis) -> String {
    match basis {
        Basis::Rule(number) => {
            let place = rules
                .rules()
                .place(rules.rules().rule(*number).unwrap().span);
            place.trim_start_matches("rules-examples/").to_owned()
        }
        Basis::Withheld { .. } => "withheld".to_owned(),
        Basis::Default(number) => format!("default {number}"),
        Basis::Heuristic { code, .. } => (*code).to_owned(),
        Basis::BrokenRules => "broken rules".to_owned(),
        Basis::Unmatched => "nothing".to_owned(),
    }
}
