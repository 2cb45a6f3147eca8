//! For people: an excerpt for each finding, then a line that counts.

use crate::lint::Level;
use crate::report::snippet;

use super::Findings;

/// The findings as text, colour included if wanted; ends with a line that counts.
pub fn text(findings: Findings<'_>, colour: bool) -> String {
    let mut text = String::new();
    for finding in findings.findings {
        text.push_str(&snippet::draw(findings.rules, finding, colour));
        text.push_str("\n\n");
    }
    text.push_str(&summary(findings));
    text.push('\n');
    text
}

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
