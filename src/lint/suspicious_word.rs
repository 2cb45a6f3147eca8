//! W112 suspicious-word.

use crate::rules::RuleSet;
use crate::rules::meaning::{Meaning, Pattern};
use crate::rules::model::{CommandRule, PrefixRule, Span};

use super::finding::Level;
use super::{Report, lint};

/// What a shell would have taken out of a word before the program starts.
const SHELL_CHARACTERS: &[char] = &[
    '|', '&', ';', '<', '>', '(', ')', '$', '`', '"', '\'', '*', '?', '\\',
];

lint! {
    /// A word contains a space, or a character that is special to a shell or in a pattern, where it is
    /// compared literally; or the program of a rule is a word that sets a variable.
    ///
    /// Words of a `prefix_rule` that follow an option are not reported: `["bash", "-c", "make && make
    /// install"]` is right. Nor are operands and values that look like text or a script.
    ///
    /// ## Why it matters
    ///
    /// A pattern has one string for each word of the command, compared character by character.
    /// There are no wildcards and no shell: `"git push"` is the name of a program with a space in
    /// it, `"*"` matches an asterisk, and `"push|pull"` a word with a bar. In a `command_rule`, `glob(...)`
    /// takes wildcards, and a list holds alternatives.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["git push"], decision = "prompt", justification = "Publishes.")
    /// command_rule(program = "git", subcommand = ["push|pull"], decision = "prompt", justification = "Asks.")
    /// ```
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", "push"], decision = "prompt", justification = "Publishes.")
    /// command_rule(program = "git", subcommand = [["push", "pull"]], decision = "prompt", justification = "Asks.")
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
        examine_command_rule(rule, report);
    }
    for host in &rules.host_executables {
        for word in host.paths.iter().chain([&host.name]) {
            if let Some(found) = suspicious(word, WordKind::Word) {
                let help = "paths are compared as they stand; list every one that is meant";
                report.add(host.span, found.message(word), Some(help.to_owned()));
            }
        }
    }
    for rule in &rules.network_rules {
        examine_host(&rule.host, rule.span, report);
    }
}

fn examine_command_rule(rule: &CommandRule, report: &mut Report) {
    for program in rule.literal_programs() {
        if program.chars().any(char::is_whitespace) && !program.contains('/') {
            add_spaced_program(program, rule.span, report);
        } else if let Some(found) = suspicious(program, WordKind::Word) {
            let help = match found {
                Strangeness::Bar(_) => found.help(program),
                Strangeness::Wildcard(_) if program.starts_with('/') => found.help(program),
                _ => "write a bare name, or an absolute path".to_owned(),
            };
            report.add(rule.span, found.message(program), Some(help));
        }
        examine_program(program, None, rule.span, report);
    }
    for meaning in rule.meanings() {
        examine_meaning(meaning, rule.span, report);
    }
}

fn examine_meaning(meaning: &Meaning, span: Span, report: &mut Report) {
    for word in meaning.subcommand.iter().flatten() {
        if word.chars().any(char::is_whitespace) {
            examine(word, span, report);
        } else if let Some(found) = suspicious(word, WordKind::Word) {
            let help = match found {
                Strangeness::Wildcard(_) => {
                    "a subcommand has no wildcards: leave it out, or list the words that are meant"
                        .to_owned()
                }
                _ => found.help(word),
            };
            report.add(span, found.message(word), Some(help));
        }
    }
    let names = meaning.options.iter().map(|option| &option.name);
    let names = names.chain(meaning.flags.iter().flatten());
    for name in names.chain(&meaning.without) {
        // Some programs call an option `-?` or `-$`.
        if name.chars().nth(2).is_none() {
            continue;
        }
        if name.chars().any(char::is_whitespace) {
            examine(name, span, report);
        } else if let Some(found) = suspicious(name, WordKind::Option) {
            let help = "write each option as a separate string, as in any_of(\"-f\", \"--force\")";
            report.add(span, found.message(name), Some(help.to_owned()));
        }
    }
    for pattern in meaning.patterns() {
        let word = match pattern {
            Pattern::Literal(word) | Pattern::Under(word) => word,
            Pattern::Glob(_) | Pattern::Regex(_) => continue,
        };
        if let Some(found) = suspicious(word, WordKind::Text) {
            report.add(span, found.message(word), Some(found.help(word)));
        }
    }
}

/// A host is a name or an address, and is compared as a whole.
fn examine_host(host: &str, span: Span, report: &mut Report) {
    let belongs = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%' | '@');
    if let Some(character) = host.chars().find(|c| !belongs(*c)) {
        let message = format!("`{character}` in {host:?} can't be part of a host name");
        let help = "write one rule for each host";
        report.add(span, message, Some(help.to_owned()));
    } else if host.starts_with('.') {
        let message = format!("{host:?} is not a host name: it begins with a dot");
        let help = "a host is compared as a whole; write one rule for each";
        report.add(span, message, Some(help.to_owned()));
    }
}

/// What a word is, as far as that says which characters are strange in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WordKind {
    /// A name or a path.
    Word,
    /// The name of an option.
    Option,
    /// An operand or a value, which may be anything.
    Text,
}

/// What is strange about a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strangeness {
    /// A character that stands for others in a pattern.
    Wildcard(char),
    /// Words with bars between them.
    Bar(char),
    /// It stands in quotes.
    Quotes(char),
    /// It begins with a `~`, which nobody has replaced.
    Tilde,
    /// Another character of a shell's.
    Shell(char),
}

impl Strangeness {
    fn message(self, word: &str) -> String {
        match self {
            Self::Quotes(quote) => {
                format!("the quotes (`{quote}`) around {word:?} belong to the word")
            }
            Self::Tilde => format!("`~` in {word:?} is not expanded here"),
            Self::Wildcard(character) | Self::Bar(character) | Self::Shell(character) => {
                format!("`{character}` in {word:?} has no special meaning here")
            }
        }
    }

    fn help(self, word: &str) -> String {
        match self {
            Self::Wildcard(_) => format!("`glob({word:?})` takes it for a pattern"),
            Self::Bar(bar) => {
                let words: Vec<String> = word.split(bar).map(|one| format!("{one:?}")).collect();
                format!("write the alternatives as a list: [{}]", words.join(", "))
            }
            Self::Quotes(quote) => {
                let bare = word.trim_matches(quote);
                format!("a shell passes no quotes on: write {bare:?}")
            }
            Self::Tilde => "write the path in full".to_owned(),
            Self::Shell(_) => {
                "words are compared character by character; list the words that are meant"
                    .to_owned()
            }
        }
    }
}

/// What is strange about `word`, if something is.
fn suspicious(word: &str, look: WordKind) -> Option<Strangeness> {
    let quoted = |quote: char| word.len() > 2 && word.starts_with(quote) && word.ends_with(quote);
    if let Some(quote) = ['"', '\''].into_iter().find(|quote| quoted(*quote)) {
        return Some(Strangeness::Quotes(quote));
    }
    if look != WordKind::Text && (word == "~" || word.starts_with("~/")) {
        return Some(Strangeness::Tilde);
    }
    if are_alternatives(word, '|') {
        return Some(Strangeness::Bar('|'));
    }
    if look == WordKind::Option && are_alternatives(word, ',') {
        return Some(Strangeness::Bar(','));
    }
    let found = |character: &char| word.contains(*character);
    if look == WordKind::Text {
        // A text may hold anything; so may an address behind a question mark.
        let is_text = word.contains(|c: char| c.is_whitespace() || "'\"\\(){}|;&<>=^".contains(c));
        let is_variable = word
            .strip_prefix('$')
            .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
        return match word {
            _ if is_text => None,
            _ if is_variable => Some(Strangeness::Shell('$')),
            _ if word.contains('*') => Some(Strangeness::Wildcard('*')),
            _ if word.contains('?') && !word.contains("://") && word.len() > 1 => {
                Some(Strangeness::Wildcard('?'))
            }
            _ => None,
        };
    }
    match SHELL_CHARACTERS.iter().find(|character| found(character)) {
        Some(&wildcard @ ('*' | '?')) => Some(Strangeness::Wildcard(wildcard)),
        Some(&character) => Some(Strangeness::Shell(character)),
        None => None,
    }
}

/// Whether `word` is names, options or paths with `bar` between them.
fn are_alternatives(word: &str, bar: char) -> bool {
    let begins = |c: char| c.is_alphanumeric() || matches!(c, '-' | '/' | '_');
    let belongs = |c: char| begins(c) || matches!(c, '.' | ':' | '+' | '@' | '=');
    let is_name = |one: &str| one.starts_with(begins) && one.chars().all(belongs);
    word.contains(bar) && word.split(bar).all(is_name)
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
    let message = format!("`{name}={value}` sets a variable, and is not the name of a program");
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
    } else if word.starts_with("~/") {
        let help = "write the path in full, or a command_rule, whose `args` know `~`";
        report.add(
            span,
            Strangeness::Tilde.message(word),
            Some(help.to_owned()),
        );
    }
}
