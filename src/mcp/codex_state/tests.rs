//! Tests.

use serde_json::json;

use super::*;

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn read(state: &Value) -> Limits {
    limits(state, Path::new("/here"), &is_there).unwrap()
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
        assert!(
            limits(&state, Path::new("/here"), &is_there).is_err(),
            "{state}"
        );
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
        super::profile::special(&value, Path::new("/usr"))
    };
    assert_eq!(below("lib"), Some("/usr/lib".into()));
    assert_eq!((below("../x"), below("/x")), (None, None));
}

#[test]
fn patterns_are_from_the_working_directory_on() {
    let with = |pattern: &str, access: &str| {
        let entry = json!({
            "path": { "type": "glob_pattern", "pattern": pattern }, "access": access,
        });
        managed("x", &[special("root", "write"), entry])
    };
    let mut state = with("**/.env", "deny");
    state["permissionProfile"]["file_system"]["glob_scan_max_depth"] = 3.into();
    state["sandboxCwd"] = "/a*b".into();
    let found = read(&state);
    assert_eq!(found.mode, Mode::WorkspaceWrite);
    let [pattern] = found.unreadable_patterns.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(
        (pattern.as_str(), pattern.depth()),
        ("/a[*]b/**/.env", Some(3))
    );
    for (pattern, access) in [("/a/[", "deny"), ("../a", "deny"), ("/a/*", "read")] {
        let state = with(pattern, access);
        assert!(
            limits(&state, Path::new("/here"), &is_there).is_err(),
            "{pattern}"
        );
    }
}
