//! Settings that a command line or variables put in the place of those in files.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use super::command::GitCommandLine;
use super::config::Config;
use super::config_file::Entry;
use super::{Objection, VariableLookup};

/// There are no more of them.
const MOST: usize = 64;

const UNREADABLE: &str = "settings that can't be read";

impl Config<'_> {
    /// What variables of the environment say of the configuration.
    pub(super) fn add_variables(&mut self, variables: VariableLookup<'_>) -> Result<(), Objection> {
        let unreadable = || Objection::new(UNREADABLE);
        let value = |name: &str| variables(name).filter(|value| !value.is_empty());
        if let Some(given) = value("GIT_CONFIG_PARAMETERS") {
            let entries = parameters(given.as_bytes()).ok_or_else(unreadable)?;
            for entry in entries {
                self.add_entry(entry)?;
            }
        }
        let Some(count) = value("GIT_CONFIG_COUNT") else {
            return Ok(());
        };
        let count = count.to_str().and_then(|count| count.parse().ok());
        let count: usize = count
            .filter(|&count| count <= MOST)
            .ok_or_else(unreadable)?;
        for number in 0..count {
            let name = variables(&format!("GIT_CONFIG_KEY_{number}"));
            let value = variables(&format!("GIT_CONFIG_VALUE_{number}"));
            if let (Some(name), Some(value)) = (name, value) {
                self.add_entry((lower(name.as_bytes()), value.into_vec()))?;
            }
        }
        Ok(())
    }

    /// What options before the subcommand say.
    pub(super) fn add_options(
        &mut self,
        asked: &GitCommandLine<'_>,
        variables: VariableLookup<'_>,
    ) -> Result<(), Objection> {
        for setting in &asked.settings {
            self.add_entry(entry(setting.as_bytes()))?;
        }
        for setting in &asked.settings_from_variables {
            let (name, variable) = entry(setting.as_bytes());
            let variable = OsStr::from_bytes(&variable).to_str();
            let value = variable.and_then(variables);
            let unknown = || Objection::new("a setting from a variable that isn't known here");
            self.add_entry((name, value.ok_or_else(unknown)?.into_vec()))?;
        }
        Ok(())
    }

    fn add_entry(&mut self, (name, value): Entry) -> Result<(), Objection> {
        self.take(name, value, Path::new("/"))
    }
}

fn lower(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_lowercase()
}

/// `name=value`; without a value, it is true.
pub(super) fn entry(text: &[u8]) -> Entry {
    let mut parts = text.splitn(2, |&byte| byte == b'=');
    let name = lower(parts.next().unwrap_or_default());
    (name, parts.next().unwrap_or(b"true").to_vec())
}

/// The settings in `GIT_CONFIG_PARAMETERS`: `'name'='value'`, or `'name=value'` of older releases, each in
/// quotes of a shell; `None` if there is anything else.
fn parameters(text: &[u8]) -> Option<Vec<Entry>> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        while let Some(after) = rest.strip_prefix(b" ") {
            rest = after;
        }
        if rest.is_empty() {
            return Some(found);
        }
        let (name, after) = unquoted(rest)?;
        rest = after;
        match rest.split_first() {
            None | Some((b' ', _)) => found.push(entry(&name)),
            Some((b'=', after)) if after.first().is_none_or(|byte| *byte == b' ') => {
                found.push((lower(&name), b"true".to_vec()));
                rest = after;
            }
            Some((b'=', after)) => {
                let (value, after) = unquoted(after)?;
                found.push((lower(&name), value));
                rest = after;
            }
            Some(_) => return None,
        }
        if found.len() > MOST {
            return None;
        }
    }
}

/// The word in quotes at the beginning of `text`, and what follows.
fn unquoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    let mut rest = text.strip_prefix(b"'")?;
    loop {
        let end = rest.iter().position(|&byte| byte == b'\'')?;
        word.extend_from_slice(rest.get(..end)?);
        rest = rest.get(end + 1..)?;
        match rest {
            [b'\\', byte @ (b'\'' | b'!'), b'\'', after @ ..] => {
                word.push(*byte);
                rest = after;
            }
            _ => return Some((word, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<(String, String)>> {
        let text_of = |(name, value)| (name, String::from_utf8(value).unwrap());
        let entries = parameters(text.as_bytes())?;
        Some(entries.into_iter().map(text_of).collect())
    }

    #[test]
    fn settings_are_read_as_git_writes_them() {
        for (text, expected) in [
            ("", Some(vec![])),
            ("'Core.Pager'='sh m'", Some(vec![("core.pager", "sh m")])),
            (
                "'a.b=c d' 'e.f'",
                Some(vec![("a.b", "c d"), ("e.f", "true")]),
            ),
            (
                "'a.b'= 'c.d'='it'\\''s'",
                Some(vec![("a.b", "true"), ("c.d", "it's")]),
            ),
            ("'a.b'='x'\\!''", Some(vec![("a.b", "x!")])),
            ("a.b=c", None),
            ("'a.b", None),
            ("'a.b'x", None),
        ] {
            let expected = expected.map(|list| {
                let pairs = list.into_iter();
                pairs
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect()
            });
            assert_eq!(read(text), expected, "{text}");
        }
    }

    /// Git's own quoting, as a child of it gets it.
    #[test]
    fn git_agrees() {
        let git = std::process::Command::new("git")
            .args([
                "-c",
                "a.b=it's! x",
                "-c",
                "c.D.e",
                "-c",
                "alias.p=!printenv GIT_CONFIG_PARAMETERS",
                "p",
            ])
            .output()
            .unwrap();
        let text = String::from_utf8(git.stdout).unwrap();
        let found = read(text.trim_end()).unwrap();
        assert_eq!(found[0], ("a.b".to_owned(), "it's! x".to_owned()));
        assert_eq!(found[1], ("c.d.e".to_owned(), "true".to_owned()));
        assert_eq!(found.len(), 3);
    }
}
