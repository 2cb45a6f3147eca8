//! Who says yes, when a verdict is to prompt.
//!
//! Only this folder makes a [`Permit`], and a permit owns its request: nothing can be run that was
//! not settled here, and nothing else can be slipped in after the answer.

pub mod command;
pub mod fixed;
mod foreground;
pub mod question;
pub mod remembered;
pub mod terminal;

use std::os::fd::BorrowedFd;

pub use question::{Question, because};

use crate::evaluate::{IndexedRules, Judgement, Placement, Verdict};
use crate::request::Request;
use crate::rules::Decision;
use crate::rules::model::{Profile, Run};

/// Leave to run one request.
#[must_use]
#[derive(Debug)]
pub struct Permit {
    request: Request,
    place: Place,
}

/// Where a request may run, in full.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    placement: Placement,
    unconfined: bool,
    profiles: Vec<Profile>,
}

impl Place {
    fn of(verdict: &Verdict) -> Self {
        Self {
            placement: verdict.placement,
            unconfined: verdict.run == Run::Unconfined,
            profiles: verdict.profiles.clone(),
        }
    }
}

impl Permit {
    /// Whether what it starts outside is nobody's to judge.
    pub fn is_unconfined(&self) -> bool {
        self.place.unconfined
    }

    /// The sandboxes that it must run in: in one that permits what all of these permit. Empty where
    /// it runs inside, or outside without any.
    pub fn profiles(&self) -> &[Profile] {
        &self.place.profiles
    }

    /// What may run.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Gives the request back.
    pub fn into_request(self) -> Request {
        self.request
    }

    /// Where it may run.
    pub fn placement(&self) -> Placement {
        self.place.placement
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

/// Takes a judgement to a permit, a question or a refusal.
pub fn settle(rules: &IndexedRules, judgement: &Judgement, request: Request) -> Settled {
    match judgement.verdict.decision {
        Decision::Allow => Settled::Permitted(Box::new(Permit {
            request,
            place: Place::of(&judgement.verdict),
        })),
        Decision::Prompt => {
            Settled::Asking(Box::new(Question::new(rules.rules(), judgement, request)))
        }
        Decision::Forbidden => {
            let question = Question::new(rules.rules(), judgement, request);
            Settled::Refused(question.refused("forbidden"))
        }
    }
}

/// Turns the answer to a question into a permit or a refusal.
pub fn answered(question: Question, answer: Answer) -> Settled {
    match answer {
        Answer::Yes => Settled::Permitted(Box::new(question.permitted())),
        Answer::No(why) => Settled::Refused(question.refused(&why)),
        Answer::Senseless(what) => Settled::Refused(question.undecided(&what)),
    }
}
