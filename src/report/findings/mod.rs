//! The findings of `rules check`: one value, one file per format.

mod github;
mod json;
mod text;

use crate::lint::{Finding, Level};
use crate::rules::RuleSet;

pub use github::github;
pub use json::json;
pub use text::text;

/// What one check found.
#[derive(Debug, Clone, Copy)]
pub struct Findings<'a> {
    /// The rules that were checked, with the files' names and texts.
    pub rules: &'a RuleSet,
    /// What was found, in the order of files and lines.
    pub findings: &'a [Finding],
}

impl<'a> Findings<'a> {
    /// How many findings are of this level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|f| f.level == level).count()
    }

    /// The name of the file that a finding is in.
    fn file_name(&self, finding: &Finding) -> &'a str {
        self.rules
            .files
            .get(finding.file as usize)
            .map_or("?", |file| file.name.as_str())
    }
}

/// The line that counts.
fn summary(findings: Findings<'_>) -> String {
    let rules = findings.rules;
    let checked = format!(
        "{}, {}",
        count(rules.files.len(), "file"),
        count(
            rules.prefix_rules.len() + rules.command_rules.len() + rules.network_rules.len(),
            "rule"
        ),
    );
    let errors = findings.count(Level::Error);
    let warnings = findings.count(Level::Warning);
    match (errors, warnings) {
        (0, 0) => format!("{checked}: nothing to report"),
        (0, _) => format!("{checked}: {}", count(warnings, "warning")),
        (_, 0) => format!("{checked}: {}", count(errors, "error")),
        _ => format!(
            "{checked}: {}, {}",
            count(errors, "error"),
            count(warnings, "warning")
        ),
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
