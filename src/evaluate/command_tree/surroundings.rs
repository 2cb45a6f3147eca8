//! Where a command within another runs, and with which variables, as far as that can be known.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use crate::models::Reading;
use crate::models::model::Effect;
use crate::models::reading::Kind;
use crate::request::variable;

/// So many directories are kept in mind; of more, none is known.
const DIRECTORIES: usize = 4;
/// As long may the way to one be, in bytes.
const LENGTH: usize = 1024;
/// So many variables may change until nobody knows any.
pub(super) const VARIABLES: usize = 64;

/// Variables that every shell sets by itself.
pub(super) const OWN: [&str; 4] = ["OLDPWD", "PWD", "SHLVL", "_"];

/// Each directory that a command may be in, by the way there from that of the request; `None` if nobody knows.
pub(super) type Directories = Option<Arc<[PathBuf]>>;

/// Where most commands run, shared by them.
static AS_THE_REQUEST: LazyLock<Surroundings> = LazyLock::new(|| Surroundings {
    directories: Some(Arc::new([PathBuf::new()])),
    variables: Variables {
        base: VariableBase::Request,
        changes: Arc::default(),
    },
});

/// The variables in most shells, shared by them.
static IN_SHELL: LazyLock<Variables> = LazyLock::new(|| Variables::default().with_own_unknown());

/// What is known of where a command runs. By default, all is as for the request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::evaluate) struct Surroundings {
    pub(in crate::evaluate) directories: Directories,
    pub(in crate::evaluate) variables: Variables,
}

impl Default for Surroundings {
    fn default() -> Self {
        AS_THE_REQUEST.clone()
    }
}

impl Surroundings {
    /// Nothing is known.
    pub(super) fn unknown() -> Self {
        Self {
            directories: None,
            variables: Variables::unknown(),
        }
    }

    /// Of what a command starts that is in these and read like this.
    pub(super) fn behind(&self, reading: &Reading<'_>) -> Self {
        let mut inner = self.clone();
        let mut directories = reading.values_with(Effect::Directory);
        let is_away = reading.is_away();
        if let Some(directory) = directories.next() {
            let only = directory.filter(|_| directories.next().is_none());
            let only = only.filter(|only| !is_away || Path::new(only).is_absolute());
            inner.directories = only.and_then(|only| self.moved(only));
        } else if is_away {
            inner.directories = None;
        }
        let keeps = reading.model.is_some_and(|model| model.keeps_variables);
        if !keeps {
            inner.variables = Variables::unknown();
            return inner;
        }
        let words = reading.parts.iter().map_while(|part| match part.kind {
            Kind::Operand { word, .. } => Some(Some(word)),
            Kind::Flag(_) | Kind::Value(_) => Some(None),
            Kind::Dashes | Kind::Subcommand { .. } => None,
        });
        let takes_assignments = reading.model.is_some_and(|model| {
            let mut inner = model.inner.iter();
            inner.any(|inner| inner.assignments)
        });
        let words = words.flatten().filter(|_| takes_assignments);
        let before = words.take_while(|word| word.as_bytes().contains(&b'='));
        if reading.values_with(Effect::Clears).next().is_some() {
            inner.variables = Variables::none();
        }
        for name in reading.values_with(Effect::Unsets).flatten() {
            inner.variables.change(name, VariableChange::Unset);
        }
        for (name, value) in before.filter_map(variable) {
            inner
                .variables
                .change(name, VariableChange::Set(value.to_owned()));
        }
        inner
    }

    /// The directories that `directory` is from here.
    pub(super) fn moved(&self, directory: &OsStr) -> Directories {
        let here = self.directories.as_ref()?.iter();
        let there =
            here.map(|here| Some(here.join(directory)).filter(|it| it.as_os_str().len() <= LENGTH));
        there.collect()
    }
}

/// All of two lists of directories.
pub(super) fn either(one: Directories, other: Directories) -> Directories {
    let (one, other) = one.zip(other)?;
    let more = other.iter().filter(|directory| !one.contains(directory));
    let all: Arc<[PathBuf]> = one.iter().chain(more).cloned().collect();
    (all.len() <= DIRECTORIES).then_some(all)
}

/// The variables of a command, by what differs from those of the request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::evaluate) struct Variables {
    base: VariableBase,
    changes: Arc<BTreeMap<OsString, VariableChange>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum VariableBase {
    /// Those of the request.
    Request,
    /// None.
    Nothing,
    /// Nobody knows.
    Unknown,
}

/// What becomes of a variable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum VariableChange {
    Set(OsString),
    /// What has it has this value; what doesn't, hasn't: it is not exported.
    Replaced(OsString),
    Unset,
    /// It is as it was, and what is assigned to it from now on is exported.
    Exported,
    /// It may have any value, or none.
    Unknown,
}

impl Default for Variables {
    fn default() -> Self {
        AS_THE_REQUEST.variables.clone()
    }
}

impl Variables {
    pub(super) fn unknown() -> Self {
        Self {
            base: VariableBase::Unknown,
            ..Self::default()
        }
    }

    /// What git makes of them for what it starts: more than anybody knows, and its own changed.
    pub(super) fn behind_git(mut self) -> Self {
        let is_its_own = |name: &&OsString| name.as_bytes().starts_with(b"GIT_") || *name == "PATH";
        let own: Vec<OsString> = self.changes.keys().filter(is_its_own).cloned().collect();
        for name in own {
            self.change(&name, VariableChange::Unknown);
        }
        Self {
            base: VariableBase::Unknown,
            ..self
        }
    }

    fn none() -> Self {
        Self {
            base: VariableBase::Nothing,
            ..Self::default()
        }
    }

    /// What a shell makes of them that is started with these.
    pub(super) fn in_shell(self) -> Self {
        if self.are_those(&AS_THE_REQUEST.variables) {
            IN_SHELL.clone()
        } else {
            self.with_own_unknown()
        }
    }

    fn with_own_unknown(mut self) -> Self {
        for name in OWN {
            self.change(OsStr::new(name), VariableChange::Unknown);
        }
        self
    }

    pub(super) fn change(&mut self, name: &OsStr, change: VariableChange) {
        let change = match (self.changes.get(name), change) {
            (
                Some(VariableChange::Set(_) | VariableChange::Exported),
                VariableChange::Replaced(value),
            ) => VariableChange::Set(value),
            (
                Some(VariableChange::Unset | VariableChange::Unknown),
                VariableChange::Replaced(_),
            ) => VariableChange::Unknown,
            (_, change) => change,
        };
        // Those that were made of these stay the same.
        if self.changes.get(name) == Some(&change) {
            return;
        }
        Arc::make_mut(&mut self.changes).insert(name.to_owned(), change);
        if self.changes.len() > VARIABLES {
            *self = Self::unknown();
        }
    }

    /// Those that are set anew, with the values that they surely have.
    pub(super) fn set(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.changes
            .iter()
            .filter_map(|(name, change)| match change {
                VariableChange::Set(value) => Some((name.as_os_str(), value.as_os_str())),
                _ => None,
            })
    }

    /// The names of those that may be set to something else than the request has, but for those that every
    /// shell sets.
    pub(in crate::evaluate) fn changed(&self) -> impl Iterator<Item = &OsStr> {
        let set = self.changes.iter().filter(|(name, change)| {
            !matches!(change, VariableChange::Unset | VariableChange::Exported)
                && !OWN.iter().any(|own| *own == name.as_os_str())
        });
        set.map(|(name, _)| name.as_os_str())
    }

    /// The names of those that may have another value than the request has, and nobody knows which: that none is
    /// known means that nobody knows what else there is.
    pub(super) fn unsure(&self, none_is_known: bool) -> Vec<&OsStr> {
        let changed = self.changed();
        let is_unsure = |name: &&OsStr| {
            none_is_known
                || self
                    .changes
                    .get(*name)
                    .is_some_and(|it| *it == VariableChange::Unknown)
        };
        changed.filter(is_unsure).collect()
    }

    /// Whether nobody knows them.
    pub(in crate::evaluate) fn are_unknown(&self) -> bool {
        self.base == VariableBase::Unknown
    }

    /// Whether the variable may be set to something else than the request has.
    pub(super) fn may_have(&self, name: &str) -> bool {
        let change = self.changes.get(OsStr::new(name));
        self.are_unknown() || change.is_some_and(|change| *change != VariableChange::Unset)
    }

    /// Whether it is this variable of which nobody knows the value.
    pub(in crate::evaluate) fn is_unknown(&self, name: &str) -> bool {
        self.changes.get(OsStr::new(name)) == Some(&VariableChange::Unknown)
    }

    /// Whether nobody knows one of them, but for those that every shell sets.
    pub(super) fn is_any_unknown(&self) -> bool {
        let mut changes = self.changes.iter();
        let is_own = |name: &OsString| OWN.iter().any(|own| *own == name.as_os_str());
        self.are_unknown()
            || changes.any(|(name, change)| *change == VariableChange::Unknown && !is_own(name))
    }

    /// The variable is given to what is started from now on.
    pub(super) fn export(&mut self, name: &[u8]) {
        let name = OsStr::from_bytes(name);
        match self.changes.get(name) {
            Some(VariableChange::Replaced(value)) => {
                self.change(name, VariableChange::Set(value.clone()));
            }
            Some(_) => {}
            None => self.change(name, VariableChange::Exported),
        }
    }

    /// The variables, where the request has `own`; `None` if nobody knows. One of which nobody knows the
    /// value is there twice.
    pub(in crate::evaluate) fn of(
        &self,
        own: Option<&Arc<[(OsString, OsString)]>>,
    ) -> Option<Arc<[(OsString, OsString)]>> {
        let known = self.known(own)?;
        let changes = self.changes.iter();
        let unknown = changes.filter(|(_, change)| **change == VariableChange::Unknown);
        let twice = unknown.flat_map(|(name, _)| {
            let entry = (name.clone(), OsString::new());
            [entry.clone(), entry]
        });
        let twice: Vec<_> = twice.collect();
        if twice.is_empty() {
            return Some(known);
        }
        Some(known.iter().cloned().chain(twice).collect())
    }

    /// The same without those of which nobody knows the value.
    pub(super) fn known(
        &self,
        own: Option<&Arc<[(OsString, OsString)]>>,
    ) -> Option<Arc<[(OsString, OsString)]>> {
        let mut all = match self.base {
            VariableBase::Request if self.changes.is_empty() => return own.cloned(),
            VariableBase::Request => own?.to_vec(),
            VariableBase::Nothing => Vec::new(),
            VariableBase::Unknown => return None,
        };
        let changes = self.changes.iter();
        for (name, change) in changes.filter(|(_, change)| **change != VariableChange::Exported) {
            let before = all.len();
            all.retain(|(known, _)| known != name);
            let entry = |value: &OsString| (name.clone(), value.clone());
            match change {
                VariableChange::Set(value) => all.push(entry(value)),
                VariableChange::Replaced(value) if all.len() < before => all.push(entry(value)),
                VariableChange::Replaced(_)
                | VariableChange::Unset
                | VariableChange::Exported
                | VariableChange::Unknown => {}
            }
        }
        Some(all.into())
    }

    /// The value that a shell's variable has, where the request has `own`; `None` where that is unknown.
    pub(super) fn value(&self, name: &OsStr, own: &[(OsString, OsString)]) -> Option<OsString> {
        match (self.changes.get(name), self.base) {
            (Some(VariableChange::Set(value) | VariableChange::Replaced(value)), _) => {
                Some(value.clone())
            }
            (None | Some(VariableChange::Exported), VariableBase::Request) => {
                let mut values = own.iter().filter(|(known, _)| known == name);
                let (_, value) = values.next()?;
                values.next().is_none().then(|| value.clone())
            }
            _ => None,
        }
    }

    /// As whoever is started has them: what was not exported is as the request, which has `own`, has it.
    pub(super) fn settle(&mut self, own: &[(OsString, OsString)]) {
        let replaced = |change: &VariableChange| matches!(change, VariableChange::Replaced(_));
        if !self.changes.values().any(replaced) {
            return;
        }
        for (name, change) in Arc::make_mut(&mut self.changes) {
            if let VariableChange::Replaced(value) = change {
                let has = own.iter().any(|(known, _)| known == name);
                *change = if has && self.base == VariableBase::Request {
                    VariableChange::Set(std::mem::take(value))
                } else {
                    VariableChange::Unset
                };
            }
        }
    }

    /// Whether these were made of each other, and not changed since.
    pub(super) fn are_those(&self, other: &Self) -> bool {
        self.base == other.base && Arc::ptr_eq(&self.changes, &other.changes)
    }
}

/// The variables that came of the last ones: most commands of a script have the same.
#[derive(Default)]
pub(in crate::evaluate) struct KnownVariables {
    by: Option<Variables>,
    /// Those of which the value is known.
    pub(super) known: Option<Arc<[(OsString, OsString)]>>,
    pub(super) all: Option<Arc<[(OsString, OsString)]>>,
}

impl KnownVariables {
    /// Those that come of `variables`, where the request has `own`, which is the same each time.
    pub(super) fn by(
        &mut self,
        variables: &Variables,
        own: Option<&Arc<[(OsString, OsString)]>>,
    ) -> &Self {
        if self.by.as_ref().is_none_or(|by| !by.are_those(variables)) {
            *self = Self {
                known: variables.known(own),
                all: variables.of(own),
                by: Some(variables.clone()),
            };
        }
        self
    }
}
