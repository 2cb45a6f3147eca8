//! What Codex says of its own sandbox: in a request of its own once, or with each call.
//!
//! Every field may be missing, and a kind that is not known is read as the strictest one. A
//! permission profile names paths; of the entries that speak of a path the most specific one counts,
//! and of equals `deny` before `write` before `read`, as in Codex.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};

use super::limits::Limits;
use crate::audit::ClientCall;
use crate::confine::Mode;

/// The names that the state goes by in what comes with a call. Which of them a version of Codex
/// sends depends on the capabilities that it was told of.
pub(super) const NAMES: [&str; 2] = ["codex/sandbox-state", "codex/sandbox-state-meta"];
/// More entries than anybody writes.
const ENTRIES: usize = 1024;

/// The longest name of a call that is recorded, in bytes.
const LONGEST_ID: usize = 256;

/// What may be done with a path; of two for the same path the later one counts, as in Codex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Access {
    Read,
    Write,
    Deny,
}

/// What a state says, `here` being the working directory for one that names none.
///
/// # Errors
/// It asks for something that no sandbox here gives, and less would not do: in words for the agent.
pub(super) fn limits(state: &Value, here: &Path) -> Result<Limits, String> {
    let cwd = state.get("sandboxCwd").and_then(Value::as_str);
    let cwd = cwd.and_then(path_of).unwrap_or_else(|| here.to_owned());
    if let Some(profile) = present(state, &["permissionProfile"]) {
        return profile_limits(profile, &cwd);
    }
    let policy = present(state, &["sandboxPolicy"]).unwrap_or(&Value::Null);
    Ok(policy_limits(policy, &cwd))
}

/// The state, or states, that came with a call.
pub(super) fn of_call(meta: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    NAMES.iter().filter_map(|name| meta.get(*name))
}

/// What Codex calls a tool call, by what came with it.
pub(super) fn client_call(meta: &Map<String, Value>) -> ClientCall {
    let id = |value: Option<&Value>| {
        let text = value?.as_str()?;
        (text.len() <= LONGEST_ID).then(|| text.to_owned())
    };
    let turn = meta.get("x-codex-turn-metadata");
    // As a header has it: a text that holds the object.
    let parsed = turn
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let turn = parsed.as_ref().or(turn);
    ClientCall {
        thread_id: id(meta.get("threadId")),
        turn_id: id(turn.and_then(|turn| present(turn, &["turn_id", "turnId"]))),
        call_id: id(meta.get("callId")),
    }
}

/// The path that a client names, plainly or as a `file:` URI.
pub(super) fn path_of(text: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    let Some(path) = text.strip_prefix("file://") else {
        return Some(PathBuf::from(text)).filter(|path| path.is_absolute());
    };
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let path = PathBuf::from(std::ffi::OsString::from_vec(bytes));
    path.is_absolute().then_some(path)
}

/// The first of these fields that says something.
fn present<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    let mut fields = names.iter().filter_map(|name| value.get(*name));
    fields.find(|value| !value.is_null())
}

/// The kind of a tagged value; empty where it is not said.
fn kind(value: &Value) -> &str {
    let tag = present(value, &["type", "kind"]);
    tag.and_then(Value::as_str).unwrap_or_default()
}

/// Whether a network is permitted: older clients say it by a truth value.
fn has_network(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(enabled)) => *enabled,
        Some(Value::String(word)) => word == "enabled",
        Some(Value::Object(fields)) => fields.get("enabled") == Some(&Value::Bool(true)),
        _ => false,
    }
}

/// Without writing and network, wherever the command starts.
fn strictest(cwd: &Path) -> Limits {
    Limits::plain(Mode::ReadOnly, cwd)
}

/// What is held by somebody else: that is as good as full access, but for a network that we would
/// have to hold.
fn external(network: bool, cwd: &Path) -> Limits {
    if network {
        Limits::plain(Mode::DangerFullAccess, cwd)
    } else {
        strictest(cwd)
    }
}

/// The older form: a mode, with directories for one of them.
fn policy_limits(policy: &Value, cwd: &Path) -> Limits {
    let network = has_network(policy.get("network_access"));
    let is_set = |name: &str| policy.get(name) == Some(&Value::Bool(true));
    let roots = policy.get("writable_roots").and_then(Value::as_array);
    let roots = roots.into_iter().flatten().take(ENTRIES);
    let roots = roots.filter_map(Value::as_str).filter_map(path_of);
    match kind(policy) {
        "danger-full-access" => Limits::plain(Mode::DangerFullAccess, cwd),
        "external-sandbox" => external(network, cwd),
        "workspace-write" => {
            let mut limits = Limits::plain(Mode::WorkspaceWrite, cwd);
            limits.network = network;
            limits.roots.extend(roots);
            limits.slash_tmp = !is_set("exclude_slash_tmp");
            limits.tmpdir = !is_set("exclude_tmpdir_env_var");
            limits
        }
        "read-only" => Limits {
            network,
            ..strictest(cwd)
        },
        _ => strictest(cwd),
    }
}

/// The newer form: a network, and what may be done with which paths.
fn profile_limits(profile: &Value, cwd: &Path) -> Result<Limits, String> {
    let network = has_network(profile.get("network"));
    let files = present(profile, &["file_system", "fileSystem"]).unwrap_or(&Value::Null);
    let mut limits = match kind(profile) {
        "disabled" => return Ok(Limits::plain(Mode::DangerFullAccess, cwd)),
        "external" => return Ok(external(network, cwd)),
        "managed" | "" => match kind(files) {
            "unrestricted" => everywhere(network, cwd),
            "restricted" | "" if files.is_object() => by_entries(files, network, cwd)?,
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

fn by_entries(files: &Value, network: bool, cwd: &Path) -> Result<Limits, String> {
    let mut by_path: BTreeMap<PathBuf, Access> = BTreeMap::new();
    let entries = files.get("entries").and_then(Value::as_array);
    let entries = entries.map(Vec::as_slice).unwrap_or_default();
    if entries.len() > ENTRIES {
        return Err(format!(
            "the client's sandbox has more than {ENTRIES} entries"
        ));
    }
    for entry in entries {
        let access = access(entry);
        let Some(path) = place(entry, cwd) else {
            if access == Access::Deny {
                return Err(format!(
                    "the client's sandbox hides what can't be hidden here: {}",
                    entry.get("path").unwrap_or(&Value::Null)
                ));
            }
            continue;
        };
        // To be made by the command, if it likes.
        let may_be_missing = entry.get("missing_path_behavior") == Some(&"skip".into());
        if (may_be_missing || access == Access::Write) && path.symlink_metadata().is_err() {
            continue;
        }
        let known = by_path.entry(path).or_insert(access);
        *known = access.max(*known);
    }
    match by_path.remove(Path::new("/")) {
        Some(Access::Read) => Ok(of_paths(&by_path, cwd)),
        Some(Access::Write) if by_path.values().all(|access| *access == Access::Write) => {
            Ok(everywhere(network, cwd))
        }
        Some(Access::Write) => {
            // Not everything after all: the workspace, without what is taken out of it.
            by_path.entry(cwd.to_owned()).or_insert(Access::Write);
            Ok(of_paths(&by_path, cwd))
        }
        Some(Access::Deny) | None => Err(
            "the client's sandbox lets only some directories be read, which no sandbox here does; \
             let it read `/`, or run `codex-shell serve` without the client's sandbox state"
                .to_owned(),
        ),
    }
}

fn of_paths(by_path: &BTreeMap<PathBuf, Access>, cwd: &Path) -> Limits {
    let with = |wanted: Access| {
        let found = by_path.iter().filter(move |(_, access)| **access == wanted);
        found.map(|(path, _)| path.clone()).collect::<Vec<_>>()
    };
    let roots = with(Access::Write);
    let is_scratch = |path: &Path| roots.iter().any(|root| root == path);
    let tmpdir = std::env::var_os("TMPDIR").map(PathBuf::from);
    let (slash_tmp, tmpdir) = (
        is_scratch(Path::new("/tmp")),
        tmpdir.as_deref().is_some_and(is_scratch),
    );
    let mode = if roots.is_empty() {
        Mode::ReadOnly
    } else {
        Mode::WorkspaceWrite
    };
    Limits {
        roots: roots
            .iter()
            .filter(|root| !is_temporary(root))
            .cloned()
            .collect(),
        slash_tmp,
        tmpdir,
        read_only: with(Access::Read),
        unreadable: with(Access::Deny),
        ..Limits::plain(mode, cwd)
    }
}

/// Whether it is scratch space, and no workspace.
fn is_temporary(path: &Path) -> bool {
    let tmpdir = std::env::var_os("TMPDIR");
    path == Path::new("/tmp") || tmpdir.is_some_and(|tmpdir| path == Path::new(&tmpdir))
}

fn access(entry: &Value) -> Access {
    match entry.get("access").and_then(Value::as_str) {
        Some("read") => Access::Read,
        Some("write") => Access::Write,
        _ => Access::Deny,
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

fn special(value: &Value, cwd: &Path) -> Option<PathBuf> {
    let base = match value.as_str().unwrap_or_else(|| kind(value)) {
        "root" => PathBuf::from("/"),
        "project_roots" | "current_working_directory" => cwd.to_owned(),
        "slash_tmp" => PathBuf::from("/tmp"),
        "tmpdir" => std::env::var_os("TMPDIR").map(PathBuf::from)?,
        _ => return None,
    };
    let Some(below) = present(value, &["subpath"]) else {
        return Some(base);
    };
    let below = Path::new(below.as_str()?);
    let descends = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    below.components().all(descends).then(|| base.join(below))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(state: &Value) -> Limits {
        limits(state, Path::new("/here")).unwrap()
    }

    fn special(kind: &str, access: &str) -> Value {
        json!({ "path": { "type": "special", "value": { "kind": kind } }, "access": access })
    }

    fn at(path: &str, access: &str) -> Value {
        json!({ "path": { "type": "path", "path": path }, "access": access })
    }

    fn managed(network: &str, entries: &[Value]) -> Value {
        json!({
            "permissionProfile": {
                "type": "managed", "network": network,
                "file_system": { "type": "restricted", "entries": entries },
            },
            "sandboxCwd": "file:///usr",
        })
    }

    #[test]
    fn an_older_client_names_a_mode_and_directories() {
        let limits = read(&json!({
            "sandboxPolicy": {
                "type": "workspace-write", "writable_roots": ["/srv"], "network_access": true,
                "exclude_slash_tmp": true,
            },
            "codexLinuxSandboxExe": null, "sandboxCwd": "/work",
        }));
        assert_eq!(limits.mode, Mode::WorkspaceWrite);
        assert!(limits.network && limits.tmpdir && !limits.slash_tmp);
        assert_eq!(limits.roots, [Path::new("/work"), Path::new("/srv")]);
        let full = read(&json!({ "sandboxPolicy": { "type": "danger-full-access" } }));
        assert_eq!(full.mode, Mode::DangerFullAccess);
    }

    #[test]
    fn a_profile_names_paths() {
        let limits = read(&managed(
            "enabled",
            &[
                special("root", "read"),
                at("/usr", "write"),
                special("slash_tmp", "write"),
                at("file:///usr/lib%20x", "read"),
                at("/usr/share", "deny"),
                at("/usr/share", "write"),
            ],
        ));
        assert_eq!(limits.mode, Mode::WorkspaceWrite);
        assert!(limits.network && limits.slash_tmp && !limits.tmpdir);
        assert_eq!(limits.roots, [Path::new("/usr")]);
        assert_eq!(limits.read_only, [Path::new("/usr/lib x")]);
        assert_eq!(limits.unreadable, [Path::new("/usr/share")]);
    }

    #[test]
    fn what_is_skipped_when_missing_is_not_held() {
        let mut skipped = at("/usr/nowhere", "read");
        skipped["missing_path_behavior"] = "skip".into();
        let entries = [special("root", "read"), at("/usr", "write"), skipped];
        assert!(read(&managed("restricted", &entries)).read_only.is_empty());
    }

    #[test]
    fn disabled_and_unrestricted_are_full_access_with_a_network_alone() {
        for (profile, mode) in [
            (json!({ "type": "disabled" }), Mode::DangerFullAccess),
            (
                json!({ "type": "external", "network": "enabled" }),
                Mode::DangerFullAccess,
            ),
            (json!({ "type": "external" }), Mode::ReadOnly),
            (
                json!({ "type": "managed", "network": "enabled", "file_system": { "type": "unrestricted" } }),
                Mode::DangerFullAccess,
            ),
            (
                json!({ "type": "managed", "file_system": { "type": "unrestricted" } }),
                Mode::WorkspaceWrite,
            ),
        ] {
            let limits = read(&json!({ "permissionProfile": profile }));
            assert_eq!(limits.mode, mode, "{profile}");
        }
    }

    #[test]
    fn what_is_not_known_is_the_strictest() {
        for state in [
            json!({}),
            json!(7),
            json!({ "sandboxPolicy": { "type": "new" } }),
            json!({ "permissionProfile": { "type": "new" }, "sandboxPolicy": { "type": "danger-full-access" } }),
            json!({ "permissionProfile": { "type": "managed" } }),
            json!({ "permissionProfile": { "type": "managed", "file_system": { "type": "new" } } }),
        ] {
            let limits = read(&state);
            assert_eq!(limits.mode, Mode::ReadOnly, "{state}");
            assert!(!limits.network, "{state}");
        }
        let unknown = [special("root", "read"), special("new", "write")];
        assert_eq!(read(&managed("x", &unknown)).mode, Mode::ReadOnly);
        for entries in [
            vec![special("minimal", "read")],
            vec![special("root", "deny")],
            vec![special("root", "read"), special("new", "deny")],
            vec![special("root", "read"), at("relative", "new")],
        ] {
            let state = managed("restricted", &entries);
            assert!(limits(&state, Path::new("/here")).is_err(), "{state}");
        }
    }

    #[test]
    fn a_call_has_names() {
        let named = |meta: Value| client_call(meta.as_object().unwrap());
        let expected = ClientCall {
            thread_id: Some("t".into()),
            turn_id: Some("u".into()),
            call_id: Some("c".into()),
        };
        let mut meta = json!({
            "threadId": "t", "callId": "c", "x-codex-turn-metadata": { "turn_id": "u" },
        });
        assert_eq!(named(meta.clone()), expected);
        meta["x-codex-turn-metadata"] = "{\"turn_id\":\"u\"}".into();
        assert_eq!(named(meta), expected);
        let long = json!({ "threadId": "x".repeat(1000), "callId": 7 });
        assert_eq!(named(long), ClientCall::default());
    }

    #[test]
    fn a_subpath_leads_down() {
        let below = |subpath: &str| {
            let value = json!({ "kind": "project_roots", "subpath": subpath });
            super::special(&value, Path::new("/usr"))
        };
        assert_eq!(below("lib"), Some("/usr/lib".into()));
        assert_eq!((below("../x"), below("/x")), (None, None));
    }
}
