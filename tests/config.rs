//! `codex-shell.toml`, `codex-shell config` and `codex-shell trust`, as they are called.

mod mistakes;
mod tighten;
mod trust;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A home directory with a project in it.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let world = Self(TempDir::new().unwrap());
        world.file("home/project/src/main.rs", "");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.0.path()).unwrap().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// The user's settings.
    fn user(&self, text: &str) -> PathBuf {
        self.file("home/.codex/codex-shell.toml", text)
    }

    /// The project's settings.
    fn project(&self, text: &str) -> PathBuf {
        self.file("home/project/.codex/codex-shell.toml", text)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codex-shell"));
        command
            .args(words)
            .current_dir(self.path("home/project/src"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .stdin(Stdio::null());
        command
    }

    fn call(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What is printed by a call that succeeds.
    fn said(&self, words: &[&str]) -> String {
        let output = self.call(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        text(&output.stdout)
    }

    fn json(&self, words: &[&str]) -> Value {
        let words = [&["config", "--format", "json"], words].concat();
        serde_json::from_str(&self.said(&words)).unwrap()
    }

    /// The value of a key, and the kind of its source.
    fn value(&self, key: &[&str], flags: &[&str]) -> (Value, String) {
        let json = self.json(flags);
        let settings = json["settings"].as_array().unwrap();
        let found = settings
            .iter()
            .find(|entry| entry["path"] == serde_json::json!(key));
        let found = found.unwrap_or_else(|| panic!("{key:?} is not among {settings:#?}"));
        let kind = found["from"]["kind"].as_str().unwrap().to_owned();
        (found["value"].clone(), kind)
    }

    fn trust(&self) {
        self.said(&["trust", "--yes"]);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const EVERYTHING: &str = r#"
sandbox = "danger-full-access"
network = true
writable = ["~/cache", "/opt/x/../y"]
unprotected = [".vscode", ".bashrc"]
interceptor = "kernel"
shell = "/bin/sh"
ask = "command:/bin/asker"
timeout = "1.5s"
rules = ["more.rules", "~/team"]

[lints]
W104 = "deny"
missing-examples = "warn"

[profiles.fetch]
mode = "workspace-write"
network = true
writable = ["~/.cargo"]

[profiles."odd name"]
"#;

#[test]
fn defaults_without_any_file() {
    let world = World::new();
    let printed = world.said(&["config"]);
    for line in [
        "sandbox = \"workspace-write\"           # default",
        "network = false                       # default",
        "# no timeout                          # default",
    ] {
        assert!(printed.lines().any(|found| found == line), "{printed}");
    }
    assert_eq!(world.json(&[])["files"], Value::Array(Vec::new()));
}

#[test]
fn the_users_file_sets_everything() {
    let world = World::new();
    let path = world.user(EVERYTHING);
    let home = world.path("home");
    let home = home.to_str().unwrap();
    for (key, expected) in [
        (&["sandbox"][..], "\"danger-full-access\""),
        (&["network"], "true"),
        (&["writable"], &format!("[\"{home}/cache\",\"/opt/y\"]")),
        (&["unprotected"], "[\".vscode\",\".bashrc\"]"),
        (&["interceptor"], "\"kernel\""),
        (&["shell"], "\"/bin/sh\""),
        (&["ask"], "\"command:/bin/asker\""),
        (&["timeout"], "\"1.5s\""),
        (
            &["rules"],
            &format!("[\"{home}/.codex/more.rules\",\"{home}/team\"]"),
        ),
        (&["lints", "W104"], "\"deny\""),
        (&["lints", "W106"], "\"warn\""),
        (&["profiles", "fetch", "network"], "true"),
        (
            &["profiles", "fetch", "writable"],
            &format!("[\"{home}/.cargo\"]"),
        ),
    ] {
        let (value, kind) = world.value(key, &[]);
        assert_eq!(
            (value.to_string().as_str(), kind.as_str()),
            (expected, "file"),
            "{key:?}"
        );
    }
    let unsaid = world.value(&["profiles", "odd name", "mode"], &[]);
    assert_eq!(unsaid, ("workspace-write".into(), "default".to_owned()));
    let json = world.json(&[]);
    assert_eq!(json["settings"][0]["from"]["line"], 2);
    assert_eq!(json["settings"][0]["from"]["path"], path.to_str().unwrap());
}

#[test]
fn what_is_printed_is_a_file_that_says_the_same() {
    let world = World::new();
    world.user(EVERYTHING);
    let printed = world.said(&["config"]);
    world.user(&printed);
    let without_sources = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.split("  # ").next().unwrap());
        lines.map(|line| line.trim_end().to_owned()).collect()
    };
    assert_eq!(
        without_sources(&world.said(&["config"])),
        without_sources(&printed)
    );
}

#[test]
fn flags_have_the_last_word() {
    let world = World::new();
    world.user("sandbox = \"read-only\"\nwritable = [\"/opt/a\"]\ntimeout = \"1h\"\n");
    let flags = [
        "--sandbox",
        "danger-full-access",
        "--network",
        "true",
        "--writable",
        "b",
        "--ask",
        "deny",
        "--timeout",
        "2m",
        "--shell",
        "/bin/dash",
    ];
    for (key, expected) in [
        ("sandbox", "\"danger-full-access\""),
        ("network", "true"),
        ("writable", "[\"/opt/a\",\"b\"]"),
        ("ask", "\"deny\""),
        ("timeout", "\"120s\""),
        ("shell", "\"/bin/dash\""),
    ] {
        let (value, kind) = world.value(&[key], &flags);
        assert_eq!(
            (value.to_string().as_str(), kind.as_str()),
            (expected, "flag")
        );
    }
}

#[test]
fn settings_reach_the_commands() {
    let world = World::new();
    world.file(
        "home/.codex/more.rules",
        "prefix_rule([\"frob\"], decision = \"forbidden\")\n",
    );
    world.user("rules = [\"more.rules\"]\n[lints]\nW106 = \"deny\"\n");
    let explained = world.said(&["rules", "explain", "--format", "json", "frob"]);
    let explained: Value = serde_json::from_str(&explained).unwrap();
    assert_eq!(explained["decision"], "forbidden");
    assert_eq!(explained["basis"]["rule"]["layer"], "config");
    let shown = world.said(&["rules", "explain", "frob"]);
    assert!(
        shown.contains("/home/.codex/more.rules:1 (config)\n"),
        "{shown}"
    );
    let rule = "prefix_rule([\"x\"], decision = \"prompt\")\n";
    let given = world.file("given.rules", rule);
    let check = world.call(&["rules", "check", given.to_str().unwrap()]);
    assert_eq!(check.status.code(), Some(1));
    assert!(text(&check.stdout).contains("W106"));
    let flag = ["rules", "check", "--allow", "W106", given.to_str().unwrap()];
    assert!(!text(&world.call(&flag).stdout).contains("W106"));
}

#[test]
fn the_layers_have_names() {
    let world = World::new();
    world.file("home/.codex/rules/u.rules", "prefix_rule([\"frob\"])\n");
    world.file(
        "home/project/.codex/rules/p.rules",
        "prefix_rule([\"frob\", \"x\"])\n",
    );
    world.trust();
    let explained = world.said(&["rules", "explain", "--format", "json", "frob", "x"]);
    let explained: Value = serde_json::from_str(&explained).unwrap();
    let matches = explained["matches"].as_array().unwrap();
    let layers: Vec<_> = matches
        .iter()
        .map(|found| &found["rule"]["layer"])
        .collect();
    assert_eq!(layers, ["user", "project"]);
    let rules = &world.json(&[])["rules"];
    assert_eq!(rules[0]["layer"], "user");
    assert_eq!(rules[1]["layer"], "project");
}

#[test]
fn run_takes_its_defaults_from_the_file() {
    let world = World::new();
    world.user("interceptor = \"shell\"\n");
    let output = world.call(&["run", "true"]);
    assert_eq!(output.status.code(), Some(125));
    assert!(
        text(&output.stderr).contains("codex-shell.toml:1: "),
        "{output:?}"
    );
    world.user("sandbox = \"danger-full-access\"\nshell = \"/bin/no-such-shell\"\n");
    let output = world.call(&["run", "-c", "true"]);
    assert_eq!(output.status.code(), Some(127), "{output:?}");
    world.user("sandbox = \"danger-full-access\"\ntimeout = \"100ms\"\n");
    let output = world.call(&["run", "sleep", "10"]);
    assert_eq!(output.status.code(), Some(124), "{output:?}");
}

#[test]
fn the_schema_in_the_repository_is_current() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/man/codex-shell.schema.json");
    let shipped = std::io::read_to_string(fs::File::open(shipped).unwrap()).unwrap();
    assert!(
        World::new().said(&["config", "schema"]) == shipped,
        "renew it: cargo run -- config schema > man/codex-shell.schema.json"
    );
}

#[test]
fn the_schema_and_the_manual_page_have_every_key() {
    let schema: Value = serde_json::from_str(&World::new().said(&["config", "schema"])).unwrap();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/man/codex-shell.toml.5");
    let page = std::io::read_to_string(fs::File::open(page).unwrap()).unwrap();
    for key in codex_shell::config::keys::KEYS {
        assert!(schema["properties"][key.word].is_object(), "{}", key.word);
        assert!(
            page.contains(&format!("\n.B {}\n", key.word)),
            "{}",
            key.word
        );
    }
}
