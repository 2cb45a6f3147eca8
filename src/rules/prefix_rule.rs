//! `prefix_rule(...)`: from arguments to rules.

use starlark::values::Value;
use starlark::values::list::ListRef;

use super::arguments::{ArgumentProblem, Arguments, Signature};
use super::codes;
use super::examples::Example;
use super::model::{Decision, PrefixRule, Span};

pub(super) static SIGNATURE: Signature = Signature {
    name: "prefix_rule",
    parameters: &[
        "pattern",
        "decision",
        "match",
        "not_match",
        "justification",
        "canonical_matching",
    ],
    required: 1,
};

/// What one call says.
#[derive(Debug)]
pub(super) struct ParsedPrefixRule {
    /// One for each alternative of the pattern's first element.
    pub(super) rules: Vec<PrefixRule>,
    pub(super) matching: Vec<Example>,
    pub(super) not_matching: Vec<Example>,
}

/// The call's rules; `None` when it has problems, which then are in `arguments`.
pub(super) fn parse(arguments: &mut Arguments<'_>, span: Span) -> Option<ParsedPrefixRule> {
    let decision = arguments.string("decision");
    let decision = decision.map(|text| arguments.keep(decision_named(text)));
    let justification = arguments.string("justification");
    let justification = justification.map(|text| arguments.keep(said(text)));
    let pattern = arguments.list("pattern");
    let pattern = pattern.and_then(|elements| arguments.keep(choices_of_all(elements)));
    let matching = examples(arguments, "match");
    let not_matching = examples(arguments, "not_match");
    let canonical = arguments.bool("canonical_matching");
    if !arguments.problems.is_empty() {
        return None;
    }
    let (first, rest) = pattern.as_ref()?.split_first()?;
    let rule = PrefixRule {
        program: String::new(),
        rest: rest.to_vec(),
        decision: decision.flatten().unwrap_or(Decision::Allow),
        justification: justification.flatten(),
        canonical: canonical.unwrap_or(false),
        span,
        examples: Vec::new(),
    };
    let rules = first.iter().map(|program| PrefixRule {
        program: program.clone(),
        ..rule.clone()
    });
    Some(ParsedPrefixRule {
        rules: rules.collect(),
        matching,
        not_matching,
    })
}

/// The decisions that `prefix_rule` knows, spelled exactly.
pub(super) fn decision_named(text: &str) -> Result<Decision, ArgumentProblem> {
    match text {
        "allow" => Ok(Decision::Allow),
        "prompt" => Ok(Decision::Prompt),
        "forbidden" => Ok(Decision::Forbidden),
        _ => Err(
            ArgumentProblem::new(codes::DECISION, format!("invalid decision: {text}"))
                .with_help("decisions are \"allow\", \"prompt\" and \"forbidden\""),
        ),
    }
}

/// A justification, byte for byte, unless it is blank.
pub(super) fn said(text: &str) -> Result<String, ArgumentProblem> {
    if text.trim().is_empty() {
        return Err(ArgumentProblem::new(
            codes::JUSTIFICATION,
            "justification cannot be empty",
        ));
    }
    Ok(text.to_owned())
}

fn choices_of_all(elements: &[Value<'_>]) -> Result<Vec<Vec<String>>, ArgumentProblem> {
    if elements.is_empty() {
        return Err(ArgumentProblem::new(
            codes::PATTERN,
            "pattern cannot be empty",
        ));
    }
    elements.iter().map(|element| choices(*element)).collect()
}

fn choices(element: Value<'_>) -> Result<Vec<String>, ArgumentProblem> {
    if let Some(word) = element.unpack_str() {
        return Ok(vec![word.to_owned()]);
    }
    let got = |what: &str, value: Value<'_>| {
        let kind = value.get_type();
        ArgumentProblem::new(codes::PATTERN, format!("pattern {what} (got {kind})"))
    };
    let Some(list) = ListRef::from_value(element) else {
        return Err(got("element must be a string or list of strings", element));
    };
    if list.is_empty() {
        return Err(ArgumentProblem::new(
            codes::PATTERN,
            "pattern alternatives cannot be empty",
        ));
    }
    list.iter()
        .map(|choice| {
            choice
                .unpack_str()
                .map(str::to_owned)
                .ok_or_else(|| got("alternative must be a string", choice))
        })
        .collect()
}

/// The commands that `match` or `not_match` lists.
pub(super) fn examples(arguments: &mut Arguments<'_>, name: &str) -> Vec<Example> {
    let items = arguments.list(name).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| arguments.keep(example(*item)))
        .collect()
}

fn example(item: Value<'_>) -> Result<Example, ArgumentProblem> {
    let wrong = |what: &str| ArgumentProblem::new(codes::EXAMPLE, format!("example {what}"));
    if let Some(text) = item.unpack_str() {
        let words = shlex::split(text).ok_or_else(|| {
            wrong("string has invalid shell syntax")
                .with_help("a quote is left open, or a backslash ends the string")
        })?;
        if words.is_empty() {
            return Err(wrong("cannot be an empty string"));
        }
        let shown = text.to_owned();
        return Ok(Example { words, shown });
    }
    let got = |value: Value<'_>| {
        let kind = value.get_type();
        wrong(&format!("must be a string or list of strings (got {kind})"))
    };
    let list = ListRef::from_value(item).ok_or_else(|| got(item))?;
    if list.is_empty() {
        return Err(wrong("cannot be an empty list"));
    }
    let words = list
        .iter()
        .map(|word| {
            word.unpack_str()
                .map(str::to_owned)
                .ok_or_else(|| got(word))
        })
        .collect::<Result<Vec<_>, _>>()?;
    // Words with a NUL can't be quoted; for a message they may stand as they are.
    let shown =
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "));
    Ok(Example { words, shown })
}

#[cfg(test)]
mod tests {
    use crate::rules::model::PrefixRule;
    use crate::rules::{Decision, from_own_text};

    /// The codes of what is wrong with `prefix_rule(arguments)`.
    fn wrong(arguments: &str) -> Vec<String> {
        let rules = from_own_text("t.rules", &format!("prefix_rule({arguments})\n"));
        rules
            .diagnostics
            .into_iter()
            .map(|found| found.code)
            .collect()
    }

    fn good(arguments: &str) -> Vec<PrefixRule> {
        let rules = from_own_text("t.rules", &format!("prefix_rule({arguments})\n"));
        assert_eq!(rules.diagnostics, [], "{arguments}");
        rules.prefix_rules
    }

    #[test]
    fn the_first_elements_alternatives_are_rules_of_their_own() {
        let rules = good("[[\"a\", \"b\", \"a\"], [\"x\", \"y\"], [\"z\"]]");
        let programs: Vec<_> = rules.iter().map(|rule| rule.program.as_str()).collect();
        assert_eq!(programs, ["a", "b", "a"]);
        assert_eq!(rules[0].rest, [vec!["x", "y"], vec!["z"]]);
    }

    #[test]
    fn arguments_may_be_positional() {
        let rule = &good("[\"A\"], \"forbidden\", [\"a x\"], [\"b\"], \" why \", True")[0];
        assert_eq!(rule.decision, Decision::Forbidden);
        assert_eq!(rule.justification.as_deref(), Some(" why "));
        assert_eq!((rule.canonical, rule.examples.len()), (true, 2));
    }

    #[test]
    fn only_the_pattern_is_needed() {
        let rule = &good("[\"\", \"a b\"]")[0];
        assert_eq!(
            (rule.program.as_str(), rule.decision),
            ("", Decision::Allow)
        );
        assert_eq!((rule.canonical, rule.examples.len()), (false, 0));
    }

    #[test]
    fn wrong_patterns() {
        for (pattern, code) in [
            ("[]", "E0204"),
            ("[[]]", "E0204"),
            ("[\"a\", []]", "E0204"),
            ("[1]", "E0204"),
            ("[None]", "E0204"),
            ("[\"a\", (\"b\",)]", "E0204"),
            ("[b\"a\"]", "E0204"),
            ("[[\"a\", 1]]", "E0204"),
            ("[[\"a\", [\"b\"]]]", "E0204"),
            ("(\"a\",)", "E0201"),
            ("\"a\"", "E0201"),
            ("{}", "E0201"),
            ("None", "E0201"),
        ] {
            assert_eq!(wrong(pattern), [code], "{pattern}");
        }
    }

    #[test]
    fn wrong_decisions_and_justifications() {
        for decision in [
            "deny",
            "ask",
            "Allow",
            " allow",
            "prompt-user",
            "prompt_user",
            "",
        ] {
            let arguments = format!("[\"a\"], decision = \"{decision}\"");
            assert_eq!(wrong(&arguments), ["E0202"], "{decision}");
        }
        for text in ["", " ", "\\t\\n", "\\u00a0\\u2003"] {
            let arguments = format!("[\"a\"], justification = \"{text}\"");
            assert_eq!(wrong(&arguments), ["E0203"], "{text}");
        }
    }

    #[test]
    fn none_is_no_value() {
        for name in [
            "decision",
            "match",
            "not_match",
            "justification",
            "canonical_matching",
        ] {
            assert_eq!(
                wrong(&format!("[\"a\"], {name} = None")),
                ["E0201"],
                "{name}"
            );
        }
    }

    #[test]
    fn wrong_calls() {
        for arguments in [
            "",
            "decision = \"allow\"",
            "[\"a\"], reason = \"x\"",
            "[\"a\"], \"allow\", [], [], \"j\", False, 7",
            "[\"a\"], pattern = [\"a\"]",
            "[\"a\"], canonical_matching = \"yes\"",
            "[\"a\"], canonical_matching = 1",
        ] {
            assert_eq!(wrong(arguments), ["E0201"], "{arguments}");
        }
    }

    #[test]
    fn examples_are_split_like_shell_words() {
        let examples = r#"["git 'a b' \"c d\" e\\ f", "git a | b > c && d", "git a\nb", "git # x",
            "  git  $HOME", ["git", ""]]"#;
        assert_eq!(
            good(&format!("[\"git\"], match = {examples}"))[0]
                .examples
                .len(),
            6
        );
    }

    #[test]
    fn wrong_examples() {
        for example in [
            "\"git 'a\"",
            "'git \"a'",
            "\"git \\\\\"",
            "\"\"",
            "\"  \"",
            "\"# git\"",
            "[]",
            "7",
            "[7]",
            "[[\"git\"]]",
            "None",
            "(\"git\",)",
        ] {
            for name in ["match", "not_match"] {
                let arguments = format!("[\"git\"], {name} = [{example}]");
                assert_eq!(wrong(&arguments), ["E0205"], "{arguments}");
            }
        }
        assert_eq!(wrong("[\"git\"], match = \"git\""), ["E0201"]);
    }

    #[test]
    fn every_problem_of_a_call_is_found_in_the_order_of_checking() {
        let all = "[], decision = \"x\", match = [7], not_match = [[]], justification = \"\"";
        assert_eq!(wrong(all), ["E0202", "E0203", "E0204", "E0205", "E0205"]);
    }
}
