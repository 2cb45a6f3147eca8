//! The answer to a request, and how it came about.

use std::ffi::OsString;

use serde::Serialize;

use crate::rules::Decision;

/// Where a program runs if it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// Where it was asked for: in the sandbox.
    Inside,
    /// By the supervisor, outside the sandbox.
    Outside,
}

/// Decision and placement together.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it runs.
    pub decision: Decision,
    /// Where it runs if it does.
    pub placement: Placement,
    /// What decided.
    pub basis: Basis,
}

/// What decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// A rule: its index in [`crate::rules::RuleSet::prefix_rules`].
    Rule(usize),
    /// A heuristic, as no rule matched: its code, such as `H001`, and why in one sentence.
    Heuristic {
        /// The stable code.
        code: &'static str,
        /// What is dangerous about it.
        reason: String,
    },
    /// No rule matched and a rules file is broken, so a person is asked.
    BrokenRules,
    /// Nothing matched and nothing looks dangerous.
    Unmatched,
}

/// One rule that matches the request and counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleMatch {
    /// Index in [`crate::rules::RuleSet::prefix_rules`].
    pub rule: usize,
    /// The words of the command that the pattern matched, the program as the name that matched.
    pub matched: Vec<OsString>,
    /// When the match was by last component: the absolute path that it stands for.
    pub resolved_program: Option<OsString>,
}

/// How the verdict came about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// Every rule that matches and counts, in rule order.
    pub matches: Vec<RuleMatch>,
    /// Permissive rules whose words match but which don't count, each with the reason in words.
    pub discounted: Vec<(usize, String)>,
}

/// [`crate::evaluate`]'s answer.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What happens.
    pub verdict: Verdict,
    /// Why.
    pub trace: Trace,
}
