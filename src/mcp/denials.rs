//! Which failures were the sandbox's doing: what a program complained of, checked from outside.

use std::path::Path;

use rmcp::schemars::JsonSchema;
use serde::Serialize;

use crate::confine::{Policy, Reach};
use crate::report::refusals;

/// As many are told.
const LIMIT: usize = 20;
/// What the kernel says of a write that it does not permit, as the C library words it.
const COMPLAINTS: [&str; 3] = [
    "Read-only file system",
    "Permission denied",
    "Operation not permitted",
];

/// Something that the sandbox refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct Denial {
    /// The path that was to be written.
    path: String,
    /// The smallest setting that would permit it; empty where none does.
    permitted_by: String,
    /// Why it is kept from being written though it lies in a directory that may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    protected: Option<String>,
}

/// The denials that a failed command, started in `cwd`, tells of in its output. A path counts only
/// when the sandbox keeps it from being written and nothing else does. The server was started `here`.
pub(super) fn found(
    output: &str,
    exit_code: u8,
    cwd: &Path,
    policy: &Policy,
    here: &Path,
) -> Vec<Denial> {
    let mut denials: Vec<Denial> = Vec::new();
    if exit_code == 0 {
        return denials;
    }
    let Some(reach) = Reach::of(policy, here) else {
        return denials;
    };
    for path in output.lines().filter_map(complained_of) {
        let Some(path) = reach.refuses(&cwd.join(path)) else {
            continue;
        };
        let shown = path.display().to_string();
        if denials.len() == LIMIT || denials.iter().any(|known| known.path == shown) {
            continue;
        }
        let denied = reach.denied(path);
        denials.push(Denial {
            path: shown,
            permitted_by: denied.remedy.text(),
            protected: refusals::protection(&denied),
        });
    }
    denials
}

/// The path in `…: PATH: complaint`, `… 'PATH': complaint` or `complaint: 'PATH'`.
fn complained_of(line: &str) -> Option<&str> {
    let complaint = COMPLAINTS.iter().find(|c| line.contains(**c))?;
    let (before, after) = line.split_once(complaint)?;
    let quotes = ['\'', '"', '`', '\u{2018}', '\u{2019}'];
    let after = after.strip_prefix(": ").unwrap_or_default();
    if after.starts_with(quotes) {
        return after.split(quotes).nth(1);
    }
    let before = before.trim_end_matches([' ', ':', '(']);
    if before.ends_with(quotes) {
        return before.trim_end_matches(quotes).rsplit(quotes).next();
    }
    before.rsplit(": ").next().filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_sandbox_holds_back_is_told() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let path = folder.path().join("new");
        let policy = Policy::closed();
        let said = format!(
            "touch: cannot touch '{}': Read-only file system\n",
            path.display()
        );
        let cwd = folder.path();
        let found = |said: &str, status: u8| found(said, status, cwd, &policy, Path::new("/usr"));
        let denials = found(&said, 1);
        assert_eq!(denials.len(), 1);
        assert_eq!(denials[0].path, path.display().to_string());
        for said in [
            "bash: line 1: new: Read-only file system",
            "[Errno 30] Read-only file system: 'new'",
        ] {
            assert_eq!(found(said, 1), denials, "{said}");
        }
        let folder = cwd.display().to_string();
        assert_eq!(
            denials[0].permitted_by,
            format!("--sandbox workspace-write --writable {folder}")
        );
        assert_eq!(found(&said, 0), []);
        assert_eq!(found("Permission denied\nread-only file system\n", 1), []);
        assert_eq!(found("/nonexistent/x: Permission denied\n", 1), []);
    }
}
