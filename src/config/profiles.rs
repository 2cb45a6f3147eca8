//! What the sandboxes permit that rules ask for by `run = profile(...)`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::confine::{ConfineError, Mode, Policy, Protection};
use crate::lint::Sandboxes;
use crate::rules::RuleSet;
use crate::rules::model::{Profile as Asked, Run};

use super::settings::{ProfileSettings, Settings, Sourced};

/// Everything that a rule's `profile(...)` leaves unsaid.
#[derive(Debug, Clone, Default)]
pub struct Profiles {
    /// What workspace-write may write to wherever a program starts: where the session began, and
    /// what its settings add. Absolute.
    workspaces: Vec<PathBuf>,
    /// The value of TMPDIR.
    temporary: Option<OsString>,
    named: BTreeMap<String, ProfileSettings>,
    /// What rules add to some of them.
    added: Vec<PathBuf>,
    /// What none of them writes.
    protection: Protection,
}

/// A sandbox that can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Unavailable {
    /// What is asked for.
    pub asked: Asked,
    /// Why there is none.
    pub error: ProfileError,
}

/// Why there is no such sandbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Nothing has this name.
    #[error(
        "there is no profile `{0}`: no sandbox mode and no table of codex-shell.toml has that name"
    )]
    Unknown(String),
    /// Nothing would hold it off the network.
    #[error("`danger-full-access` always has a network: nothing could take it away")]
    Unheld,
    /// A directory can't be a writable root.
    #[error(transparent)]
    Policy(#[from] ConfineError),
}

impl Profiles {
    /// For a session that began in `directory`, by its settings. `temporary` is the value of TMPDIR.
    pub fn new(settings: &Settings, directory: PathBuf, temporary: Option<OsString>) -> Self {
        let more = settings.writable.value.iter();
        let more: Vec<PathBuf> = more.map(|path| directory.join(path)).collect();
        let named = settings.profiles.iter();
        Self {
            named: named
                .map(|(name, profile)| (name.clone(), profile.value.clone()))
                .collect(),
            ..Self::unnamed([vec![directory], more].concat(), temporary)
        }
    }

    /// The same for another session, whose `workspaces` may be written.
    #[must_use]
    pub fn within(self, workspaces: Vec<PathBuf>) -> Self {
        Self { workspaces, ..self }
    }

    /// The same for `rules`, whose profiles may write each what they say.
    #[must_use]
    pub fn under(self, rules: &RuleSet) -> Self {
        let runs = rules
            .command_rules
            .iter()
            .filter_map(|rule| rule.run.as_ref());
        let added = runs.flat_map(|run| match run {
            Run::Profile(asked) => asked.writable.as_slice(),
            Run::Inside | Run::Outside | Run::Unconfined => &[],
        });
        let added = added.map(PathBuf::from).collect();
        Self { added, ..self }
    }

    /// The same where none of them writes what is protected.
    #[must_use]
    pub fn protecting(self, protection: Protection) -> Self {
        Self { protection, ..self }
    }

    /// The same without settings: the sandbox modes alone have names.
    pub fn unnamed(workspaces: Vec<PathBuf>, temporary: Option<OsString>) -> Self {
        Self {
            workspaces,
            temporary,
            named: BTreeMap::new(),
            added: Vec::new(),
            protection: Protection::default(),
        }
    }

    /// What a sandbox permits that all of `asked` permit; `None` when none is asked for.
    ///
    /// The strictest mode counts; there is a network if each has one; a directory may be written
    /// if each permits it.
    ///
    /// # Errors
    /// One of them can't be had: then there is nothing to run in.
    pub fn policy(&self, asked: &[Asked]) -> Result<Option<Policy>, Unavailable> {
        let policies = asked.iter().map(|asked| {
            self.one(asked).map_err(|error| Unavailable {
                asked: asked.clone(),
                error,
            })
        });
        let policies: Vec<Policy> = policies.collect::<Result<_, _>>()?;
        Ok(policies.into_iter().reduce(Policy::both))
    }

    fn one(&self, asked: &Asked) -> Result<Policy, ProfileError> {
        let said = match Mode::from_name(&asked.name) {
            Some(mode) => ProfileSettings {
                mode: Sourced::default(mode),
                ..ProfileSettings::default()
            },
            None => self
                .named
                .get(&asked.name)
                .cloned()
                .ok_or_else(|| ProfileError::Unknown(asked.name.clone()))?,
        };
        if said.mode.value == Mode::DangerFullAccess && asked.network == Some(false) {
            return Err(ProfileError::Unheld);
        }
        let more = asked.writable.iter().map(PathBuf::from);
        let own: Vec<PathBuf> = said.writable.value.into_iter().chain(more).collect();
        let all = self.written_somewhere();
        own.iter()
            .try_for_each(|path| Policy::leads_straight(path, &all, &self.protection.earlier))?;
        let roots = [self.workspaces.as_slice(), own.as_slice()].concat();
        let policy = Policy::with_roots(
            said.mode.value,
            asked.network.unwrap_or(said.network.value),
            &roots,
            self.temporary.as_deref(),
        )?;
        Ok(policy.protecting(self.protection.clone()))
    }

    /// What the session or some profile may write.
    fn written_somewhere(&self) -> Vec<PathBuf> {
        let named = self.named.values().flat_map(|it| &it.writable.value);
        let scratch = self.temporary.iter().map(PathBuf::from);
        let all = self
            .workspaces
            .iter()
            .chain(named)
            .chain(&self.added)
            .cloned();
        all.chain(scratch).chain([PathBuf::from("/tmp")]).collect()
    }
}

impl Sandboxes for Profiles {
    fn lacking(&self, asked: &Asked) -> Option<String> {
        self.one(asked).err().map(|error| error.to_string())
    }

    fn names(&self) -> Vec<&str> {
        let named = self.named.keys().map(String::as_str);
        named
            .chain(Mode::ALL.iter().map(|mode| mode.as_str()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, network: Option<bool>, writable: &[&str]) -> Asked {
        Asked {
            name: name.to_owned(),
            network,
            writable: writable.iter().map(|path| (*path).to_owned()).collect(),
        }
    }

    fn profiles() -> Profiles {
        let named = ProfileSettings {
            mode: Sourced::default(Mode::WorkspaceWrite),
            network: Sourced::default(true),
            writable: Sourced::default(vec!["/var".into()]),
        };
        Profiles {
            named: BTreeMap::from([("fetch".to_owned(), named)]),
            ..Profiles::unnamed(vec!["/usr/lib".into()], None)
        }
    }

    fn policy(asked: &[Asked]) -> Policy {
        profiles().policy(asked).unwrap().unwrap()
    }

    fn roots(policy: &Policy) -> Vec<&str> {
        let roots = policy.writable.iter();
        roots.filter_map(|root| root.to_str()).collect()
    }

    #[test]
    fn a_mode_writes_where_the_session_began_and_what_the_rule_adds() {
        let policy = policy(&[asked("workspace-write", Some(true), &["/usr/share"])]);
        assert!(policy.network);
        assert_eq!(roots(&policy), ["/tmp", "/usr/lib", "/usr/share"]);
    }

    #[test]
    fn a_rule_adds_to_a_named_profile_and_changes_its_network() {
        let named = policy(&[asked("fetch", None, &[])]);
        assert!(named.network);
        assert_eq!(roots(&named), ["/tmp", "/usr/lib", "/var"]);
        let changed = policy(&[asked("fetch", Some(false), &["/usr/share"])]);
        assert!(!changed.network);
        assert_eq!(roots(&changed), ["/tmp", "/usr/lib", "/usr/share", "/var"]);
    }

    #[test]
    fn of_several_only_what_each_permits() {
        let (fetch, build) = (
            asked("fetch", None, &["/usr/share"]),
            asked("workspace-write", Some(true), &["/usr/share"]),
        );
        let shared = policy(&[fetch.clone(), build.clone()]);
        assert!(shared.network);
        assert_eq!(roots(&shared), ["/tmp", "/usr/lib", "/usr/share"]);
        assert_eq!(policy(&[build.clone(), fetch.clone()]), shared);
        let silent = asked("workspace-write", None, &[]);
        assert!(!policy(&[fetch.clone(), silent]).network);
        let none = policy(&[build, asked("read-only", Some(true), &["/var"]), fetch]);
        assert_eq!((none.mode, roots(&none)), (Mode::ReadOnly, vec![]));
        assert!(none.workspaces.is_empty() && none.network);
    }

    #[test]
    fn full_access_takes_nothing_away() {
        let full = asked("danger-full-access", None, &[]);
        let fetch = asked("fetch", None, &[]);
        let single = policy(std::slice::from_ref(&fetch));
        assert_eq!(policy(&[full.clone(), fetch]), single);
        assert_eq!(policy(&[full]).mode, Mode::DangerFullAccess);
    }

    #[test]
    fn what_can_not_be_had_is_an_error() {
        let error = |asked: Asked| profiles().policy(&[asked]).unwrap_err().error;
        let unknown = error(asked("feth", None, &[]));
        assert_eq!(unknown, ProfileError::Unknown("feth".to_owned()));
        let unheld = error(asked("danger-full-access", Some(false), &[]));
        assert_eq!(unheld, ProfileError::Unheld);
        let missing = error(asked("workspace-write", None, &["/nowhere"]));
        assert!(matches!(missing, ProfileError::Policy(_)), "{missing}");
        assert_eq!(profiles().policy(&[]).unwrap(), None);
    }
}
