//! What is set, as a `codex-shell.toml` with comments and as JSON; and what is wrong with one.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use crate::config::rows::{Row, rows};
use crate::config::{Loaded, SettingsProblem, Source};
use crate::request::argv;

use super::explain_json::safe;
use super::snippet;

const SCHEMA: u32 = 1;

/// The width to which assignments are filled up, so that their sources stand below each other.
const WIDTH: usize = 36;

/// Writes each problem to standard error: `codex-shell: error: FILE:LINE:COL: message`, the line
/// that it is about, and what to do.
pub fn print_problems(problems: &[SettingsProblem]) {
    for problem in problems {
        super::error(&problem_text(problem, super::colours_errors()));
    }
}

/// The same, a text for each.
pub fn texts(problems: &[SettingsProblem]) -> Vec<String> {
    let texts = problems.iter().map(|problem| problem_text(problem, false));
    texts.collect()
}

fn problem_text(problem: &SettingsProblem, colour: bool) -> String {
    let name = argv::visible(&problem.path.display().to_string());
    let message: Vec<String> = problem.message.lines().map(argv::visible).collect();
    let message = message.join(" ");
    let mut text = match problem.span {
        Some(span) => format!("{name}:{}:{}: {message}", span.line, span.column),
        None => format!("{name}: {message}"),
    };
    let excerpt = problem
        .span
        .and_then(|span| snippet::excerpt(&name, &problem.text, span, colour));
    if let Some(excerpt) = excerpt {
        text.push('\n');
        text.push_str(excerpt.trim_end());
    }
    if let Some(help) = &problem.help {
        text.push_str("\n  help: ");
        text.push_str(&argv::visible(help));
    }
    text
}

/// For people: a file that sets just what is set, each line with its source; then, as comments,
/// where rules are read from.
pub fn toml(loaded: &Loaded) -> String {
    let mut text = String::new();
    let mut tables: Vec<&str> = Vec::new();
    for row in rows(&loaded.settings) {
        if row.tables != tables {
            let names: Vec<String> = row.tables.iter().map(|name| key(name)).collect();
            // Writing to a String can't fail.
            let _ = writeln!(text, "\n[{}]", names.join("."));
            tables.clone_from(&row.tables);
        }
        let assignment = match assigned(&row.value) {
            Some(value) => format!("{} = {value}", key(row.key)),
            None => format!("# no {}", row.key),
        };
        let _ = writeln!(text, "{assignment:WIDTH$}  # {}", row.source);
    }
    if !loaded.rules.is_empty() {
        text.push_str("\n# Rules:\n");
    }
    for origin in &loaded.rules {
        let path = argv::visible(&origin.path.display().to_string());
        let _ = writeln!(text, "# {:7}  {path}", origin.layer.as_str());
    }
    text
}

/// A key, quoted unless it is bare.
fn key(word: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !word.is_empty() && word.chars().all(bare) {
        word.to_owned()
    } else {
        argv::quoted(word)
    }
}

/// A value as TOML; `None` where nothing is set.
fn assigned(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(argv::quoted(text)),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(assigned).collect();
            Some(format!("[{}]", items.join(", ")))
        }
        other => Some(other.to_string()),
    }
}

#[derive(Serialize)]
struct ConfigDocument<'a> {
    schema: u32,
    /// The files that were read, in the order in which they count.
    files: Vec<String>,
    settings: Vec<ConfigEntry<'a>>,
    rules: Vec<RulesEntry>,
    /// What of a project does not count, and why.
    notes: Vec<String>,
}

#[derive(Serialize)]
struct ConfigEntry<'a> {
    /// The key behind the tables that it stands in.
    path: Vec<&'a str>,
    value: Value,
    from: From<'a>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum From<'a> {
    Default,
    File { path: String, line: u32 },
    Flag { flag: &'a str },
}

#[derive(Serialize)]
struct RulesEntry {
    layer: &'static str,
    path: String,
}

/// For programs: one object on one line. Fails only if it can't be written as JSON.
pub fn json(loaded: &Loaded) -> serde_json::Result<String> {
    let rules = loaded.rules.iter().map(|origin| RulesEntry {
        layer: origin.layer.as_str(),
        path: origin.path.display().to_string(),
    });
    let files = loaded.files.iter();
    let document = ConfigDocument {
        schema: SCHEMA,
        files: files.map(|path| path.display().to_string()).collect(),
        settings: rows(&loaded.settings).into_iter().map(entry).collect(),
        rules: rules.collect(),
        notes: loaded.notes(false),
    };
    Ok(safe(&serde_json::to_string(&document)?) + "\n")
}

fn entry(row: Row<'_>) -> ConfigEntry<'_> {
    let mut path = row.tables;
    path.push(row.key);
    let from = match row.source {
        Source::Default => From::Default,
        Source::File(path, line) => From::File {
            path: path.display().to_string(),
            line: *line,
        },
        Source::Flag(flag) => From::Flag { flag },
    };
    ConfigEntry {
        path,
        value: row.value,
        from,
    }
}
