//! What Codex says of its own sandbox: in a request of its own once, or with each call.
//!
//! Every field may be missing, and a kind that is not known is read as the strictest one.

mod profile;

use std::path::{Path, PathBuf};

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

/// What a state says, `here` being the working directory for one that names none. Some of it counts only
/// for what `is_there`; no file is looked at but by that.
///
/// # Errors
/// It asks for something that no sandbox here gives, and less would not do: in words for the agent.
pub(super) fn limits(
    state: &Value,
    here: &Path,
    is_there: &dyn Fn(&Path) -> bool,
) -> Result<Limits, String> {
    let cwd = state.get("sandboxCwd").and_then(Value::as_str);
    let cwd = cwd.and_then(path_of).unwrap_or_else(|| here.to_owned());
    if let Some(profile) = present(state, &["permissionProfile"]) {
        return profile::limits(profile, &cwd, is_there);
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

#[cfg(test)]
mod tests;
