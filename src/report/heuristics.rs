//! The heuristics as a table, and one of them as its page.

use std::fmt::Write as _;

use serde::Serialize;

use crate::evaluate::heuristic::Heuristic;

const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Document {
    schema: u32,
    heuristics: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    code: &'static str,
    name: &'static str,
    reason: &'static str,
    /// Markdown.
    page: String,
}

/// One line for each: code, name, reason.
pub fn table(heuristics: &[&Heuristic]) -> String {
    let width = heuristics.iter().map(|known| known.name.len()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for Heuristic {
        code, name, reason, ..
    } in heuristics
    {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{code}  {name:width$}  {reason}");
    }
    text
}

/// One object on one line: `schema`, and `heuristics`, each with `code`, `name`, `reason` and
/// `page`. Fails only if it can't be written as JSON.
pub fn json(heuristics: &[&Heuristic]) -> serde_json::Result<String> {
    let entries = heuristics.iter().map(|known| Entry {
        code: known.code,
        name: known.name,
        reason: known.reason,
        page: known.page(),
    });
    let document = Document {
        schema: SCHEMA,
        heuristics: entries.collect(),
    };
    Ok(serde_json::to_string(&document)? + "\n")
}
