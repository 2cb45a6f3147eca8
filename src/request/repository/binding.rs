//! Variables that bind git to the repository that was looked at.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use super::super::Request;
use super::command::GitCommandLine;
use super::discover::Repository;

const GIT_DIR: &str = "GIT_DIR";
const GIT_WORK_TREE: &str = "GIT_WORK_TREE";

impl Repository {
    /// What binds git to it where it could find another, or where `request` says by variables that it is
    /// this one, as git does for what it starts.
    pub(super) fn pins(
        self,
        asked: &GitCommandLine<'_>,
        request: &Request,
    ) -> Vec<(OsString, OsString)> {
        let said = self.names(asked, request);
        let Self {
            git_dir,
            tree: Some(tree),
            pinned,
            ..
        } = self
        else {
            return Vec::new();
        };
        let repository = (GIT_DIR.into(), git_dir.into());
        match said {
            _ if pinned => vec![repository, (GIT_WORK_TREE.into(), tree.into())],
            Some(VariableTarget::Both) => vec![repository, (GIT_WORK_TREE.into(), tree.into())],
            Some(VariableTarget::Repository) => vec![repository],
            None => Vec::new(),
        }
    }

    /// Which variables of `request` name this repository and its working tree, and no other.
    fn names(&self, asked: &GitCommandLine<'_>, request: &Request) -> Option<VariableTarget> {
        if !asked.directories.is_empty() || asked.git_dir.is_some() || asked.names_work_tree {
            return None;
        }
        let variables = request.environment.as_deref()?;
        let path = |name: &str| -> Option<PathBuf> {
            let value = request.variable(name).filter(|value| !value.is_empty())?;
            fs::canonicalize(request.cwd.join(value)).ok()
        };
        let is_set = |name: &str| variables.iter().any(|(known, _)| known == name);
        let tree = fs::canonicalize(self.tree.as_deref()?).ok()?;
        // Told where it is, git doesn't ask whose it is.
        if path(GIT_DIR)? != self.git_dir || !self.is_own() {
            return None;
        }
        if path(GIT_WORK_TREE).is_some_and(|path| path == tree) {
            return Some(VariableTarget::Both);
        }
        let is_top = fs::canonicalize(&*request.cwd).is_ok_and(|cwd| cwd == tree);
        (!is_set(GIT_WORK_TREE) && is_top).then_some(VariableTarget::Repository)
    }
}

/// What variables name.
enum VariableTarget {
    Repository,
    /// And its working tree.
    Both,
}

impl Request {
    /// Whether the variable `name` says outside what it says here: it is bound to that.
    pub fn is_bound_by(&self, name: &OsStr) -> bool {
        let Some((_, bound)) = self.pins.iter().find(|(pinned, _)| pinned == name) else {
            return false;
        };
        let variables = self.environment.as_deref().unwrap_or_default();
        let mut values = variables
            .iter()
            .filter(|(known, _)| known == name)
            .peekable();
        values.peek().is_some() && values.all(|(_, value)| self.cwd.join(value) == Path::new(bound))
    }
}
