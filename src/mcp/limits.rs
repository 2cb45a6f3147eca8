//! What the sandbox permits in this session: the start's floor, the client's state, the call's wish.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::confine::{ConfineError, Mode, Policy};

/// A sandbox as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Limits {
    /// How much is permitted.
    pub(super) mode: Mode,
    /// Whether there is a network.
    pub(super) network: bool,
    /// The workspace.
    pub(super) cwd: PathBuf,
    /// Further directories that may be written.
    pub(super) writable: Vec<PathBuf>,
    /// `/tmp` may be written.
    pub(super) slash_tmp: bool,
    /// `$TMPDIR` may be written.
    pub(super) tmpdir: bool,
}

impl Limits {
    /// A mode with the usual directories, in `cwd`.
    pub(super) fn plain(mode: Mode, cwd: &Path) -> Self {
        Self {
            mode,
            network: false,
            cwd: cwd.to_owned(),
            writable: Vec::new(),
            slash_tmp: true,
            tmpdir: true,
        }
    }

    /// The policy that says so.
    ///
    /// # Errors
    /// A directory does not exist or can't be written in a sandbox.
    pub(super) fn policy(&self) -> Result<Policy, ConfineError> {
        let tmpdir = std::env::var_os("TMPDIR").filter(|_| self.tmpdir);
        let mut policy = Policy::new(
            self.mode,
            self.network,
            &self.cwd,
            &self.writable,
            tmpdir.as_deref(),
        )?;
        if !self.slash_tmp {
            let tmp = std::fs::canonicalize("/tmp").ok();
            let workspaces = &policy.workspaces;
            policy
                .writable
                .retain(|root| Some(root) != tmp.as_ref() || workspaces.contains(root));
        }
        Ok(policy)
    }
}

/// `wanted` as far as `floor` permits it.
pub(super) fn tightened(floor: &Policy, wanted: Policy) -> Policy {
    let network = floor.network && wanted.network;
    match (floor.mode, wanted.mode) {
        (Mode::DangerFullAccess, _) => wanted,
        (_, Mode::DangerFullAccess) => Policy {
            network,
            ..floor.clone()
        },
        (Mode::ReadOnly, _) | (_, Mode::ReadOnly) => Policy {
            mode: Mode::ReadOnly,
            network,
            writable: Vec::new(),
            workspaces: Vec::new(),
        },
        (Mode::WorkspaceWrite, Mode::WorkspaceWrite) => {
            let permitted = |root: &PathBuf| floor.writable.iter().any(|f| root.starts_with(f));
            Policy {
                mode: Mode::WorkspaceWrite,
                network,
                writable: wanted.writable.into_iter().filter(permitted).collect(),
                workspaces: wanted.workspaces.into_iter().filter(permitted).collect(),
            }
        }
    }
}

/// Whether `a` permits less than `b`, or as much.
pub(super) fn is_within(a: Mode, b: Mode) -> bool {
    let rank = |mode| Mode::ALL.iter().position(|&m| m == mode);
    rank(a) <= rank(b)
}

/// The parameters of `codex/sandbox-state/update`, as far as they say something here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SandboxState {
    sandbox_policy: SandboxPolicy,
    sandbox_cwd: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum SandboxPolicy {
    DangerFullAccess,
    ReadOnly,
    #[serde(rename_all = "snake_case")]
    WorkspaceWrite {
        #[serde(default)]
        writable_roots: Vec<PathBuf>,
        #[serde(default)]
        network_access: bool,
        #[serde(default)]
        exclude_tmpdir_env_var: bool,
        #[serde(default)]
        exclude_slash_tmp: bool,
    },
}

impl From<SandboxState> for Limits {
    fn from(state: SandboxState) -> Self {
        let plain = |mode| Self::plain(mode, &state.sandbox_cwd);
        match state.sandbox_policy {
            SandboxPolicy::DangerFullAccess => plain(Mode::DangerFullAccess),
            SandboxPolicy::ReadOnly => plain(Mode::ReadOnly),
            SandboxPolicy::WorkspaceWrite {
                writable_roots,
                network_access,
                exclude_tmpdir_env_var,
                exclude_slash_tmp,
            } => Self {
                network: network_access,
                writable: writable_roots,
                slash_tmp: !exclude_slash_tmp,
                tmpdir: !exclude_tmpdir_env_var,
                ..plain(Mode::WorkspaceWrite)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(mode: Mode, network: bool, writable: &[&str]) -> Policy {
        let writable: Vec<PathBuf> = writable.iter().map(PathBuf::from).collect();
        Policy {
            mode,
            network: network || mode == Mode::DangerFullAccess,
            workspaces: writable.clone(),
            writable,
        }
    }

    #[test]
    fn a_floor_is_never_left() {
        use Mode::{DangerFullAccess, ReadOnly, WorkspaceWrite};
        let floor = policy(WorkspaceWrite, false, &["/w"]);
        let wide = policy(WorkspaceWrite, true, &["/w/sub", "/etc"]);
        assert_eq!(
            tightened(&floor, wide.clone()),
            policy(WorkspaceWrite, false, &["/w/sub"])
        );
        let danger = policy(DangerFullAccess, true, &[]);
        assert_eq!(tightened(&floor, danger.clone()), floor);
        assert_eq!(tightened(&danger, wide.clone()), wide);
        let closed = policy(ReadOnly, false, &[]);
        assert_eq!(tightened(&closed, danger), closed);
        assert_eq!(tightened(&floor, closed.clone()), closed);
        assert!(is_within(ReadOnly, WorkspaceWrite) && !is_within(DangerFullAccess, ReadOnly));
    }

    #[test]
    fn the_client_says_what_is_writable() {
        let state: SandboxState = serde_json::from_str(
            r#"{"sandboxPolicy":{"type":"workspace-write","writable_roots":["/srv"],
                "network_access":true,"exclude_slash_tmp":true},
                "codexLinuxSandboxExe":null,"sandboxCwd":"/work"}"#,
        )
        .unwrap();
        let limits = Limits::from(state);
        assert_eq!(limits.mode, Mode::WorkspaceWrite);
        assert!(limits.network && limits.tmpdir && !limits.slash_tmp);
        assert_eq!(limits.writable, [Path::new("/srv")]);
        assert_eq!(limits.cwd, Path::new("/work"));
    }
}
