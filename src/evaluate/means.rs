//! Which rules match by what a command means.

use std::ffi::{OsStr, OsString};
use std::sync::LazyLock;

use crate::models::{self, CommandModel, Phrased, Reading};
use crate::request::{Program, Request};
use crate::rules::Decision;
use crate::rules::meaning::{Paths, Subject};
use crate::rules::mismatch::Mismatch;
use crate::rules::model::{CommandRule, ProgramName, Run};

use super::command_tree::{models_of, readings};
use super::index::IndexedRules;
use super::matches::{Matches, WITHIN, untrusted};
use super::names::{Names, PermittedProgram, distrust, objection, presumed};
use super::see_through::seen_through;
use super::sight::CommandSight;
use super::unnamed::{RuleNamed, unnamed};
use super::verdict::RuleMatch;

/// A program of which nothing is known.
static NO_MODEL: LazyLock<CommandModel> = LazyLock::new(CommandModel::default);

const SEEN_THROUGH: &str =
    "the command has options between the rule's words, or other names for them";
const SEVERAL: &str =
    "the program goes by several names, under which its words mean different things";

/// Adds the rules that match `request` or, if they restrict, one of the commands in `sight`. A
/// program under several names, whose words mean something else under each, is not permitted.
pub(super) fn collect(
    index: &IndexedRules,
    request: &Request,
    sight: &CommandSight<'_>,
    found: &mut Matches,
) {
    let several = !index.meanings().is_empty() && models_of(index, request.words()).len() > 1;
    Look::at(index, request, sight.is_placed).each(&mut |number, name, look, phrased| {
        if let Some(matched) = look.restricted(number, name, phrased) {
            if several {
                keep_inside(index, number, SEVERAL, found);
            } else {
                look.lift(number, sight, phrased, found);
            }
            note(index, matched, found);
        } else if let Some(rule) = index.rules().command_rule(number).filter(|_| !several) {
            look.permit(number, rule, sight, phrased, found);
        }
    });
    for matched in &sight.within {
        keep_inside(index, matched.rule, WITHIN, found);
        note(index, matched.clone(), found);
    }
}

/// Adds the rules that restrict `inner`, a command within another, by what it means.
pub(super) fn restrictions(
    index: &IndexedRules,
    inner: &Request,
    is_placed: bool,
    found: &mut Vec<RuleMatch>,
) {
    Look::at(index, inner, is_placed).each(&mut |number, name, look, phrased| {
        found.extend(look.restricted(number, name, phrased));
    });
}

fn note(index: &IndexedRules, matched: RuleMatch, found: &mut Matches) {
    if index.rules().is_on_trial(matched.rule) {
        found.trace.on_trial.push(matched);
    } else {
        found.trace.matches.push(matched);
    }
}

/// Notes why a rule that asks first, if this is one, says nothing about where the command runs.
/// One that has it inside anyway needs no reason.
fn keep_inside(index: &IndexedRules, number: usize, reason: &str, found: &mut Matches) {
    let rules = index.rules();
    let asks = if let Some(rule) = rules.command_rule(number) {
        rule.decision == Decision::Prompt && rule.enforce && rule.run != Some(Run::Inside)
    } else {
        let rule = rules.prefix_rules.get(number);
        // One that is met word by word has said so already.
        let mut matches = found.trace.matches.iter();
        rule.is_some_and(|rule| rule.decision == Decision::Prompt)
            && !matches.any(|it| it.rule == number && it.inner.is_none())
    };
    if asks {
        found.keep_inside(number, reason.to_owned());
    }
}

/// One command, looked at.
pub(super) struct Look<'a> {
    index: &'a IndexedRules,
    request: &'a Request,
    /// Its directory is known.
    is_placed: bool,
}

impl<'a> Look<'a> {
    pub(super) fn at(index: &'a IndexedRules, request: &'a Request, is_placed: bool) -> Self {
        Self {
            index,
            request,
            is_placed,
        }
    }

    /// Calls `each` with every rule that may be about the command, under each of its names and
    /// readings; with some of them more than once.
    fn each(&self, each: &mut dyn FnMut(usize, &OsStr, &Self, &Phrased<'_, '_>)) {
        let presumed = presumed(self.request);
        let names = Names::of(self.request.words(), presumed.as_deref());
        let mut names = names.iter().map(|name| name.name).collect::<Vec<_>>();
        let concerned = |name: &&OsStr| self.index.meanings().has_rules_on(name);
        names.retain(|name| concerned(name));
        if names.is_empty() {
            return;
        }
        for reading in &self.readings() {
            let phrased = Phrased::of(reading);
            for name in &names {
                let mut numbers = Vec::new();
                let meanings = self.index.meanings();
                meanings.candidates(name, &phrased, &mut |number| numbers.push(number));
                for number in numbers {
                    each(number, name, self, &phrased);
                }
            }
        }
    }

    /// The command as each model reads it that one of its names has; by none, if none has.
    pub(super) fn readings(&self) -> Vec<Reading<'_>> {
        let mut readings = readings(self.index, self.request);
        if readings.is_empty() {
            readings.push(models::read(&NO_MODEL, self.request.arguments()));
        }
        readings
    }

    /// The match of a rule that restricts.
    fn restricted(
        &self,
        number: usize,
        name: &OsStr,
        phrased: &Phrased<'_, '_>,
    ) -> Option<RuleMatch> {
        let reading = phrased.reading;
        let rules = self.index.rules();
        let words = if let Some(rule) = rules.prefix_rules.get(number) {
            seen_through(rule, phrased)?
        } else {
            let rule = rules.command_rule(number)?;
            let restricts = rule.decision > Decision::Allow;
            let named = rule.could_be_on(name);
            if !restricts || !named || rule.applies(&self.subject(phrased)).is_err() {
                return None;
            }
            let plain = reading.plain().map(|(word, _)| word);
            plain.take(rule.meaning.subcommand.len()).collect()
        };
        let words = words.into_iter().map(OsStr::to_owned);
        Some(RuleMatch {
            rule: number,
            matched: std::iter::once(name.to_owned()).chain(words).collect(),
            resolved_program: None,
            inner: None,
            presumed: false,
        })
    }

    /// The command as conditions see it.
    pub(super) fn subject<'b>(&'b self, phrased: &'b Phrased<'b, 'b>) -> Subject<'b> {
        Subject {
            reading: phrased.reading,
            phrased,
            cwd: self.is_placed.then_some(&self.request.cwd),
            environment: self.request.environment.as_deref(),
            paths: self
                .request
                .followed
                .as_ref()
                .map_or(Paths::Unknown, Paths::Followed),
        }
    }

    /// Lets a rule that asks first say where the command runs, if it matches narrowly too.
    fn lift(
        &self,
        number: usize,
        sight: &CommandSight<'_>,
        phrased: &Phrased<'_, '_>,
        found: &mut Matches,
    ) {
        let Some(rule) = self.index.rules().command_rule(number) else {
            return keep_inside(self.index, number, SEEN_THROUGH, found);
        };
        if rule.decision != Decision::Prompt || !rule.enforce {
            return;
        }
        let narrow = rule.meaning.narrowly(&self.subject(phrased)).err();
        let objection = untrusted(self.index, rule.span)
            .or_else(|| self.objection(rule))
            .or_else(|| sight.objection(self.request.argv.len()))
            .or_else(|| narrow.map(|departure| departure.to_string()));
        match objection {
            None => found.lift(rule.run.as_ref().unwrap_or(&Run::Outside), &rule.pass_env),
            Some(reason) => keep_inside(self.index, number, &reason, found),
        }
    }

    /// Adds a rule that permits, or why it doesn't count.
    fn permit(
        &self,
        number: usize,
        rule: &CommandRule,
        sight: &CommandSight<'_>,
        phrased: &Phrased<'_, '_>,
        found: &mut Matches,
    ) {
        if rule.decision != Decision::Allow {
            return;
        }
        let reason = match rule.applies(&self.subject(phrased)) {
            Err(Mismatch::Otherwise) => return,
            Err(Mismatch::Departs(departure)) => Some(departure.to_string()),
            Err(Mismatch::Excepted(case)) => {
                let case = rule.spelled(case);
                Some(format!("it may be a case of its `unless`: {case}"))
            }
            Ok(()) => self
                .objection(rule)
                .or_else(|| sight.objection(self.request.argv.len()))
                .or_else(|| self.beyond(rule, phrased.reading)),
        };
        if let Some(reason) = reason {
            if !found
                .trace
                .discounted
                .iter()
                .any(|(known, _)| *known == number)
            {
                found.trace.discounted.push((number, reason));
            }
            return;
        }
        if rule.enforce {
            found.lift(rule.run.as_ref().unwrap_or(&Run::Outside), &rule.pass_env);
        }
        let words = self.request.arguments().iter().cloned();
        let asked = self.request.program.asked.clone();
        let matched = RuleMatch {
            rule: number,
            matched: std::iter::once(asked)
                .chain(words)
                .collect::<Vec<OsString>>(),
            resolved_program: None,
            inner: None,
            presumed: false,
        };
        note(self.index, matched, found);
    }

    /// What the command does beyond what a rule that permits names.
    fn beyond(&self, rule: &CommandRule, reading: &Reading<'_>) -> Option<String> {
        let words = rule.meaning.named(reading);
        let named = RuleNamed {
            words: &words,
            options: &rule.meaning.named_options(),
            operands: rule.meaning.leaves_operands_open(),
        };
        unnamed(self.index, self.request, named)
    }

    /// Why a rule that permits doesn't count for this program.
    fn objection(&self, rule: &CommandRule) -> Option<String> {
        let program = &self.request.program;
        let mut reason = None;
        for name in &rule.programs {
            let objection = match name {
                ProgramName::Literal(name) => {
                    let canonical = false;
                    objection(self.index, PermittedProgram { name, canonical }, program)
                }
                ProgramName::Glob(glob) => distrust(program).or_else(|| {
                    let matches = glob.narrowly(path(program));
                    (!matches).then(|| "the path that runs is another one".to_owned())
                }),
            };
            match objection {
                None => return None,
                objection => reason = reason.or(objection),
            }
        }
        reason
    }
}

fn path(program: &Program) -> &OsStr {
    match &program.path {
        Some(path) => path.as_os_str(),
        None => &program.asked,
    }
}
