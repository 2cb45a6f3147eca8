//! W108 empty-host-executable.

use crate::rules::RuleSet;

use super::finding::Level;
use super::{Report, lint};

lint! {
    /// `host_executable` lists no paths.
    ///
    /// ## Why it matters
    ///
    /// An entry says that the rules on this name may mean the listed files and no others. With an
    /// empty list that is no file at all, which is not the same as having no entry: then any path
    /// that ends in the name qualifies.
    ///
    /// ## Example
    ///
    /// ```python
    /// host_executable(name = "git", paths = [])
    /// ```
    ///
    /// ```python
    /// host_executable(name = "git", paths = ["/usr/bin/git"])
    /// ```
    "W108", "empty-host-executable", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    for entry in rules.host_executables.iter().filter(|e| e.paths.is_empty()) {
        let message = format!("no path is allowed for `{}`", entry.name);
        let help = "list the absolute paths of the program, or delete the entry".to_owned();
        report.add(entry.span, message, Some(help));
    }
}
