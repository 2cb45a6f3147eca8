//! For programs: one object with all findings.

use serde::Serialize;

use crate::lint::{Finding, Level};

use super::Findings;

/// Raised when a field changes its meaning or goes away; new fields don't raise it.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct FindingsReport<'a> {
    schema_version: u32,
    files: usize,
    rules: usize,
    errors: usize,
    warnings: usize,
    findings: Vec<FindingEntry<'a>>,
}

/// Places are `null` where a finding is about a file as a whole.
#[derive(Serialize)]
struct FindingEntry<'a> {
    code: &'a str,
    level: &'static str,
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    end_line: Option<u32>,
    end_column: Option<u32>,
    message: &'a str,
    help: Option<&'a str>,
}

/// The findings as one JSON object, indented, with a final newline.
pub fn json(findings: Findings<'_>) -> Result<String, serde_json::Error> {
    let rules = findings.rules;
    let report = FindingsReport {
        schema_version: SCHEMA_VERSION,
        files: rules.files.len(),
        rules: rules.prefix_rules.len() + rules.command_rules.len() + rules.network_rules.len(),
        errors: findings.count(Level::Error),
        warnings: findings.count(Level::Warning),
        findings: findings
            .findings
            .iter()
            .map(|finding| entry(findings.file_name(finding), finding))
            .collect(),
    };
    let mut json = serde_json::to_string_pretty(&report)?;
    json.push('\n');
    Ok(json)
}

fn entry<'a>(file: &'a str, finding: &'a Finding) -> FindingEntry<'a> {
    FindingEntry {
        code: &finding.code,
        level: finding.level.name(),
        file,
        line: finding.span.map(|span| span.line),
        column: finding.span.map(|span| span.column),
        end_line: finding.span.map(|span| span.end_line),
        end_column: finding.span.map(|span| span.end_column),
        message: &finding.message,
        help: finding.help.as_deref(),
    }
}
