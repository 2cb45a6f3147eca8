//! For people: an excerpt for each finding, then a line that counts.

use crate::report::snippet;

use super::{Findings, summary};

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
