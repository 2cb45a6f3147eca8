//! W121 writable-place.

use std::path::{Path, PathBuf};

use crate::rules::meaning::{Meaning, Pattern};
use crate::rules::model::{CommandRule, Span};
use crate::rules::{Decision, RuleSet};

use super::finding::Level;
use super::{Report, lint};

/// What each sandbox with workspace-write can write.
const TEMPORARY: &str = "/tmp";

lint! {
    /// A rule that allows names a program, or by `under(...)` a path, that lies where a session can write: in
    /// the directory in which `rules check` is started, or the project around it, or in `/tmp`.
    ///
    /// ## Why it matters
    ///
    /// A rule that permits counts only for a program that the sandbox could not have put there, and for a path
    /// that it could not have made lead elsewhere. This one permits nothing, even with `run = "inside"`, and
    /// nobody is told. What stays inside needs no rule.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["/tmp/tools/deploy"], decision = "allow")
    /// command_rule(program = "cat", args = [under("/tmp/logs")], decision = "allow")
    /// ```
    ///
    /// Put the program where no session can write. A `glob(...)` goes by the name alone, wherever that
    /// leads:
    ///
    /// ```python
    /// prefix_rule(pattern = ["/opt/tools/deploy"], decision = "allow")
    /// command_rule(program = "cat", args = [glob("/tmp/logs/*")], decision = "allow")
    /// ```
    "W121", "writable-place", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    for rule in &rules.prefix_rules {
        if rule.decision == Decision::Allow {
            program(&rule.program, rule.span, report);
        }
    }
    for rule in &rules.command_rules {
        if rule.decision != Decision::Allow || !rule.enforce {
            continue;
        }
        for name in rule.literal_programs() {
            program(name, rule.span, report);
        }
        paths(rule, report);
    }
}

/// The place that a session can write, in which `path` lies.
fn around(path: &str, workspaces: &[PathBuf]) -> Option<PathBuf> {
    let path = Path::new(path);
    let temporary = Path::new(TEMPORARY);
    let mut places = workspaces.iter().map(PathBuf::as_path).chain([temporary]);
    let found = places.find(|place| path.starts_with(place));
    found.map(Path::to_owned)
}

fn program(name: &str, span: Span, report: &mut Report) {
    if let Some(place) = around(name, report.workspaces()) {
        let message = format!(
            "sessions can write {}, and so `{name}`: the rule permits nothing",
            place.display()
        );
        let help = "install the program where no session can write, and name that path; inside, it needs no rule";
        report.add(span, message, Some(help.to_owned()));
    }
}

/// Of alternatives, one elsewhere is enough.
fn paths(rule: &CommandRule, report: &mut Report) {
    let inside = |pattern: &Pattern| match pattern {
        Pattern::Under(root) => {
            around(root, report.workspaces()).map(|place| (root.clone(), place))
        }
        Pattern::Literal(_) | Pattern::Glob(_) | Pattern::Regex(_) => None,
    };
    let found = alternatives(&rule.meaning).find_map(|patterns| {
        let all: Option<Vec<_>> = patterns.iter().map(inside).collect();
        all?.into_iter().next()
    });
    if let Some((root, place)) = found {
        let message = format!(
            "sessions can write {}, and could have what is under {root:?} lead elsewhere: the rule permits nothing",
            place.display()
        );
        let help = "`glob(...)` goes by the name alone; inside, the command needs no rule";
        report.add(rule.span, message, Some(help.to_owned()));
    }
}

/// The patterns that operands and values of options must be of, each with its alternatives.
fn alternatives(meaning: &Meaning) -> impl Iterator<Item = &[Pattern]> {
    let operands = meaning.operands.iter();
    let operands = operands.flat_map(|it| it.places.iter().chain(&it.rest));
    let values = meaning.options.iter().map(|option| &option.values);
    operands.chain(values).map(Vec::as_slice)
}
