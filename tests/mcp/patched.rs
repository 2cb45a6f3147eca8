//! A server whose kernel brings no execs.

use serde_json::json;

use super::client::Start;
use crate::support::world::patched_bash;

/// What starts a server inside another run, where there is no second listener.
const WITHIN: [&str; 8] = [
    env!("CARGO_BIN_EXE_codex-shell"),
    "run",
    "--ask",
    "deny",
    "--sandbox",
    "danger-full-access",
    "--",
    "/usr/bin/env",
];
const RULES: &str = "prefix_rule(pattern = [\"touch\"], decision = \"forbidden\")\n";

#[test]
#[ignore = "needs a patched shell"]
fn a_patched_shell_takes_the_kernels_place_where_that_is_taken() {
    let bash = patched_bash().unwrap();
    let shell = bash.to_str().unwrap();
    for (more, served) in [
        (vec!["--shell", shell], true),
        (vec!["--shell", shell, "--interceptor", "kernel"], false),
        (vec![], false),
    ] {
        let arguments = [vec!["--sandbox", "danger-full-access"], more].concat();
        let mut client = Start {
            rules: RULES,
            arguments: &arguments,
            starter: &WITHIN,
            ..Start::default()
        }
        .client();
        let id = client.start_shell("touch x; echo $?; /bin/echo inside", &json!({}));
        let answer = client.finish(id);
        let output = answer["result"]["structuredContent"]["stdout"].as_str();
        let wanted = served.then_some("1\ninside\n");
        assert_eq!(output, wanted, "{arguments:?}: {answer}");
    }
}
