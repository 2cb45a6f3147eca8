//! Who says yes, when a verdict is to prompt.
//!
//! Only this folder makes a [`Permit`], and a permit owns its request: nothing can be run that was
//! not settled here, and nothing else can be slipped in after the answer.
//!
//! # While a question is open
//!
//! **Prompt.** The caller waits in its exec. File, argv, environment and directory are held as they were
//! judged. After a yes, what the words stood for must still be there: the working directory where it was, the
//! directories by which each named path leads, the umask (`approve/leads.rs`, `standing.rs`); and so must the
//! program, its interpreters and the scripts and other files of commands that it is known to read
//! (`files.rs`), with their contents where the command can write them: a mapping changes a file without a
//! trace. Where something differs the request is refused, and what differs is said. Then it goes on as an exec that a rule allows (`intercept/mod.rs`).
//! The question is withdrawn when the caller dies, and the time it takes does not count for `--timeout`.
//! Other processes go on meanwhile.

pub mod command;
mod covered;
mod files;
pub mod fixed;
pub mod grounds;
mod input;
mod leads;
pub mod place;
pub mod question;
pub mod remembered;
mod stamp;
mod standing;
pub mod terminal;
pub mod text;
mod tree;
pub mod wording;

use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use files::Files;
pub use grounds::Grounds;
use grounds::wanting;
pub use input::{Inputs, is_null};
pub use question::Question;
pub use standing::Standing;

use crate::evaluate::{CommandTree, IndexedRules, Judgement};
use crate::request::Request;

use covered::Covered;
use leads::Leads;
use place::{Confinement, Disposition, Place};

/// Leave to run one request, in one place.
#[must_use]
#[derive(Debug)]
pub struct Permit {
    request: Request,
    place: Place,
    pass_env: Vec<String>,
    files: Files,
    inputs: Inputs,
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

    /// What there was to read at its descriptors when a person was asked.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The request, and the files that say what it runs and what it reads, as they were when a person was asked.
    pub fn into_parts(self) -> (Request, Files, Inputs) {
        (self.request, self.files, self.inputs)
    }
}

/// A request that will not run, and the words that say why.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    message: String,
    reason: String,
}

impl Refusal {
    /// What the caller reads on its standard error, without a newline at the end.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Why, in a few words.
    pub fn reason(&self) -> &str {
        &self.reason
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// Takes a judgement, and what is to become of it, to a permit, a question or a refusal. The sandbox can write
/// the `writable` roots; without one `None`. The `tree` is the request's.
pub fn settle(
    rules: &IndexedRules,
    judgement: &Judgement,
    disposition: Disposition,
    request: Request,
    tree: &CommandTree,
    writable: Option<&[PathBuf]>,
) -> Settled {
    let grounds = Grounds::of(rules.rules(), judgement);
    match disposition {
        Disposition::Run(placed) => Settled::Permitted(Box::new(Permit {
            request,
            place: placed.place,
            pass_env: judgement.verdict.pass_env.clone(),
            files: Files::default(),
            inputs: Inputs::default(),
        })),
        Disposition::Ask(placed) => {
            // Before anything is looked up for it: whoever is not asked must not hold up others.
            if !question::can_be_put(&request) {
                let why = "the command is too long to be asked about";
                return Settled::Refused(question::unasked(&grounds, &request, why));
            }
            let pass_env = judgement.verdict.pass_env.clone();
            let covered = Covered::of(rules, &request, tree, writable);
            if let Some(why) = covered.files.unheld() {
                return Settled::Refused(question::unasked(&grounds, &request, &why));
            }
            let mut paths = tree.paths_named(&request);
            paths.extend(covered.redirected.iter().cloned());
            let Some(leads) = Leads::of(&request.cwd, paths) else {
                let why = "its paths take more steps than can be followed";
                return Settled::Refused(question::unasked(&grounds, &request, why));
            };
            let question = Question::new(grounds, placed, request, covered, leads);
            Settled::Asking(Box::new(question.with_rules_passing(pass_env)))
        }
        Disposition::Forbid => Settled::Refused(question::forbidden(&grounds, &request)),
        Disposition::Nowhere { asked, why } => {
            let rule = wanting(rules.rules(), judgement, &asked);
            Settled::Refused(question::nowhere(&rule, &why, &request))
        }
        Disposition::Uninherited(reason) => {
            Settled::Refused(question::uninherited(&reason, &request))
        }
    }
}

/// A question with its answer, which still holds if it is a yes.
#[must_use]
#[derive(Debug)]
pub struct Answered {
    question: Question,
    answer: Answer,
}

/// Takes the answer to a question for what it is: a yes was said of what was shown, and means nothing where
/// that is not so any more. `standing` says where the caller stands now, or why the program can't run at all.
pub fn answered(
    question: Question,
    answer: Answer,
    standing: impl FnOnce(&Place) -> Result<Standing, String>,
) -> Answered {
    let answer = match answer {
        Answer::Yes => match standing(question.place()).map(|now| question.changed(&now)) {
            Ok(None) => Answer::Yes,
            Ok(Some(what)) => Answer::No(format!("since the question, {what}")),
            Err(why) => Answer::No(why),
        },
        answer => answer,
    };
    Answered { question, answer }
}

impl Answered {
    /// What was asked.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// What came of it.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The permit, or the refusal.
    pub fn settled(self) -> Settled {
        let Self { question, answer } = self;
        match answer {
            Answer::Yes => Settled::Permitted(Box::new(question.permitted())),
            Answer::No(why) => Settled::Refused(question.refused(&why)),
            Answer::Senseless(what) => Settled::Refused(question.undecided(&what)),
        }
    }
}
