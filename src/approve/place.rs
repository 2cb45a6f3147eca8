//! Where a request runs if it may: what a question says of it, what a permit holds, what is done.

use std::fmt;

use crate::confine::{Mode, Policy};
use crate::evaluate::Placement;
use crate::request::argv;
use crate::rules::Decision;
use crate::rules::model::Profile;

/// Where the process runs that wants to execute something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// In the session's sandbox.
    Sandbox,
    /// In a session that has no sandbox.
    NoSandbox,
    /// Outside the sandbox: it was let out, or something that started it was.
    Outside,
    /// Likewise, but in a separate sandbox, that of these profiles.
    Profile(Vec<Profile>),
    /// Outside, where nobody judges what it starts.
    Unjudged,
}

impl Caller {
    /// Where those are in a session of this mode that were not let out.
    pub fn not_let_out(mode: Mode) -> Self {
        match mode {
            Mode::ReadOnly | Mode::WorkspaceWrite => Self::Sandbox,
            Mode::DangerFullAccess => Self::NoSandbox,
        }
    }
}

/// Where a request runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// Where its caller is.
    Stay(Caller),
    /// Out of the session's sandbox, by the supervisor.
    Out(Confinement),
}

/// How a program is confined that was let out of the session's sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Confinement {
    /// Unconfined; what it starts is judged.
    Judged,
    /// Unconfined; what it starts is nobody's to judge.
    Unjudged,
    /// In a separate sandbox; what it starts is judged.
    Profile(Box<SeparateSandbox>),
}

/// A separate sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeparateSandbox {
    /// What rules ask for: it permits what each of these permits.
    pub profiles: Vec<Profile>,
    /// What comes of them.
    pub policy: Policy,
}

/// A place, and why it is not further out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Where.
    pub place: Place,
    /// Why inside, where a rule that matches would have it outside. In words for people.
    pub why_inside: Option<String>,
    /// Why a person is asked, where no rule says so. In words for people.
    pub why_asked: Option<String>,
}

/// Whether a program may stay out because the one that starts it is out. Why not is in words for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Inheritance {
    /// It may.
    #[default]
    Free,
    /// A rule must let it out itself, or a person.
    Asked(String),
    /// It may not run there.
    Refused(String),
}

/// What becomes of a judged request, before anybody was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// It runs.
    Run(Placed),
    /// It runs if a person says yes.
    Ask(Placed),
    /// It does not run: the rules say so.
    Forbid,
    /// It does not run: there is no such place as a rule wants it in.
    Nowhere {
        /// What the rule asks for.
        asked: Profile,
        /// Why there is none, in words for people.
        why: String,
    },
    /// It does not run: it would be outside for no other reason than what starts it, and that is not
    /// enough. Why, in words for people.
    Uninherited(String),
}

impl Place {
    /// Where those are that start something in this place.
    pub fn caller(&self) -> Caller {
        match self {
            Self::Stay(caller) => caller.clone(),
            Self::Out(Confinement::Judged) => Caller::Outside,
            Self::Out(Confinement::Unjudged) => Caller::Unjudged,
            Self::Out(Confinement::Profile(confined)) => Caller::Profile(confined.profiles.clone()),
        }
    }

    /// Inside the session's sandbox or not. Where there is no sandbox nothing is inside.
    pub fn placement(&self) -> Placement {
        match self {
            Self::Stay(Caller::Sandbox) => Placement::Inside,
            Self::Stay(_) | Self::Out(_) => Placement::Outside,
        }
    }

    /// The profiles of the separate sandbox that it runs in; empty where there is none.
    pub fn profiles(&self) -> &[Profile] {
        match self {
            Self::Stay(Caller::Profile(profiles)) => profiles,
            Self::Out(Confinement::Profile(confined)) => &confined.profiles,
            Self::Stay(_) | Self::Out(_) => &[],
        }
    }

    /// The names of the separate sandbox, printable; `None` where there is none.
    pub fn profile(&self) -> Option<String> {
        named(self.profiles())
    }
}

fn named(profiles: &[Profile]) -> Option<String> {
    let names = profiles.iter().map(|one| argv::visible(&one.to_string()));
    names.reduce(|all, one| all + " and " + &one)
}

/// As people read it; each is another text.
impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = self.profile().unwrap_or_default();
        match self {
            Self::Stay(Caller::Sandbox) => out.write_str("inside the sandbox"),
            Self::Stay(Caller::NoSandbox) => {
                out.write_str("without a sandbox: this session has none")
            }
            Self::Stay(Caller::Outside) => {
                out.write_str("outside the sandbox, as the program that starts it")
            }
            Self::Stay(Caller::Profile(_)) => write!(
                out,
                "outside the sandbox, in that of the program that starts it ({profile})"
            ),
            Self::Stay(Caller::Unjudged) => out
                .write_str("outside the sandbox, as the program that starts it, and is not judged"),
            Self::Out(Confinement::Judged) => out.write_str("outside the sandbox"),
            Self::Out(Confinement::Unjudged) => {
                out.write_str("outside the sandbox, and what it starts is not judged")
            }
            Self::Out(Confinement::Profile(_)) => {
                write!(out, "outside the sandbox, in a separate one ({profile})")
            }
        }
    }
}

impl Disposition {
    /// Where it runs, should it run.
    pub fn placed(&self) -> Option<&Placed> {
        match self {
            Self::Run(placed) | Self::Ask(placed) => Some(placed),
            Self::Forbid | Self::Nowhere { .. } | Self::Uninherited(_) => None,
        }
    }

    /// What becomes of it, as rules say it.
    pub fn decision(&self) -> Decision {
        match self {
            Self::Run(_) => Decision::Allow,
            Self::Ask(_) => Decision::Prompt,
            Self::Forbid | Self::Nowhere { .. } | Self::Uninherited(_) => Decision::Forbidden,
        }
    }
}
