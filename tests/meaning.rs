//! Rules on meanings, over tables of command lines from each program's manual.
//!
//! Each file of `tests/meaning/` holds rules: the conditions of a `command_rule`, the commands
//! that have that meaning (`catches`), commands that don't (`spares`), and of those that have it
//! the ones that say nothing else (`accepts`). A rule that forbids must forbid every command of
//! `catches`, alone and in each wrapper of `wrappers.toml`, and none of `spares`. A rule that
//! permits must permit those of `accepts`, and nothing else in the table. Every program that has a
//! model has a row, or starts a command of `catches`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use codex_shell::evaluate::{Basis, IndexedRules, Placement, Verdict};
use codex_shell::models;
use codex_shell::models::model::{OptionModel, Style, Takes};
use codex_shell::rules::{Decision, from_own_text};

use crate::support::judging::{judged_by, request_in};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    rule: Vec<Row>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The arguments of `command_rule`.
    meaning: String,
    catches: Vec<String>,
    #[serde(default)]
    spares: Vec<String>,
    accepts: Vec<String>,
}

/// Command lines with `{}` for the words of a command, or `{script}` for them as one word.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrappers {
    wrappers: Vec<String>,
    /// Those whose command runs in a directory that nobody knows: a rule on paths can't spare it.
    elsewhere: Vec<String>,
}

const WRAPPERS: &str = "tests/meaning/wrappers.toml";

#[test]
fn a_rule_that_forbids_catches_every_form() {
    let wrappers = wrappers();
    let mut missed = Vec::new();
    for_each_row(|file, row| {
        let rules = rules(row, "forbidden");
        for command in &row.catches {
            let wrapped = wrappers.iter().map(|wrapper| wrap(wrapper, command));
            for command in std::iter::once(command.clone()).chain(wrapped) {
                if verdict(&rules, &command).decision != Decision::Forbidden {
                    missed.push(format!("{file}: {}: {command}", row.meaning));
                }
            }
        }
    });
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_rule_that_forbids_spares_the_rest() {
    let wrappers: Wrappers = read(&WRAPPERS.into());
    let mut caught = Vec::new();
    for_each_row(|file, row| {
        let rules = rules(row, "forbidden");
        // Some wrappers have the meaning themselves.
        // Behind an unknown option, nobody knows where the command begins.
        let caught_alone = |wrapper: &&String| {
            wrapper.contains("--unknown")
                || (row.meaning.contains("under(") && wrappers.elsewhere.contains(wrapper))
                || verdict(&rules, &wrap(wrapper, "true")).decision == Decision::Forbidden
        };
        for command in &row.spares {
            let wrappers = wrappers.wrappers.iter();
            let wrappers = wrappers.filter(|wrapper| !caught_alone(wrapper));
            let wrapped = wrappers.map(|wrapper| wrap(wrapper, command));
            for command in std::iter::once(command.clone()).chain(wrapped) {
                if verdict(&rules, &command).decision == Decision::Forbidden {
                    caught.push(format!("{file}: {}: {command}", row.meaning));
                }
            }
        }
    });
    assert!(caught.is_empty(), "{}", caught.join("\n"));
}

#[test]
fn a_rule_that_permits_accepts_only_what_it_names() {
    let wrappers = wrappers();
    let mut wrong = Vec::new();
    for_each_row(|file, row| {
        let rules = rules(row, "allow");
        let permitted = |command: &str| {
            let verdict = verdict(&rules, command);
            matches!(verdict.basis, Basis::Rule(_)) && verdict.placement == Placement::Outside
        };
        for command in &row.accepts {
            if !permitted(command) {
                wrong.push(format!("{file}: {}: refused: {command}", row.meaning));
            }
        }
        let rest = row.catches.iter().chain(&row.spares);
        for command in rest.filter(|command| !row.accepts.contains(command)) {
            if permitted(command) {
                wrong.push(format!("{file}: {}: permitted: {command}", row.meaning));
            }
        }
        for command in row.catches.iter().chain(&row.accepts) {
            for wrapper in &wrappers {
                let harmless = permitted(&wrap(wrapper, "true"));
                let command = wrap(wrapper, command);
                if permitted(&command) && !harmless {
                    wrong.push(format!("{file}: {}: permitted: {command}", row.meaning));
                }
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The program that a rule is about, if it is one.
fn program(row: &Row) -> Option<&str> {
    let (_, rest) = row.meaning.split_once("program = \"")?;
    rest.split('"').next()
}

#[test]
fn every_model_has_a_row() {
    let mut rows: BTreeSet<String> = BTreeSet::new();
    for_each_row(|_, row| {
        rows.extend(program(row).map(str::to_owned));
        for command in &row.catches {
            let words = shlex::split(command).unwrap();
            let name = words[0].rsplit('/').next().unwrap();
            rows.insert(name.to_owned());
        }
    });
    let has_row = |names: &str| names.split(' ').any(|name| rows.contains(name));
    let missing: Vec<&str> = models::programs()
        .map(|(names, _)| names)
        .filter(|names| !has_row(names))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// `option` in every form that it has in front of other words.
fn spellings(option: &OptionModel, style: Style) -> Vec<String> {
    let forms = |name: &String| {
        let cluster = style == Style::Gnu && name.len() == 2;
        let long = name.starts_with("--") || (style == Style::Go && name.starts_with('-'));
        match option.takes {
            _ if name.ends_with('=') => vec![format!("{name}v")],
            _ if name.ends_with([',', ':']) => vec![format!("{name}v")],
            Takes::Nothing => vec![name.clone()],
            Takes::Attached if cluster => vec![format!("{name}v")],
            Takes::Attached => vec![format!("{name}=v")],
            Takes::Value if cluster => vec![format!("{name} v"), format!("{name}v")],
            Takes::Value if long => vec![format!("{name} v"), format!("{name}=v")],
            Takes::Value => vec![format!("{name} v")],
            Takes::Number if cluster => vec![format!("{name} 4"), format!("{name}4")],
            Takes::Number => vec![format!("{name} 4"), format!("{name}=4")],
        }
    };
    option.names.iter().flat_map(forms).collect()
}

#[test]
fn options_before_the_rest_hide_nothing() {
    let mut missed = Vec::new();
    let mut count = 0;
    for_each_row(|file, row| {
        let rules = rules(row, "forbidden");
        let Some(command) = row.catches.first() else {
            return;
        };
        let Some((name, rest)) = command.split_once(' ') else {
            return;
        };
        let Some(model) = models::builtin(name).filter(|_| program(row) == Some(name)) else {
            return;
        };
        // A first word of letters is options too; and where a command of its own begins may hang
        // on options.
        if model.syntax.bundle == Some(true) || !model.inner.is_empty() {
            return;
        }
        let style = model.syntax.style.unwrap_or_default();
        for option in &model.options {
            for spelling in spellings(option, style) {
                let command = format!("{name} {spelling} {rest}");
                count += 1;
                if verdict(&rules, &command).decision != Decision::Forbidden {
                    missed.push(format!("{file}: {}: {command}", row.meaning));
                }
            }
        }
    });
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert!(count > 3000, "{count}");
}

fn for_each_row(mut each: impl FnMut(&str, &Row)) {
    let mut paths: Vec<PathBuf> = fs::read_dir("tests/meaning")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("wrappers.toml"))
        .collect();
    paths.sort();
    for path in paths {
        let table: Table = read(&path);
        for row in &table.rule {
            each(path.file_name().unwrap().to_str().unwrap(), row);
        }
    }
}

fn wrappers() -> Vec<String> {
    read::<Wrappers>(&WRAPPERS.into()).wrappers
}

fn read<T: serde::de::DeserializeOwned>(path: &PathBuf) -> T {
    let text = fs::File::open(path).and_then(std::io::read_to_string);
    toml::from_str(&text.unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rules(row: &Row, decision: &str) -> IndexedRules {
    let text = format!("command_rule({}, decision = \"{decision}\")\n", row.meaning);
    let rules = from_own_text("t.rules", &text);
    assert_eq!(rules.diagnostics, [], "{text}");
    IndexedRules::new(rules)
}

fn wrap(wrapper: &str, command: &str) -> String {
    let script = shlex::try_quote(command).unwrap();
    wrapper.replace("{script}", &script).replace("{}", command)
}

fn verdict(rules: &IndexedRules, command: &str) -> Verdict {
    judged_by(rules, &request_in("/work/project", command)).verdict
}
