//! Which variables reach a program outside the sandbox.
//!
//! Whatever the sandboxed side changed is hostile: a loader, a shell, an interpreter and most tools
//! can be made to run other code by a variable, and no list of such variables is complete. So what
//! passes is what was there when the session started, unchanged, and a few names that only say how
//! output should look.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Names that pass with a changed value, if the value is plain.
const INERT: &[&str] = &[
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "COLUMNS",
    "FORCE_COLOR",
    "LANG",
    "LANGUAGE",
    "LINES",
    "NO_COLOR",
    "SHLVL",
    "TERM",
    "TZ",
];

/// Names whose value is always the session's own.
const FIXED: &[&str] = &["HOME", "PATH"];

/// The variables as the session started with them.
#[derive(Debug, Clone)]
pub struct SessionEnvironment(HashMap<OsString, OsString>);

/// What a program outside gets, and what it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filtered {
    /// The environment, each entry `NAME=value`.
    pub passed: Vec<OsString>,
    /// The names of the variables that were left out or set back, each once, in order.
    pub dropped: Vec<OsString>,
}

impl SessionEnvironment {
    /// Takes the variables of a trusted moment: our own start.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// Filters the `NAME=value` entries that a sandboxed caller gave for a program outside, which
    /// will start in `directory`.
    pub fn filter(&self, entries: &[OsString], directory: &Path) -> Filtered {
        let mut filtered = Filtered {
            passed: Vec::new(),
            dropped: Vec::new(),
        };
        let mut seen = HashSet::new();
        for entry in entries {
            let Some((name, value)) = split(entry) else {
                filtered.dropped.push(entry.clone());
                continue;
            };
            if !seen.insert(name) {
                filtered.dropped.push(name.into());
            } else if name == "PWD" {
                filtered.passed.push(join(name, directory.as_os_str()));
            } else if self.passes(name, value) {
                filtered.passed.push(entry.clone());
            } else if !FIXED.iter().any(|fixed| name == *fixed) && name != "_" && name != "OLDPWD" {
                filtered.dropped.push(name.into());
            }
        }
        for name in FIXED.iter().map(OsStr::new) {
            let own = self.0.get(name);
            let passed = filtered
                .passed
                .iter()
                .any(|e| split(e).is_some_and(|(n, _)| n == name));
            if let Some(value) = own.filter(|_| !passed) {
                filtered.passed.push(join(name, value));
            }
        }
        filtered
    }

    fn passes(&self, name: &OsStr, value: &OsStr) -> bool {
        if self.0.get(name).is_some_and(|own| own == value) {
            return true;
        }
        let inert = INERT.iter().any(|i| name == *i) || name.as_bytes().starts_with(b"LC_");
        inert && is_plain(name, value.as_bytes())
    }
}

/// Whether a changed value can only name a locale, a colour, a number or a time zone: no path that
/// leads anywhere.
fn is_plain(name: &OsStr, value: &[u8]) -> bool {
    let slash = name == "TZ" && !value.starts_with(b"/") && !value.windows(2).any(|w| w == b"..");
    value.len() <= 128
        && !value.starts_with(b":")
        && value
            .iter()
            .all(|&b| b.is_ascii_alphanumeric() || b"._@:,+-".contains(&b) || (slash && b == b'/'))
}

fn split(entry: &OsStr) -> Option<(&OsStr, &OsStr)> {
    let bytes = entry.as_bytes();
    let equals = bytes.iter().position(|&b| b == b'=').filter(|&at| at > 0)?;
    let (name, value) = bytes.split_at_checked(equals)?;
    Some((OsStr::from_bytes(name), OsStr::from_bytes(value.get(1..)?)))
}

fn join(name: &OsStr, value: &OsStr) -> OsString {
    OsString::from_vec([name.as_bytes(), b"=", value.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(entries: &[&str]) -> (Vec<String>, Vec<String>) {
        let own = [
            ("PATH", "/bin"),
            ("HOME", "/home/u"),
            ("EDITOR", "vi"),
            ("TERM", "xterm"),
        ];
        let session = SessionEnvironment::new(own.map(|(n, v)| (n.into(), v.into())));
        let entries: Vec<OsString> = entries.iter().map(OsString::from).collect();
        let Filtered { passed, dropped } = session.filter(&entries, Path::new("/work"));
        let text = |v: Vec<OsString>| v.into_iter().map(|s| s.into_string().unwrap()).collect();
        (text(passed), text(dropped))
    }

    #[test]
    fn what_the_sandbox_changed_does_not_pass() {
        let (passed, dropped) = filter(&[
            "EDITOR=evil",
            "LD_PRELOAD=/tmp/x.so",
            "BASH_FUNC_ls%%=() { evil; }",
            "PATH=/tmp",
            "HOME=/tmp",
            "GIT_CONFIG_COUNT=1",
            "novalue",
            "=odd",
        ]);
        assert_eq!(passed, ["HOME=/home/u", "PATH=/bin"]);
        let names = [
            "EDITOR",
            "LD_PRELOAD",
            "BASH_FUNC_ls%%",
            "GIT_CONFIG_COUNT",
            "novalue",
            "=odd",
        ];
        assert_eq!(dropped, names);
    }

    #[test]
    fn unchanged_and_inert_variables_pass() {
        let given = [
            "EDITOR=vi",
            "PATH=/bin",
            "HOME=/home/u",
            "LC_ALL=de_DE.UTF-8",
            "TZ=Europe/Rome",
        ];
        let (passed, dropped) = filter(&given);
        assert_eq!(
            (passed, dropped),
            (given.map(String::from).to_vec(), vec![])
        );
    }

    #[test]
    fn inert_names_do_not_carry_paths() {
        let (passed, dropped) = filter(&["TZ=/etc/passwd", "LANG=../x", "TERM=a/b", "TZ=:x"]);
        assert_eq!(passed, ["HOME=/home/u", "PATH=/bin"]);
        assert_eq!(dropped, ["TZ", "LANG", "TERM", "TZ"]);
    }

    #[test]
    fn a_variable_that_was_unset_stays_unset_and_the_first_of_two_counts() {
        assert_eq!(
            filter(&["TERM=vt100", "TERM=xterm", "PWD=/lie"]).0,
            ["TERM=vt100", "PWD=/work", "HOME=/home/u", "PATH=/bin",]
        );
    }
}
