//! The settings as a list: one row for each value, with its source.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::keys::{KEYS, KeyName};
use super::settings::{ProfileSettings, Settings, Source, Sourced};
use super::values::duration_text;

/// One value that is set.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// The tables that the key stands in: none, `lints`, or `profiles` and a name.
    pub tables: Vec<&'a str>,
    /// The key.
    pub key: &'a str,
    /// The value as `codex-shell.toml` has it; `null` for what is not set.
    pub value: Value,
    /// Where it came from.
    pub source: &'a Source,
}

/// Every value, in the order of [`KEYS`].
pub fn rows(settings: &Settings) -> Vec<Row<'_>> {
    KEYS.iter().flat_map(|key| of_key(settings, key)).collect()
}

fn of_key<'a>(settings: &'a Settings, key: &super::keys::SettingKey) -> Vec<Row<'a>> {
    let one = |value: Value, source: &'a Source| {
        vec![Row {
            tables: Vec::new(),
            key: key.word,
            value,
            source,
        }]
    };
    match key.name {
        KeyName::Sandbox => {
            let Sourced { value, source } = &settings.sandbox;
            one(json!(value.as_str()), source)
        }
        KeyName::Network => one(json!(settings.network.value), &settings.network.source),
        KeyName::Writable => {
            let Sourced { value, source } = &settings.writable;
            one(paths(value), source)
        }
        KeyName::Unprotected => {
            let Sourced { value, source } = &settings.unprotected;
            one(json!(value), source)
        }
        KeyName::Interceptor => {
            let Sourced { value, source } = &settings.interceptor;
            one(json!(value.as_str()), source)
        }
        KeyName::Shell => one(path(&settings.shell.value), &settings.shell.source),
        KeyName::Ask => one(json!(settings.ask.value.to_string()), &settings.ask.source),
        KeyName::Timeout => {
            let Sourced { value, source } = &settings.timeout;
            one(json!(value.map(duration_text)), source)
        }
        KeyName::Rules => one(paths(&settings.rules.value), &settings.rules.source),
        KeyName::Lints => {
            let levels = settings.lints.iter();
            levels
                .map(|(code, level)| Row {
                    tables: vec![key.word],
                    key: code,
                    value: json!(level.value.as_str()),
                    source: &level.source,
                })
                .collect()
        }
        KeyName::Profiles => {
            let profiles = settings.profiles.iter();
            profiles
                .flat_map(|(name, profile)| of_profile([key.word, name], &profile.value))
                .collect()
        }
    }
}

fn of_profile<'a>(tables: [&'a str; 2], profile: &'a ProfileSettings) -> Vec<Row<'a>> {
    let ProfileSettings {
        mode,
        network,
        writable,
    } = profile;
    let row = |(key, value, source)| Row {
        tables: tables.to_vec(),
        key,
        value,
        source,
    };
    let values = [
        ("mode", json!(mode.value.as_str()), &mode.source),
        ("network", json!(network.value), &network.source),
        ("writable", paths(&writable.value), &writable.source),
    ];
    values.into_iter().map(row).collect()
}

/// A path for showing; only a flag's may be something else than UTF-8.
fn path(path: &Path) -> Value {
    json!(path.display().to_string())
}

fn paths(paths: &[PathBuf]) -> Value {
    paths.iter().map(|one| path(one)).collect()
}
