//! The tools, as clients see them.

use rmcp::model::{MetaObject, Tool, ToolAnnotations};
use serde_json::json;

use super::explain::ExplainParams;
use super::result;
use super::schema;
use super::shell::ExecParams;

/// The longest result that Claude Code takes whole, in characters.
const LONGEST_RESULT: u32 = 500_000;

/// What Claude Code reads: the tool is there from the start, and a result is cut by us, who keep its end.
fn hints() -> MetaObject {
    let hints = [
        ("anthropic/alwaysLoad", json!(true)),
        ("anthropic/maxResultSizeChars", json!(LONGEST_RESULT)),
    ];
    let mut meta = MetaObject::default();
    meta.0
        .extend(hints.map(|(name, value)| (name.to_owned(), value)));
    meta
}

/// All of them.
pub(super) fn tools() -> Vec<Tool> {
    let shell = Tool::new(
        "shell",
        "Runs a shell command and returns its output. You MUST provide the workdir as an absolute \
         path. Each program that the command starts is judged by the user's rules: it runs in a \
         sandbox, outside of it, after a person was asked, or not at all; a refusal says why.",
        schema::of::<ExecParams>(),
    )
    .with_title("Shell")
    .with_raw_output_schema(result::output_schema())
    .with_annotations(
        ToolAnnotations::new()
            .read_only(false)
            .destructive(true)
            .idempotent(false)
            .open_world(true),
    )
    .with_meta(hints());
    let explain = Tool::new(
        "explain",
        "Says what would happen to a command, by which rule and why, without running it.",
        schema::of::<ExplainParams>(),
    )
    .with_title("Explain")
    .with_annotations(ToolAnnotations::new().read_only(true).open_world(false));
    vec![shell, explain]
}
