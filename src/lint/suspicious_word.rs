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
    /// A word of a pattern holds a space, or a character that means something to a shell.
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
    }
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
