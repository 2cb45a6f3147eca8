//! The models that ship in the binary: that what it reads is what their source says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use codex_shell::models::model::CommandModel;
use codex_shell::models::{self, SOURCES};
use codex_shell::rules::from_own_text;

#[test]
fn the_data_is_what_the_sources_say() {
    let path = PathBuf::from("src/models/builtin.jsonl");
    let expected = data();
    if std::env::var_os("UPDATE_MODELS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::File::open(&path).and_then(std::io::read_to_string);
    assert!(
        found.unwrap() == expected,
        "{} is out of date: UPDATE_MODELS=1 cargo test models",
        path.display()
    );
}

#[test]
fn every_source_is_listed() {
    let files: BTreeSet<String> = fs::read_dir("src/models/builtin")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let listed: BTreeSet<String> = SOURCES.iter().map(|(name, _)| (*name).into()).collect();
    assert_eq!(files, listed);
}

#[test]
fn every_name_finds_its_model() {
    for (file, model) in sources() {
        for name in &model.names {
            assert!(models::builtin(name) == Some(&model), "{name}");
            let text = models::source(name).unwrap();
            assert!(SOURCES.contains(&(file, text)), "{name}");
        }
    }
}

/// Every model of the sources; no two have the same name.
fn sources() -> Vec<(&'static str, CommandModel)> {
    let mut models = Vec::new();
    let mut seen = BTreeSet::new();
    for (file, text) in SOURCES {
        let rules = from_own_text(file, text);
        assert_eq!(rules.diagnostics, [], "{file}");
        for program in rules.programs {
            for name in &program.model.names {
                assert!(seen.insert(name.clone()), "{file}: {name} has two models");
            }
            models.push((*file, program.model));
        }
    }
    models
}

fn data() -> String {
    let by_name: BTreeMap<String, (&str, CommandModel)> = sources()
        .into_iter()
        .map(|(file, model)| (model.names[0].clone(), (file, model)))
        .collect();
    let mut lines = String::new();
    for (file, model) in by_name.values() {
        let json = serde_json::to_string(model).unwrap();
        writeln!(lines, "{}\t{file}\t{json}", model.names.join(" ")).unwrap();
    }
    lines
}

/// `codex-shell rules models` with these arguments.
fn shown(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_codex-shell"))
        .args(["rules", "models"])
        .args(words)
        .output()
        .unwrap()
}

#[test]
fn every_program_is_listed() {
    let text = String::from_utf8(shown(&[]).stdout).unwrap();
    let json: serde_json::Value =
        serde_json::from_slice(&shown(&["--format", "json"]).stdout).unwrap();
    for (_, model) in sources() {
        assert!(text.contains(&model.names[0]), "{:?}", model.names);
        let listed = json["programs"].as_array().unwrap().iter();
        let names = serde_json::to_value(&model.names).unwrap();
        assert_eq!(listed.filter(|p| p["names"] == names).count(), 1);
    }
}

#[test]
fn a_program_is_printed_as_it_is_written() {
    let text = String::from_utf8(shown(&["git"]).stdout).unwrap();
    assert_eq!(Some(text.as_str()), models::source("git"));
    let json: CommandModel =
        serde_json::from_slice(&shown(&["git", "--format=json"]).stdout).unwrap();
    assert!(models::builtin("git") == Some(&json));
    let unknown = shown(&["no-such-program"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        String::from_utf8(unknown.stderr)
            .unwrap()
            .starts_with("codex-shell: error: ")
    );
}
