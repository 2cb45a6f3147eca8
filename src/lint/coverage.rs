//! Which rule matches everything that another one matches, and how rules are written in messages.

use std::collections::HashMap;

use crate::rules::RuleSet;
use crate::rules::model::{CommandRule, PrefixRule, ProgramName};

/// How many words rules are filed by; later words are compared one by one.
const FILED_WORDS: usize = 8;

/// All rules, filed so that those that cover a given one are found without looking at the rest.
#[derive(Debug, Default)]
pub(super) struct Coverage<'a> {
    programs: HashMap<&'a str, CoverageShelf<'a>>,
}

/// The rules that agree on the words so far, and those that go on, by their next word.
#[derive(Debug, Default)]
struct CoverageShelf<'a> {
    rules: Vec<(usize, &'a PrefixRule)>,
    next: HashMap<&'a str, CoverageShelf<'a>>,
}

impl<'a> Coverage<'a> {
    pub(super) fn of(rules: &'a RuleSet) -> Self {
        let mut coverage = Self::default();
        for (number, rule) in rules.prefix_rules.iter().enumerate() {
            let program = coverage.programs.entry(&rule.program).or_default();
            program.file(number, rule, 0, false);
        }
        coverage
    }

    /// Every rule that matches all that `narrow` matches, itself too, with its number; the
    /// shortest first, then in order.
    pub(super) fn covering(
        &self,
        narrow: &'a PrefixRule,
    ) -> impl Iterator<Item = (usize, &'a PrefixRule)> {
        let mut ahead = self.programs.get(narrow.program.as_str());
        let mut places = narrow.rest.iter();
        // A rule that covers has all alternatives of each place, so also the first.
        std::iter::from_fn(move || {
            let here = ahead?;
            let word = places.next().and_then(|words| words.first());
            ahead = word.and_then(|word| here.next.get(word.as_str()));
            Some(here)
        })
        .flat_map(|shelf| shelf.rules.iter().copied())
        .filter(|(_, wide)| covers(wide, narrow))
    }
}

impl<'a> CoverageShelf<'a> {
    /// Files under each alternative of one place; from a second such place on, words are compared
    /// one by one, so that the index stays as small as the rules.
    fn file(&mut self, number: usize, rule: &'a PrefixRule, depth: usize, spread: bool) {
        let several = rule.rest.get(depth).is_some_and(|words| words.len() > 1);
        match rule.rest.get(depth) {
            Some(words) if depth < FILED_WORDS && !(several && spread) => {
                for word in words {
                    let next = self.next.entry(word).or_default();
                    next.file(number, rule, depth + 1, spread || several);
                }
            }
            _ => self.rules.push((number, rule)),
        }
    }
}

/// Whether `wide` matches every command that `narrow` matches. Both are of the same program,
/// written the same.
///
/// Never says yes wrongly; says no where it takes several rules together to cover one.
fn covers(wide: &PrefixRule, narrow: &PrefixRule) -> bool {
    (wide.canonical || !narrow.canonical)
        && wide.rest.len() <= narrow.rest.len()
        && wide
            .rest
            .iter()
            .zip(&narrow.rest)
            .all(|(wide, narrow)| narrow.iter().all(|word| wide.contains(word)))
}

/// Whether two rules, of which `wide` covers `narrow`, match the same commands.
pub(super) fn same_pattern(wide: &PrefixRule, narrow: &PrefixRule) -> bool {
    covers(narrow, wide)
}

/// The pattern as one writes a command, alternatives in brackets: `git push [--force|-f]`.
pub(super) fn pattern_text(rule: &PrefixRule) -> String {
    let rest = rule.rest.iter().map(|words| place_text(words));
    let places: Vec<String> = std::iter::once(word_text(&rule.program))
        .chain(rest)
        .collect();
    places.join(" ")
}

/// A `command_rule` as one writes the command: `git push --force`.
pub(super) fn command_text(rule: &CommandRule) -> String {
    let names: Vec<String> = rule.programs.iter().map(program_text).collect();
    let places = rule.meaning.subcommand.iter().chain(&rule.meaning.flags);
    std::iter::once(place_text(&names))
        .chain(places.map(|words| place_text(words)))
        .collect::<Vec<String>>()
        .join(" ")
}

fn program_text(name: &ProgramName) -> String {
    match name {
        ProgramName::Literal(name) => name.clone(),
        ProgramName::Glob(glob) => String::from(glob.clone()),
    }
}

fn place_text(alternatives: &[String]) -> String {
    let words: Vec<String> = alternatives.iter().map(|word| word_text(word)).collect();
    match words.as_slice() {
        [word] => word.clone(),
        words => format!("[{}]", words.join("|")),
    }
}

/// One word; in quotes when it would not be one word without.
fn word_text(word: &str) -> String {
    if word.is_empty() || word.contains(|c: char| c.is_whitespace() || c.is_control()) {
        format!("{word:?}")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Decision;
    use crate::rules::model::Span;

    fn rules(patterns: &[&[&[&str]]]) -> RuleSet {
        let span = Span {
            file: 0,
            line: 1,
            column: 1,
            end_line: 1,
            end_column: 2,
        };
        let owned = |words: &&[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let prefix_rules = patterns.iter().map(|places| PrefixRule {
            program: "git".to_owned(),
            rest: places.iter().map(owned).collect(),
            decision: Decision::Allow,
            justification: None,
            canonical: false,
            span,
            examples: Vec::new(),
        });
        RuleSet {
            prefix_rules: prefix_rules.collect(),
            ..RuleSet::default()
        }
    }

    #[test]
    fn the_index_finds_what_comparing_all_pairs_finds() {
        let rules = rules(&[
            &[],
            &[&["a"]],
            &[&["a", "b"]],
            &[&["a", "b"], &["c", "d"]],
            &[&["b"], &["d", "c"]],
            &[&["a"], &["c"], &["e", "f"]],
            &[
                &["a", "b"],
                &["c"],
                &["e"],
                &["1"],
                &["2"],
                &["3"],
                &["4"],
                &["5"],
                &["6"],
            ],
            &[
                &["a"],
                &["c"],
                &["e"],
                &["1"],
                &["2"],
                &["3"],
                &["4"],
                &["5"],
                &["6"],
                &["7"],
            ],
        ]);
        let coverage = Coverage::of(&rules);
        for narrow in &rules.prefix_rules {
            let mut found: Vec<usize> = coverage.covering(narrow).map(|(n, _)| n).collect();
            found.sort_unstable();
            let all = rules.prefix_rules.iter().enumerate();
            let expected: Vec<usize> = all
                .filter_map(|(number, wide)| covers(wide, narrow).then_some(number))
                .collect();
            assert_eq!(found, expected, "{narrow:?}");
        }
    }

    #[test]
    fn a_pattern_reads_as_a_command() {
        let rules = rules(&[&[&["push", "fetch"], &["-v"], &["a b"], &[""]]]);
        let text = rules.prefix_rules.first().map(pattern_text);
        assert_eq!(text.as_deref(), Some("git [push|fetch] -v \"a b\" \"\""));
    }
}
