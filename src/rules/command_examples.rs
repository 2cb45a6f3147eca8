//! The `match` and `not_match` examples of a `command_rule`, and whether they hold.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::models::reading::What;
use crate::models::{self, CommandModel, Phrased};
use crate::request::program::last_component;

use super::examples::{Example, Examples};
use super::lexical::Whereabouts;
use super::meaning::{Paths, Subject};
use super::model::{CommandRule, Decision, Diagnostic, ProgramModel, ProgramName};

/// How many commands within an example are looked at.
const COMMANDS: usize = 128;

/// The examples of one call, and the rule that they are about.
#[derive(Debug)]
pub(super) struct CommandExamples {
    pub(super) rule: usize,
    pub(super) examples: Examples,
}

impl CommandExamples {
    /// Adds to `failures` each example that does not hold for the call's own rule. Scripts that
    /// an example hands to a shell are not looked into.
    pub(super) fn run(
        &self,
        rules: &[CommandRule],
        programs: &[&ProgramModel],
        places: Whereabouts<'_>,
        failures: &mut Vec<Diagnostic>,
    ) {
        let Some(rule) = rules.get(self.rule) else {
            return;
        };
        let cwd = places.cwd.map(Path::new);
        let matches = |example: &Example| {
            let words: Vec<OsString> = example.words.iter().map(OsString::from).collect();
            matches(rule, programs, cwd, &words)
        };
        let expected = "expected example to match rule";
        self.examples.check(matches, expected, failures);
    }
}

fn matches(
    rule: &CommandRule,
    programs: &[&ProgramModel],
    cwd: Option<&Path>,
    words: &[OsString],
) -> bool {
    let model = |name: &OsStr| model_of(programs, name);
    if speaks_of(rule, &model, cwd, words) {
        return true;
    }
    if rule.decision == Decision::Allow {
        return false;
    }
    let mut commands = vec![words.to_vec()];
    let mut next = 0;
    while let Some(words) = commands.get(next).filter(|_| next < COMMANDS).cloned() {
        next += 1;
        for inner in started(&model, &words) {
            if speaks_of(rule, &model, cwd, &inner) {
                return true;
            }
            if !commands.contains(&inner) {
                commands.push(inner);
            }
        }
    }
    false
}

/// The commands that the words of one say it starts.
fn started<'m>(
    model: &dyn Fn(&OsStr) -> Option<&'m CommandModel>,
    words: &[OsString],
) -> Vec<Vec<OsString>> {
    let Some((program, arguments)) = words.split_first() else {
        return Vec::new();
    };
    let reading = model(last_component(program)).map(|model| models::read(model, arguments));
    let inner = reading.into_iter().flat_map(|reading| reading.inner);
    let words = inner.filter_map(|inner| match inner.what {
        What::Words(words) => Some(words.into_iter().map(OsStr::to_owned).collect()),
        What::Script(_) => None,
    });
    words.collect()
}

fn speaks_of<'m>(
    rule: &CommandRule,
    model: &dyn Fn(&OsStr) -> Option<&'m CommandModel>,
    cwd: Option<&Path>,
    words: &[OsString],
) -> bool {
    let Some((program, arguments)) = words.split_first() else {
        return false;
    };
    if !rule.programs.iter().any(|name| name.could_be(program)) {
        return false;
    }
    let none = CommandModel::default();
    let model = model(last_component(program)).unwrap_or(&none);
    let reading = models::read(model, arguments);
    let phrased = Phrased::of(&reading);
    let subject = Subject {
        reading: &reading,
        phrased: &phrased,
        cwd,
        environment: None,
        paths: Paths::AsNamed,
    };
    rule.applies(&subject).is_ok()
}

fn model_of<'m>(programs: &[&'m ProgramModel], name: &OsStr) -> Option<&'m CommandModel> {
    let has = |model: &CommandModel| model.names.iter().any(|n| n.as_bytes() == name.as_bytes());
    let declared = programs.iter().rev().find(|program| has(&program.model));
    match declared {
        Some(program) => Some(&program.model),
        None => models::builtin(name.to_str()?),
    }
}

impl ProgramName {
    /// Whether a program that was asked for like this could be the one.
    pub fn could_be(&self, program: &OsStr) -> bool {
        match self {
            Self::Literal(name) => {
                let name = OsStr::new(name);
                name == program || name == last_component(program)
            }
            Self::Glob(glob) => glob.widely(program),
        }
    }
}
