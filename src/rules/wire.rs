//! What the loading process tells the process that evaluates, and what comes back.

use serde::{Deserialize, Serialize};

use super::model::{
    CommandRule, DefaultRule, Diagnostic, HostExecutable, NetworkRule, PrefixRule, ProgramModel,
};

/// The one message to the child.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    /// The working directory, for examples with relative paths.
    pub(super) cwd: Option<String>,
    /// The home directory, for examples with `~`.
    pub(super) home: Option<String>,
    /// Only the released language's functions are there.
    pub(super) released: bool,
    /// What files before these have declared.
    pub(super) known: Known,
    /// The files, in order.
    pub(super) sources: Vec<Source>,
}

/// What files have declared that those after them see.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) host_executables: Vec<HostExecutable>,
    pub(super) programs: Vec<ProgramModel>,
}

impl Known {
    /// Adds what one more file says.
    pub(super) fn add(&mut self, said: &Contribution) {
        self.host_executables
            .extend_from_slice(&said.host_executables);
        self.programs.extend_from_slice(&said.programs);
    }
}

/// One file that could be read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Source {
    /// Index into [`super::RuleSet::files`].
    pub(super) file: u32,
    /// As in messages.
    pub(super) name: String,
    /// What it says.
    pub(super) text: String,
}

/// What one file says: one line of the child's output.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Contribution {
    /// Index into [`super::RuleSet::files`].
    pub(super) file: u32,
    pub(super) prefix_rules: Vec<PrefixRule>,
    pub(super) host_executables: Vec<HostExecutable>,
    pub(super) network_rules: Vec<NetworkRule>,
    pub(super) command_rules: Vec<CommandRule>,
    pub(super) programs: Vec<ProgramModel>,
    pub(super) defaults: Vec<DefaultRule>,
    pub(super) diagnostics: Vec<Diagnostic>,
}
