//! The JSON schema of `codex-shell.toml`, for editors.

use serde_json::{Map, Value, json};

use crate::confine::named;

use super::keys::{KEYS, KeyKind, PROFILE_KEYS, SettingKey};
use super::values::Ask;

/// The schema, with a final newline.
pub fn text() -> String {
    // Writing a value that we made can't fail.
    let text = serde_json::to_string_pretty(&schema()).unwrap_or_default();
    text + "\n"
}

fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "codex-shell.toml",
        "description": "The settings of codex-shell, for a user or for a project.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties(KEYS),
    })
}

fn properties(keys: &[SettingKey]) -> Value {
    let entries = keys.iter().map(|key| {
        let mut entry = Map::new();
        entry.insert("description".into(), description(key).into());
        entry.extend(of_kind(key.kind));
        (key.word.to_owned(), Value::Object(entry))
    });
    Value::Object(entries.collect())
}

fn description(key: &SettingKey) -> String {
    let project = key.project.words();
    format!("{} In a project's file: {project}.", key.meaning)
}

fn of_kind(kind: KeyKind) -> Map<String, Value> {
    let value = match kind {
        KeyKind::Choice(words) => json!({"type": "string", "enum": words}),
        KeyKind::Bool => json!({"type": "boolean"}),
        KeyKind::Path => json!({"type": "string", "minLength": 1}),
        KeyKind::Paths => json!({"type": "array", "items": {"type": "string", "minLength": 1}}),
        KeyKind::Names => {
            let names: Vec<&str> = named::unprotectable().collect();
            json!({"type": "array", "items": {"type": "string", "enum": names}})
        }
        KeyKind::Ask => json!({"type": "string", "pattern": Ask::pattern()}),
        KeyKind::Duration => json!({"type": "string", "pattern": "^[0-9.]+(ms|s|m|h)?$"}),
        KeyKind::Levels(words) => json!({
            "type": "object",
            "additionalProperties": {"type": "string", "enum": words},
        }),
        KeyKind::Profiles => json!({
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": false,
                "properties": properties(PROFILE_KEYS),
            },
        }),
    };
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
