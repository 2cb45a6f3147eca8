//! What `rules check` says of rules that load.
//!
//! One file per lint, made by the macro `lint!`: its doc comment is its page in the manual, and
//! `rules check --explain CODE` prints that same text. [`LINTS`] is the registry.

#![forbid(unsafe_code)]

mod breaks_codex;
mod broad_allow;
mod coverage;
mod dangerous_allow;
mod define;
mod duplicate_rule;
mod empty_host_executable;
mod example_judged_otherwise;
mod finding;
mod lacking_profile;
mod levels;
mod load_errors;
mod missing_examples;
mod missing_justification;
mod misspelt_program;
mod obeyed_file;
mod option_among_operands;
mod overruled_rule;
mod redundant_rule;
mod relative_program;
mod repeated_alternative;
mod replaced_host_executable;
mod suspicious_word;
mod unknown_flag;
mod unknown_subcommand;
mod unused_host_executable;
mod writable_place;

use crate::evaluate::heuristic::{self, Heuristic};
use crate::rules::RuleSet;

use define::lint;
pub use define::{Lint, Report, Sandboxes};
pub use finding::{Finding, Level, Related};
pub use levels::{Levels, UnknownCode};
pub use load_errors::{LOAD_ERRORS, LoadError};

/// Every lint, by code. A code is never given to another lint.
pub const LINTS: &[Lint] = &[
    duplicate_rule::LINT,
    redundant_rule::LINT,
    overruled_rule::LINT,
    broad_allow::LINT,
    missing_justification::LINT,
    missing_examples::LINT,
    unused_host_executable::LINT,
    empty_host_executable::LINT,
    replaced_host_executable::LINT,
    relative_program::LINT,
    repeated_alternative::LINT,
    suspicious_word::LINT,
    dangerous_allow::LINT,
    unknown_flag::LINT,
    breaks_codex::LINT,
    obeyed_file::LINT,
    misspelt_program::LINT,
    example_judged_otherwise::LINT,
    unknown_subcommand::LINT,
    option_among_operands::LINT,
    writable_place::LINT,
    lacking_profile::LINT,
];

/// The lint of this code or name.
pub fn find(code: &str) -> Option<&'static Lint> {
    LINTS
        .iter()
        .find(|lint| lint.code.eq_ignore_ascii_case(code) || lint.name == code)
}

/// The page of a lint, of a code of the loader, or of a heuristic, as Markdown.
pub fn explain(code: &str) -> Option<String> {
    let load_error = || {
        LOAD_ERRORS
            .iter()
            .find(|error| error.code.eq_ignore_ascii_case(code) || error.name == code)
            .map(LoadError::page)
    };
    find(code)
        .map(Lint::page)
        .or_else(load_error)
        .or_else(|| heuristic::find(code).map(Heuristic::page))
}

/// Everything to say of `rules`: what the loader found, and the lints that `levels` leaves on.
/// In the order of files and lines.
pub fn check(rules: &RuleSet, levels: &Levels, sandboxes: &dyn Sandboxes) -> Vec<Finding> {
    let mut findings: Vec<Finding> = rules.diagnostics.iter().map(Finding::from).collect();
    for lint in LINTS {
        if let Some(level) = levels.of(lint) {
            let mut report = Report::new(lint.code, level, levels.workspaces(), sandboxes);
            (lint.check)(rules, &mut report);
            findings.append(&mut report.into_findings());
        }
    }
    findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    findings.dedup();
    findings
}
