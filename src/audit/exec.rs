//! The records of one exec, from its judgement until it is known what became of it.

use std::ffi::OsString;
use std::fmt::Display;

use nix::unistd::Pid;

use super::notable::{Notable, Outcome};
use super::{Audit, Record};
use crate::approve::place::{Disposition, Place};
use crate::approve::{Answer, Grounds, Question, Refusal};
use crate::evaluate::{Basis, IndexedRules, Judgement, Placement};
use crate::request::{Request, argv, entry};

/// The longest form of a command in what is told at once, in bytes.
const COMMAND_LIMIT: usize = 2000;
/// The longest form of a variable's name there, in bytes.
const NAME_LIMIT: usize = 100;
/// As many variables are named there.
const NAMES: usize = 100;

/// The records of one exec, which end with what became of it: what is dropped before that is known failed, as
/// nobody is left for whom it could run.
#[derive(Debug, Default)]
pub struct ExecRecord {
    open: Option<Box<OpenRecord>>,
}

#[derive(Debug, Default)]
struct OpenRecord {
    audit: Audit,
    /// What its records have in common.
    common: Record,
    /// The command, shortly.
    brief: String,
    /// The outcome that was told last.
    told: Option<Outcome>,
    asked: bool,
    /// Why it failed, should it be dropped before it runs.
    unless_ran: Option<&'static str>,
    /// It runs outside if it does, by the supervisor.
    is_out: bool,
    /// The rules want it outside.
    wanted_outside: bool,
    because: String,
    justification: Option<String>,
    dropped: Vec<OsString>,
}

impl Audit {
    /// A request was judged, for the process `caller`. What becomes of it is known already, or the record is
    /// told of it.
    pub fn judged(
        &self,
        rules: &IndexedRules,
        request: &Request,
        judgement: &Judgement,
        disposition: &Disposition,
        caller: Option<Pid>,
    ) -> ExecRecord {
        if self.file.is_none() && self.observer.is_none() {
            return ExecRecord::default();
        }
        let place = |index| {
            let rule = rules.rules().rule(index);
            rule.map_or_else(String::new, |rule| rules.rules().place(rule.span))
        };
        let mut common = Record::default();
        if self.file.is_some() {
            common = record_of(request, caller);
            common.because = Some(match &judgement.verdict.basis {
                Basis::Rule(index) | Basis::Withheld { rule: index, .. } => place(*index),
                Basis::Default(index) => {
                    let rule = rules.rules().defaults.get(*index);
                    rule.map_or_else(String::new, |rule| rules.rules().place(rule.span))
                }
                Basis::Heuristic { code, .. } => (*code).into(),
                Basis::BrokenRules => "broken rules".into(),
                Basis::Unmatched => "no rule".into(),
            });
        }
        let placed = disposition.placed();
        let grounds = Grounds::of(rules.rules(), judgement);
        common.placement = placed.map(|placed| placed.place.placement());
        common.profile = placed.and_then(|placed| placed.place.profile());
        let mut open = OpenRecord {
            audit: self.clone(),
            common,
            brief: argv::bounded(&request.argv, COMMAND_LIMIT),
            is_out: placed.is_some_and(|placed| matches!(placed.place, Place::Out(_))),
            wanted_outside: judgement.verdict.placement == Placement::Outside,
            because: grounds.because,
            justification: grounds.justification,
            ..OpenRecord::default()
        };
        let outcome = match disposition {
            Disposition::Run(placed) => {
                matches!(placed.place, Place::Stay(_)).then_some(Outcome::Ran)
            }
            Disposition::Ask(_) => None,
            Disposition::Forbid => Some(Outcome::Refused(String::new())),
            Disposition::Nowhere { why, .. } | Disposition::Uninherited(why) => {
                Some(Outcome::Refused(argv::visible(why)))
            }
        };
        let trial = judgement.trace.on_trial.iter();
        let judged = Record {
            decision: Some(judgement.verdict.decision),
            why_inside: placed.and_then(|placed| placed.why_inside.clone()),
            on_trial: trial.map(|matched| place(matched.rule)).collect(),
            ..open.record(outcome.as_ref())
        };
        self.append("judged", &judged);
        if let Some(outcome) = outcome {
            open.tell(outcome);
        }
        ExecRecord {
            open: Some(Box::new(open)),
        }
    }

    /// An exec of `argv` goes on inside without a judgement, as nothing speaks of it: told of only if it comes to
    /// another end.
    pub fn unspoken(&self, argv: &[OsString]) -> ExecRecord {
        let open = self.observer.is_some().then(|| OpenRecord {
            audit: self.clone(),
            common: Record {
                placement: Some(Placement::Inside),
                ..Record::default()
            },
            brief: argv::bounded(argv, COMMAND_LIMIT),
            told: Some(Outcome::Ran),
            because: "no rule".to_owned(),
            ..OpenRecord::default()
        });
        ExecRecord {
            open: open.map(Box::new),
        }
    }
}

impl ExecRecord {
    /// Its question was answered.
    pub fn answered(&mut self, question: &Question, answer: &Answer) {
        let Some(open) = &mut self.open else { return };
        let text = question.text();
        open.asked = true;
        open.brief.clone_from(&text.command);
        open.because.clone_from(&text.because);
        open.justification.clone_from(&text.justification);
        open.common.because = Some(text.because.clone());
        let (answer, outcome) = match answer {
            Answer::Yes => ("yes".to_owned(), None),
            Answer::No(why) | Answer::Senseless(why) => {
                (why.clone(), Some(Outcome::Refused(why.clone())))
            }
        };
        let record = Record {
            answer: Some(answer),
            ..open.record(outcome.as_ref())
        };
        open.audit.append("answered", &record);
        if let Some(outcome) = outcome {
            open.tell(outcome);
        }
    }

    /// Outside it does not get these variables of its caller's, nor these parts of those that are the
    /// session's own.
    pub fn lacks(&mut self, dropped: Vec<OsString>, left_out: &[(OsString, OsString)]) {
        let Some(open) = &mut self.open else { return };
        let common = &mut open.common;
        common.dropped_variables = dropped.iter().map(|name| argv::word(name)).collect();
        let left_out = left_out
            .iter()
            .map(|(name, part)| argv::word(&entry(name, part)));
        common.left_out = left_out.collect();
        open.dropped = dropped;
    }

    /// It goes on where its caller is, or was started.
    pub fn ran(mut self) {
        if let Some(open) = &mut self.open {
            open.unless_ran = None;
        }
        self.end(Outcome::Ran);
    }

    /// It is let go on, and is told of with [`ran`](Self::ran) once it runs: should it be dropped before, the
    /// kernel did not execute it.
    pub fn watched(&mut self) {
        if let Some(open) = &mut self.open {
            open.unless_ran = Some("the kernel did not execute it");
        }
    }

    /// It was not let run. If that is news, somebody was to be asked and could not be.
    pub fn refused(mut self, refusal: &Refusal) {
        if let Some(open) = &mut self.open {
            open.asked |= open.told.is_none();
        }
        self.end(Outcome::Refused(refusal.reason().to_owned()));
    }

    /// It could not be started; why not, in words.
    pub fn failed(self, why: &dyn Display) {
        self.end(Outcome::Failed(argv::visible(&why.to_string())));
    }

    /// It had become something else than what was judged.
    pub fn killed(self) {
        self.end(Outcome::Killed);
    }

    fn end(mut self, outcome: Outcome) {
        if let Some(mut open) = self.open.take() {
            open.end(outcome);
        }
    }
}

impl Drop for ExecRecord {
    fn drop(&mut self) {
        if let Some(open) = &mut self.open
            && open.told.is_none()
        {
            open.end(Outcome::Failed("its caller is gone".to_owned()));
        } else if let Some(open) = &mut self.open
            && let Some(why) = open.unless_ran
            && open.told == Some(Outcome::Ran)
        {
            // The caller has the kernel's error, and may try otherwise: no news for people.
            let failed = Outcome::Failed(why.to_owned());
            open.audit.append("outcome", &open.record(Some(&failed)));
        }
    }
}

impl OpenRecord {
    /// A record of what is known of it; with the outcome, if this is the one that tells it.
    fn record(&self, outcome: Option<&Outcome>) -> Record {
        let mut record = self.common.clone();
        record.outcome = outcome.map(|outcome| match outcome {
            Outcome::Ran => "ran",
            Outcome::Refused(_) => "refused",
            Outcome::Failed(_) => "failed",
            Outcome::Killed => "killed",
        });
        match outcome {
            Some(Outcome::Refused(why)) if !why.is_empty() => record.refused = Some(why.clone()),
            Some(Outcome::Failed(why)) => record.failed = Some(why.clone()),
            _ => {}
        }
        record
    }

    fn end(&mut self, outcome: Outcome) {
        // What is refused was refused for the reason that was told first.
        let known = match (&self.told, &outcome) {
            (Some(Outcome::Refused(_)), Outcome::Refused(_)) => true,
            (told, outcome) => told.as_ref() == Some(outcome),
        };
        if known {
            return;
        }
        let event = match outcome {
            Outcome::Ran if self.is_out => "escalated",
            _ => "outcome",
        };
        self.audit.append(event, &self.record(Some(&outcome)));
        self.tell(outcome);
    }

    /// Tells the observer of what is notable.
    fn tell(&mut self, outcome: Outcome) {
        let outside = self.common.placement == Some(Placement::Outside);
        let notable = match &outcome {
            Outcome::Ran => self.asked || (outside && self.wanted_outside),
            Outcome::Refused(_) | Outcome::Failed(_) | Outcome::Killed => true,
        };
        // What start-up files do is notable only when it is stopped.
        let stopped = !self.asked && matches!(outcome, Outcome::Refused(_));
        if let Some(observer) = &self.audit.observer
            && notable
            && (stopped || !self.audit.startup)
        {
            let name = |name: &OsString| argv::bounded_word(name, NAME_LIMIT);
            observer.saw(Notable {
                command: self.brief.clone(),
                outcome: outcome.clone(),
                because: self.because.clone(),
                justification: self.justification.clone(),
                asked: self.asked,
                outside,
                dropped_variables: self.dropped.iter().take(NAMES).map(name).collect(),
            });
        }
        self.told = Some(outcome);
    }
}

/// What all records of an exec of `request` by the process `caller` have in common.
fn record_of(request: &Request, caller: Option<Pid>) -> Record {
    let program = request.program.real.as_ref();
    Record {
        pid: caller.map(Pid::as_raw),
        command: argv::text(&request.argv),
        program: program.map(|path| argv::word(path.as_os_str())),
        directory: argv::word(request.cwd.as_os_str()),
        ..Record::default()
    }
}
