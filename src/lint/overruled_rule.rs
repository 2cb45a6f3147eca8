//! W103 overruled-rule.

use std::collections::HashMap;

use crate::rules::model::{CommandRule, PrefixRule, Span};
use crate::rules::{Decision, RuleSet};

use super::coverage::{Coverage, command_text, pattern_text};
use super::finding::{Level, Related};
use super::{Report, lint};

lint! {
    /// A rule never decides, because a stricter rule matches everything that it matches. The
    /// strictest matching rule decides, regardless of order, length and file. If that one asks, this
    /// one still says where the command runs after a yes.
    ///
    /// ## Why it matters
    ///
    /// The author meant an exception, and there is none: the command is still asked about or
    /// refused.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["docker"], decision = "prompt", justification = "Reaches the daemon.")
    /// prefix_rule(pattern = ["docker", "ps"], decision = "allow")
    /// ```
    ///
    /// Make the strict rule as narrow as it is meant:
    ///
    /// ```python
    /// prefix_rule(
    ///     pattern = ["docker", ["run", "exec", "rm"]],
    ///     decision = "prompt",
    ///     justification = "Changes something.",
    /// )
    /// prefix_rule(pattern = ["docker", "ps"], decision = "allow")
    /// ```
    "W103", "overruled-rule", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    let coverage = Coverage::of(rules);
    for rule in &rules.prefix_rules {
        let stricter = coverage
            .covering(rule)
            .find(|(_, other)| other.decision > rule.decision);
        if let Some((_, strict)) = stricter {
            let (narrow, strict) = (of_prefix(rule), of_prefix(strict));
            tell(rules, &narrow, &strict, report);
        }
    }
    let all: Vec<Comparable<'_>> = meanings(rules).collect();
    // By program, those of either kind and those with a meaning alone.
    let mut on_program: HashMap<&str, [Vec<&Comparable<'_>>; 2]> = HashMap::new();
    for one in &all {
        for program in &one.programs {
            let [either, commands] = on_program.entry(program).or_default();
            either.push(one);
            commands.extend(one.is_command.then_some(one));
        }
    }
    for narrow in all.iter().filter(|it| it.counts) {
        let wide = narrow.programs.first().and_then(|it| on_program.get(it));
        let Some([either, commands]) = wide else {
            continue;
        };
        let mut wide = if narrow.is_command { either } else { commands }.iter();
        let stricter = wide.find(|wide| wide.decision > narrow.decision && covers(wide, narrow));
        if let Some(strict) = stricter {
            tell(rules, narrow, strict, report);
        }
    }
}

fn tell(rules: &RuleSet, rule: &Comparable<'_>, strict: &Comparable<'_>, report: &mut Report) {
    let message = format!(
        "`{}` is never {}: the stricter `{}` at {} matches it too",
        rule.text(),
        outcome(rule.decision),
        strict.text(),
        rules.place(strict.span)
    );
    let help = if strict.decision == Decision::Prompt {
        "the strictest rule decides; narrow that one, or delete this one, which still says where it runs after a yes"
    } else {
        "the strictest rule decides; narrow that one, or delete this one"
    };
    let related = Related {
        span: strict.span,
        label: "the stricter rule",
    };
    report.add_related(rule.span, message, Some(help.to_owned()), related);
}

/// What two rules of either kind can be compared by.
struct Comparable<'a> {
    programs: Vec<&'a str>,
    subcommand: &'a [Vec<String>],
    flags: &'a [Vec<String>],
    without: &'a [String],
    /// It has no other conditions, and counts.
    is_simple: bool,
    counts: bool,
    is_command: bool,
    decision: Decision,
    span: Span,
    rule: EitherRule<'a>,
}

enum EitherRule<'a> {
    Prefix(&'a PrefixRule),
    Command(&'a CommandRule),
}

impl Comparable<'_> {
    fn text(&self) -> String {
        match self.rule {
            EitherRule::Prefix(rule) => pattern_text(rule),
            EitherRule::Command(rule) => command_text(rule),
        }
    }
}

/// A prefix rule, whose words are those of a subcommand where none is an option.
fn of_prefix(rule: &PrefixRule) -> Comparable<'_> {
    let is_plain = |word: &String| !word.starts_with(['-', '+']) && !word.contains('=');
    Comparable {
        programs: vec![&rule.program],
        subcommand: &rule.rest,
        flags: &[],
        without: &[],
        is_simple: rule.rest.iter().flatten().all(is_plain),
        counts: true,
        is_command: false,
        decision: rule.decision,
        span: rule.span,
        rule: EitherRule::Prefix(rule),
    }
}

/// Every rule.
fn meanings(rules: &RuleSet) -> impl Iterator<Item = Comparable<'_>> {
    let prefix = rules.prefix_rules.iter().map(of_prefix);
    let command = rules.command_rules.iter().map(|rule| {
        let programs: Vec<&str> = rule.literal_programs().collect();
        let meaning = &rule.meaning;
        let has_other = meaning.says_more() || !rule.unless.is_empty();
        Comparable {
            counts: rule.enforce && programs.len() == rule.programs.len(),
            programs,
            subcommand: &meaning.subcommand,
            flags: &meaning.flags,
            without: &meaning.without,
            is_simple: rule.enforce && !has_other,
            is_command: true,
            decision: rule.decision,
            span: rule.span,
            rule: EitherRule::Command(rule),
        }
    });
    prefix.chain(command)
}

/// Whether `wide`, which restricts, matches whatever `narrow` does, at least one of them with a meaning.
///
/// Never says yes wrongly; says no where it takes several rules together to cover one.
fn covers(wide: &Comparable<'_>, narrow: &Comparable<'_>) -> bool {
    // What restricts is read by each of a program's names, by rules of either kind in its own way.
    let is_comparable = wide.is_command && narrow.is_command || narrow.decision == Decision::Allow;
    let has_all =
        |wide: &Vec<String>, narrow: &Vec<String>| narrow.iter().all(|it| wide.contains(it));
    let has_one = |wide: &Vec<String>| narrow.flags.iter().any(|it| has_all(wide, it));
    is_comparable
        && wide.is_simple
        && narrow
            .programs
            .iter()
            .all(|name| wide.programs.contains(name))
        && wide.subcommand.len() <= narrow.subcommand.len()
        && wide
            .subcommand
            .iter()
            .zip(narrow.subcommand)
            .all(|(wide, narrow)| has_all(wide, narrow))
        && wide.flags.iter().all(has_one)
        && wide
            .without
            .iter()
            .all(|name| narrow.without.contains(name))
}

fn outcome(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allowed",
        Decision::Prompt => "asked about",
        Decision::Forbidden => "refused",
    }
}
