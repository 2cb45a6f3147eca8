//! Whether the conditions of a `command_rule` hold, and why not.

use super::meaning::{Departure, Meaning, Subject};
use super::model::{CommandRule, Decision};

/// Why a rule doesn't match a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch<'a> {
    /// It is about something else.
    Otherwise,
    /// It permits, and the command departs from what it names.
    Departs(Departure<'a>),
    /// The command is this case of its `unless`, or, where it permits, may be.
    Excepted(&'a Meaning),
}

impl CommandRule {
    /// Whether the rule's conditions hold: widely if it restricts, narrowly if it permits. Why not,
    /// otherwise.
    pub fn applies<'a>(&'a self, command: &Subject<'a>) -> Result<(), Mismatch<'a>> {
        if !self.meaning.widely(command) {
            return Err(Mismatch::Otherwise);
        }
        let permits = self.decision == Decision::Allow;
        if permits {
            self.meaning.narrowly(command).map_err(Mismatch::Departs)?;
        }
        let is_case = |case: &&Meaning| {
            if permits {
                case.widely(command)
            } else {
                case.narrowly(command).is_ok()
            }
        };
        match self.unless.iter().find(is_case) {
            Some(case) => Err(Mismatch::Excepted(case)),
            None => Ok(()),
        }
    }
    /// One of its exceptions, as the rule spells it.
    pub fn spelled(&self, case: &Meaning) -> String {
        let mut case = case.clone();
        if case.subcommand == self.meaning.subcommand {
            case.subcommand.clear();
        }
        format!("case({case})")
    }
}
