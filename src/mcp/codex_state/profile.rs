//! A permission profile: a network, and what may be done with which paths.
//!
//! Of the entries that speak of a path the most specific one counts, and of equals `deny` before `write`
//! before `read`, as in Codex. What is of a form that is denied is looked for when a command starts.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::{ENTRIES, external, has_network, kind, path_of, present, strictest};
use crate::confine::{Mode, PathPattern};
use crate::mcp::limits::{Limits, tmpdir};

/// What may be done with a path; of two for the same path the later one counts, as in Codex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PathAccess {
    Read,
    Write,
    Deny,
}

/// The newer form: a network, and what may be done with which paths.
pub(super) fn limits(
    profile: &Value,
    cwd: &Path,
    is_there: &dyn Fn(&Path) -> bool,
) -> Result<Limits, String> {
    let network = has_network(profile.get("network"));
    let files = present(profile, &["file_system", "fileSystem"]).unwrap_or(&Value::Null);
    let mut limits = match kind(profile) {
        "disabled" => return Ok(Limits::plain(Mode::DangerFullAccess, cwd)),
        "external" => return Ok(external(network, cwd)),
        "managed" | "" => match kind(files) {
            "unrestricted" => everywhere(network, cwd),
            "restricted" | "" if files.is_object() => by_entries(files, network, cwd, is_there)?,
            _ => strictest(cwd),
        },
        _ => return Ok(strictest(cwd)),
    };
    limits.network = network;
    Ok(limits)
}

/// Everything may be written: without a network that is more than a sandbox here can hold, so it is
/// the workspace.
fn everywhere(network: bool, cwd: &Path) -> Limits {
    let mode = if network {
        Mode::DangerFullAccess
    } else {
        Mode::WorkspaceWrite
    };
    Limits::plain(mode, cwd)
}

fn by_entries(
    files: &Value,
    network: bool,
    cwd: &Path,
    is_there: &dyn Fn(&Path) -> bool,
) -> Result<Limits, String> {
    let mut by_path: BTreeMap<PathBuf, PathAccess> = BTreeMap::new();
    let mut patterns = Vec::new();
    let entries = files.get("entries").and_then(Value::as_array);
    let entries = entries.map(Vec::as_slice).unwrap_or_default();
    if entries.len() > ENTRIES {
        return Err(format!(
            "the client's sandbox has more than {ENTRIES} entries"
        ));
    }
    for entry in entries {
        let access = access(entry);
        if let Some(text) = pattern(entry) {
            match access {
                PathAccess::Deny => patterns.push(denied(text, files, cwd)?),
                PathAccess::Read => return Err(unheld("keeps from being written", entry, "")),
                PathAccess::Write => {}
            }
            continue;
        }
        let Some(path) = place(entry, cwd) else {
            if access == PathAccess::Deny {
                return Err(unheld("hides", entry, ""));
            }
            continue;
        };
        // To be made by the command, if it likes.
        let may_be_missing = entry.get("missing_path_behavior") == Some(&"skip".into());
        if (may_be_missing || access == PathAccess::Write) && !is_there(&path) {
            continue;
        }
        let known = by_path.entry(path).or_insert(access);
        *known = access.max(*known);
    }
    let is_written = |access: &PathAccess| *access == PathAccess::Write;
    match by_path.remove(Path::new("/")) {
        Some(PathAccess::Read) => Ok(of_paths(&by_path, patterns, cwd)),
        Some(PathAccess::Write) if patterns.is_empty() && by_path.values().all(is_written) => {
            Ok(everywhere(network, cwd))
        }
        Some(PathAccess::Write) => {
            // Not everything after all: the workspace, without what is taken out of it.
            by_path.entry(cwd.to_owned()).or_insert(PathAccess::Write);
            Ok(of_paths(&by_path, patterns, cwd))
        }
        Some(PathAccess::Deny) | None => Err(
            "the client's sandbox lets only some directories be read, which no sandbox here does; \
             let it read `/`, or run `codex-shell serve` without the client's sandbox state"
                .to_owned(),
        ),
    }
}

/// The pattern that an entry speaks of instead of a path.
fn pattern(entry: &Value) -> Option<&Value> {
    let path = entry.get("path")?;
    (kind(path) == "glob_pattern").then(|| path.get("pattern").unwrap_or(&Value::Null))
}

fn denied(text: &Value, files: &Value, cwd: &Path) -> Result<PathPattern, String> {
    let depth = present(files, &["glob_scan_max_depth", "globScanMaxDepth"]);
    let depth = depth
        .and_then(Value::as_u64)
        .and_then(|depth| usize::try_from(depth).ok());
    let absolute = match (text.as_str(), cwd.to_str()) {
        (Some(text), _) if text.starts_with('/') => Ok(text.to_owned()),
        (Some(text), Some(cwd)) => Ok(format!("{}/{text}", literally(cwd))),
        _ => Err("it is not text"),
    };
    let pattern = absolute.and_then(|text| PathPattern::new(&text, depth));
    pattern.map_err(|why| unheld("hides", text, &format!(": {why}")))
}

/// A pattern for this very text.
fn literally(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        match c {
            '*' | '?' | '[' => pattern.extend(['[', c, ']']),
            c => pattern.push(c),
        }
    }
    pattern
}

fn unheld(does: &str, what: &Value, why: &str) -> String {
    let what = what.get("path").unwrap_or(what);
    format!("the client's sandbox {does} what can't be held here: {what}{why}")
}

fn of_paths(
    by_path: &BTreeMap<PathBuf, PathAccess>,
    patterns: Vec<PathPattern>,
    cwd: &Path,
) -> Limits {
    let with = |wanted: PathAccess| {
        let found = by_path.iter().filter(move |(_, access)| **access == wanted);
        found.map(|(path, _)| path.clone()).collect::<Vec<_>>()
    };
    // Scratch space is no workspace.
    let (slash_tmp, tmpdir) = (Some(PathBuf::from("/tmp")), tmpdir());
    let roots = with(PathAccess::Write);
    let mode = if roots.is_empty() {
        Mode::ReadOnly
    } else {
        Mode::WorkspaceWrite
    };
    let is_written = |path: &Option<PathBuf>| path.iter().any(|path| roots.contains(path));
    Limits {
        slash_tmp: is_written(&slash_tmp),
        tmpdir: is_written(&tmpdir),
        read_only: with(PathAccess::Read),
        unreadable: with(PathAccess::Deny),
        unreadable_patterns: patterns,
        roots: roots
            .into_iter()
            .filter(|root| ![&slash_tmp, &tmpdir].contains(&&Some(root.clone())))
            .collect(),
        ..Limits::plain(mode, cwd)
    }
}

fn access(entry: &Value) -> PathAccess {
    match entry.get("access").and_then(Value::as_str) {
        Some("read") => PathAccess::Read,
        Some("write") => PathAccess::Write,
        _ => PathAccess::Deny,
    }
}

/// The path that an entry speaks of, if it is one that is known.
fn place(entry: &Value, cwd: &Path) -> Option<PathBuf> {
    let path = entry.get("path")?;
    if let Some(text) = path.as_str() {
        return path_of(text);
    }
    match kind(path) {
        "path" => path_of(path.get("path")?.as_str()?),
        "special" => special(path.get("value")?, cwd),
        _ => None,
    }
}

pub(super) fn special(value: &Value, cwd: &Path) -> Option<PathBuf> {
    let base = match value.as_str().unwrap_or_else(|| kind(value)) {
        "root" => PathBuf::from("/"),
        "project_roots" | "current_working_directory" => cwd.to_owned(),
        "slash_tmp" => PathBuf::from("/tmp"),
        "tmpdir" => tmpdir()?,
        _ => return None,
    };
    let Some(below) = present(value, &["subpath"]) else {
        return Some(base);
    };
    let below = Path::new(below.as_str()?);
    let descends = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    below.components().all(descends).then(|| base.join(below))
}
