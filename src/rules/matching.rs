//! Which prefix rules the words of a command begin with.
//!
//! Used on a rule's own examples while it loads, and by the evaluation of whole commands.

use super::canonical;
use super::lexical::{Whereabouts, base_name};
use super::model::{HostExecutable, PrefixRule};

/// A rule that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Index of the rule in the slice that was searched.
    pub rule: usize,
    /// The command's own words that the pattern covers, the program as the name that matched.
    pub matched: Vec<String>,
    /// For a match by last component: the absolute path that it stands for.
    pub resolved_program: Option<String>,
}

impl PrefixRule {
    /// Whether `program` is spelled as the rule spells it, or equal under the rule's own terms.
    pub fn names(&self, program: &str) -> bool {
        self.words_equal(&self.program, program)
    }

    /// Whether the words after the program begin as the pattern does.
    pub fn continues(&self, words: &[String]) -> bool {
        self.rest.len() <= words.len()
            && self
                .rest
                .iter()
                .zip(words)
                .all(|(choices, word)| choices.iter().any(|choice| self.words_equal(choice, word)))
    }

    fn words_equal(&self, ours: &str, theirs: &str) -> bool {
        ours == theirs || (self.canonical && canonical::equal(ours, theirs))
    }
}

/// The rules whose pattern `command` begins with: those that spell the program as the command
/// does, then those equal to it but for case, each in the order of `rules`.
///
/// Only where there is none and `resolve` is given, the program is made an absolute path and the
/// rules on its last component count, if `hosts` has no entry for that name or lists the path.
pub fn find(
    rules: &[PrefixRule],
    hosts: &[HostExecutable],
    command: &[String],
    resolve: Option<Whereabouts<'_>>,
) -> Vec<Match> {
    let Some((program, rest)) = command.split_first() else {
        return Vec::new();
    };
    let literal = named(rules, program, rest, None, |_| true);
    if !literal.is_empty() {
        return literal;
    }
    let Some(path) = resolve.and_then(|places| places.absolute(program)) else {
        return literal;
    };
    let Some(name) = base_name(&path) else {
        return literal;
    };
    named(rules, name, rest, Some(&path), |rule| {
        entry_for(hosts, rule, name).is_none_or(|entry| entry.paths.contains(&path))
    })
}

fn named(
    rules: &[PrefixRule],
    program: &str,
    rest: &[String],
    path: Option<&str>,
    counts: impl Fn(&PrefixRule) -> bool,
) -> Vec<Match> {
    let mut same_spelling = Vec::new();
    let mut other_spelling = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        if !rule.names(program) || !rule.continues(rest) || !counts(rule) {
            continue;
        }
        let covered = rest.iter().take(rule.rest.len()).cloned();
        let found = Match {
            rule: index,
            matched: std::iter::once(program.to_owned()).chain(covered).collect(),
            resolved_program: path.map(str::to_owned),
        };
        if rule.program == program {
            same_spelling.push(found);
        } else {
            other_spelling.push(found);
        }
    }
    same_spelling.append(&mut other_spelling);
    same_spelling
}

/// The `host_executable` that limits `rule` for a program called `name`: under the command's
/// spelling, else under the rule's, else under any other spelling that the rule takes.
fn entry_for<'a>(
    hosts: &'a [HostExecutable],
    rule: &PrefixRule,
    name: &str,
) -> Option<&'a HostExecutable> {
    let last = |wanted: &dyn Fn(&str) -> bool| hosts.iter().rev().find(|host| wanted(&host.name));
    last(&|host| host == name)
        .or_else(|| last(&|host| host == rule.program))
        .or_else(|| last(&|host| rule.names(host)))
}
