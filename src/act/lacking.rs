//! What a program outside does not get of its variables, in words.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::environment::{Filtered, SaidNotes, SessionEnvironment};
use crate::request::{argv, entry};
use crate::sys::lock;

/// Names that git and build tools set for what they start, npm others that begin with its own: nothing is
/// said of those.
const UNASKED: &[&str] = &[
    "GIT_PAGER_IN_USE",
    "GIT_PREFIX",
    "INIT_CWD",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MAKEOVERRIDES",
    "MAKE_TERMERR",
    "MAKE_TERMOUT",
    "MFLAGS",
];

/// As many different notes are said in one session.
const NOTES: usize = 32;
/// As many names are in one of them.
const NAMES: usize = 5;
/// The longest name or value there, in bytes.
const NAME_LIMIT: usize = 100;

/// Variables that a program outside does not get, or not all of them, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// Their names, each with the part of its value that does not go; none where the command set them.
    pub variables: Vec<(OsString, Option<OsString>)>,
    /// Why, as it follows the names.
    pub why: String,
}

/// `EDITOR=hx, which ...`.
impl std::fmt::Display for Lacking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let one = |(name, part): &(OsString, Option<OsString>)| match part {
            Some(part) => format!("{}={}", shown(name), shown(part)),
            None => shown(name),
        };
        write!(
            f,
            "{}, {}",
            listed(self.variables.iter().map(one)),
            self.why
        )
    }
}

impl SessionEnvironment {
    /// What a program does not get, and why; first what the command set.
    pub fn lacking(&self, filtered: &Filtered) -> Vec<Lacking> {
        let is_missed = |name: &&OsString| {
            let unasked = UNASKED.iter().any(|unasked| *name == unasked);
            !unasked && !name.as_bytes().starts_with(b"npm_")
        };
        let mut names: Vec<_> = filtered.dropped.iter().filter(is_missed).cloned().collect();
        names.sort();
        names.dedup();
        let mut all = Vec::new();
        if !names.is_empty() {
            all.push(Lacking {
                variables: names.into_iter().map(|name| (name, None)).collect(),
                why: "set by the command".to_owned(),
            });
        }
        for (name, part) in &filtered.left_out {
            let why = self.why(name).map_or_else(String::new, ToString::to_string);
            let why = format!("which {}", argv::visible(&why));
            let variable = (name.clone(), Some(part.clone()));
            match all.iter_mut().find(|other: &&mut Lacking| other.why == why) {
                Some(same) => same.variables.push(variable),
                None => all.push(Lacking {
                    variables: vec![variable],
                    why,
                }),
            }
        }
        all
    }

    /// What a program would not get, and why, if it were started now in `directory`: of the session's
    /// variables, and of those that were `set` before. `pass` go as they are.
    pub fn lacking_at_start(
        &self,
        set: &[OsString],
        directory: &Path,
        pass: &[String],
    ) -> Vec<Lacking> {
        let set = set.iter().filter(|name| self.why(name).is_none());
        let set: Vec<OsString> = set.cloned().collect();
        self.lacking(&self.of_start(&set, directory, pass))
    }

    /// What the caller is told of what `program` does not get, if it was not told that before.
    pub fn note(&self, program: &OsStr, filtered: &Filtered) -> Option<String> {
        let program = shown(program);
        let is_new = |lacking: &Lacking| {
            let SaidNotes(told) = &self.reported;
            let mut told = lock(told);
            let one = |(name, part): &(OsString, Option<OsString>)| match part {
                Some(part) => entry(name, part),
                None => name.clone(),
            };
            let key = lacking.variables.iter().map(one).collect();
            told.len() < NOTES && told.insert(key)
        };
        let lacking = self.lacking(filtered).into_iter().filter(is_new);
        let lines: Vec<String> = lacking
            .map(|lacking| format!("codex-shell: note: {program} runs outside without {lacking}"))
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

fn shown(word: &OsStr) -> String {
    argv::bounded_word(word, NAME_LIMIT)
}

/// `A`, `A and B`, `A, B and C`; of many the first.
fn listed(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<String> = words.collect();
    let more = words.len().saturating_sub(NAMES);
    if more > 0 {
        words.truncate(NAMES);
        words.push(format!("{more} more"));
    }
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(own: &[(&str, &str)]) -> SessionEnvironment {
        let own = own.iter().map(|(n, v)| (n.into(), v.into()));
        SessionEnvironment::new(own, &["/var/tmp".into()])
    }

    #[test]
    fn each_set_of_names_is_told_once() {
        let session = session(&[]);
        let note = |names: &[&str]| {
            let dropped = names.iter().map(OsString::from).collect();
            let filtered = Filtered {
                dropped,
                ..Filtered::default()
            };
            session.note(OsStr::new("git"), &filtered)
        };
        assert_eq!(note(&[]), None);
        let told = "codex-shell: note: git runs outside without A and B, set by the command";
        assert_eq!(note(&["B", "A"]).as_deref(), Some(told));
        assert_eq!(note(&["A", "B", "A"]), None);
        let many = ["A", "B", "C", "D", "E", "F", "G\n"];
        assert!(note(&many).unwrap().contains("A, B, C, D, E and 2 more,"));
        for nth in 0..2 * NOTES {
            let told = note(&[&format!("N{nth}")]);
            assert_eq!(told.is_some(), nth < NOTES - 2);
        }
    }

    #[test]
    fn each_reason_is_told_with_its_variables() {
        let session = session(&[
            ("EDITOR", "no-such-editor"),
            ("PATH", "/var/tmp/bin:/bin"),
            ("FROB", "/var/tmp/x"),
            ("PAGER", "npm test"),
            ("GOFLAGS", "-toolexec=x"),
            ("KEPT", "x"),
            ("SET", "x"),
        ]);
        let set = ["SET", "NEW", "LANG", "PASSED", "PATH"].map(OsString::from);
        let told = session.lacking_at_start(&set, Path::new("/"), &["PASSED".into()]);
        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "NEW and SET, set by the command",
                "EDITOR=no-such-editor, which hands files to no-such-editor, which isn't known to take \
                 them for mere data",
                "FROB=/var/tmp/x and PATH=/var/tmp/bin, which leads to what the sandbox can write",
                "GOFLAGS='-toolexec=x', which may have a program load what the sandbox can write",
                "PAGER='npm test', which starts npm, which does what package.json says",
            ]
        );
    }
}
