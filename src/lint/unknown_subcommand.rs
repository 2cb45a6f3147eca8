//! W119 unknown-subcommand.

use std::ffi::OsString;

use crate::models::reading::{Doubt, Kind, Known};
use crate::models::{self, CommandModel, Reading};
use crate::rules::RuleSet;
use crate::rules::meaning::Meaning;
use crate::rules::model::PrefixRule;

use super::finding::Level;
use super::unknown_flag::{is_near_option, model_of};
use super::{Report, lint};

lint! {
    /// A rule names a subcommand that its program doesn't have, as far as is known, and that is one typo away
    /// from one that it has. In a `prefix_rule`, options are checked in the same way. In a `command_rule`,
    /// also one that the program has beside the one before it, and not below that: words one after the other
    /// are a subcommand's subcommand, and alternatives stand in a list of their own.
    ///
    /// ## Why it matters
    ///
    /// A rule about what doesn't exist matches nothing, and nobody is told. If the word is right after
    /// all, as for a plugin, a `program(...)` in a rules file makes it known.
    ///
    /// ## Example
    ///
    /// ```python
    /// command_rule(program = "kubectl", subcommand = ["delte"], decision = "forbidden", justification = "Ask first.")
    /// ```
    ///
    /// ```python
    /// command_rule(program = "kubectl", subcommand = ["delete"], decision = "forbidden", justification = "Ask first.")
    /// ```
    ///
    /// ```python
    /// command_rule(program = "terraform", subcommand = [["apply", "destroy"]], decision = "prompt")
    /// ```
    "W119", "unknown-subcommand", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    for rule in &rules.prefix_rules {
        if let Some(model) = model_of(rules, &rule.program) {
            examine(rule, model, report);
        }
    }
    for rule in &rules.command_rules {
        for program in rule.literal_programs() {
            let Some(model) = model_of(rules, program) else {
                continue;
            };
            for meaning in rule.meanings() {
                if let Some((word, meant)) = misspelt(model, meaning) {
                    let message = format!("`{program}` has no subcommand `{word}` here");
                    report.add(rule.span, message, Some(did_you_mean(meant)));
                }
                if let Some((before, word)) = beside(model, meaning) {
                    let message = format!("`{program} {before}` has no subcommand `{word}`");
                    let help = format!(
                        "for one or the other: `subcommand = [[\"{before}\", \"{word}\"]]`"
                    );
                    report.add(rule.span, message, Some(help));
                }
            }
        }
    }
}

fn did_you_mean(meant: &str) -> String {
    format!("did you mean `{meant}`?")
}

/// Each word of the subcommand, by its alternatives, with the models whose subcommand it is to be.
fn levels<'a>(
    model: &'a CommandModel,
    meaning: &'a Meaning,
) -> impl Iterator<Item = (Vec<&'a CommandModel>, &'a [String])> {
    let mut here = vec![model];
    meaning.subcommand.iter().map(move |place| {
        let named = |model: &&CommandModel| model.names.iter().any(|name| place.contains(name));
        let within = here.iter().flat_map(|model| &model.subcommands);
        let next = within.filter(named).collect();
        (std::mem::replace(&mut here, next), place.as_slice())
    })
}

/// The first word of the subcommand that is a misspelt one, and what it is near to.
fn misspelt<'a>(model: &'a CommandModel, meaning: &'a Meaning) -> Option<(&'a str, &'a str)> {
    levels(model, meaning).find_map(|(here, place)| {
        place.iter().find_map(|word| {
            let mut near = here.iter().map(|model| near(model, word));
            // One that any of them knows is none.
            let first = near.next()??;
            near.all(|it| it.is_some())
                .then_some((word.as_str(), first))
        })
    })
}

/// Two words of the subcommand, one behind the other, of which the program has both in one place, and not the second
/// below the first.
fn beside<'a>(model: &'a CommandModel, meaning: &'a Meaning) -> Option<(&'a str, &'a str)> {
    let has = |all: &[&CommandModel], word: &String| {
        let mut within = all.iter().flat_map(|model| &model.subcommands);
        within.any(|it| it.names.contains(word))
    };
    let levels: Vec<_> = levels(model, meaning).collect();
    levels.windows(2).find_map(|pair| {
        let [(around, before), (here, behind)] = pair else {
            return None;
        };
        let is_beside = |word: &&String| has(around, word) && !has(here, word);
        let word = behind.iter().find(is_beside)?;
        (!here.is_empty()).then_some((before.first()?.as_str(), word.as_str()))
    })
}

/// The subcommand of `model` that was probably meant by `word`, which is none.
fn near<'a>(model: &'a CommandModel, word: &str) -> Option<&'a str> {
    let names = || model.subcommands.iter().flat_map(|it| &it.names);
    if model.takes_operands || model.tasks || names().any(|name| name == word) {
        return None;
    }
    let mut names = names();
    let found = names.find(|name| models::is_slip_among_few(word, name));
    found.map(String::as_str)
}

/// Looks at each word of the pattern, behind the first alternative of each place before.
fn examine(rule: &PrefixRule, model: &CommandModel, report: &mut Report) {
    let mut words: Vec<OsString> = Vec::new();
    for (index, place) in rule.rest.iter().enumerate() {
        for word in place {
            words.push(word.into());
            let reading = models::read(model, &words);
            if let Some((what, meant)) = unknown(&reading, index, word) {
                let program = &rule.program;
                let message = format!("`{program}` has no {what} `{word}` here");
                report.add(rule.span, message, Some(did_you_mean(meant)));
            }
            words.pop();
        }
        words.extend(place.first().map(OsString::from));
    }
}

/// What the last `word` should be, which the program doesn't know, and what it is near to.
fn unknown<'a>(reading: &Reading<'a>, index: usize, word: &str) -> Option<(&'static str, &'a str)> {
    let is_left = reading.doubts.iter().any(|doubt| match doubt {
        Doubt::Subcommand(operand) => operand.index == index && operand.word == word,
        _ => false,
    });
    let is_none = reading.parts.iter().any(|part| match part.kind {
        Kind::Subcommand { model, .. } => part.index == index && model.is_none(),
        _ => false,
    });
    if is_left || is_none {
        let around = reading.subcommands().last().or(reading.program)?;
        return Some(("subcommand", near(around, word)?));
    }
    let is_unknown = reading.parts.iter().any(|part| match &part.kind {
        Kind::Flag(flag) => part.index == index && flag.known == Known::Unknown,
        _ => false,
    });
    let known = reading
        .subcommands()
        .chain(reading.program)
        .flat_map(|it| &it.options);
    let mut names = known.flat_map(|option| &option.names);
    let meant = names.find(|name| is_unknown && is_near_option(word, name))?;
    Some(("option", meant))
}
