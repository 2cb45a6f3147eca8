//! The answer to a request, and how it came about.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};

use crate::rules::model::{Profile, Run};
use crate::rules::{Decision, RuleSet};

/// Where a program runs if it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// Where it was asked for: in the sandbox.
    Inside,
    /// By the supervisor, outside the sandbox; in one of its own if rules ask for that.
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
    /// The same in full, as the rules ask for it: the most confined place that one of them names.
    pub run: Run,
    /// The sandboxes that rules ask for, each once, when it is to have one of its own: all must
    /// permit what it does. Empty otherwise.
    pub profiles: Vec<Profile>,
    /// The variables that go outside with it as it has them, by rules that permit.
    pub pass_env: Vec<String>,
    /// What decided.
    pub basis: Basis,
}

/// What decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// A rule: its number, see [`crate::rules::RuleSet::rule`].
    Rule(usize),
    /// A rule allows it, by number, but these variables say what it acts on, and would not go outside
    /// with it, or lead to what the sandbox can write.
    Withheld {
        /// The rule.
        rule: usize,
        /// Their names.
        variables: Vec<OsString>,
        /// The names of those that the rule would pass, and that lead to what the sandbox can write.
        leading: Vec<OsString>,
    },
    /// A heuristic, as no rule matched: its code, such as `H001`, and why in one sentence.
    Heuristic {
        /// The stable code.
        code: &'static str,
        /// What is dangerous about it.
        reason: String,
    },
    /// A `default(...)`, as no rule matched: its index in [`crate::rules::RuleSet::defaults`].
    Default(usize),
    /// No rule matched and a rules file is broken, so a person is asked.
    BrokenRules,
    /// Nothing matched and nothing looks dangerous.
    Unmatched,
}

/// One rule that matches the request and counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleMatch {
    /// Its number, see [`crate::rules::RuleSet::rule`].
    pub rule: usize,
    /// The words of the command that the pattern matched, the program as the name that matched.
    pub matched: Vec<OsString>,
    /// When the match was by last component: the absolute path that it stands for.
    pub resolved_program: Option<OsString>,
    /// When it matches a command that this one runs: the words of that.
    pub inner: Option<Vec<OsString>>,
    /// It would match that command if words which nobody can know before were as it asks, so a person is asked.
    pub presumed: bool,
}

/// How the verdict came about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// Every rule that matches and counts, in rule order.
    pub matches: Vec<RuleMatch>,
    /// Permissive rules whose words match but which don't count, each with the reason in words.
    pub discounted: Vec<(usize, String)>,
    /// Rules that ask first and count, but don't say where the command runs, each with the reason in
    /// words: for leaving the sandbox they would have to match as narrowly as rules that permit.
    pub kept_inside: Vec<(usize, String)>,
    /// Rules that would match but are on trial, and act on nothing.
    pub on_trial: Vec<RuleMatch>,
}

impl Trace {
    /// Whether it says of the rule of this number that it matches, or why that doesn't count.
    pub fn tells_of(&self, rule: usize) -> bool {
        self.rules().any(|number| number == rule)
    }

    /// The rules of which it says so, by number.
    pub fn rules(&self) -> impl Iterator<Item = usize> {
        let matched = self.matches.iter().chain(&self.on_trial);
        let discounted = self.discounted.iter().map(|(number, _)| *number);
        matched.map(|found| found.rule).chain(discounted)
    }
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

impl Judgement {
    /// The command that the rule which decides would match, if words of it that nobody can know were as the rule
    /// asks. `None` where it does match.
    pub fn presumed(&self) -> Option<&[OsString]> {
        let Basis::Rule(rule) = self.verdict.basis else {
            return None;
        };
        let mut own = self.trace.matches.iter().filter(|it| it.rule == rule);
        own.next().filter(|it| it.presumed)?.inner.as_deref()
    }

    /// The rules that say where it runs, by number: of several sandboxes, each counts.
    pub fn placed_by(&self, rules: &RuleSet) -> Vec<usize> {
        let run = &self.verdict.run;
        let says_so = |found: &&RuleMatch| {
            let own = rules.run_of(found.rule);
            let is_one = matches!((own, run), (Run::Profile(_), Run::Profile(_)));
            found.inner.is_none() && (is_one || own == run)
        };
        let kept = &self.trace.kept_inside;
        let counts = |number: &usize| !kept.iter().any(|(kept, _)| kept == number);
        let placing = self.trace.matches.iter().filter(says_so);
        placing.map(|found| found.rule).filter(counts).collect()
    }

    /// Whether it is forbidden because a command within it is.
    pub(super) fn is_forbidden_within(&self) -> bool {
        let Basis::Rule(rule) = self.verdict.basis else {
            return false;
        };
        let mut own = self.trace.matches.iter().filter(|it| it.rule == rule);
        self.verdict.decision == Decision::Forbidden
            && own.next().is_some_and(|it| it.inner.is_some())
    }

    /// A rule that would let the command out, which runs inside, and why it doesn't count; in words.
    pub fn why_uncounted(&self) -> Option<(usize, &str)> {
        let Verdict {
            decision,
            placement,
            ..
        } = self.verdict;
        let is_inside = decision == Decision::Allow && placement == Placement::Inside;
        let mut discounted = self.trace.discounted.iter().filter(|_| is_inside);
        let (rule, why) = discounted.next()?;
        Some((*rule, why.as_str()))
    }

    /// Why the command is to run inside, where a rule that asks first would have it outside; in words.
    /// `None` where there is nothing to explain.
    pub fn why_inside(&self) -> Option<String> {
        let Verdict {
            decision,
            placement,
            basis,
            ..
        } = &self.verdict;
        let Basis::Rule(rule) = basis else {
            return None;
        };
        if *decision != Decision::Prompt || *placement != Placement::Inside {
            return None;
        }
        let kept = &self.trace.kept_inside;
        let own = kept.iter().find(|(kept, _)| kept == rule);
        own.or(kept.first()).map(|(_, reason)| reason.clone())
    }
}
