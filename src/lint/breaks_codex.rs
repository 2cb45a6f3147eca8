//! W115 breaks-codex.

use crate::rules::model::Span;
use crate::rules::{Layer, RuleSet};

use super::finding::Level;
use super::{Report, lint};

lint! {
    /// A file in a directory that Codex reads calls `command_rule`, `program` or `default`, which
    /// Codex doesn't know.
    ///
    /// ## Why it matters
    ///
    /// Codex has its own evaluator, to which an unknown function is an error: the whole file is
    /// lost, with everything that it forbids.
    ///
    /// ## Example
    ///
    /// In `~/.codex/rules/team.rules`:
    ///
    /// ```python
    /// command_rule(program = "git", subcommand = ["push"], decision = "prompt")
    /// ```
    ///
    /// Keep there what Codex understands, and put the rest in a separate directory that
    /// `codex-shell.toml` names:
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", "push"], decision = "prompt")
    /// ```
    "W115", "breaks-codex", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    let calls = rules
        .command_rules
        .iter()
        .map(|rule| ("command_rule", rule.span));
    let programs = rules
        .programs
        .iter()
        .map(|program| ("program", program.span));
    let defaults = rules.defaults.iter().map(|rule| ("default", rule.span));
    for (call, span) in calls.chain(programs).chain(defaults) {
        if in_codex_directory(rules, span) {
            let message = format!("Codex reads this file too, and doesn't know `{call}`");
            let help = "move it to a file that only codex-shell reads".to_owned();
            report.add(span, message, Some(help));
        }
    }
}

/// `rules` in `/etc/codex`, in the user's directory, or in any `.codex`.
fn in_codex_directory(rules: &RuleSet, span: Span) -> bool {
    let file = usize::try_from(span.file).ok();
    let Some(file) = file.and_then(|file| rules.files.get(file)) else {
        return false;
    };
    let path = std::path::absolute(&file.name).unwrap_or_default();
    let folder = path.parent();
    matches!(file.layer, Layer::Admin | Layer::User)
        || folder.is_some_and(|f| f.ends_with(".codex/rules") || f == "/etc/codex/rules")
}
