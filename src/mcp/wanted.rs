//! What the sandbox of a call is to permit, as it was asked for.
//!
//! The names in it are a client's, and may lead to a file system that never answers. What they stand for
//! is looked for in a process of the call's own: the server looks at none of them.

use std::cell::Cell;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::codex_state;
use super::limits::{Limits, is_within};
use crate::confine::{Mode, Policy, Protection};
use crate::request::argv;

/// The policy of a call, before anybody has looked at the files that it speaks of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    /// What the start permits at most.
    pub(super) floor: Option<Limits>,
    /// The client's sandbox states.
    pub(super) states: Vec<Value>,
    /// More of the workspace of each.
    pub(super) roots: Vec<PathBuf>,
    /// The mode that the call asks for.
    pub(super) wish: Option<Mode>,
    /// The working directory, where a state names none: the server's.
    pub(super) here: PathBuf,
    /// What no command writes.
    pub(super) protection: Protection,
    /// The directories that were named at the start.
    pub(super) started: Vec<Started>,
}

/// A directory that was named at the start, every link followed, and which one it was: what another session
/// lets run may be able to put another in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Started {
    path: PathBuf,
    identity: (u64, u64),
}

impl Started {
    /// `path` as it is now; `None` where there is nothing.
    pub(super) fn now(path: &Path) -> Option<Self> {
        let path = path.canonicalize().ok()?;
        let found = path.symlink_metadata().ok()?;
        let identity = (found.dev(), found.ino());
        Some(Self { path, identity })
    }
}

impl Wanted {
    /// The policy, by the files that there are now.
    ///
    /// # Errors
    /// There can be no such sandbox: in words for the agent.
    pub(super) fn policy(&self) -> Result<Policy, String> {
        let client = self.client(&|path| path.symlink_metadata().is_ok())?;
        let policy = self.permitted(&client)?;
        let policy = match self.wish {
            Some(mode) => self.wished(mode, policy, &client)?,
            None => policy,
        };
        let policy = policy.protecting(self.protection.clone());
        policy
            .roots_lead_straight()
            .map_err(|error| error.to_string())?;
        Ok(policy)
    }

    /// The policy, if it is the same whatever files there are: then there is no sandbox. Looks at none.
    pub(super) fn settled(&self) -> Option<Policy> {
        let looked = Cell::new(false);
        let look = |_: &Path| {
            looked.set(true);
            true
        };
        let client = self.client(&look).ok()?;
        let modes = self.floor.iter().chain(&client).map(|limits| limits.mode);
        let mut modes: Vec<Mode> = modes.chain(self.wish).collect();
        modes.dedup();
        let is_settled = modes == [Mode::DangerFullAccess] && !looked.get();
        is_settled.then(|| self.policy().ok()).flatten()
    }

    fn client(&self, is_there: &dyn Fn(&Path) -> bool) -> Result<Vec<Limits>, String> {
        let states = self.states.iter();
        let limits = states.map(|state| {
            let mut limits = codex_state::limits(state, &self.here, is_there)?;
            limits.roots.extend(self.roots.iter().cloned());
            Ok(limits)
        });
        limits.collect()
    }

    /// What the start permits, as far as the client does.
    fn permitted(&self, client: &[Limits]) -> Result<Policy, String> {
        let policy = |limits: &Limits| limits.policy().map_err(|error| error.to_string());
        let floor = self
            .floor
            .iter()
            .map(|limits| self.as_started(policy(limits)?));
        let policies = floor.chain(client.iter().map(policy));
        let both =
            |one: Result<Policy, String>, other: Result<Policy, String>| Ok(one?.both(other?));
        policies
            .reduce(both)
            .unwrap_or_else(|| Ok(Policy::closed()))
    }

    /// What the start permits, if its directories are those that they were.
    fn as_started(&self, floor: Policy) -> Result<Policy, String> {
        let is_as_it_was = |path: &&PathBuf| {
            let now = Started::now(path);
            now.is_some_and(|now| now.path == **path && self.started.contains(&now))
        };
        let mut roots = floor.workspaces.iter();
        match roots.find(|path| floor.mode != Mode::DangerFullAccess && !is_as_it_was(path)) {
            Some(path) => Err(format!(
                "{} is not the directory that it was when the server was started; start it anew",
                argv::word(path.as_os_str())
            )),
            None => Ok(floor),
        }
    }

    fn wished(&self, mode: Mode, policy: Policy, client: &[Limits]) -> Result<Policy, String> {
        if !is_within(mode, policy.mode) {
            return Err(format!(
                "`sandbox` can only be tighter than the session's, which is {}",
                policy.mode.as_str()
            ));
        }
        let limits = client.first().cloned();
        let wanted = Limits {
            mode,
            network: policy.network,
            ..limits.unwrap_or_else(|| Limits::plain(mode, &self.here))
        };
        Ok(policy.both(wanted.policy().map_err(|error| error.to_string())?))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted(floor: Option<Mode>, states: &[Value]) -> Wanted {
        let here = PathBuf::from("/usr");
        Wanted {
            floor: floor.map(|mode| Limits::plain(mode, &here)),
            states: states.to_vec(),
            roots: Vec::new(),
            wish: None,
            here,
            protection: Protection::default(),
            started: Started::now(Path::new("/usr")).into_iter().collect(),
        }
    }

    #[test]
    fn another_directory_by_the_name_of_one_of_the_start_is_none_of_them() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let (path, other) = (folder.join("ws"), folder.join("other"));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::create_dir(&other).unwrap();
        let wanted = Wanted {
            floor: Some(Limits::plain(Mode::WorkspaceWrite, &path)),
            started: Started::now(&path).into_iter().collect(),
            ..wanted(None, &[])
        };
        assert_eq!(
            wanted.policy().unwrap().workspaces,
            std::slice::from_ref(&path)
        );
        std::fs::rename(&path, folder.join("moved")).unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        let told = wanted.policy().unwrap_err();
        assert!(told.contains("other is not the directory"), "{told}");
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let told = wanted.policy().unwrap_err();
        assert!(told.contains("ws is not the directory"), "{told}");
    }

    #[test]
    fn only_what_no_file_changes_is_settled() {
        let full = json!({ "permissionProfile": { "type": "disabled" } });
        let entry = |path: &str, access: &str, skip: bool| {
            let behavior = if skip { json!("skip") } else { Value::Null };
            json!({ "path": { "type": "path", "path": path }, "access": access,
                "missing_path_behavior": behavior })
        };
        let entries = |entries: &[Value]| {
            json!({ "permissionProfile": { "type": "managed", "network": "enabled",
                "file_system": { "type": "restricted", "entries": entries } } })
        };
        let write = json!({ "sandboxPolicy": { "type": "workspace-write" } });
        let skipping = entries(&[entry("/", "write", false), entry("/x", "read", true)]);
        for (wanted, is_settled) in [
            (wanted(Some(Mode::DangerFullAccess), &[]), true),
            (wanted(None, std::slice::from_ref(&full)), true),
            (
                wanted(Some(Mode::ReadOnly), std::slice::from_ref(&full)),
                false,
            ),
            (wanted(Some(Mode::DangerFullAccess), &[write]), false),
            (wanted(None, &[skipping]), false),
            (wanted(None, &[]), false),
        ] {
            assert_eq!(wanted.settled().is_some(), is_settled, "{wanted:?}");
        }
        let mut tighter = wanted(Some(Mode::DangerFullAccess), &[]);
        tighter.wish = Some(Mode::ReadOnly);
        assert_eq!(tighter.settled(), None);
        assert_eq!(
            tighter.policy().map(|policy| policy.mode),
            Ok(Mode::ReadOnly)
        );
    }
}
