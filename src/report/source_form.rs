//! A rule as it stands in its file.

use crate::rules::model::{PrefixRule, Span};
use crate::rules::{Layer, RuleSet};

/// The name of a rules file as messages have it.
pub(super) fn file_name(rules: &RuleSet, file: u32) -> &str {
    rules
        .files
        .get(file as usize)
        .map_or("?", |file| file.name.as_str())
}

/// `FILE:LINE`, and the layer unless the file was named on the command line.
pub(super) fn place_and_layer(rules: &RuleSet, span: Span) -> String {
    let place = rules.place(span);
    match rules.layer(span.file) {
        Layer::Given => place,
        layer => format!("{place} ({})", layer.as_str()),
    }
}

/// The text of the call that made the rule of this number; what it comes down to when the file's
/// text isn't there.
pub(super) fn of(rules: &RuleSet, number: usize) -> String {
    let span = rules.rule(number).map(|rule| rule.span);
    let written = span.and_then(|span| written(rules, span));
    written.unwrap_or_else(|| match rules.prefix_rules.get(number) {
        Some(rule) => restated(rule),
        None => "command_rule(...)".to_owned(),
    })
}

pub(super) fn written(rules: &RuleSet, span: Span) -> Option<String> {
    let text = &rules.files.get(span.file as usize)?.text;
    let first = usize::try_from(span.line).ok()?.checked_sub(1)?;
    let count = usize::try_from(span.end_line.checked_sub(span.line)?).ok()? + 1;
    let lines: Vec<&str> = text.lines().skip(first).take(count).collect();
    if lines.len() < count {
        return None;
    }
    let mut out = String::new();
    for (nth, line) in lines.iter().enumerate() {
        let from = if nth == 0 { span.column - 1 } else { 0 };
        let to = if nth + 1 == count {
            span.end_column.saturating_sub(1)
        } else {
            u32::MAX
        };
        if nth > 0 {
            out.push('\n');
        }
        let length = to.saturating_sub(from) as usize;
        out.extend(line.chars().skip(from as usize).take(length));
    }
    (!out.is_empty()).then_some(out)
}

fn restated(rule: &PrefixRule) -> String {
    let rest = rule.rest.iter().map(|choices| match choices.as_slice() {
        [word] => format!("{word:?}"),
        choices => format!("{choices:?}"),
    });
    let words: Vec<String> = std::iter::once(format!("{:?}", rule.program))
        .chain(rest)
        .collect();
    let decision = serde_json::to_string(&rule.decision).unwrap_or_default();
    format!(
        "prefix_rule(pattern=[{}], decision={decision})",
        words.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::from_own_text;

    #[test]
    fn the_call_is_shown_as_written() {
        let text = "# über\nx = 1; prefix_rule(pattern = [\"ä\"])\nprefix_rule(\n  [\"b\"],\n)\n";
        let rules = from_own_text("x.rules", text);
        let forms: Vec<String> = (0..rules.prefix_rules.len())
            .map(|number| of(&rules, number))
            .collect();
        assert_eq!(
            forms,
            [
                "prefix_rule(pattern = [\"ä\"])",
                "prefix_rule(\n  [\"b\"],\n)"
            ]
        );
    }

    #[test]
    fn without_the_text_the_rule_is_restated() {
        let mut rules = from_own_text("x.rules", "prefix_rule([\"a\", [\"b\", \"c\"]])\n");
        rules.files[0].text.clear();
        assert_eq!(
            of(&rules, 0),
            r#"prefix_rule(pattern=["a", ["b", "c"]], decision="allow")"#
        );
    }
}
