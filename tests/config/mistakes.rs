//! Every mistake in a file is found, at its place.

use super::{World, text};

/// The messages about `settings`, each as `LINE:COLUMN: MESSAGE`.
fn mistakes(settings: &str) -> Vec<String> {
    let world = World::new();
    let path = world.user(settings);
    let output = world.call(&["config"]);
    assert_eq!(output.status.code(), Some(1), "{settings}");
    assert_eq!(output.stdout, b"", "{settings}");
    let start = format!("codex-shell: error: {}:", path.display());
    let stderr = text(&output.stderr);
    let lines = stderr.lines().filter_map(|line| line.strip_prefix(&start));
    lines.map(str::to_owned).collect()
}

#[test]
fn one_mistake_each() {
    for (settings, expected) in [
        ("sandbx = 1\n", "1:1: there is no key `sandbx`"),
        (
            "\n\nnetwork = \"yes\"\n",
            "3:11: expected true or false, found string",
        ),
        ("sandbox = 1\n", "1:11: expected a string, found integer"),
        (
            "sandbox = \"none\"\n",
            "1:11: `none`: expected one of read-only, workspace-write, danger-full-access",
        ),
        (
            "interceptor = \"magic\"\n",
            "1:15: `magic`: expected one of auto, kernel, shell",
        ),
        (
            "ask = \"me\"\n",
            "1:7: `me`: expected terminal, deny, allow or command:PROGRAM",
        ),
        ("timeout = 30\n", "1:11: expected a string, found integer"),
        (
            "timeout = \"30 days\"\n",
            "1:11: `30 days`: expected a number with ms, s, m or h",
        ),
        (
            "writable = \"/x\"\n",
            "1:12: expected a list of paths, found string",
        ),
        (
            "writable = [\"/x\", \"y\"]\n",
            "1:19: `y`: expected an absolute path, or one that begins with ~/",
        ),
        (
            "unprotected = [\".vscode\", \".git\"]\n",
            "1:27: `.git`: expected one of the names that codex-shell doctor lists",
        ),
        (
            "unprotected = true\n",
            "1:15: expected a list of names, found boolean",
        ),
        ("shell = \"\"\n", "1:9: ``: expected a path"),
        ("lints = 1\n", "1:9: expected a table, found integer"),
        ("[lints]\nW999 = \"warn\"\n", "2:1: there is no lint `W999`"),
        (
            "[lints]\nW104 = \"error\"\n",
            "2:8: `error`: expected one of allow, warn, deny",
        ),
        (
            "[lints]\nW104 = \"warn\"\nbroad-allow = \"warn\"\n",
            "3:1: the level of W104 is set twice",
        ),
        (
            "[profiles]\nx = 1\n",
            "2:5: expected a table, found integer",
        ),
        (
            "[profiles.read-only]\nnetwork = true\n",
            "1:11: `read-only` is already a sandbox mode",
        ),
        (
            "[profiles.x]\nsandbox = \"read-only\"\n",
            "2:1: there is no key `sandbox`",
        ),
        (
            "[profiles.\"é\"]\nnetwork = 1\n",
            "2:11: expected true or false, found integer",
        ),
    ] {
        assert_eq!(mistakes(settings), [expected], "{settings}");
    }
}

#[test]
fn what_is_no_toml_is_shown_where_it_ends_to_be() {
    for (settings, place) in [
        ("network = \n", "1:"),
        ("a = 1\na = 2\n", "2:1"),
        ("[x\n", "1:"),
    ] {
        let found = mistakes(settings);
        assert!(found[0].starts_with(place), "{settings}: {found:?}");
    }
}

#[test]
fn all_of_them_at_once_with_their_lines() {
    let settings = "network = 1\nx = 2\n[profiles.a]\nmode = 3\n";
    let found = mistakes(settings);
    assert_eq!(found.len(), 3, "{found:?}");
    let world = World::new();
    world.user(settings);
    let stderr = text(&world.call(&["config"]).stderr);
    assert!(stderr.contains("2 | x = 2\n"), "{stderr}");
    assert!(
        stderr.contains("help: the keys are sandbox, network, "),
        "{stderr}"
    );
}

#[test]
fn nothing_runs_under_a_file_with_mistakes() {
    let world = World::new();
    world.user("x = 1\n");
    for (words, status) in [
        (&["run", "true"][..], 125),
        (&["rules", "explain", "true"], 125),
        (&["rules", "check"], 1),
    ] {
        assert_eq!(world.call(words).status.code(), Some(status), "{words:?}");
    }
}

#[test]
fn files_that_are_none() {
    let world = World::new();
    let path = world.path("home/.codex/codex-shell.toml");
    std::fs::create_dir_all(&path).unwrap();
    let stderr = text(&world.call(&["config"]).stderr);
    assert!(
        stderr.contains("can't be read: it is a directory"),
        "{stderr}"
    );
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, vec![b'#'; 300 << 10]).unwrap();
    let stderr = text(&world.call(&["config"]).stderr);
    assert!(stderr.contains("larger than 262144 bytes"), "{stderr}");
    std::fs::write(&path, b"# \xff").unwrap();
    let stderr = text(&world.call(&["config"]).stderr);
    assert!(stderr.contains("offset 2"), "{stderr}");
    std::fs::write(&path, "[".repeat(100_000)).unwrap();
    assert_eq!(world.call(&["config"]).status.code(), Some(1));
}

#[test]
fn a_file_cannot_draw_on_the_terminal() {
    let world = World::new();
    world.user("\"a\\u001b[2J\" = 1 # \u{1b}[2J\n");
    let stderr = text(&world.call(&["config"]).stderr);
    assert!(!stderr.contains('\u{1b}'), "{stderr:?}");
}
