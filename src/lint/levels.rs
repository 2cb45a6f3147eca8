//! Which lints are on, and how bad their findings are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::define::Lint;
use super::finding::Level;

/// The lints' own levels, and what the caller changed about them.
#[derive(Debug, Clone, Default)]
pub struct Levels {
    changed: BTreeMap<&'static str, Option<Level>>,
    workspaces: Vec<PathBuf>,
}

/// No lint has this code or name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no lint `{0}`")]
pub struct UnknownCode(pub String);

impl Levels {
    /// Sets the level of the lint with this code or name; `None` switches it off.
    pub fn set(&mut self, code: &str, level: Option<Level>) -> Result<(), UnknownCode> {
        let lint = super::find(code).ok_or_else(|| UnknownCode(code.to_owned()))?;
        self.changed.insert(lint.code, level);
        Ok(())
    }

    /// Says where sessions are started, which may write there.
    pub fn started_in(&mut self, workspace: PathBuf) {
        self.workspaces.push(workspace);
    }

    pub(super) fn workspaces(&self) -> &[PathBuf] {
        &self.workspaces
    }

    /// The level that counts; `None`: the lint is off.
    pub(super) fn of(&self, lint: &Lint) -> Option<Level> {
        self.changed.get(lint.code).copied().unwrap_or(lint.level)
    }
}
