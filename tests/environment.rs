//! What holds of any environment that a program outside gets, whatever the caller's was.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::LazyLock;

use codex_shell::act::environment::SessionEnvironment;
use codex_shell::request::{Program, Trust, variable};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::cases::at_least;
use tempfile::TempDir;

/// `ws` can be written from inside, `tools` can't; links lead from each into the other, and a program
/// `tool` is in every directory.
static PLACE: LazyLock<TempDir> = LazyLock::new(|| {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["ws/bin", "tools/bin"] {
        fs::create_dir_all(at(name)).unwrap();
        let tool = at(name).join("tool");
        fs::write(&tool, "\x7fELF").unwrap();
        fs::set_permissions(tool, fs::Permissions::from_mode(0o755)).unwrap();
    }
    symlink(at("ws/bin"), at("tools/link")).unwrap();
    symlink(at("tools/bin"), at("ws/back")).unwrap();
    symlink("missing", at("ws/dangling")).unwrap();
    folder
});

/// `@` is the place.
fn spelled(text: &str) -> OsString {
    text.replace('@', PLACE.path().to_str().unwrap()).into()
}

fn names() -> impl Strategy<Value = OsString> {
    let names = [
        "PATH",
        "HOME",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "EDITOR",
        "GIT_DIR",
        "TERM",
        "LANG",
        "LC_X",
        "TZ",
        "PWD",
        "_",
        "OLDPWD",
        "SHLVL",
        "TMPDIR",
        "OTHER",
        "X_PATH",
        "BASH_FUNC_ls%%",
        "",
    ];
    select(names.to_vec()).prop_map(OsString::from)
}

fn entries() -> impl Strategy<Value = &'static str> {
    let entries = [
        "@/ws/bin",
        "@/ws",
        "@/ws/none",
        "@/ws/back",
        "@/ws/dangling",
        "@/tools/bin",
        "@/tools/link",
        "@/tools/none",
        "@/tools/../ws/bin",
        "/usr/bin",
        "/bin",
        "",
        ".",
        "bin",
        "../x",
        "/proc/self/cwd",
        "plain",
        "de_DE.UTF-8",
        "1",
        "/dev/fd/0",
        "@",
        "//",
    ];
    select(entries.to_vec())
}

fn values() -> impl Strategy<Value = OsString> {
    let lists = vec(entries(), 0..4).prop_map(|entries| spelled(&entries.join(":")));
    let bytes = vec(1u8..=255, 0..6).prop_map(OsString::from_vec);
    prop_oneof![4 => lists, 1 => bytes]
}

fn environments() -> impl Strategy<Value = Vec<(OsString, OsString)>> {
    vec((names(), values()), 0..8)
}

proptest! {
    #![proptest_config(at_least(2000))]

    /// Nothing that was set inside gets out, but what a rule passes and a few plain words.
    #[test]
    fn nothing_that_was_set_inside_gets_out(
        own in environments(),
        caller in environments(),
        pass in prop_oneof![Just(vec![]), Just(vec!["GIT_DIR".to_owned(), "OTHER".to_owned()])],
    ) {
        let own: HashMap<OsString, OsString> = own.into_iter().filter(|(n, _)| !n.is_empty()).collect();
        let ws = PLACE.path().join("ws");
        let session = SessionEnvironment::new(own.clone(), std::slice::from_ref(&ws));
        let entry = |(name, value): &(OsString, OsString)| codex_shell::request::entry(name, value);
        let given: Vec<OsString> = caller.iter().map(entry).collect();
        let filtered = session.filter(&given, Path::new("/somewhere"), &pass);
        let mut seen = Vec::new();
        for entry in &filtered.passed {
            let (name, value) = variable(entry).unwrap();
            prop_assert!(!seen.contains(&name), "{name:?} comes twice");
            let plain = value.len() <= 128
                && !value.as_bytes().starts_with(b"/")
                && !value.as_bytes().windows(2).any(|two| two == b"..");
            let inert = ["TERM", "LANG", "LC_X", "TZ", "SHLVL"].iter().any(|inert| name == *inert);
            let passed = pass.iter().any(|pass| name == pass.as_str());
            prop_assert!(
                passed && caller.iter().any(|it| *it == (name.to_owned(), value.to_owned()))
                    || name == "PWD" && value == "/somewhere"
                    || inert && plain
                    || own.get(name).is_some_and(|own| is_part_of(value, own))
                    || name == "PATH" && value == "/usr/bin:/bin"
                    || ["LESSSECURE", "SYSTEMD_PAGERSECURE"].iter().any(|mode| name == *mode) && value == "1",
                "{entry:?}",
            );
            seen.push(name);
        }
        // Who asks what it lacks is told of everything else.
        for (name, value) in caller.iter().filter(|(name, _)| !name.is_empty()) {
            let there = filtered.passed.iter().any(|e| variable(e) == Some((name, value)));
            let told = filtered.lacks().contains(name)
                || filtered.left_out.iter().any(|(left, _)| left == name);
            let common = ["_", "OLDPWD", "PATH", "PWD"].iter().any(|common| name == *common);
            prop_assert!(there || told || common, "{name:?}");
        }
    }

    /// Whatever is found by the search path outside, nothing inside could have put it there.
    #[test]
    fn what_is_found_outside_is_not_the_sandboxs(own in values(), caller in environments()) {
        let ws = PLACE.path().join("ws");
        let writable = std::slice::from_ref(&ws);
        let session = SessionEnvironment::new([("PATH".into(), own)], writable);
        let given: Vec<OsString> =
            caller.iter().map(|(n, v)| codex_shell::request::entry(n, v)).collect();
        let passed = session.filter(&given, &ws, &[]).passed;
        let path = passed.iter().find_map(|e| variable(e).filter(|(name, _)| *name == "PATH"));
        let (_, path) = path.unwrap();
        prop_assert!(!path.is_empty());
        for directory in path.as_bytes().split(|&byte| byte == b':') {
            prop_assert!(directory.starts_with(b"/"));
            let tool = Path::new(OsStr::from_bytes(directory)).join("tool");
            let trust = Program::at(tool.as_os_str(), &tool, None, writable).trust;
            prop_assert!(!matches!(trust, Trust::Writable { .. }), "{path:?}: {trust:?}");
        }
    }
}

/// Whether a value is made of entries of `own`, in their order.
fn is_part_of(value: &OsStr, own: &OsStr) -> bool {
    let mut own = own.as_bytes().split(|&byte| byte == b':');
    let mut entries = value.as_bytes().split(|&byte| byte == b':');
    entries.all(|entry| own.any(|other| other == entry))
}
