//! Which variables reach a program outside the sandbox.
//!
//! A variable passes if it has the value that it had when `codex-shell` started. A few names that only say
//! how output should look (`LANG`, `TERM`, `COLUMNS` and the like) pass with plain changed values. `PATH` and
//! `HOME` are always the session's. The rest is dropped: loaders, shells, interpreters and most tools can be
//! made to run other code by a variable, and no list of such variables is complete.
//!
//! For the same reason nothing of the session's own passes that leads to what the sandbox can write, a
//! directory of the workspace on `PATH` among others, whatever the variable: a few are known to name nothing
//! that is run (`TMPDIR`, `SSH_AUTH_SOCK` and the like). Lists lose such entries, and those that are empty or
//! relative; other variables are left out. Of one that names files, what is relative lies in the working
//! directory, and so leads inside (`XDG_CONFIG_HOME=xdg`); of one that holds a command or options (`EDITOR`,
//! `NODE_OPTIONS`), each word must be known to name nothing there. A script counts as untrusted when what it
//! has `env` find could be the sandbox's.
//!
//! Some of what is dropped says what a program acts on (`GIT_DIR`, `KUBECONFIG`); models list it as
//! `variables`. A program that a rule allows and that would lose such a variable is refused: outside it would
//! act on something else than it was told to. A rule's `pass_env` passes the variables that it names, but
//! none that makes programs run or load other code (`models/running.rs` lists them with the reasons), and
//! none that says what some program acts on and leads to what the sandbox can write: such a program is
//! refused too. An option or an operand that chooses another server, account or configuration than the
//! program has by itself (`--context`, `-h HOST`; `elsewhere` in models) must be named by a rule that
//! permits, as what runs or writes must.
//!
//! Of what somebody is asked about, the size of the terminal and what shells count (`COLUMNS`, `SHLVL`) is always the
//! session's too: a yes for the session holds for all else that goes outside.
//!
//! A program that answers questions gets the session's own variables, trimmed in the same way.
//!
//! What was dropped or left out is in the audit record and in a question, and is said on the caller's
//! standard error, each set of names once; what shells and build tools set by themselves is not.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use super::trimmed::{SessionPaths, Trimmed, Why, trimmed};
use crate::models;
use crate::models::variable::is_target;
use crate::request::{self, Request, Roots, variable};

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

/// Names whose value changes by itself: the size of the terminal, and what shells count.
const RESTLESS: &[&str] = &["COLUMNS", "LINES", "OLDPWD", "SHLVL", "_"];

/// Names whose value is always the session's own.
const FIXED: &[&str] = &["HOME", "PATH"];

/// With these, pagers that know them start and write nothing, whatever is typed; the models say which
/// (`secured_by`). And what would take that back.
const SECURED: &[(&str, &str)] = &[("LESSSECURE", "1"), ("SYSTEMD_PAGERSECURE", "1")];
const LOOSENED: &str = "LESSSECURE_ALLOW";

/// What git sets for the programs that it starts.
const HANDED_ON: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_EXEC_PATH",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Names that shells set anew all the time, and that nobody misses.
const COMMON: &[&str] = &["_", "OLDPWD", "PATH"];

/// Names and values.
pub type VariableList = Vec<(OsString, OsString)>;

/// The variables as the session started with them.
#[derive(Debug)]
pub struct SessionEnvironment {
    variables: HashMap<OsString, OsString>,
    /// What the sandboxed side can write.
    writable: Vec<PathBuf>,
    /// Those of which not all goes outside; looked for once something goes.
    trimmed: OnceLock<HashMap<OsString, Trimmed>>,
    /// What was said of what programs don't get.
    pub(super) reported: SaidNotes,
}

/// What a program outside gets, and what it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filtered {
    /// The environment, each entry `NAME=value`.
    pub passed: Vec<OsString>,
    /// Those of them that were set inside and go as they are because a rule says so.
    pub by_rule: Vec<OsString>,
    /// The names of the variables that were set inside, and left out or set back; each once, in order.
    pub dropped: Vec<OsString>,
    /// What the session's own variables name that the sandboxed side can write, and that is left out:
    /// each variable with the part of its value.
    pub left_out: Vec<(OsString, OsString)>,
}

/// What was said in one session, so that nothing is said twice.
#[derive(Debug, Default)]
pub(super) struct SaidNotes(pub(super) Mutex<HashSet<Vec<OsString>>>);

impl SessionEnvironment {
    /// Takes the variables of a trusted moment: our own start. `writable` is what the sandboxed side
    /// can write.
    pub fn new(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        writable: &[PathBuf],
    ) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            writable: writable.to_vec(),
            trimmed: OnceLock::new(),
            reported: SaidNotes::default(),
        }
    }

    /// Filters the `NAME=value` entries that a sandboxed caller gave for a program outside, which
    /// will start in `directory`. Those that `pass` names go as they are.
    pub fn filter(&self, entries: &[OsString], directory: &Path, pass: &[String]) -> Filtered {
        let mut filtered = Filtered::default();
        let mut seen = HashSet::new();
        for entry in entries {
            let Some((name, value)) = variable(entry) else {
                filtered.dropped.push(entry.clone());
                continue;
            };
            if !seen.insert(name) {
                filtered.dropped.push(name.into());
            } else if pass.iter().any(|passed| name == passed.as_str()) {
                filtered.passed.push(entry.clone());
                if self.variables.get(name).is_none_or(|own| own != value) {
                    filtered.by_rule.push(entry.clone());
                }
            } else if name == LOOSENED || SECURED.iter().any(|(secured, _)| name == *secured) {
                // Set below.
            } else if name == "PWD" {
                filtered
                    .passed
                    .push(request::entry(name, directory.as_os_str()));
            } else if self.variables.get(name).is_some_and(|own| own == value) {
                self.pass_own(name, value, &mut filtered);
            } else if is_inert(name) && is_plain(name, value.as_bytes()) {
                filtered.passed.push(entry.clone());
            } else if !COMMON.iter().any(|common| name == *common) && !self.is_of_git(name, value) {
                filtered.dropped.push(name.into());
            }
        }
        for name in FIXED.iter().map(OsStr::new) {
            let is_this = |entry: &OsString| variable(entry).is_some_and(|(n, _)| n == name);
            let own = self.variables.get(name);
            if let Some(value) = own.filter(|_| !filtered.passed.iter().any(is_this)) {
                self.pass_own(name, value, &mut filtered);
            }
        }
        for (name, value) in SECURED {
            if !pass.iter().any(|passed| passed == name) {
                filtered
                    .passed
                    .push(request::entry(OsStr::new(name), OsStr::new(value)));
            }
        }
        filtered
    }

    /// Has what changes by itself be as it was at the start, but for what a rule passes.
    pub fn settle(&self, filtered: &mut Filtered) {
        let Filtered {
            passed, by_rule, ..
        } = filtered;
        let is_restless = |name: &OsStr| RESTLESS.iter().any(|restless| name == *restless);
        let is_of_start = |entry: &OsString| {
            !by_rule.contains(entry) && variable(entry).is_some_and(|(name, _)| is_restless(name))
        };
        passed.retain(|entry| !is_of_start(entry));
        for (name, value) in self.own().into_iter().filter(|(name, _)| is_restless(name)) {
            let mut there = passed.iter().filter_map(|entry| variable(entry));
            if there.all(|(passed, _)| passed != name) {
                passed.push(request::entry(&name, &value));
            }
        }
    }

    /// Whether git sets it so for what it starts, and would again: where its own programs are.
    fn is_of_git(&self, name: &OsStr, value: &OsStr) -> bool {
        let (Some(path), true) = (
            self.variables.get(OsStr::new("PATH")),
            name == "GIT_EXEC_PATH",
        ) else {
            return false;
        };
        let file = |path: PathBuf| {
            let file = std::fs::metadata(path).ok()?;
            Some((file.dev(), file.ino()))
        };
        let mut found = std::env::split_paths(path)
            .filter_map(|entry| Some((file(entry.join("git"))?, entry.parent()?.to_owned())));
        let Some((own, prefix)) = found.next() else {
            return false;
        };
        // Where the two are no links to one file, they are in the places of one installation.
        let place = Path::new(value);
        let usual = |library| place == prefix.join(library).join("git-core");
        Some(own) == file(place.join("git")) || ["lib", "libexec"].into_iter().any(usual)
    }

    /// Passes what may go of a variable that is as it was at the start.
    fn pass_own(&self, name: &OsStr, value: &OsStr, filtered: &mut Filtered) {
        let left_out = &mut filtered.left_out;
        match self.trimmed().get(name) {
            None | Some(Trimmed::Whole) => filtered.passed.push(request::entry(name, value)),
            Some(Trimmed::Less { value, without }) => {
                filtered.passed.push(request::entry(name, value));
                left_out.extend(without.iter().map(|part| (name.to_owned(), part.clone())));
            }
            Some(Trimmed::Gone(_)) if name == "_" || name == "OLDPWD" => {}
            Some(Trimmed::Gone(_)) => left_out.push((name.to_owned(), value.to_owned())),
        }
    }

    fn trimmed(&self) -> &HashMap<OsString, Trimmed> {
        self.trimmed.get_or_init(|| {
            let roots = Roots::of(&self.writable);
            let session = self.session(&roots);
            // What a home directory holds is protected otherwise.
            let all = self.variables.iter().filter(|(name, _)| *name != "HOME");
            let all = all.map(|(name, value)| (name.clone(), trimmed(name, value, &session)));
            all.filter(|(_, trimmed)| *trimmed != Trimmed::Whole)
                .collect()
        })
    }

    /// Why a variable that the session started with does not go, or not all of it.
    pub(super) fn why(&self, name: &OsStr) -> Option<&Why> {
        match self.trimmed().get(name)? {
            Trimmed::Whole => None,
            Trimmed::Less { .. } => Some(&Why::Leads),
            Trimmed::Gone(why) => Some(why),
        }
    }

    /// What a program outside would get if it were started now with the session's variables, and with
    /// some that are `set` before, to values that nobody knows yet.
    pub(super) fn of_start(&self, set: &[OsString], directory: &Path, pass: &[String]) -> Filtered {
        let own = self.variables.iter();
        let own = own.filter(|(name, _)| !set.contains(name));
        let mut entries: Vec<OsString> = own
            .map(|(name, value)| request::entry(name, value))
            .collect();
        entries.sort();
        let mut filtered = self.filter(&entries, directory, pass);
        let is_lost = |name: &&OsString| {
            let fixed = FIXED.iter().chain(COMMON).any(|fixed| **name == **fixed);
            let passed = pass.iter().any(|passed| **name == **passed);
            !fixed && !passed && !is_inert(name)
        };
        filtered.dropped.extend(set.iter().filter(is_lost).cloned());
        filtered
    }

    /// What goes outside of the variables that the session started with.
    pub fn own(&self) -> VariableList {
        let own = self.variables.iter().filter_map(|(name, value)| {
            let value = match self.trimmed().get(name) {
                None | Some(Trimmed::Whole) => value,
                Some(Trimmed::Less { value, .. }) => value,
                Some(Trimmed::Gone(_)) => return None,
            };
            Some((name.clone(), value.clone()))
        });
        own.collect()
    }

    /// Has `request` know those of `variables` that it would not get outside as they are, also where a rule
    /// would pass them; `may_pass` says for which names that could be.
    pub fn withhold(
        &self,
        request: &mut Request,
        variables: &[(OsString, OsString)],
        may_pass: impl Fn(&OsStr) -> bool,
    ) {
        let entries: Vec<OsString> = variables
            .iter()
            .map(|(n, v)| request::entry(n, v))
            .collect();
        request.withheld = self.filter(&entries, Path::new("/"), &[]).lacks();
        let roots = Roots::of(&self.writable);
        let session = self.session(&roots);
        let leads = |(name, value): &&(OsString, OsString)| {
            may_pass(name)
                && !is_target(name.as_bytes())
                && trimmed(name, value, &session) != Trimmed::Whole
        };
        let leading = variables.iter().filter(leads);
        request.leading = leading.map(|(name, _)| name.clone()).collect();
    }

    /// The first of `entries`, `NAME=value` each, that is not as it was at the start and leads to what could be the
    /// sandboxed side's, where it makes programs run or load what it names, or says what one acts on: `acts_by`
    /// says so. `PATH` does not count: the programs that it leads to are looked at themselves; nor does what a git
    /// hands on, which was looked at as a whole.
    pub fn misleading<'a>(
        &self,
        entries: &'a [OsString],
        acts_by: impl Fn(&OsStr) -> bool,
    ) -> Option<&'a OsStr> {
        let roots = Roots::of(&self.writable);
        let session = self.session(&roots);
        let mut set = entries.iter().filter_map(|entry| variable(entry));
        let found = set.find(|(name, value)| {
            let is_own = self.variables.get(*name).is_some_and(|own| own == value);
            !is_own
                && *name != "PATH"
                && !HANDED_ON.iter().any(|handed| name == handed)
                && !is_target(name.as_bytes())
                && (models::runs(name.as_bytes()).is_some() || acts_by(name))
                && trimmed(name, value, &session) != Trimmed::Whole
        });
        found.map(|(name, _)| name)
    }

    /// What variables are looked at by.
    fn session<'a>(&'a self, roots: &'a Roots) -> SessionPaths<'a> {
        let own = |name: &str| {
            self.variables
                .get(OsStr::new(name))
                .map(OsString::as_os_str)
        };
        SessionPaths {
            roots,
            home: own("HOME"),
            path: own("PATH"),
        }
    }
}

impl Filtered {
    /// The names of everything that was set where the program was started, and that it does not get
    /// as it was.
    pub fn lacks(&self) -> Vec<OsString> {
        let own = self.left_out.iter().map(|(name, _)| name);
        let is_gone = |name: &OsString| {
            let mut passed = self.passed.iter().filter_map(|entry| variable(entry));
            passed.all(|(passed, _)| passed != name)
        };
        let own = own.filter(|name| is_gone(name));
        let mut names: Vec<OsString> = self.dropped.iter().chain(own).cloned().collect();
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }
}

fn is_inert(name: &OsStr) -> bool {
    INERT.iter().any(|inert| name == *inert) || name.as_bytes().starts_with(b"LC_")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> SessionEnvironment {
        let own = [
            ("PATH", "/bin"),
            ("HOME", "/home/u"),
            ("EDITOR", "vi"),
            ("TERM", "xterm"),
        ];
        SessionEnvironment::new(own.map(|(n, v)| (n.into(), v.into())), &[])
    }

    fn filter(entries: &[&str]) -> (Vec<String>, Vec<String>) {
        let entries: Vec<OsString> = entries.iter().map(OsString::from).collect();
        let filtered = session().filter(&entries, Path::new("/work"), &["PASSED".into()]);
        let text = |v: Vec<OsString>| {
            v.into_iter()
                .map(|s| s.into_string().unwrap())
                .collect::<Vec<_>>()
        };
        let mut passed = text(filtered.passed);
        let ours = passed.split_off(passed.len() - SECURED.len());
        assert_eq!(ours, ["LESSSECURE=1", "SYSTEMD_PAGERSECURE=1"]);
        (passed, text(filtered.dropped))
    }

    #[test]
    fn pagers_are_secured_whatever_was_set() {
        let set = ["LESSSECURE=0", "LESSSECURE_ALLOW=shell", "PWD=/"];
        assert_eq!(
            filter(&set),
            (
                ["PWD=/work", "HOME=/home/u", "PATH=/bin"]
                    .map(String::from)
                    .to_vec(),
                vec![]
            )
        );
    }

    /// Else what counts as secured would not be.
    #[test]
    fn what_the_models_ask_for_is_set() {
        let conditions = crate::models::programs().flat_map(|(names, _)| {
            let name = names.split(' ').next().unwrap_or_default();
            crate::models::builtin(name).map_or(&[][..], |model| &model.secured_by)
        });
        let mut found = 0;
        for condition in conditions {
            found += 1;
            let set = SECURED
                .iter()
                .any(|(name, value)| *condition == format!("{name}={value}"));
            assert!(set || *condition == format!("!{LOOSENED}"), "{condition}");
        }
        assert!(found > 1);
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
            "PASSED=/tmp",
            "PASSED=again",
            "novalue",
            "=odd",
        ]);
        assert_eq!(passed, ["PASSED=/tmp", "HOME=/home/u", "PATH=/bin"]);
        let names = [
            "EDITOR",
            "LD_PRELOAD",
            "BASH_FUNC_ls%%",
            "HOME",
            "GIT_CONFIG_COUNT",
            "PASSED",
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
    fn what_changes_by_itself_is_as_it_was_at_the_start() {
        let own = [("COLUMNS", "80"), ("SHLVL", "1"), ("TERM", "xterm")];
        let session = SessionEnvironment::new(own.map(|(n, v)| (n.into(), v.into())), &[]);
        let settled = |entries: &[&str]| {
            let entries: Vec<OsString> = entries.iter().map(OsString::from).collect();
            let mut filtered = session.filter(&entries, Path::new("/"), &["LINES".into()]);
            session.settle(&mut filtered);
            filtered.passed.sort();
            filtered.passed
        };
        let first = settled(&["COLUMNS=80", "SHLVL=1", "TERM=xterm", "LINES=9"]);
        assert!(first.contains(&"LINES=9".into()) && first.contains(&"COLUMNS=80".into()));
        let resized = ["COLUMNS=99", "TERM=xterm", "LINES=9", "_=x", "OLDPWD=/x"];
        assert_eq!(settled(&resized), first);
        assert_ne!(
            settled(&["COLUMNS=80", "SHLVL=1", "TERM=vt100", "LINES=9"]),
            first
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
