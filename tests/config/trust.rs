//! What a project says counts only while it is what was trusted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::{World, text};

const RULES: &str = "prefix_rule([\"frob\"])\nprefix_rule([\"rm\"], decision = \"forbidden\")\n";

fn with_rules() -> World {
    let world = World::new();
    world.file("home/project/.codex/rules/p.rules", RULES);
    world
}

/// What is decided of `frob`, by how many rules, and what is said on standard error.
fn explained(world: &World) -> (usize, String) {
    let output = world.call(&["rules", "explain", "--format", "json", "frob"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let matches = json["matches"].as_array().unwrap().len();
    (matches, text(&output.stderr))
}

#[test]
fn untrusted_rules_do_not_count_and_that_is_said() {
    let world = with_rules();
    let (matches, notes) = explained(&world);
    assert_eq!(matches, 0);
    assert!(
        notes.contains("/home/project/.codex is not trusted"),
        "{notes}"
    );
    assert!(notes.contains("`codex-shell trust "), "{notes}");
}

#[test]
fn trusted_rules_count_until_a_byte_changes() {
    let world = with_rules();
    let shown = world.said(&["trust", "--yes"]);
    assert!(shown.contains("  .codex/rules/p.rules\n"), "{shown}");
    assert!(
        shown.contains(
            "  rules: 1 allow, 0 prompt, 1 forbidden; 1 let programs out of the sandbox\n"
        ),
        "{shown}"
    );
    assert_eq!(explained(&world), (1, String::new()));
    world.file("home/project/.codex/rules/p.rules", &format!("{RULES}#"));
    let (matches, notes) = explained(&world);
    assert_eq!(matches, 0);
    assert!(
        notes.contains("has changed since it was trusted, so what it restricts counts"),
        "{notes}"
    );
    world.trust();
    assert_eq!(explained(&world), (1, String::new()));
    world.file(
        "home/project/.codex/rules/q.rules",
        "prefix_rule([\"frob\"])\n",
    );
    assert_eq!(explained(&world).0, 0);
}

/// What is decided of `command`, and where it would run.
fn decided(world: &World, command: &[&str]) -> (String, String) {
    let arguments = [&["rules", "explain", "--format", "json", "--"], command].concat();
    let json: Value = serde_json::from_slice(&world.call(&arguments).stdout).unwrap();
    let word = |key: &str| json[key].as_str().unwrap_or("nowhere").to_owned();
    (word("decision"), word("placement"))
}

/// What a changed project restricts counts as it is now and as it was; what it permits does not, nor
/// does what it says of programs, by which others' rules permit.
#[test]
fn a_changed_project_restricts_and_does_not_permit() {
    let world = World::new();
    let file = "home/project/.codex/rules/p.rules";
    let before = "prefix_rule([\"frob\"])\n\
        prefix_rule([\"old\"], decision = \"forbidden\")\n\
        prefix_rule([\"kept\"], decision = \"forbidden\")\n";
    world.file(file, before);
    world.file(
        "home/.codex/rules/u.rules",
        "prefix_rule([\"mine\"])\nprefix_rule([\"listed\"])\n",
    );
    world.trust();
    let outside = |decision: &str| (decision.to_owned(), "outside".to_owned());
    let inside = |decision: &str| (decision.to_owned(), "inside".to_owned());
    assert_eq!(decided(&world, &["frob"]), outside("allow"));
    world.file(
        file,
        "prefix_rule([\"frob\"])\nprefix_rule([\"evil\"])\n\
         command_rule(program = \"evil\")\n\
         prefix_rule([\"asked\"], decision = \"prompt\")\n\
         command_rule(program = \"asked\", decision = \"prompt\")\n\
         prefix_rule([\"new\"], decision = \"forbidden\")\n\
         prefix_rule([\"kept\"], decision = \"forbidden\")\n\
         prefix_rule([\"mine\"], decision = \"prompt\")\n\
         host_executable(name = \"listed\", paths = [])\n\
         default(\"prompt\")\n",
    );
    for forbidden in ["old", "new", "kept"] {
        assert_eq!(
            decided(&world, &[forbidden]),
            ("forbidden".to_owned(), "nowhere".to_owned()),
            "{forbidden}"
        );
    }
    for asked in ["frob", "evil", "asked"] {
        assert_eq!(decided(&world, &[asked]), inside("prompt"), "{asked}");
    }
    // Restricted by the project, let out by the user's own rule.
    assert_eq!(decided(&world, &["mine"]), outside("prompt"));
    assert_eq!(decided(&world, &["listed"]), outside("allow"));
    world.trust();
    assert_eq!(decided(&world, &["evil"]), outside("allow"));
    assert_eq!(decided(&world, &["asked"]), outside("prompt"));
    assert_eq!(decided(&world, &["old"]), inside("prompt"));
}

/// Who is about to trust a change has it checked as it is.
#[test]
fn a_changed_project_is_checked_as_it_is_now() {
    let world = World::new();
    let file = "home/project/.codex/rules/p.rules";
    world.file(
        file,
        "prefix_rule([\"frob\"])\nprefix_rule([\"old\"], decision = \"prompt\")\n",
    );
    world.trust();
    world.file(file, "prefix_rule([\"frob\"])\nprefix_rule([\"bash\"])\n");
    let output = world.call(&["rules", "check"]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        stdout.contains("p.rules:2:1") && stdout.contains("2 rules"),
        "{stdout}"
    );
}

/// The settings of a project only ever tighten, so they do that while they wait for trust, too.
#[test]
fn a_changed_projects_settings_still_tighten() {
    let world = World::new();
    world.file(
        "home/project/.codex/codex-shell.toml",
        "timeout = \"10s\"\n",
    );
    world.trust();
    let settings = |world: &World| text(&world.call(&["config"]).stdout);
    assert!(settings(&world).contains("10s"), "{}", settings(&world));
    world.file(
        "home/project/.codex/codex-shell.toml",
        "timeout = \"20s\"\nnetwork = false\n",
    );
    assert!(settings(&world).contains("10s"), "{}", settings(&world));
    world.file("home/project/.codex/codex-shell.toml", "nonsense");
    assert!(settings(&world).contains("10s"), "{}", settings(&world));
    let said = text(&world.call(&["config"]).stderr);
    assert!(
        said.contains("codex-shell.toml does not count: it has 1 mistake"),
        "{said}"
    );
}

#[test]
fn the_difference_is_shown_before_a_change_is_trusted() {
    let world = with_rules();
    world.file("home/project/.codex/rules/gone.rules", "# gone\n");
    world.trust();
    world.file(
        "home/project/.codex/rules/p.rules",
        &RULES.replace("frob", "frob\", \"\u{202e}"),
    );
    world.file("home/project/.codex/rules/q.rules", "# more\n");
    fs::remove_file(world.path("home/project/.codex/rules/gone.rules")).unwrap();
    let shown = world.said(&["trust", "--yes"]);
    let expected = "What has changed\n\
        \x20 .codex/rules/gone.rules: removed\n\
        \x20   @@ -1 +0,0 @@\n\
        \x20   -# gone\n\
        \x20 .codex/rules/p.rules: changed\n\
        \x20   @@ -1,2 +1,2 @@\n\
        \x20   -prefix_rule([\"frob\"])\n\
        \x20   +prefix_rule([\"frob\", \"\\u202e\"])\n\
        \x20    prefix_rule([\"rm\"], decision = \"forbidden\")\n\
        \x20 .codex/rules/q.rules: new\n\
        \x20   @@ -0,0 +1 @@\n\
        \x20   +# more\n";
    assert!(shown.contains(expected), "{shown}");
    assert!(!world.said(&["trust"]).contains("What has changed"));
}

#[test]
fn the_first_time_it_is_shown_what_would_be_permitted() {
    let world = with_rules();
    world.file(
        "home/project/.codex/codex-shell.toml",
        "# x\nnetwork = false\n",
    );
    let shown = world.said(&["trust", "--yes"]);
    let expected = "What it lets out of the sandbox\n  \
        allow      .codex/rules/p.rules:1  prefix_rule([\"frob\"])\n\
        What it sets\n  network = false\n";
    assert!(shown.contains(expected), "{shown}");
    assert!(!world.said(&["trust"]).contains("What it lets out"));
}

#[test]
fn a_list_that_can_be_shortened() {
    let world = with_rules();
    assert_eq!(world.said(&["trust", "--list"]), "");
    world.trust();
    let project = world.path("home/project");
    let project = project.to_str().unwrap();
    assert_eq!(world.said(&["trust", "--list"]), format!("{project}\n"));
    world.said(&["trust", "--remove", project]);
    assert_eq!(world.said(&["trust", "--list"]), "");
    assert_eq!(explained(&world).0, 0);
    assert_eq!(
        world.call(&["trust", "--remove", project]).status.code(),
        Some(1)
    );
}

#[test]
fn without_a_terminal_nobody_is_asked_and_nothing_trusted() {
    let world = with_rules();
    let mut command = std::process::Command::new("setsid");
    let output = command
        .arg("--wait")
        .arg(env!("CARGO_BIN_EXE_codex-shell"))
        .arg("trust")
        .current_dir(world.path("home/project"))
        .env("HOME", world.path("home"))
        .env_remove("CODEX_HOME")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--yes"), "{output:?}");
    assert_eq!(world.said(&["trust", "--list"]), "");
}

#[test]
fn files_with_errors_are_not_trusted() {
    for (name, content) in [
        ("rules/x.rules", "prefix_rule([])\n"),
        ("codex-shell.toml", "x = 1\n"),
    ] {
        let world = with_rules();
        world.file(&format!("home/project/.codex/{name}"), content);
        let output = world.call(&["trust", "--yes"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).contains("can't be trusted"),
            "{output:?}"
        );
        assert_eq!(world.said(&["trust", "--list"]), "");
    }
}

#[test]
fn a_store_that_others_can_write_trusts_nothing() {
    let world = with_rules();
    world.trust();
    let store = world.path("home/.codex/codex-shell/trust.json");
    assert_eq!(
        fs::metadata(&store).unwrap().permissions().mode() & 0o777,
        0o600
    );
    fs::set_permissions(&store, fs::Permissions::from_mode(0o666)).unwrap();
    let (matches, notes) = explained(&world);
    assert_eq!(matches, 0);
    assert!(
        notes.contains("users other than its owner can write it"),
        "{notes}"
    );
}

#[test]
fn where_there_is_nothing_to_trust() {
    let world = World::new();
    let output = world.call(&["trust", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("is in no project"),
        "{output:?}"
    );
    fs::create_dir(world.path("home/project/.codex")).unwrap();
    let output = world.call(&["trust", "--yes"]);
    assert!(
        text(&output.stderr).contains("neither rules nor"),
        "{output:?}"
    );
    assert_eq!(explained(&world), (0, String::new()));
}

#[test]
fn the_home_directory_is_no_project() {
    let world = World::new();
    world.file("home/.codex/rules/u.rules", RULES);
    assert_eq!(explained(&world), (1, String::new()));
    assert_eq!(world.call(&["trust", "--yes"]).status.code(), Some(1));
}

#[test]
fn rules_that_are_given_stand_alone() {
    let world = with_rules();
    world.trust();
    let given = world.file("given.rules", "");
    let given = given.to_str().unwrap();
    let output = world.said(&[
        "rules", "explain", "--rules", given, "--format", "json", "frob",
    ]);
    let json: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(json["matches"], Value::Array(Vec::new()));
}

/// On the page itself, which may be all that is read; and where it makes no difference, not at all.
#[test]
fn explain_says_which_rules_were_set_aside() {
    let world = with_rules();
    let said = |arguments: &[&str]| {
        let output = world.call(&[&["rules", "explain"], arguments].concat());
        (text(&output.stdout), text(&output.stderr))
    };
    let aside = "/home/project/.codex is not trusted, so its rules don't count";
    for arguments in [&["frob"][..], &["-c", "frob"]] {
        let (page, _) = said(arguments);
        assert!(
            page.contains(aside) && !page.contains("no rules files"),
            "{page}"
        );
    }
    for arguments in [
        &["--format=json", "frob"][..],
        &["--format=json", "-c", "frob"],
    ] {
        let document: Value = serde_json::from_str(&said(arguments).0).unwrap();
        assert_eq!(document["set_aside"]["why"], "untrusted");
        let words = document["set_aside"]["text"].as_str().unwrap();
        assert!(words.contains(aside), "{words}");
    }
    let given = world.file("home/given.rules", "");
    let given = given.to_str().unwrap().to_owned();
    let (page, notes) = said(&["--rules", &given, "frob"]);
    assert_eq!(notes, "");
    assert!(!page.contains("trusted, so"), "{page}");
    // Its settings count, whatever the rules.
    world.file("home/project/.codex/codex-shell.toml", "");
    let (_, notes) = said(&["--rules", &given, "frob"]);
    assert!(
        notes.contains("is not trusted, so its settings don't count"),
        "{notes}"
    );
    world.trust();
    assert_eq!(said(&["frob"]).1, "");
    world.file("home/project/.codex/rules/p.rules", &format!("{RULES}#"));
    let (page, _) = said(&["frob"]);
    assert!(page.contains("has changed since it was trusted"), "{page}");
    let document: Value = serde_json::from_str(&said(&["--format=json", "frob"]).0).unwrap();
    assert_eq!(document["set_aside"]["why"], "changed");
}

/// What is done, or that there is nothing, and what to do where nobody can be asked.
#[test]
fn trusting_says_what_it_did() {
    let world = with_rules();
    let both = |output: &Output| text(&output.stdout) + &text(&output.stderr);
    let list = world.call(&["trust", "--list"]);
    assert_eq!(list.status.code(), Some(0));
    assert_eq!(text(&list.stdout), "");
    assert!(
        both(&list).contains("no project and no repository is trusted"),
        "{list:?}"
    );
    // Without a terminal.
    let mut alone = Command::new("setsid");
    let trust = world.command(&["trust"]);
    alone
        .args(["--wait".as_ref(), trust.get_program(), "trust".as_ref()])
        .current_dir(world.path("home/project"))
        .env("HOME", world.path("home"))
        .env_remove("CODEX_HOME")
        .stdin(Stdio::null());
    let output = alone.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    let error = said.lines().last().unwrap_or_default();
    assert!(
        error.contains("there is no terminal here") && error.contains("add --yes"),
        "{said}"
    );
    assert!(!error.contains("os error"), "{said}");
    world.trust();
    let project = world.path("home/project");
    let remove = ["trust", "--remove", project.to_str().unwrap()];
    let said = world.said(&remove);
    assert_eq!(
        said,
        format!("{}: not trusted any more\n", project.display())
    );
    let again = world.call(&remove);
    assert_eq!(again.status.code(), Some(1));
    assert!(both(&again).contains("was not trusted"), "{again:?}");
}
