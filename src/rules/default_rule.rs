//! `default(...)`: what is said of a command that no rule matches.

use super::arguments::{Arguments, Signature};
use super::model::{DefaultRule, Span};
use super::prefix_rule::{decision_named, said};

pub(super) static SIGNATURE: Signature = Signature {
    name: "default",
    parameters: &["decision", "justification"],
    required: 1,
};

/// The call's rule; `None` when it has problems, which then are in `arguments`.
pub(super) fn parse(arguments: &mut Arguments<'_>, span: Span) -> Option<DefaultRule> {
    let decision = arguments.string("decision");
    let decision = decision.and_then(|text| arguments.keep(decision_named(text)));
    let justification = arguments.string("justification");
    let justification = justification.map(|text| arguments.keep(said(text)));
    if !arguments.problems.is_empty() {
        return None;
    }
    Some(DefaultRule {
        decision: decision?,
        justification: justification.flatten(),
        span,
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::{Decision, from_own_text};

    #[test]
    fn a_default_has_a_decision_and_perhaps_a_reason() {
        let rules = from_own_text("t.rules", "default(\"prompt\", justification = \"why\")\n");
        assert_eq!(rules.diagnostics, []);
        let found = &rules.defaults[0];
        assert_eq!(found.decision, Decision::Prompt);
        assert_eq!(found.justification.as_deref(), Some("why"));
        assert_eq!(found.span.line, 1);
    }

    #[test]
    fn wrong_arguments_are_errors() {
        for (arguments, code) in [
            ("", "E0201"),
            ("1", "E0201"),
            ("\"prompt\", unknown = 1", "E0201"),
            ("\"deny\"", "E0202"),
            ("\"prompt\", \" \"", "E0203"),
        ] {
            let rules = from_own_text("t.rules", &format!("default({arguments})\n"));
            assert_eq!(rules.diagnostics[0].code, code, "{arguments}");
            assert_eq!(rules.defaults, []);
        }
    }

    #[test]
    fn a_broken_file_keeps_only_a_default_that_restricts() {
        let text = "default(\"allow\")\ndefault(\"prompt\")\nprefix_rule([])\n";
        let rules = from_own_text("t.rules", text);
        let decisions: Vec<_> = rules.defaults.iter().map(|rule| rule.decision).collect();
        assert_eq!(decisions, [Decision::Prompt]);
    }
}
