//! The channel between the server and one call's supervisor: a message per event, and for each
//! question a channel of its own for the answer.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use rmcp::schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::denials::SandboxDenial;
use super::made::MadeFile;
use crate::approve::text::Text;
use crate::audit::Notable;
use crate::intercept::ending;
use crate::intercept::refused::RefusedKind;
use crate::report::refusals;
pub(super) use crate::sys::messages::{pair, receive, send};

/// What a supervisor says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Event {
    /// The sandbox stands, and the descriptor beside it takes a command: see
    /// [`crate::intercept::launcher::send_packed`].
    Ready,
    /// The sandbox stands without these layers; of each, what is lost.
    Lost(Vec<String>),
    /// An exec did not simply run inside.
    Saw(Notable),
    /// Commands can write in this directory from now on; the descriptor beside it takes
    /// [`crate::approve::Answer::Yes`] once that is remembered.
    Writes(OsString),
    /// Somebody is to be asked; the descriptor beside it takes the [`crate::approve::Answer`].
    Asking(Box<ClientQuestion>),
    /// Something that decides was replaced while commands can write beside it.
    Replaced(OsString),
    /// It is over, and nothing is left running.
    Ended(LastWord),
}

/// What is known at the end only.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LastWord {
    /// How it ended.
    pub(super) ended: CallEnd,
    /// So many more execs than were told did not simply run inside.
    pub(super) more: u64,
    /// The calls that the sandbox refused and a program failed of.
    pub(super) refused: Vec<RefusedCall>,
    /// The paths that the sandbox kept from being written.
    pub(super) denials: Vec<SandboxDenial>,
    /// What came to be under names that other programs obey.
    pub(super) made: Vec<MadeFile>,
    /// What is held and was replaced, in words.
    pub(super) replaced: Option<String>,
    /// There was a sandbox.
    pub(super) confined: bool,
    /// Who says this waits for another order.
    pub(super) stays: bool,
}

impl From<CallEnd> for LastWord {
    fn from(ended: CallEnd) -> Self {
        Self {
            ended,
            more: 0,
            refused: Vec::new(),
            denials: Vec::new(),
            made: Vec::new(),
            replaced: None,
            confined: true,
            stays: false,
        }
    }
}

/// System calls of one kind that the sandbox refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct RefusedCall {
    /// What was tried.
    what: String,
    /// How often.
    times: u64,
    /// The program that failed of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    /// What would permit it.
    permitted_by: String,
}

impl RefusedCall {
    /// In words.
    pub(super) fn note(&self) -> String {
        let by = self.program.as_ref();
        let by = by.map_or_else(String::new, |program| format!(" by {program}"));
        let (what, remedy) = (&self.what, &self.permitted_by);
        format!("the sandbox refused {what}{by}; {remedy}")
    }
}

impl From<&RefusedKind> for RefusedCall {
    fn from(kind: &RefusedKind) -> Self {
        Self {
            what: refusals::what(&kind.refused),
            times: kind.times,
            program: kind.record().program,
            permitted_by: kind.refused.remedy.to_owned(),
        }
    }
}

/// A question, for whoever can ask it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ClientQuestion {
    /// In words.
    pub(super) text: Text,
    /// The words of a rule that would allow exactly this, if there can be one: where a rule asks, no
    /// further rule could lift that.
    pub(super) pattern: Option<Vec<String>>,
    /// Stands for all that the question is about; the same for no other one. `None` where that can change
    /// unseen.
    pub(super) key: Option<[u64; 2]>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum CallEnd {
    /// With this status; 128+n if signal n ended it.
    Exit(u8),
    /// The time was up.
    TimedOut,
    /// Nothing started, and why.
    NotStarted(String),
    /// It failed, and why.
    Failed(String),
}

/// The gate by which a command was started, for waiting without blocking.
#[derive(Debug)]
pub(super) struct Gate(AsyncFd<OwnedFd>);

impl Gate {
    /// Takes it over.
    pub(super) fn new(gate: OwnedFd) -> io::Result<Self> {
        register(gate).map(Self)
    }

    /// The status of its command, if that has left nothing behind: see [`ending::by_gate`].
    pub(super) async fn status(&self) -> Option<u8> {
        let status = self.0.async_io(Interest::READABLE, ending::by_gate).await;
        status.ok().flatten()
    }
}

fn register(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(
        deprecated,
        reason = "an OwnedFd stays open as long as it is registered"
    )]
    AsyncFd::with_interest(fd, Interest::READABLE)
}

/// The server's end, for waiting without blocking.
#[derive(Debug)]
pub(super) struct End(AsyncFd<OwnedFd>);

impl End {
    /// Takes an end over.
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        register(fd).map(Self)
    }

    /// Gives it back.
    pub(super) fn into_inner(self) -> OwnedFd {
        self.0.into_inner()
    }

    /// The next message; `None` once the other side has closed. Nothing is lost when the future is
    /// dropped.
    pub(super) async fn next<T: DeserializeOwned>(
        &self,
    ) -> io::Result<Option<(T, Option<OwnedFd>)>> {
        let take = |fd: &OwnedFd| receive(fd, MsgFlags::MSG_DONTWAIT);
        self.0.async_io(Interest::READABLE, take).await
    }

    /// Whether nothing has come that was not taken yet.
    pub(super) fn is_silent(&self) -> bool {
        let look = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_PEEK;
        recv(self.0.get_ref().as_raw_fd(), &mut [0], look) == Err(Errno::EAGAIN)
    }

    /// Sends without waiting: for the one answer that a channel is there for.
    pub(super) fn answer(&self, message: &impl Serialize) -> io::Result<()> {
        send(self.0.get_ref(), message, None)
    }
}
