//! What has a code and a page, as a table, as JSON, and as its page.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

const SCHEMA: u32 = 1;

/// One of them.
#[derive(Debug)]
pub struct Entry {
    /// Its columns with their names, the first of which are its code and its name.
    pub columns: Vec<(&'static str, String)>,
    /// Its page, as Markdown.
    pub page: String,
}

impl Entry {
    /// Whether this is its code, in capitals or not, or its name.
    pub fn is_called(&self, called: &str) -> bool {
        match self.columns.as_slice() {
            [(_, code), (_, name), ..] => code.eq_ignore_ascii_case(called) || name == called,
            _ => false,
        }
    }
}

/// One line for each.
pub fn table(entries: &[Entry]) -> String {
    let columns = entries.iter().map(|entry| entry.columns.len()).max();
    let width = |column: usize| {
        let cells = entries.iter().filter_map(|entry| entry.columns.get(column));
        cells.map(|(_, cell)| cell.len()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns.unwrap_or_default()).map(width).collect();
    let mut text = String::new();
    for entry in entries {
        let mut line = String::new();
        for ((_, cell), width) in entry.columns.iter().zip(&widths) {
            // Writing to a String can't fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// One object on one line: `schema`, and under `key` a list of objects with the columns and `page`.
/// Fails only if it can't be written as JSON.
pub fn json(key: &str, entries: &[Entry]) -> serde_json::Result<String> {
    let object = |entry: &Entry| {
        let columns = entry.columns.iter();
        let columns = columns.map(|(name, cell)| ((*name).to_owned(), json!(cell)));
        let page = ("page".to_owned(), json!(entry.page));
        Value::Object(columns.chain([page]).collect())
    };
    let list: Vec<Value> = entries.iter().map(object).collect();
    let mut document = Map::new();
    document.insert("schema".to_owned(), json!(SCHEMA));
    document.insert(key.to_owned(), Value::Array(list));
    Ok(serde_json::to_string(&document)? + "\n")
}
