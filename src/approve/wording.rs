//! A question as a terminal shows it.

use super::text::Text;

/// The question, a line each for the command and for what there is to know about it, with what the agent
/// says it is for. Every part was escaped when it was made.
pub fn wording(text: &Text, purpose: Option<&str>) -> String {
    let mut lines = vec![
        format!("codex-shell: run this {}?", loud(&text.runs)),
        format!("  {}", text.command),
    ];
    let mut facts = text.facts();
    facts.extend(purpose.map(|purpose| ("the agent", purpose.to_owned())));
    let widest = facts.iter().map(|(label, _)| label.len()).max();
    let width = widest.unwrap_or_default();
    let facts = facts.into_iter();
    lines.extend(facts.map(|(label, text)| format!("  {label:<width$}  {text}")));
    lines.join("\n")
}

/// Where a program would run, so that nobody overlooks that it is not inside.
fn loud(runs: &str) -> String {
    match runs.split_once(' ') {
        Some((first, rest)) if first != "inside" => format!("{} {rest}", first.to_uppercase()),
        _ => runs.to_owned(),
    }
}
