//! What the sandbox of a call is to permit, as it was asked for.
//!
//! The names in it are a client's, and may lead to a file system that never answers. What they stand for
//! is looked for in a process of the call's own: the server looks at none of them.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::codex_state;
use super::limits::{Limits, is_within};
use crate::confine::{Mode, Policy, Protection};

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
        Ok(policy.protecting(self.protection.clone()))
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
        let limits = self.floor.iter().chain(client);
        let policies = limits.map(|limits| limits.policy().map_err(|error| error.to_string()));
        let both =
            |one: Result<Policy, String>, other: Result<Policy, String>| Ok(one?.both(other?));
        policies
            .reduce(both)
            .unwrap_or_else(|| Ok(Policy::closed()))
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
        }
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
