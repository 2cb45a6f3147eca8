//! W110 relative-program.

use crate::rules::RuleSet;

use super::finding::Level;
use super::{Report, lint};

lint! {
    /// The program of a rule is a relative path, or begins with a tilde.
    ///
    /// ## Why it matters
    ///
    /// A rule's program is a bare name or an absolute path. `./build.sh` is a different file in
    /// each directory, and in the directory where a command works it is one that the command can
    /// write: a rule that allows it lets anything out. A tilde is not expanded.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["./build.sh"], decision = "allow")
    /// ```
    ///
    /// ```python
    /// prefix_rule(pattern = ["/opt/tools/build.sh"], decision = "allow")
    /// ```
    "W110", "relative-program", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    for rule in &rules.prefix_rules {
        let program = &rule.program;
        if program.contains('/') && !program.starts_with('/') {
            let message = format!("`{program}` is a relative path");
            let help = "write a bare name, or an absolute path".to_owned();
            report.add(rule.span, message, Some(help));
        }
    }
}
