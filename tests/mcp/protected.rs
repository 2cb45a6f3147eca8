//! What no call may write, as what decides about the next one.

use serde_json::json;

use super::client::{Start, read, text};

const RULES: &str = "prefix_rule(pattern = [\"touch\"], decision = \"forbidden\")\n";

/// The server's rules lie in a root of the sandbox.
fn within_reach() -> Start<'static> {
    Start {
        rules: RULES,
        arguments: &[
            "--sandbox",
            "workspace-write",
            "--writable",
            "..",
            "--ask",
            "deny",
        ],
        ..Start::default()
    }
}

#[test]
fn a_call_does_not_write_the_rules_of_the_next() {
    let mut client = within_reach().client();
    let script = "echo > ../home/rules/default.rules || rm ../home/rules/default.rules || \
                  mv ../home h || cp /dev/null ../home/codex-shell.toml || \
                  mkdir ../home/codex-shell";
    let result = client.shell(script);
    assert_ne!(result["exit_code"], 0, "{result}");
    let denials = result["denials"].as_array().unwrap();
    assert!(!denials.is_empty(), "{result}");
    for denial in denials {
        let why = denial["protected"].as_str().unwrap();
        assert!(why.starts_with("it decides what is permitted: "), "{why}");
        assert_eq!(denial["permitted_by"], "");
    }
    let rules = client.work().join("../home/rules/default.rules");
    assert_eq!(read(&rules), RULES);
    assert_eq!(client.shell("touch x")["execs"][0]["verdict"], "forbidden");
}

#[test]
fn rules_in_the_workspace_are_held_from_call_to_call() {
    let mut client = Start {
        settings: "rules = [\"../work/team.rules\"]\n",
        files: &[("work/team.rules", RULES)],
        arguments: &["--sandbox", "workspace-write", "--ask", "deny"],
        ..Start::default()
    }
    .client();
    for script in [
        "echo > team.rules",
        "mv team.rules x",
        "ln team.rules y && echo > y",
    ] {
        assert_ne!(client.shell(script)["exit_code"], 0, "{script}");
        let touched = client.shell("touch x");
        assert_eq!(touched["execs"][0]["verdict"], "forbidden", "{script}");
    }
    assert_eq!(read(&client.work().join("team.rules")), RULES);
}

#[test]
fn what_other_programs_obey_is_held_or_told() {
    let mut client = Start {
        arguments: &["--sandbox", "workspace-write"],
        ..Start::default()
    }
    .client();
    let work = client.work();
    std::fs::write(work.join(".mcp.json"), "{}").unwrap();
    let result = client.shell("mkdir .vscode; echo x > .mcp.json");
    let why = result["denials"][0]["protected"].as_str().unwrap();
    assert!(why.starts_with("coding agents obey it"), "{why}");
    assert_eq!(
        result["denials"][0]["permitted_by"],
        "unprotected = [\".mcp.json\"]"
    );
    let made = result["made"].as_array().unwrap();
    assert_eq!(made.len(), 1, "{result}");
    assert_eq!(made[0]["path"], json!(work.join(".vscode")));
    assert!(
        made[0]["reason"]
            .as_str()
            .unwrap()
            .starts_with("editors obey it")
    );
    let result = client.shell("echo x > .vscode/tasks.json");
    assert_eq!(
        (&result["exit_code"], &result["made"]),
        (&json!(1), &json!([]))
    );
}

/// The rules lie in the workspace, and let out what puts others there.
fn replaceable() -> Start<'static> {
    Start {
        settings: "rules = [\"../work/team.rules\"]\n",
        files: &[("work/team.rules", MOVABLE)],
        arguments: &["--sandbox", "workspace-write", "--ask", "deny"],
        ..Start::default()
    }
}

const MOVABLE: &str = "prefix_rule(pattern = [\"mv\", \"x\", \"team.rules\"])\n\
                       prefix_rule(pattern = [\"touch\"], decision = \"forbidden\")\n";

#[test]
fn rules_that_were_replaced_during_a_call_are_not_followed() {
    let mut client = replaceable().client();
    let script = "echo 'prefix_rule(pattern = [\"touch\"])' > x; mv x team.rules; \
                  echo '# evil' >> team.rules";
    let result = client.shell(script);
    assert_eq!(result["exit_code"], 1, "{result}");
    assert_eq!(result["execs"][0]["verdict"], "escalated", "{result}");
    let rules = read(&client.work().join("team.rules"));
    assert_eq!(rules, "prefix_rule(pattern = [\"touch\"])\n");
    for _ in 0..2 {
        let touched = client.shell("touch made");
        assert_eq!(touched["execs"][0]["verdict"], "forbidden", "{touched}");
    }
    let told = |message: &&serde_json::Value| {
        message
            .to_string()
            .contains("team.rules was replaced while a command ran")
    };
    assert_eq!(
        client.kept.iter().filter(told).count(),
        1,
        "{:?}",
        client.kept
    );
}

#[test]
fn rules_that_can_not_be_held_any_more_end_the_call() {
    let mut client = replaceable().client();
    let script = "echo 'prefix_rule(pattern = [\"touch\"])' > x; ln x y; mv x team.rules; \
                  echo '# evil' >> y";
    let id = client.start_shell(script, &json!({}));
    let text = text(&client.finish(id));
    assert!(
        text.contains("team.rules was replaced while the command ran"),
        "{text}"
    );
    assert!(text.contains("the command was ended"), "{text}");
    let rules = read(&client.work().join("team.rules"));
    assert_eq!(rules, "prefix_rule(pattern = [\"touch\"])\n");
    std::fs::remove_file(client.work().join("y")).unwrap();
    let touched = client.shell("touch made");
    assert_eq!(touched["execs"][0]["verdict"], "forbidden", "{touched}");
}
