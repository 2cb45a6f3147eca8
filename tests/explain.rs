//! `codex-shell rules explain`, as it is called.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const TEAM: &str = r#"# Rules of the team.
REASON = "History is shared."
prefix_rule(
    pattern = ["frob", "push", ["--force", "-f"]],
    decision = "forbidden",
    justification = REASON,
)
prefix_rule(pattern = ["frob", "push"], decision = "prompt")
prefix_rule(pattern = ["frob"])
prefix_rule(pattern = ["frob", "remote", "add"], decision = "prompt")
"#;

/// A directory with some rules and a home.
pub(crate) struct World(TempDir);

impl World {
    pub(crate) fn new() -> Self {
        let world = Self(TempDir::new().unwrap());
        world.file("team.rules", TEAM);
        world
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codex-shell"));
        command
            .args(["rules", "explain"])
            .args(words)
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("CODEX_HOME", self.0.path().join("home"));
        command
    }

    pub(crate) fn explain(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let words = [&["--format", "json"], words].concat();
        serde_json::from_slice(&self.explain(&words).stdout).unwrap()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_whole_page() {
    let output = World::new().explain(&["--rules", "team.rules", "frob", "push", "-f", "a b"]);
    assert_eq!(
        text(&output.stdout),
        r#"forbidden  frob push -f 'a b'

  because   the rule at team.rules:3 says so
  reason    History is shared.
  runs      not at all
  program   frob
  trust     not found here: judged by its name

Rules that match
  forbidden  team.rules:3
      prefix_rule(
          pattern = ["frob", "push", ["--force", "-f"]],
          decision = "forbidden",
          justification = REASON,
      )
      reason  History is shared.
  prompt     team.rules:8
      prefix_rule(pattern = ["frob", "push"], decision = "prompt")
  allow      team.rules:9
      prefix_rule(pattern = ["frob"])
"#
    );
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_nearly_matches_is_told_and_the_rest_counted() {
    let page = |words: &[&str]| text(&World::new().explain(words).stdout);
    let rules = ["--rules", "team.rules"];
    let near = page(&[&rules[..], &["frob", "remote"]].concat());
    let told = "\nNear misses\n  \
                prompt     team.rules:10  wants add as word 2, where the command ends\n  \
                and 2 more rules on this program that don't match, the nearest at team.rules:3\n";
    assert!(near.ends_with(told), "{near}");
    let far = page(&[&rules[..], &["frob", "status"]].concat());
    assert!(!far.contains("Near misses"), "{far}");
}

#[test]
fn the_exit_status_says_the_decision_when_asked() {
    let world = World::new();
    for (command, status) in [
        (&["frob", "x"][..], 0),
        (&["frob", "push"], 10),
        (&["frob", "push", "-f"], 11),
        (&["rm", "-rf", "x"], 10),
        (&["true"], 0),
    ] {
        let asked = [&["--rules=team.rules", "--exit-code"], command].concat();
        assert_eq!(
            world.explain(&asked).status.code(),
            Some(status),
            "{command:?}"
        );
        let unasked = [&["--rules=team.rules", "--"], command].concat();
        assert_eq!(
            world.explain(&unasked).status.code(),
            Some(0),
            "{command:?}"
        );
    }
}

#[test]
fn words_after_the_program_are_its_own() {
    let world = World::new();
    for (words, argv) in [
        (
            &["frob", "--format", "json"][..],
            &["frob", "--format", "json"][..],
        ),
        (
            &["frob", "--", "--rules", "x"],
            &["frob", "--", "--rules", "x"],
        ),
        (&["--", "frob", "--", "x"], &["frob", "--", "x"]),
        (&["--", "--rules"], &["--rules"]),
        (&["--", ""], &[""]),
    ] {
        let said = world.json(words);
        assert_eq!(said["command"]["argv"], Value::from(argv.to_vec()));
    }
}

#[test]
fn a_wrong_command_line_is_2() {
    let world = World::new();
    for words in [
        &[][..],
        &["--"],
        &["--rules", "team.rules"],
        &["--nonsense", "frob"],
        &["--sandbox", "none", "frob"],
        &["--format", "xml", "frob"],
        &["--cwd", "nowhere", "frob"],
    ] {
        let output = world.explain(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(output.stdout.is_empty());
        assert!(text(&output.stderr).contains("error: "), "{words:?}");
    }
}

#[test]
fn broken_rules_are_told_and_prompt() {
    let world = World::new();
    world.file(
        "home/rules/bad.rules",
        "prefix_rule(pattern=[\"x\"])\nprefix_rule(pattern=[])\n",
    );
    world.file(
        "home/rules/good.rules",
        "prefix_rule([\"frob\"], decision=\"forbidden\")\n",
    );
    let said = world.explain(&["--exit-code", "true"]);
    assert_eq!(said.status.code(), Some(10));
    assert!(text(&said.stdout).contains("home/rules/bad.rules:2:1 can't be read\n"));
    let errors = text(&said.stderr);
    assert!(errors.contains("/home/rules/bad.rules:2:"), "{errors}");

    let json = world.json(&["true"]);
    assert_eq!(json["basis"]["kind"], "broken_rules");
    assert_eq!(json["errors"][0]["line"], 2);
    // What does match is still decided by the files that are whole.
    let forbidden = world.json(&["frob", "push", "-f"]);
    assert_eq!(forbidden["decision"], "forbidden");
}

/// As `run`, which starts nothing then.
#[test]
fn named_rules_that_are_broken_or_missing_explain_nothing() {
    let world = World::new();
    world.file("bad.rules", "prefix_rule(pattern=[])\n");
    for name in ["bad.rules", "none.rules"] {
        let said = world.explain(&["-r", "team.rules", "-r", name, "--exit-code", "true"]);
        assert_eq!(said.status.code(), Some(125), "{name}");
        assert_eq!(text(&said.stdout), "");
        let errors = text(&said.stderr);
        let first = format!("codex-shell: error: {name}:");
        assert!(errors.starts_with(&first), "{errors}");
        assert!(
            errors.ends_with("without the rules that --rules names\n"),
            "{errors}"
        );
    }
}

/// What could be put there by the time it runs would run inside, so that is what is said.
#[test]
fn what_is_missing_where_the_sandbox_writes_runs_inside() {
    let world = World::new();
    world.file("allow.rules", "prefix_rule([\"frob\"])\n");
    let place = |program: &str| {
        let said = world.json(&["--rules", "allow.rules", program]);
        (
            said["decision"].clone(),
            said["placement"].clone(),
            said["program"]["trust"].clone(),
        )
    };
    let missing = world.0.path().join("a/b/frob");
    let missing = missing.into_os_string().into_string().unwrap();
    for program in [missing.as_str(), "./frob", "a/../frob", "/tmp/nowhere/frob"] {
        let expected = ("allow".into(), "inside".into(), "writable".into());
        assert_eq!(place(program), expected, "{program}");
        let page = text(&world.explain(&["--rules", "allow.rules", program]).stdout);
        assert!(
            page.contains("not found here, and the sandbox can write "),
            "{page}"
        );
    }
    let expected = ("allow".into(), "outside".into(), "unresolved".into());
    assert_eq!(place("/usr/nowhere/frob"), expected);
    assert_eq!(place("frob"), expected);
}

#[test]
fn without_rules_the_default_places_count() {
    let world = World::new();
    world.file(
        "home/rules/mine.rules",
        "prefix_rule([\"frob\"], decision=\"forbidden\")\n",
    );
    let said = world.json(&["frob"]);
    assert_eq!(said["decision"], "forbidden");
    assert_eq!(said["run"], Value::Null);
    let alone = world.json(&["--rules", "team.rules", "frob"]);
    assert_eq!(alone["decision"], "allow");
    assert_ne!(alone["run"], Value::Null);
}

#[test]
fn the_document_has_its_keys() {
    let said = World::new().json(&["--rules", "team.rules", "frob", "push", "-f"]);
    let keys: Vec<&str> = said
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "schema",
            "decision",
            "placement",
            "why_inside",
            "why_asked",
            "run",
            "profile",
            "without",
            "basis",
            "command",
            "program",
            "variables",
            "obeys",
            "reading",
            "matches",
            "on_trial",
            "discounted",
            "near_misses",
            "other_rules",
            "heuristic",
            "set_aside",
            "errors"
        ]
    );
    assert_eq!(said["schema"], 1);
    assert_eq!(said["placement"], Value::Null, "it is forbidden");
    assert_eq!(said["basis"]["rule"]["line"], 3);
    assert_eq!(said["basis"]["rule"]["end_line"], 7);
    assert_eq!(said["basis"]["rule"]["justification"], "History is shared.");
    assert_eq!(said["program"]["trust"], "unresolved");
    assert_eq!(said["matches"].as_array().unwrap().len(), 3);
    assert_eq!(
        said["matches"][1]["matched"],
        Value::from(vec!["frob", "push"])
    );
    assert_eq!(said["near_misses"], json!([]));
    assert_eq!(said["other_rules"], 1);
    let missed = &World::new().json(&["--rules", "team.rules", "frob", "remote"]);
    assert_eq!(missed["near_misses"][0]["token"], 2);
    assert_eq!(missed["near_misses"][0]["had"], Value::Null);
    assert_eq!(missed["other_rules"], 2);
    assert_eq!(said["heuristic"], Value::Null);
    let heuristic = &World::new().json(&["rm", "-rf", "x"])["heuristic"];
    assert_eq!(heuristic["code"], "H001");
    assert_eq!(heuristic["name"], "forced-rm");
}

#[test]
fn bytes_that_are_no_text_are_kept() {
    let world = World::new();
    let mut command = world.command(&["--format", "json", "--", "frob"]);
    let output = command
        .arg(OsString::from_vec(b"a\xff".to_vec()))
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let odd = &said["command"]["argv"][1];
    assert_eq!(odd["escaped"], r"$'a\xff'");
    assert_eq!(odd["bytes"], Value::from(vec![97, 255]));
    assert_eq!(said["command"]["text"], r"frob $'a\xff'");
}

#[test]
fn what_the_sandbox_could_have_planted_is_discounted() {
    let world = World::new();
    let planted = world.file("frob", "\x7fELF");
    fs::set_permissions(&planted, fs::Permissions::from_mode(0o755)).unwrap();
    let words = ["--rules", "team.rules", "./frob", "status"];
    let page = text(&world.explain(&words).stdout);
    assert!(page.starts_with("allow  ./frob status\n"), "{page}");
    assert!(page.contains("  runs      inside the sandbox\n"), "{page}");
    assert!(
        page.contains("no rule that matches counts, and nothing"),
        "{page}"
    );
    assert!(
        page.contains("Rules that match but don't count\n  allow      team.rules:9"),
        "{page}"
    );
    let said = world.json(&words);
    assert_eq!(said["program"]["trust"], "writable");
    assert_eq!(said["discounted"][0]["rule"]["line"], 9);
    let read_only = world.json(&[&["--sandbox", "read-only"], &words[..]].concat());
    assert_eq!(read_only["placement"], "outside");
    // Elsewhere, the same file is another's workspace.
    fs::create_dir(world.0.path().join("sub")).unwrap();
    let from_sub = world.json(&["--cwd", "sub", "--rules", "team.rules", "../frob", "push"]);
    assert_eq!(from_sub["decision"], "prompt");
}

#[test]
fn nothing_reaches_the_terminal_unescaped() {
    let world = World::new();
    world.file(
        "evil.rules",
        "prefix_rule([\"frob\"], justification=\"\\x1b[2J \\u202e\")\n# \u{1b}\n",
    );
    let output = world.explain(&["-r", "evil.rules", "frob", "\u{1b}]0;x\u{7}", "\u{202e}"]);
    let page = text(&output.stdout);
    assert!(
        page.chars().all(|c| c == '\n' || !c.is_control()),
        "{page:?}"
    );
    assert!(!page.contains('\u{202e}'));
    assert!(page.contains(r"\e[2J \u202e"), "{page}");

    let odd = "\u{9b}2J\u{7f}\u{202e}\u{e0041}";
    let words = ["--format", "json", "-r", "evil.rules", "frob", odd];
    let json = text(&world.explain(&words).stdout);
    assert!(json.contains(r"\u009b2J\u007f\u202e\udb40\udc41"), "{json}");
    assert!(
        json.chars().all(|c| c == '\n' || (' '..='~').contains(&c)),
        "{json}"
    );
    let said: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(said["command"]["argv"][1], odd);
}

#[test]
fn long_commands_are_whole_in_json_and_bounded_on_the_page() {
    let world = World::new();
    let long = "x".repeat(100_000);
    let words: Vec<&str> = std::iter::once("frob")
        .chain(std::iter::repeat_n(long.as_str(), 11))
        .collect();
    let page = world.explain(&words).stdout;
    assert!(page.len() < 20_000);
    assert!(text(&page).contains(" bytes ...]"));
    let said = world.json(&words);
    assert_eq!(said["command"]["argv"][11].as_str().unwrap().len(), 100_000);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let world = World::new();
    let long = "x".repeat(100_000);
    let words = [
        "--exit-code",
        "--format=json",
        "rm",
        "-f",
        &long,
        &long,
        &long,
    ];
    let mut child = world
        .command(&words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(10));
    assert_eq!(errors, "");
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error() {
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let world = World::new();
    let mut command = world.command(&["--exit-code", "true"]);
    let output = command.stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("codex-shell: error: standard output: "));
}

#[test]
fn the_program_is_found_as_the_shell_finds_it() {
    let world = World::new();
    let said = world.json(&["sh"]);
    let path = said["program"]["path"].as_str().unwrap();
    assert!(["/usr/bin/sh", "/bin/sh"].contains(&path));
    assert_eq!(said["program"]["asked"], "sh");
    assert_eq!(said["program"]["trust"], "trusted");
    let page = text(&world.explain(&["sh"]).stdout);
    assert!(
        page.contains(&format!("  program   sh -> {path}")),
        "{page}"
    );
}

/// As `run` has it: a sandbox mode, a table of the settings, what both of two permit.
#[test]
fn the_sandbox_of_its_own_is_told() {
    let world = World::new();
    world.file(
        "home/codex-shell.toml",
        "[profiles.fetch]\nmode = \"workspace-write\"\nnetwork = true\nwritable = [\"/usr/share\"]\n",
    );
    let rule =
        |program: &str, run: &str| format!("command_rule(program = \"{program}\", run = {run})\n");
    let rules = [
        rule("one", "profile(\"read-only\", network = True)"),
        rule("named", "profile(\"fetch\")"),
        rule("both", "profile(\"fetch\")"),
        rule("both", "profile(\"read-only\")"),
        rule("wrong", "profile(\"feth\")"),
        rule("full", "profile(\"danger-full-access\")"),
        rule("plain", "\"outside\""),
    ];
    world.file("run.rules", &rules.concat());
    let place = |program: &str| {
        let page = text(&world.explain(&["--rules", "run.rules", program]).stdout);
        let line = page.lines().find(|line| line.starts_with("  runs"));
        line.unwrap().trim_start_matches("  runs").trim().to_owned()
    };
    assert_eq!(
        place("one"),
        "outside the sandbox, in a separate one (read-only): a network, writes nothing"
    );
    let named = place("named");
    assert!(
        named.starts_with("outside the sandbox, in a separate one (fetch): a network, writes ")
    );
    assert!(named.contains("/usr/share"), "{named}");
    assert_eq!(
        place("both"),
        "outside the sandbox, in a separate one (fetch and read-only): no network, writes nothing, by the rules at \
          run.rules:3 and run.rules:4"
    );
    assert!(
        place("wrong").starts_with("nowhere: "),
        "{}",
        place("wrong")
    );
    assert_eq!(
        place("full"),
        "outside the sandbox (danger-full-access is none)"
    );
    assert_eq!(place("plain"), "outside the sandbox");

    let profile = |program: &str| world.json(&["--rules", "run.rules", program]);
    let said = profile("both");
    assert_eq!(said["placement"], "outside");
    assert_eq!(said["profile"]["asked"][1]["name"], "read-only");
    assert_eq!(said["profile"]["mode"], "read-only");
    assert_eq!(said["profile"]["network"], false);
    assert_eq!(
        said["profile"]["writable"],
        Value::from(Vec::<Value>::new())
    );
    let error = profile("wrong")["profile"]["error"].clone();
    assert!(
        error.as_str().unwrap().contains("no profile `feth`"),
        "{error}"
    );
    assert_eq!(profile("plain")["profile"], Value::Null);
}

#[test]
fn it_is_told_what_a_program_obeys_where_that_counts() {
    let world = World::new();
    let says = |decision: &str| {
        let rules = format!("prefix_rule([\"make\"], decision=\"{decision}\")\n");
        world.file("make.rules", &rules);
        let page = world.explain(&["--rules", "make.rules", "make", "all"]);
        text(&page.stdout)
            .contains("  obeys     what the directory says it should do: GNUmakefile,")
    };
    assert!(says("allow") && !says("forbidden"));
    world.file("make.rules", "");
    let said = world.json(&["--rules", "make.rules", "make", "all"]);
    assert_eq!(
        (&said["placement"], &said["obeys"][1]),
        (&json!("inside"), &json!("makefile"))
    );
    let version = world.json(&["--rules", "make.rules", "make", "--version"]);
    assert_eq!(version["obeys"], json!([]));
}

#[test]
fn it_is_told_whose_variables_count() {
    let world = World::new();
    world.file(
        "env.rules",
        "command_rule(program = \"frob\", env = {\"A\": \"b\"}, decision = \"forbidden\")\n",
    );
    let with = |value: &str| {
        let mut command = world.command(&["--rules", "env.rules", "frob"]);
        text(&command.env("A", value).output().unwrap().stdout)
    };
    assert!(with("b").starts_with("forbidden  frob\n"));
    assert!(with("c").starts_with("allow  frob\n"));
    let told = "  env       a rule asks for variables: those of codex-shell, and what a script sets, count here\n";
    assert!(with("c").contains(told), "{}", with("c"));
    assert_eq!(
        world.json(&["--rules", "env.rules", "frob"])["variables"],
        "known"
    );
    assert_eq!(
        world.json(&["--rules", "env.rules", "ls"])["variables"],
        Value::Null
    );
}

/// A name alone is looked for in `PATH`: a file of that name here is not what would run.
#[test]
fn a_script_is_read_whether_it_can_be_executed_or_not() {
    let world = World::new();
    let path = world.file("build.sh", "frob push -f\n");
    for mode in [0o644, 0o755] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let said = world.json(&["--rules", "team.rules", "build.sh"]);
        assert_eq!(said["decision"], "forbidden", "{mode:o}");
        assert_eq!(said["commands"][0]["line"], 1);
    }
    // As a program it is one of the commands.
    let program = world.json(&["--rules", "team.rules", "./build.sh"]);
    assert_eq!(program["decision"], "forbidden");
    assert_eq!(program["commands"][0]["text"], "./build.sh");
}

#[test]
fn a_script_in_one_word_is_an_error() {
    let output = World::new().explain(&["frob push --force"]);
    let told = "codex-shell: error: there is no program 'frob push --force': for a command line, say \
                -c 'frob push --force'\n";
    assert_eq!(text(&output.stderr), told);
    assert_eq!(output.status.code(), Some(2));
    let output = World::new().explain(&["frob", "push it"]);
    assert_eq!(text(&output.stderr), "");
}

/// As `run` has it: what a command sets for one that a rule allows may keep that from running.
/// As `run` says it when it starts the program.
#[test]
fn what_a_program_outside_does_not_get_is_told_with_the_reason() {
    let world = World::new();
    let rules = world.file("true.rules", "prefix_rule([\"nproc\"])\n");
    let explain = |arguments: &[&str]| {
        let options = ["--rules", rules.to_str().unwrap()];
        let mut command = world.command(&[&options, arguments].concat());
        let set = [
            ("EDITOR", "no-such-editor"),
            ("FROB", "/tmp/x"),
            ("KEPT", "x"),
        ];
        let command = command.env_remove("CODEX_HOME").env("HOME", "/nowhere");
        text(&command.envs(set).output().unwrap().stdout)
    };
    let editor = "EDITOR=no-such-editor, which hands files to no-such-editor, which isn't known to \
                  take them for mere data\n";
    let frob = "FROB=/tmp/x, which leads to what the sandbox can write\n";
    let page = explain(&["nproc"]);
    for told in [editor, frob] {
        assert!(page.contains(&format!("  without   {told}")), "{page}");
    }
    assert!(!page.contains("KEPT"), "{page}");
    let inside = explain(&["true"]);
    assert!(!inside.contains("EDITOR"), "{inside}");
    let script = explain(&["-c", "NEW=x nproc; true"]);
    for told in [editor, frob, "NEW, set by the command\n"] {
        assert_eq!(
            script.matches(&format!(" without {told}")).count(),
            1,
            "{script}"
        );
    }
    let said: Value = serde_json::from_str(&explain(&["--format", "json", "nproc"])).unwrap();
    let said = &said["without"][0];
    assert_eq!(
        (&said["name"], &said["part"]),
        (&json!("EDITOR"), &json!("no-such-editor"))
    );
}

#[test]
fn variables_that_would_be_lost_are_told() {
    let world = World::new();
    let rules = "program(\"nproc\", variables = [\"TARGET\"])\nprefix_rule([\"nproc\"])\n";
    let rules = world.file("true.rules", rules);
    let rules = rules.to_str().unwrap();
    let places = |arguments: &[&str], set: &[(&str, &str)]| {
        let options = ["--format", "json", "--rules", rules];
        let mut command = world.command(&[&options, arguments].concat());
        let output = command.envs(set.iter().copied()).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    for (script, decision) in [
        ("nproc", "allow"),
        ("OTHER=x nproc", "allow"),
        ("TARGET=x nproc", "forbidden"),
        ("env OTHER=y TARGET=x nproc", "forbidden"),
        ("export TARGET=x; nproc", "forbidden"),
        ("TARGET=x; cd /; nproc", "allow"),
        ("export TARGET; TARGET=x; cd /; nproc", "forbidden"),
        ("TARGET=x false; nproc", "allow"),
    ] {
        assert_eq!(
            places(&["-c", script], &[])["decision"],
            decision,
            "{script}"
        );
    }
    // Those of the start go along, unless the sandbox can write what they name.
    assert_eq!(
        places(&["nproc"], &[("TARGET", "/usr")])["placement"],
        "outside"
    );
    let withheld = places(&["nproc"], &[("TARGET", "/tmp/x")]);
    assert_eq!(withheld["basis"]["kind"], "withheld");
    assert_eq!(withheld["basis"]["rule"]["line"], 2);
    assert_eq!(withheld["decision"], "forbidden");
}

#[test]
fn without_a_command_the_ways_to_give_one_are_named() {
    let output = World::new().explain(&["--rules", "team.rules"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    for way in ["explain -- ", "-c", "--script"] {
        assert!(said.contains(way), "{said}");
    }
}

#[test]
fn a_script_may_begin_as_an_option_does() {
    let world = World::new();
    let output = world.explain(&["--rules", "team.rules", "-c", "-x frob"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stdout).contains("-x frob"));
}

/// What a shell is given to read is read here as it would be by `-c`, whatever names it.
#[test]
fn files_that_a_shell_reads_are_read() {
    let world = World::new();
    world.file("x.sh", "frob push -f\n");
    for (name, first) in [("bare", ""), ("env", "#!/usr/bin/env sh\n")] {
        let path = world.file(name, &format!("{first}frob push -f\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    for words in [
        &["bash", "x.sh"][..],
        &["env", "sh", "x.sh"],
        &["./bare"],
        &["./env"],
    ] {
        let said = world.json(&[&["--rules", "team.rules", "--"], words].concat());
        assert_eq!(said["decision"], "forbidden", "{words:?}");
        let commands = said["commands"].as_array().unwrap();
        let listed: Vec<&str> = commands
            .iter()
            .map(|it| it["text"].as_str().unwrap())
            .collect();
        assert_eq!(listed.last(), Some(&"frob push -f"), "{words:?}");
        assert!(!listed.contains(&""), "{listed:?}");
    }
    let said = world.json(&["--rules", "team.rules", "--", "bash", "missing.sh"]);
    assert!(said.get("commands").is_none());
}

/// A script, and each command in it, with its depth, kind and decision.
const SOURCED: &[(&str, &[&str])] = &[
    (
        ". ./lib.sh; deploy x",
        &[
            "0 builtin forbidden . ./lib.sh",
            "1 program forbidden frob push $1",
            "1 builtin allow export MODE=prod",
            "0 function allow deploy x",
        ],
    ),
    (
        "source lib.sh; nothing",
        &[
            "0 builtin forbidden source lib.sh",
            "1 program forbidden frob push $1",
            "1 builtin allow export MODE=prod",
            "0 program allow nothing",
        ],
    ),
    (
        ". ./both.sh; deploy",
        &[
            "0 builtin forbidden . ./both.sh",
            "1 builtin forbidden . ./lib.sh",
            "2 program forbidden frob push $1",
            "2 builtin allow export MODE=prod",
            "0 function allow deploy",
        ],
    ),
    (
        ". ./none.sh; nothing; cat x",
        &[
            "0 unknown prompt . ./none.sh",
            "0 unknown prompt nothing",
            "0 program allow cat x",
        ],
    ),
    (
        ". \"$X\"/lib.sh; nothing",
        &["0 unknown prompt . $X/lib.sh", "0 unknown prompt nothing"],
    ),
    (
        "(. ./none.sh); sh -c nothing; ./nothing",
        &[
            "0 unknown prompt . ./none.sh",
            "0 program allow sh -c nothing",
            "1 unknown prompt nothing",
            "0 unknown prompt ./nothing",
        ],
    ),
    (
        "echo 'frob push' > new.sh; . ./new.sh",
        &[
            "0 builtin allow echo 'frob push' > new.sh",
            "0 unknown prompt . ./new.sh",
        ],
    ),
    (
        "echo 'frob push' > lib.sh; . ./lib.sh; deploy",
        &[
            "0 builtin allow echo 'frob push' > lib.sh",
            "0 unknown forbidden . ./lib.sh",
            "1 program forbidden frob push $1",
            "1 builtin allow export MODE=prod",
            "0 function allow deploy",
        ],
    ),
    (
        "eval 'f() { cat x; }'; f; eval \"$X\"; nothing",
        &[
            "0 builtin allow eval 'f() { cat x; }'",
            "1 program allow cat x",
            "0 function allow f",
            "0 builtin allow eval $X",
            "1 unknown prompt $X",
            "0 unknown prompt nothing",
        ],
    ),
    (
        ". <(echo frob push)",
        &[
            "0 builtin forbidden . <(echo frob push)",
            "1 program forbidden frob push",
            "0 builtin allow echo frob push",
        ],
    ),
    (
        "ssh h '. /lib.sh'",
        &[
            "0 program prompt ssh h '. /lib.sh'",
            "1 unknown prompt . /lib.sh",
        ],
    ),
];

/// What a shell reads itself is read here, and its functions are those of the shell; where nobody can read it, what
/// is called by a name that no program has may be one of them.
#[test]
fn what_the_shell_itself_reads_is_read() {
    let world = World::new();
    let lib = "deploy() { frob push \"$1\"; }\nexport MODE=prod\n";
    let lib = world.file("lib.sh", lib);
    world.file("both.sh", ". ./lib.sh\n");
    let rules = "prefix_rule([\"frob\", \"push\"], decision = \"forbidden\")\n";
    world.file("t.rules", rules);
    let lib = lib.to_str().unwrap();
    for (script, expected) in SOURCED {
        let script = script.replace("/lib.sh'", &format!("{lib}'"));
        let said = world.json(&["--rules", "t.rules", "-c", &script]);
        let commands = said["commands"].as_array().unwrap().iter();
        let told = |it: &Value| {
            let text = |key: &str| it[key].as_str().unwrap().to_owned();
            let (kind, decision) = (text("kind"), text("decision"));
            let text = text("text").replace(lib, "/lib.sh");
            format!("{} {kind} {decision} {text}", it["depth"])
        };
        let listed: Vec<String> = commands.map(told).collect();
        assert_eq!(listed, *expected, "{script}");
    }
}

/// By its first line a file is another interpreter's, whatever it is called.
#[test]
fn a_script_of_another_interpreter_is_no_shells() {
    let world = World::new();
    for (name, first, words) in [
        ("a.sh", "#!/usr/bin/python3", "/usr/bin/python3 a.sh"),
        (
            "b.rb",
            "#!/usr/bin/env -S ruby -w",
            "/usr/bin/env '-S ruby -w' b.rb",
        ),
        ("c.sh", "#!/usr/bin/env bash", ""),
        ("d", "", ""),
    ] {
        world.file(name, &format!("{first}\nfrob push -f\n"));
        let said = world.json(&["--rules", "team.rules", "--script", name]);
        let is_shells = words.is_empty();
        let decision = if is_shells { "forbidden" } else { "allow" };
        assert_eq!(said["decision"], decision, "{name}");
        if !is_shells {
            assert_eq!(said["command"]["text"], words);
        }
    }
}

#[test]
fn a_script_that_could_not_be_started_is_said_to_be_read() {
    let world = World::new();
    let path = world.file("x.sh", "frob push -f\n");
    let told = |words: &[&str]| text(&world.explain(words).stderr);
    let note = "codex-shell: ./x.sh is not executable, so nothing can start it by this name; it is read as by \
                --script\n";
    assert_eq!(told(&["--rules", "team.rules", "./x.sh"]), note);
    assert_eq!(told(&["--rules", "team.rules", "x.sh"]), "");
    assert_eq!(told(&["--rules", "team.rules", "--script", "./x.sh"]), "");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(told(&["--rules", "team.rules", "./x.sh"]), "");
}

/// Generated scripts, such as `configure`, are longer than anybody would type.
#[test]
fn a_script_of_a_megabyte_is_read_to_its_end() {
    let world = World::new();
    let line = format!(
        "# {}
LIBS=\"-lx $LIBS\" printf x >>confdefs.h
",
        "-".repeat(1000)
    );
    let script = line.repeat((1 << 20) / line.len()) + "frob push -f\n";
    let path = world.file("configure.sh", &script);
    let said = world.json(&["--rules", "team.rules", "--script", path.to_str().unwrap()]);
    assert_eq!(said["decision"], "forbidden");
    assert_eq!(said["problems"], json!([]));
    world.file("large.sh", &"# nothing\n".repeat(500_000));
    let output = world.explain(&["--rules", "team.rules", "--script", "large.sh"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("4194304 bytes"), "{output:?}");
}

#[test]
fn a_script_of_several_words_is_an_error_that_says_how() {
    let output = World::new().explain(&["-c", "git", "push", "a b"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "codex-shell: error: -c takes the script as one word: -c $'git push \\'a b\\'', or leave -c out: -- git push 'a b'\n"
    );
}

#[test]
fn half_of_a_command_names_the_whole() {
    for (word, whole) in [
        ("explain", "rules explain"),
        ("lints", "rules lints"),
        ("list", "approve list"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codex-shell"));
        let output = command.args([word, "--", "ls"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            text(&output.stderr),
            format!("codex-shell: error: no such command; use `codex-shell {whole}`\n")
        );
    }
}
