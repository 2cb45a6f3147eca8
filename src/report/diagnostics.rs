//! What is wrong with rules files, one line each.

use crate::request::argv;
use crate::rules::model::Diagnostic;
use crate::rules::{RuleSet, Severity};

/// Writes each error in the rules files to standard error: `codex-shell: error: FILE:LINE:COL:
/// message`, and what to do about it where there is something to say.
pub fn print_errors(rules: &RuleSet) {
    error_texts(rules).for_each(|text| super::error(&text));
}

/// The errors in the rules files, as [`print_errors`] writes them.
pub fn error_texts(rules: &RuleSet) -> impl Iterator<Item = String> {
    errors(rules).map(|diagnostic| {
        let place = place(rules, diagnostic);
        let help = diagnostic.help.as_deref();
        let help = help.map_or_else(String::new, |help| format!("\n  help: {}", safe(help)));
        format!("{place}: {}{help}", safe(&diagnostic.message))
    })
}

/// The diagnostics that keep a file, or a part of it, from counting.
pub(super) fn errors(rules: &RuleSet) -> impl Iterator<Item = &Diagnostic> {
    rules
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
}

/// The lines of `text`, which may quote a file of others, with nothing to upset a terminal.
fn safe(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(argv::visible).collect();
    lines.join("\n")
}

/// Where it is.
pub(super) fn place(rules: &RuleSet, diagnostic: &Diagnostic) -> String {
    let name = super::source_form::file_name(rules, diagnostic.file);
    match diagnostic.span {
        Some(span) => format!("{name}:{}:{}", span.line, span.column),
        None => name.to_owned(),
    }
}
