//! W114 unknown-flag.

use std::cmp::Reverse;
use std::ffi::OsStr;

use crate::models::{self, CommandModel};
use crate::request::program::last_component;
use crate::rules::RuleSet;
use crate::rules::meaning::Meaning;

use super::finding::Level;
use super::{Report, lint};

lint! {
    /// A `command_rule` names an option that its program doesn't have, as far as is known.
    ///
    /// ## Why it matters
    ///
    /// A typo in an option makes a rule that restricts match nothing, and nobody is told.
    /// `codex-shell rules models PROGRAM` prints the options that are known; if one is missing
    /// there, a `program(...)` in a rules file can add it.
    ///
    /// ## Example
    ///
    /// ```python
    /// command_rule(program = "git", subcommand = ["push"], flags = "--forced", decision = "forbidden")
    /// ```
    ///
    /// ```python
    /// command_rule(program = "git", subcommand = ["push"], flags = "--force", decision = "forbidden")
    /// ```
    "W114", "unknown-flag", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    for rule in &rules.command_rules {
        for program in rule.literal_programs() {
            let Some(model) = model_of(rules, program) else {
                continue;
            };
            for meaning in rule.meanings() {
                for flag in unknown(model, meaning) {
                    let message = format!("`{program}` has no option `{flag}` here");
                    report.add(rule.span, message, nearest(model, meaning, flag));
                }
            }
        }
    }
}

pub(super) fn model_of<'a>(rules: &'a RuleSet, program: &str) -> Option<&'a CommandModel> {
    let name = last_component(OsStr::new(program)).to_str()?;
    let has = |model: &CommandModel| model.names.iter().any(|known| known == name);
    let declared = rules.programs.iter().rev().find(|p| has(&p.model));
    declared
        .map(|program| &program.model)
        .or_else(|| models::builtin(name))
}

/// The options of the meaning that none of its subcommands knows.
fn unknown<'a>(model: &CommandModel, meaning: &'a Meaning) -> Vec<&'a str> {
    let Some(known) = options(model, meaning) else {
        return Vec::new();
    };
    let options = meaning.options.iter().map(|option| &option.name);
    let flags = meaning.flags.iter().flatten().chain(&meaning.without);
    let flags = flags.chain(options);
    flags
        .map(String::as_str)
        .filter(|flag| {
            let positive = flag.strip_prefix("--no-").map(|name| format!("--{name}"));
            !known.contains(flag) && !positive.is_some_and(|name| known.contains(&name.as_str()))
        })
        .collect()
}

/// Every option that the meaning could name; `None` where it is about a subcommand of which
/// nothing is known.
fn options<'a>(model: &'a CommandModel, meaning: &Meaning) -> Option<Vec<&'a str>> {
    let mut here = vec![model];
    let mut all = here.clone();
    for place in &meaning.subcommand {
        let named = |model: &&CommandModel| model.names.iter().any(|name| place.contains(name));
        let next: Vec<&CommandModel> = here
            .iter()
            .flat_map(|model| &model.subcommands)
            .filter(named)
            .collect();
        if next.is_empty() {
            // An operand, where there are no subcommands.
            return here
                .iter()
                .all(|m| m.subcommands.is_empty())
                .then(|| names(&all));
        }
        all.extend(&next);
        here = next;
    }
    if meaning.subcommand.is_empty() && !model.subcommands.is_empty() {
        all.extend(&model.subcommands);
    }
    Some(names(&all))
}

fn names<'a>(models: &[&'a CommandModel]) -> Vec<&'a str> {
    let options = models.iter().flat_map(|model| &model.options);
    let follows = models
        .iter()
        .flat_map(|model| &model.inner)
        .flat_map(|inner| &inner.follows);
    let names = options.flat_map(|option| &option.names).chain(follows);
    names.map(String::as_str).collect()
}

/// What was perhaps meant: of the options that are near, the one that begins most like it.
fn nearest(model: &CommandModel, meaning: &Meaning, flag: &str) -> Option<String> {
    let shared = |name: &&str| {
        let same = name.bytes().zip(flag.bytes()).take_while(|(a, b)| a == b);
        same.count()
    };
    let known = options(model, meaning)?;
    let nearness = |name: &&str| (shared(name), Reverse(name.len().abs_diff(flag.len())));
    let near = known.iter().filter(|name| is_near_option(flag, name));
    let Some(best) = near.copied().max_by_key(nearness) else {
        let program = model.names.first()?;
        return Some(format!(
            "`codex-shell rules models {program}` prints those that are known; a `program(...)` can add one"
        ));
    };
    Some(format!("did you mean `{best}`?"))
}

/// Whether the option `name` may be meant by `written`.
pub(super) fn is_near_option(written: &str, name: &str) -> bool {
    let bare = |option: &str| option.trim_start_matches('-').to_owned();
    let dashes = |option: &str| option.len() - option.trim_start_matches('-').len();
    dashes(name) == dashes(written) && models::is_near(&bare(written), &bare(name))
}
