//! What the files say, put together.

use super::layer::Layer;
use super::model::{Decision, RuleSet, Severity};
use super::wire::Contribution;

impl RuleSet {
    /// Adds what one file says. A file with an error keeps what restricts; what it permits is
    /// dropped, as the exception to it may be what failed to load. So does a file that has changed
    /// since it was trusted, which has no say about programs either: rules of others permit by that.
    pub(super) fn add(&mut self, said: Contribution) {
        let errors = |severity| severity == Severity::Error;
        let broken = said.diagnostics.iter().any(|found| errors(found.severity));
        let changed = self.layer(said.file) == Layer::Changed;
        let counts = |decision: Decision| !(broken || changed) || decision > Decision::Allow;
        let prefix_rules = said.prefix_rules.into_iter();
        let network_rules = said.network_rules.into_iter();
        self.prefix_rules
            .extend(prefix_rules.filter(|rule| counts(rule.decision)));
        let command_rules = said.command_rules.into_iter();
        self.command_rules
            .extend(command_rules.filter(|rule| counts(rule.decision)));
        self.network_rules
            .extend(network_rules.filter(|rule| counts(rule.decision)));
        let defaults = said.defaults.into_iter();
        self.defaults
            .extend(defaults.filter(|rule| counts(rule.decision)));
        if !changed {
            self.host_executables.extend(said.host_executables);
            self.programs.extend(said.programs);
        }
        self.diagnostics.extend(said.diagnostics);
    }
}
