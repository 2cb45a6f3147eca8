//! From the text of one `codex-shell.toml` to what it says, with every mistake found.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::confine::{Mode, named};
use crate::lint;
use crate::rules::lexical;

use super::keys::{self, KEYS, KeyName, LEVELS, PROFILE_KEYS, SettingKey};
use super::line_index::LineIndex;
use super::problem::SettingsProblem;
use super::settings::{Source, Sourced};
use super::values::{Ask, Interceptor, LintLevel, duration};

/// What one file says; `None` where it is silent.
#[derive(Debug, Default)]
pub(super) struct FileSettings {
    pub(super) sandbox: Option<Sourced<Mode>>,
    pub(super) network: Option<Sourced<bool>>,
    pub(super) writable: Option<Sourced<Vec<PathBuf>>>,
    pub(super) unprotected: Option<Sourced<Vec<String>>>,
    pub(super) interceptor: Option<Sourced<Interceptor>>,
    pub(super) shell: Option<Sourced<PathBuf>>,
    pub(super) ask: Option<Sourced<Ask>>,
    pub(super) timeout: Option<Sourced<Duration>>,
    pub(super) rules: Option<Sourced<Vec<PathBuf>>>,
    pub(super) lints: BTreeMap<String, Sourced<LintLevel>>,
    pub(super) profiles: BTreeMap<String, Sourced<SaidProfile>>,
}

/// What one file says of a profile.
#[derive(Debug, Default)]
pub(super) struct SaidProfile {
    pub(super) mode: Option<Sourced<Mode>>,
    pub(super) network: Option<Sourced<bool>>,
    pub(super) writable: Option<Sourced<Vec<PathBuf>>>,
}

/// Reads `text`, which stands in `path`; a path in it may begin with `~/`, for `home`.
pub(super) fn parse(
    path: &Path,
    text: &str,
    home: Option<&Path>,
) -> Result<FileSettings, Vec<SettingsProblem>> {
    let mut reader = SettingsReader {
        path,
        text,
        home,
        problems: Vec::new(),
    };
    let mut said = FileSettings::default();
    match DeTable::parse(text) {
        Ok(table) => reader.table(table.get_ref(), &mut said),
        Err(error) => {
            let message = error.message().trim_end().to_owned();
            reader.problem(error.span().unwrap_or(0..0), message);
        }
    }
    reader.problems.sort_by_key(|problem| problem.span);
    if reader.problems.is_empty() {
        Ok(said)
    } else {
        Err(reader.problems)
    }
}

type Value<'a> = Spanned<DeValue<'a>>;

struct SettingsReader<'a> {
    path: &'a Path,
    text: &'a str,
    home: Option<&'a Path>,
    problems: Vec<SettingsProblem>,
}

impl SettingsReader<'_> {
    fn problem(&mut self, at: Range<usize>, message: String) {
        let problem = SettingsProblem::at(self.path, self.text, at, message);
        self.problems.push(problem);
    }

    fn problem_with_help(&mut self, at: Range<usize>, message: String, help: String) {
        let problem = SettingsProblem::at(self.path, self.text, at, message);
        self.problems.push(problem.with_help(help));
    }

    /// The key of `known` that is written `word`.
    fn key(
        &mut self,
        known: &'static [SettingKey],
        word: &Spanned<toml::de::DeString<'_>>,
    ) -> Option<&'static SettingKey> {
        let found = keys::find(known, word.get_ref());
        if found.is_none() {
            let words: Vec<&str> = known.iter().map(|key| key.word).collect();
            self.problem_with_help(
                word.span(),
                format!("there is no key `{}`", word.get_ref()),
                format!("the keys are {}", words.join(", ")),
            );
        }
        found
    }

    fn table(&mut self, table: &DeTable<'_>, said: &mut FileSettings) {
        for (word, value) in table {
            let Some(key) = self.key(KEYS, word) else {
                continue;
            };
            match key.name {
                KeyName::Sandbox => said.sandbox = self.mode(word.span(), value),
                KeyName::Network => {
                    said.network = self.bool(value).map(|on| self.sourced(word.span(), on));
                }
                KeyName::Writable => said.writable = self.sourced_paths(word.span(), value, false),
                KeyName::Unprotected => {
                    let found = self.names(value);
                    said.unprotected = found.map(|found| self.sourced(word.span(), found));
                }
                KeyName::Interceptor => {
                    let found = self.choice(value, keys::INTERCEPTORS, Interceptor::from_name);
                    said.interceptor = found.map(|found| self.sourced(word.span(), found));
                }
                KeyName::Shell => {
                    let found = self.path(value, false);
                    said.shell = found.map(|found| self.sourced(word.span(), found));
                }
                KeyName::Ask => {
                    let found = self.text(value, Ask::from_text);
                    said.ask = found.map(|found| self.sourced(word.span(), found));
                }
                KeyName::Timeout => {
                    let found = self.text(value, duration);
                    said.timeout = found.map(|found| self.sourced(word.span(), found));
                }
                KeyName::Rules => said.rules = self.sourced_paths(word.span(), value, true),
                KeyName::Lints => self.lints(value, said),
                KeyName::Profiles => self.profiles(value, said),
            }
        }
    }

    fn sourced<T>(&self, at: Range<usize>, value: T) -> Sourced<T> {
        let line = LineIndex::new(self.text).line(at.start);
        Sourced {
            value,
            source: Source::File(self.path.to_owned(), line),
        }
    }

    fn mode(&mut self, at: Range<usize>, value: &Value<'_>) -> Option<Sourced<Mode>> {
        let mode = self.choice(value, keys::MODES, Mode::from_name)?;
        Some(self.sourced(at, mode))
    }

    fn lints(&mut self, value: &Value<'_>, said: &mut FileSettings) {
        let Some(table) = self.subtable(value) else {
            return;
        };
        for (word, value) in table {
            let level = self.choice(value, LEVELS, LintLevel::from_name);
            let Some(lint) = lint::find(word.get_ref()) else {
                let message = format!("there is no lint `{}`", word.get_ref());
                self.problem(word.span(), message);
                continue;
            };
            let Some(level) = level else {
                continue;
            };
            let level = self.sourced(word.span(), level);
            if said.lints.insert(lint.code.to_owned(), level).is_some() {
                let message = format!("the level of {} is set twice", lint.code);
                self.problem(word.span(), message);
            }
        }
    }

    fn profiles(&mut self, value: &Value<'_>, said: &mut FileSettings) {
        let Some(table) = self.subtable(value) else {
            return;
        };
        for (word, value) in table {
            let Some(table) = self.subtable(value) else {
                continue;
            };
            if Mode::from_name(word.get_ref()).is_some() {
                let message = format!("`{}` is already a sandbox mode", word.get_ref());
                self.problem(word.span(), message);
                continue;
            }
            let mut profile = SaidProfile::default();
            for (key, value) in table {
                match self.key(PROFILE_KEYS, key).map(|key| key.name) {
                    Some(KeyName::Sandbox) => profile.mode = self.mode(key.span(), value),
                    Some(KeyName::Network) => {
                        profile.network = self.bool(value).map(|on| self.sourced(key.span(), on));
                    }
                    Some(KeyName::Writable) => {
                        profile.writable = self.sourced_paths(key.span(), value, false);
                    }
                    _ => {}
                }
            }
            let profile = self.sourced(word.span(), profile);
            said.profiles.insert(word.get_ref().to_string(), profile);
        }
    }

    fn wrong_type(&mut self, value: &Value<'_>, wanted: &str) {
        let got = value.get_ref().type_str();
        self.problem(value.span(), format!("expected {wanted}, found {got}"));
    }

    fn subtable<'v, 'i>(&mut self, value: &'v Value<'i>) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(value, "a table");
        }
        table
    }

    fn bool(&mut self, value: &Value<'_>) -> Option<bool> {
        let on = value.get_ref().as_bool();
        if on.is_none() {
            self.wrong_type(value, "true or false");
        }
        on
    }

    /// A string that `read` understands, or else says what it expected.
    fn text<T>(
        &mut self,
        value: &Value<'_>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(value, "a string");
            return None;
        };
        match read(text) {
            Ok(read) => Some(read),
            Err(message) => {
                self.problem(value.span(), format!("`{text}`: {message}"));
                None
            }
        }
    }

    fn choice<T>(
        &mut self,
        value: &Value<'_>,
        words: &[&str],
        named: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.text(value, |text| {
            named(text).ok_or_else(|| format!("expected one of {}", words.join(", ")))
        })
    }

    fn sourced_paths(
        &mut self,
        at: Range<usize>,
        value: &Value<'_>,
        relative: bool,
    ) -> Option<Sourced<Vec<PathBuf>>> {
        let paths = self.paths(value, relative)?;
        Some(self.sourced(at, paths))
    }

    fn paths(&mut self, value: &Value<'_>, relative: bool) -> Option<Vec<PathBuf>> {
        let Some(list) = value.get_ref().as_array() else {
            self.wrong_type(value, "a list of paths");
            return None;
        };
        list.iter().map(|item| self.path(item, relative)).collect()
    }

    /// Names that other programs obey.
    fn names(&mut self, value: &Value<'_>) -> Option<Vec<String>> {
        let Some(list) = value.get_ref().as_array() else {
            self.wrong_type(value, "a list of names");
            return None;
        };
        let known = |text: &str| {
            let found = named::unprotectable().find(|name| *name == text);
            let message = "expected one of the names that codex-shell doctor lists";
            found.map_or(Err(message.to_owned()), |name| Ok(name.to_owned()))
        };
        list.iter().map(|item| self.text(item, known)).collect()
    }

    /// An absolute path without detours; a relative one, where that is allowed, counts from the
    /// file's folder.
    fn path(&mut self, value: &Value<'_>, relative: bool) -> Option<PathBuf> {
        let folder = self.path.parent().filter(|_| relative);
        let home = self.home;
        self.text(value, |text| {
            if text.is_empty() {
                return Err("expected a path".into());
            }
            let path = match (text.strip_prefix("~/"), home, folder) {
                (Some(rest), Some(home), _) => home.join(rest),
                (Some(_), None, _) => return Err("the home directory is not known".into()),
                (None, _, Some(folder)) => folder.join(text),
                (None, _, None) => PathBuf::from(text),
            };
            let normal = path.to_str().and_then(lexical::normalise);
            normal
                .map(PathBuf::from)
                .ok_or_else(|| "expected an absolute path, or one that begins with ~/".into())
        })
    }
}
