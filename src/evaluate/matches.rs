//! The rules that match one command, and what keeps one from counting.

use crate::rules::model::{Profile, Run, Span};
use crate::rules::{Decision, Layer};

use super::index::IndexedRules;
use super::verdict::{Basis, Placement, Trace, Verdict};

/// Why a rule that matches a command within another says nothing about where that runs.
pub(super) const WITHIN: &str = "the rule is about another command, which this one runs";

/// Why a command's words can't be relied on, as far as rules that permit are concerned.
#[derive(Debug, Clone)]
pub(super) struct UncertainWord {
    /// The first word that is in doubt, 0 for the program.
    pub(super) from: usize,
    /// Why, in words.
    pub(super) reason: String,
}

/// The rules that match, and where those that may lift the command out of the sandbox want it.
#[derive(Default)]
pub(super) struct Matches {
    pub(super) trace: Trace,
    /// The most confined place that a rule asks for.
    pub(super) run: Option<Run>,
    /// Every sandbox that a rule asks for.
    profiles: Vec<Profile>,
    /// The variables that one of them passes.
    pass_env: Vec<String>,
}

impl Matches {
    /// A rule matches as narrowly as it takes to leave the sandbox.
    pub(super) fn lift(&mut self, run: &Run, pass_env: &[String]) {
        for name in pass_env {
            if !self.pass_env.contains(name) {
                self.pass_env.push(name.clone());
            }
        }
        if let Run::Profile(profile) = run
            && !self.profiles.contains(profile)
        {
            self.profiles.push(profile.clone());
        }
        if self.run.as_ref().is_none_or(|least| run < least) {
            self.run = Some(run.clone());
        }
    }

    /// A rule that asks first matches too widely for that, and why.
    pub(super) fn keep_inside(&mut self, rule: usize, reason: String) {
        let kept = &mut self.trace.kept_inside;
        if !kept.iter().any(|(known, _)| *known == rule) {
            kept.push((rule, reason));
        }
    }

    pub(super) fn verdict(&self, decision: Decision, basis: Basis) -> Verdict {
        let run = match &self.run {
            Some(run) if decision != Decision::Forbidden => run.clone(),
            _ => Run::Inside,
        };
        let placement = match run {
            Run::Inside => Placement::Inside,
            Run::Profile(_) | Run::Outside | Run::Unconfined => Placement::Outside,
        };
        let pass_env = match placement {
            Placement::Inside => Vec::new(),
            Placement::Outside => self.pass_env.clone(),
        };
        let profiles = match run {
            Run::Profile(_) => self.profiles.clone(),
            Run::Inside | Run::Outside | Run::Unconfined => Vec::new(),
        };
        Verdict {
            decision,
            placement,
            run,
            profiles,
            pass_env,
            basis,
        }
    }
}

/// Why a rule lets nothing out of the sandbox, whatever the command.
pub(super) fn untrusted(index: &IndexedRules, rule: Span) -> Option<String> {
    let changed = index.rules().layer(rule.file) == Layer::Changed;
    changed.then(|| "the project of the rule has changed since it was trusted".to_owned())
}
