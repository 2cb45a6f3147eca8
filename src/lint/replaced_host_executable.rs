//! W109 replaced-host-executable.

use std::collections::HashMap;

use crate::rules::RuleSet;
use crate::rules::model::HostExecutable;

use super::finding::{Level, Related};
use super::{Report, lint};

lint! {
    /// `host_executable` is called again for the same name with other paths.
    ///
    /// ## Why it matters
    ///
    /// Only the last call counts, even when it is in another file; the lists are not merged.
    /// Which paths count then depends on the order in which the files load.
    ///
    /// ## Example
    ///
    /// ```python
    /// host_executable(name = "git", paths = ["/usr/bin/git"])
    /// host_executable(name = "git", paths = ["/opt/homebrew/bin/git"])
    /// ```
    ///
    /// ```python
    /// host_executable(name = "git", paths = ["/usr/bin/git", "/opt/homebrew/bin/git"])
    /// ```
    "W109", "replaced-host-executable", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    let mut latest: HashMap<&str, &HostExecutable> = HashMap::new();
    for entry in &rules.host_executables {
        let Some(earlier) = latest.insert(&entry.name, entry) else {
            continue;
        };
        if earlier.paths != entry.paths {
            let message = format!(
                "the paths of `{}` at {} are replaced, not added to",
                entry.name,
                rules.place(earlier.span)
            );
            let related = Related {
                span: earlier.span,
                label: "no longer counts",
            };
            let help = "list all paths in one call".to_owned();
            report.add_related(entry.span, message, Some(help), related);
        }
    }
}
