//! Who says yes, when a verdict is to prompt.
//!
//! Only this folder makes a [`Permit`], and a permit owns its request: nothing can be run that was
//! not settled here, and nothing else can be slipped in after the answer.

mod caller;
pub mod command;
mod covered;
pub mod fixed;
mod leads;
pub mod place;
pub mod question;
pub mod remembered;
mod stamp;
pub mod terminal;
pub mod text;
pub mod wording;

use std::os::fd::BorrowedFd;

pub use question::{Grounds, Question};

use crate::evaluate::{IndexedRules, Judgement};
use crate::request::Request;

use leads::Leads;
use place::{Confinement, Disposition, Place};

/// Leave to run one request, in one place.
#[must_use]
#[derive(Debug)]
pub struct Permit {
    request: Request,
    place: Place,
    pass_env: Vec<String>,
}

impl Permit {
    /// Where it may run.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// How it is confined outside; `None` for a permit that lets nothing out.
    pub fn confinement(&self) -> Option<&Confinement> {
        match &self.place {
            Place::Out(confinement) => Some(confinement),
            Place::Stay(_) => None,
        }
    }

    /// The variables that go outside with it as its caller has them.
    pub fn pass_env(&self) -> &[String] {
        &self.pass_env
    }

    /// What may run.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Gives the request back.
    pub fn into_request(self) -> Request {
        self.request
    }
}

/// A request that will not run, and the words that say why.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    message: String,
}

impl Refusal {
    /// What the caller reads on its standard error, without a newline at the end.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// What becomes of a judged request.
#[must_use]
#[derive(Debug)]
pub enum Settled {
    /// It may run.
    Permitted(Box<Permit>),
    /// A person is to be asked.
    Asking(Box<Question>),
    /// It may not run.
    Refused(Refusal),
}

/// An approver's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Run it.
    Yes,
    /// Don't, and why not, in a few words.
    No(String),
    /// Whoever was asked gave no answer that means anything: don't. With what is wrong with it.
    Senseless(String),
}

/// Somebody who can be asked.
pub trait Approver: Send + Sync {
    /// Puts the question and waits for the answer; gives up when `withdrawn` becomes readable,
    /// because whoever wanted to run the program is gone.
    fn ask(&self, question: &Question, withdrawn: BorrowedFd<'_>) -> Answer;
}

/// Takes a judgement, and what is to become of it, to a permit, a question or a refusal.
pub fn settle(
    rules: &IndexedRules,
    judgement: &Judgement,
    disposition: Disposition,
    request: Request,
) -> Settled {
    let grounds = Grounds::of(rules.rules(), judgement);
    match disposition {
        Disposition::Run(placed) => Settled::Permitted(Box::new(Permit {
            request,
            place: placed.place,
            pass_env: judgement.verdict.pass_env.clone(),
        })),
        Disposition::Ask(placed) => {
            let pass_env = judgement.verdict.pass_env.clone();
            let stamps = covered::stamps(rules, &request);
            let leads = Leads::of(rules.paths_named(&request));
            let question = Question::new(grounds, placed, request, stamps, leads);
            Settled::Asking(Box::new(question.with_rules_passing(pass_env)))
        }
        Disposition::Forbid => Settled::Refused(question::forbidden(&grounds, &request)),
        Disposition::Nowhere(reason) => Settled::Refused(question::nowhere(&reason, &request)),
        Disposition::Uninherited(reason) => {
            Settled::Refused(question::uninherited(&reason, &request))
        }
    }
}

/// Turns the answer to a question into a permit or a refusal.
pub fn answered(question: Question, answer: Answer) -> Settled {
    match answer {
        // It was said of what was shown.
        Answer::Yes if !question.leads_hold() => Settled::Refused(
            question.refused("where its paths lead has changed since the question"),
        ),
        Answer::Yes => Settled::Permitted(Box::new(question.permitted())),
        Answer::No(why) => Settled::Refused(question.refused(&why)),
        Answer::Senseless(what) => Settled::Refused(question.undecided(&what)),
    }
}
