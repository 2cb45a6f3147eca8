//! W112 suspicious-word.

use crate::rules::RuleSet;
use crate::rules::model::{PrefixRule, Span};

use super::finding::Level;
use super::{Report, lint};

/// What a shell would have taken out of a word before the program starts.
const SHELL_CHARACTERS: &[char] = &[
    '|', '&', ';', '<', '>', '(', ')', '$', '`', '"', '\'', '*', '?', '\\',
];

lint! {
    /// A word of a pattern holds a space, or a character that means something to a shell; or the program of
    /// a rule is a word that sets a variable.
    ///
    /// Words that follow an option are left alone: `["bash", "-c", "make && make install"]` is
    /// right.
    ///
    /// ## Why it matters
    ///
    /// A pattern has one string for each word of the command, compared character by character.
    /// There are no wildcards and no shell: `"git push"` is the name of a program with a space in
    /// it, and `"*"` matches an asterisk.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["git push"], decision = "prompt", justification = "Publishes.")
    /// ```
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", "push"], decision = "prompt", justification = "Publishes.")
    /// ```
    "W112", "suspicious-word", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    for rule in &rules.prefix_rules {
        for (word, follows_option) in words(rule) {
            if !follows_option {
                examine(word, rule.span, report);
            }
        }
        let next = rule.rest.first().and_then(|place| place.first());
        examine_program(&rule.program, next, rule.span, report);
    }
    for rule in &rules.command_rules {
        for program in rule.literal_programs() {
            if program.chars().any(char::is_whitespace) && !program.contains('/') {
                add_spaced_program(program, rule.span, report);
            }
            examine_program(program, None, rule.span, report);
        }
        for word in rule
            .meanings()
            .flat_map(|it| it.subcommand.iter().chain(&it.flags).flatten())
        {
            if word.chars().any(char::is_whitespace) {
                examine(word, rule.span, report);
            }
        }
    }
}

fn add_spaced_program(program: &str, span: Span, report: &mut Report) {
    let mut words = program.split_whitespace();
    let first = words.next().unwrap_or_default();
    let rest: Vec<String> = words.map(|word| format!("{word:?}")).collect();
    let help = format!(
        "write program = {first:?}, subcommand = [{}]",
        rest.join(", ")
    );
    let message = format!("{program:?} is one word with a space in it");
    report.add(span, message, Some(help));
}

/// A shell takes `NAME=value` out of a command before its program.
fn examine_program(program: &str, next: Option<&String>, span: Span, report: &mut Report) {
    let Some((name, value)) = program.split_once('=') else {
        return;
    };
    let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
    if name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_digit())
        || !name.chars().all(is_name)
    {
        return;
    }
    let program = next.map_or("PROGRAM", String::as_str);
    let help =
        format!("write command_rule(program = {program:?}, env = {{{name:?}: {value:?}}}, ...)");
    let message = format!("`{name}={value}` sets a variable, and no program is called so");
    report.add(span, message, Some(help));
}

/// Every word of the pattern, each with whether the place before it holds options alone.
fn words(rule: &PrefixRule) -> impl Iterator<Item = (&str, bool)> {
    let places = rule.rest.iter().enumerate().flat_map(|(index, words)| {
        let before = index.checked_sub(1).and_then(|index| rule.rest.get(index));
        let follows_option = before.is_some_and(|words| words.iter().all(|w| w.starts_with('-')));
        words
            .iter()
            .map(move |word| (word.as_str(), follows_option))
    });
    std::iter::once((rule.program.as_str(), false)).chain(places)
}

fn examine(word: &str, span: Span, report: &mut Report) {
    if word.chars().any(char::is_whitespace) {
        let list: Vec<String> = word.split_whitespace().map(|w| format!("{w:?}")).collect();
        let help = format!("write one string for each word: {}", list.join(", "));
        report.add(
            span,
            format!("{word:?} is one word with a space in it"),
            Some(help),
        );
    } else if let Some(character) = word.chars().find(|c| SHELL_CHARACTERS.contains(c)) {
        let message = format!("`{character}` in {word:?} has no special meaning in a pattern");
        let help = "words are compared character by character; list the words that are meant";
        report.add(span, message, Some(help.to_owned()));
    }
}
