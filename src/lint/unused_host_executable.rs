//! W107 unused-host-executable.

use std::collections::BTreeSet;

use crate::rules::RuleSet;
use crate::rules::model::CommandRule;

use super::finding::Level;
use super::{Report, lint};

lint! {
    /// `host_executable` names a program that no rule is about.
    ///
    /// ## Why it matters
    ///
    /// The paths only say which files the rules on that bare name may mean. Without such a rule
    /// they have no effect: perhaps the name is misspelt, or the rules are in a file that is
    /// not being checked.
    ///
    /// ## Example
    ///
    /// ```python
    /// host_executable(name = "gti", paths = ["/usr/bin/gti"])
    /// prefix_rule(pattern = ["git", "--version"], decision = "allow")
    /// ```
    ///
    /// ```python
    /// host_executable(name = "git", paths = ["/usr/bin/git"])
    /// prefix_rule(pattern = ["git", "--version"], decision = "allow")
    /// ```
    "W107", "unused-host-executable", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    // A rule that ignores case may mean the name in another spelling.
    let prefixes = rules.prefix_rules.iter().map(|rule| rule.program.as_str());
    let commands = rules.command_rules.iter();
    let meant = commands.flat_map(CommandRule::literal_programs);
    let programs: BTreeSet<String> = prefixes.chain(meant).map(str::to_lowercase).collect();
    for entry in &rules.host_executables {
        if !programs.contains(&entry.name.to_lowercase()) {
            let message = format!("no rule is about the program `{}`", entry.name);
            let help = "check the spelling, or delete the entry".to_owned();
            report.add(entry.span, message, Some(help));
        }
    }
}
