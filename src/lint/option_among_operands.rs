//! W120 option-among-operands.

use crate::models::CommandModel;
use crate::models::model::{OptionModel, Takes};
use crate::rules::RuleSet;
use crate::rules::meaning::{Meaning, Pattern};

use super::finding::Level;
use super::unknown_flag::model_of;
use super::{Report, lint};

lint! {
    /// `args` of a `command_rule` contains an option. It takes the operands of a command, the words that are
    /// neither options nor options' values.
    ///
    /// ## Why it matters
    ///
    /// No operand is ever spelled like that, so the rule matches nothing, and nobody is told.
    ///
    /// ## Example
    ///
    /// ```python
    /// command_rule(program = "curl", args = ["-X", "POST"], decision = "forbidden")
    /// ```
    ///
    /// ```python
    /// command_rule(program = "curl", options = {"-X": "POST"}, decision = "forbidden")
    /// ```
    "W120", "option-among-operands", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    for rule in &rules.command_rules {
        for program in rule.literal_programs() {
            let model = model_of(rules, program);
            for meaning in rule.meanings() {
                if let Some((word, value)) = option_among(meaning, model) {
                    let message = format!(
                        "`{word}` is an option of `{program}`, and `args` are its operands"
                    );
                    report.add(rule.span, message, Some(instead(model, word, value)));
                }
            }
        }
    }
}

/// The first word of the operands that no operand is, and the word behind it.
fn option_among<'a>(
    meaning: &'a Meaning,
    model: Option<&CommandModel>,
) -> Option<(&'a str, Option<&'a str>)> {
    // Of such a program, what is behind the first operand are operands.
    let ends_options =
        model.is_some_and(|it| it.syntax.posix == Some(true) || !it.subcommands.is_empty());
    let places = &meaning.operands.as_ref()?.places;
    let looked_at = if ends_options { 1 } else { places.len() };
    let literal = |nth: usize| match places.get(nth)?.as_slice() {
        [Pattern::Literal(word)] => Some(word.as_str()),
        _ => None,
    };
    (0..looked_at).find_map(|nth| {
        let word = literal(nth).filter(|word| is_option(word))?;
        Some((word, literal(nth + 1)))
    })
}

fn is_option(word: &str) -> bool {
    let name = word.trim_start_matches('-');
    let dashes = word.len() - name.len();
    (1..=2).contains(&dashes) && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn instead(model: Option<&CommandModel>, word: &str, value: Option<&str>) -> String {
    let named = |option: &&OptionModel| option.names.iter().any(|name| name == word);
    let option = model.and_then(|model| model.options.iter().find(named));
    let takes = option.map(|option| option.takes);
    match value {
        Some(value) if takes.is_none_or(|takes| takes == Takes::Value) && !is_option(value) => {
            format!("write `options = {{{word:?}: {value:?}}}`")
        }
        _ => format!("write `flags = {word:?}`"),
    }
}
