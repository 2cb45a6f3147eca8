//! A record of each step of an exec: a line of JSON, appended by one write.

#![forbid(unsafe_code)]

mod exec;
mod log;
mod notable;

use std::io;
use std::os::fd::RawFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use log::Log;

pub use exec::ExecRecord;
pub use notable::{Notable, Observer, Outcome};

use crate::evaluate::Placement;
use crate::rules::Decision;

/// Where the records go; nowhere unless asked for.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    file: Option<Arc<Log>>,
    observer: Option<Arc<dyn Observer>>,
    startup: bool,
    client: Option<Arc<ClientCall>>,
}

/// What a client calls its tool call: whatever of it the client has said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCall {
    /// The conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// The turn in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// The call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
}

/// What is known of an exec when it is `judged`, when its question is `answered`, when it is `escalated`
/// (started outside), or when another `outcome` is known.
#[derive(Debug, Clone, Default, Serialize)]
struct Record {
    /// The process that executes, by its number outside the sandbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    /// The argument vector in its text form.
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    directory: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
    /// What became of it: `ran`, `refused`, `failed` or `killed`. Of an exec, the last one counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// Where it runs, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<Placement>,
    /// The separate sandbox that it has outside, as the rules say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// Why it is inside, though a rule would have it outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    why_inside: Option<String>,
    /// Why it was not let run, whatever was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    /// Why it could not be started.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    /// The rules on trial that would have counted, each as its file and line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    on_trial: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    /// Variables that a program outside did not get.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dropped_variables: Vec<String>,
    /// What it did not get of the session's own variables, as `NAME=part`: it leads to what the sandbox
    /// can write.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
}

/// Calls of one kind that the sandbox refused.
#[derive(Debug, Serialize)]
pub struct RefusedCallRecord<'a> {
    /// The name of the system call.
    pub call: &'a str,
    /// For a socket, the number of its address family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<u32>,
    /// What it was answered with.
    pub errno: i32,
    /// How many there were.
    pub times: u64,
    /// The file of the program that failed of one, or made the first, in its text form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Whether a program failed of one, as far as that shows.
    pub program_failed: bool,
    /// What would permit it.
    pub remedy: &'a str,
}

/// A path that the sandbox kept from being written.
#[derive(Debug, Serialize)]
pub struct RefusedPath {
    /// The path, in its text form.
    pub path: String,
    /// How often a program complained of it.
    pub times: u64,
    /// The options, in their text form, or the setting that would permit it; where nothing does, a sentence.
    pub remedy: String,
}

/// One record, as it is written. `schema` 1.
#[derive(Debug, Serialize)]
struct Stamped<'a, T> {
    schema: u32,
    /// Milliseconds since 1970.
    time: u64,
    event: &'static str,
    #[serde(flatten)]
    what: &'a T,
    /// What a login shell's start-up files do.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    startup: bool,
    /// The tool call that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a ClientCall>,
}

impl<'a, T> Stamped<'a, T> {
    fn now(event: &'static str, what: &'a T) -> Self {
        Self {
            schema: 1,
            time: now(),
            event,
            what,
            startup: false,
            client: None,
        }
    }
}

impl Audit {
    /// Appends to the file at `path`, which is made if need be, readable by its owner alone.
    ///
    /// # Errors
    /// The file can't be opened.
    pub fn to(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: Some(Arc::new(Log::open(path)?)),
            ..Self::default()
        })
    }

    /// The file's descriptor, if there is a file: for a process that closes all others.
    pub fn descriptor(&self) -> Option<RawFd> {
        self.file.as_ref().map(|log| log.descriptor())
    }

    /// Whether each judgement is recorded; an observer is told only of what is notable.
    pub fn keeps_records(&self) -> bool {
        self.file.is_some()
    }

    /// The same records, with `observer` told of what is notable.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn Observer>) -> Self {
        Self {
            observer: Some(observer),
            ..self
        }
    }

    /// The same records, marked as a login shell's start-up files' doing if `startup`.
    #[must_use]
    pub fn during_startup(&self, startup: bool) -> Self {
        Self {
            startup,
            ..self.clone()
        }
    }

    /// The same records, each with the tool call of the client that it belongs to.
    #[must_use]
    pub fn for_call(self, client: ClientCall) -> Self {
        Self {
            client: (client != ClientCall::default()).then(|| Arc::new(client)),
            ..self
        }
    }

    /// The sandbox refused calls of one kind. Written once, at the end of the run.
    pub fn refused(&self, call: &RefusedCallRecord<'_>) {
        self.append("refused-call", call);
    }

    /// Records a path that the sandbox kept from being written.
    pub fn denied(&self, path: &RefusedPath) {
        self.append("refused-path", path);
    }

    fn append(&self, event: &'static str, what: &impl Serialize) {
        let Some(log) = self.file.as_deref() else {
            return;
        };
        let record = Stamped {
            startup: self.startup,
            client: self.client.as_deref(),
            ..Stamped::now(event, what)
        };
        if let Ok(line) = serde_json::to_vec(&record) {
            log.append(&line);
        }
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
