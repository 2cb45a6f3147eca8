//! What has a code and a page, as a table, as JSON, and as its page.

use serde_json::{Map, Value, json};

use super::columns::columns;

const SCHEMA: u32 = 1;

/// One of them.
#[derive(Debug)]
pub struct CatalogueEntry {
    /// Its columns with their names, the first of which are its code and its name.
    pub columns: Vec<(&'static str, String)>,
    /// Its page, as Markdown.
    pub page: String,
}

impl CatalogueEntry {
    /// Whether this is its code, in capitals or not, or its name.
    pub fn is_called(&self, called: &str) -> bool {
        match self.columns.as_slice() {
            [(_, code), (_, name), ..] => code.eq_ignore_ascii_case(called) || name == called,
            _ => false,
        }
    }
}

/// One line for each.
pub fn table(entries: &[CatalogueEntry]) -> String {
    let row = |entry: &CatalogueEntry| {
        let columns = entry.columns.iter();
        columns.map(|(_, cell)| cell.clone()).collect()
    };
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    columns(&rows)
}

/// One object on one line: `schema`, and under `key` a list of objects with the columns and `page`.
/// Fails only if it can't be written as JSON.
pub fn json(key: &str, entries: &[CatalogueEntry]) -> serde_json::Result<String> {
    let object = |entry: &CatalogueEntry| {
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
