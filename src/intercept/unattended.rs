//! Who answers questions without a person at this end, by what `--ask` says.

use std::sync::Arc;
use std::time::Duration;

use crate::act::environment::SessionEnvironment;
use crate::approve::command::AskingProgram;
use crate::approve::fixed::FixedAnswer;
use crate::approve::{Answer, Approver};
use crate::config::values::Ask;

/// Who is asked, and what goes with it.
#[derive(Debug, Clone)]
pub struct Unattended {
    /// Who.
    pub ask: Ask,
    /// What says no where nobody is asked, for people.
    pub declined: String,
    /// How long a program may take.
    pub patience: Option<Duration>,
}

impl Unattended {
    /// Who answers, with the variables that programs may have; `None` where a person does.
    pub fn approver(&self, environment: &SessionEnvironment) -> Option<Arc<dyn Approver>> {
        Some(match &self.ask {
            Ask::Terminal => return None,
            Ask::Deny => {
                let why = format!("declined by {}", self.declined);
                Arc::new(FixedAnswer(Answer::No(why)))
            }
            Ask::Allow => Arc::new(FixedAnswer(Answer::Yes)),
            Ask::Program(path) => Arc::new(AskingProgram {
                path: path.clone(),
                environment: environment.own(),
                patience: self.patience,
            }),
        })
    }
}
