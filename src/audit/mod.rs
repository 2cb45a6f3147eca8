//! One record per exec: a line of JSON, appended by one write.

#![forbid(unsafe_code)]

mod notable;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

pub use notable::{Notable, Outcome, Watcher};

use crate::approve::place::Disposition;
use crate::approve::{Answer, Question};
use crate::evaluate::{Basis, IndexedRules, Judgement, Placement};
use crate::request::{Request, argv, entry};
use crate::rules::Decision;

/// Where the records go; nowhere unless asked for.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    file: Option<Arc<File>>,
    watcher: Option<Arc<dyn Watcher>>,
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

/// One record. `schema` 1.
#[derive(Debug, Serialize)]
struct Record<'a> {
    schema: u32,
    /// Milliseconds since 1970.
    time: u64,
    /// `judged`, `answered` or `escalated`.
    event: &'static str,
    /// The argument vector in its text form.
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    directory: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<Placement>,
    /// The separate sandbox that it has outside, as the rules say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// Why it is inside, though a rule would have it outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    why_inside: Option<String>,
    /// Why it does not run, whatever was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    /// The rules on trial that would have counted, each as its file and line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    on_trial: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
    /// `true` for what a login shell's start-up files do.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    startup: bool,
    /// Variables that a program outside did not get.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dropped_variables: Vec<String>,
    /// What it did not get of the session's own variables, as `NAME=part`: it leads to what the sandbox
    /// can write.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
    /// The tool call that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a ClientCall>,
}

/// Calls of one kind that the sandbox refused.
#[derive(Debug, Serialize)]
pub struct RefusedCall<'a> {
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
    /// The options, in their text form, or the setting that would permit it; empty where nothing does.
    pub remedy: String,
}

#[derive(Debug, Serialize)]
struct Stamped<'a, T> {
    schema: u32,
    time: u64,
    event: &'static str,
    #[serde(flatten)]
    what: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a ClientCall>,
}

impl Audit {
    /// Appends to the file at `path`, which is made if need be, readable by its owner alone.
    ///
    /// # Errors
    /// The file can't be opened.
    pub fn to(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = File::options()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        Ok(Self {
            file: Some(Arc::new(file)),
            ..Self::default()
        })
    }

    /// The file's descriptor, if there is a file: for a process that closes all others.
    pub fn descriptor(&self) -> Option<RawFd> {
        self.file.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Whether each judgement is recorded; a watcher is told only of what is notable.
    pub fn keeps_records(&self) -> bool {
        self.file.is_some()
    }

    /// The same records, with `watcher` told of what is notable.
    #[must_use]
    pub fn watched_by(self, watcher: Arc<dyn Watcher>) -> Self {
        Self {
            watcher: Some(watcher),
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

    /// A request was judged.
    pub fn judged(
        &self,
        rules: &IndexedRules,
        request: &Request,
        judgement: &Judgement,
        disposition: &Disposition,
    ) {
        // What start-up files do is notable only when it is stopped.
        let forbidden = disposition.decision() == Decision::Forbidden;
        if let Some(watcher) = self.watcher.as_ref().filter(|_| forbidden || !self.startup)
            && let Some(notable) = Notable::judged(rules, request, judgement, disposition)
        {
            watcher.saw(notable);
        }
        if self.file.is_none() {
            return;
        }
        let place = |index| {
            let rule = rules.rules().rule(index);
            rule.map_or_else(String::new, |rule| rules.rules().place(rule.span))
        };
        let because = match &judgement.verdict.basis {
            Basis::Rule(index) | Basis::Withheld { rule: index, .. } => place(*index),
            Basis::Default(index) => {
                let rule = rules.rules().defaults.get(*index);
                rule.map_or_else(String::new, |rule| rules.rules().place(rule.span))
            }
            Basis::Heuristic { code, .. } => (*code).into(),
            Basis::BrokenRules => "broken rules".into(),
            Basis::Unmatched => "no rule".into(),
        };
        self.write("judged", request, |record| {
            record.decision = Some(judgement.verdict.decision);
            match disposition {
                Disposition::Run(placed) | Disposition::Ask(placed) => {
                    record.placement = Some(placed.place.placement());
                    record.profile = placed.place.profile();
                    record.why_inside.clone_from(&placed.why_inside);
                }
                Disposition::Forbid => record.placement = Some(judgement.verdict.placement),
                Disposition::Nowhere(reason) | Disposition::Uninherited(reason) => {
                    record.refused = Some(reason.clone());
                }
            }
            record.because = Some(because);
            let on_trial = judgement.trace.on_trial.iter();
            record.on_trial = on_trial.map(|matched| place(matched.rule)).collect();
        });
    }

    /// A question was answered.
    pub fn answered(&self, question: &Question, answer: &Answer) {
        if let Some(watcher) = &self.watcher {
            watcher.saw(Notable::answered(question, answer));
        }
        self.write("answered", question.request(), |record| {
            record.answer = Some(match answer {
                Answer::Yes => "yes",
                Answer::No(why) | Answer::Senseless(why) => why,
            });
            let text = question.text();
            record.placement = Some(text.placement);
            record.profile.clone_from(&text.profile);
            record.because = Some(text.because.clone());
        });
    }

    /// A program starts outside, without these variables, and without these parts of those that are the
    /// session's own.
    pub fn escalated(
        &self,
        request: &Request,
        dropped: &[OsString],
        left_out: &[(OsString, OsString)],
    ) {
        if let Some(watcher) = &self.watcher
            && let Some(notable) = Notable::dropped(request, dropped)
        {
            watcher.saw(notable);
        }
        self.write("escalated", request, |record| {
            record.dropped_variables = dropped.iter().map(|name| argv::word(name)).collect();
            let left_out = left_out
                .iter()
                .map(|(name, part)| argv::word(&entry(name, part)));
            record.left_out = left_out.collect();
        });
    }

    /// The sandbox refused calls of one kind. Written once, at the end of the run.
    pub fn refused(&self, call: &RefusedCall<'_>) {
        self.append(&self.stamped("refused-call", call));
    }

    /// Records a path that the sandbox kept from being written.
    pub fn denied(&self, path: &RefusedPath) {
        self.append(&self.stamped("refused-path", path));
    }

    fn write<'a>(
        &'a self,
        event: &'static str,
        request: &Request,
        fill: impl FnOnce(&mut Record<'a>),
    ) {
        if self.file.is_none() {
            return;
        }
        let mut record = Record {
            schema: 1,
            time: now(),
            event,
            command: argv::text(&request.argv),
            program: request
                .program
                .real
                .as_ref()
                .map(|path| argv::word(path.as_os_str())),
            directory: argv::word(request.cwd.as_os_str()),
            decision: None,
            placement: None,
            profile: None,
            why_inside: None,
            refused: None,
            because: None,
            on_trial: Vec::new(),
            answer: None,
            startup: self.startup,
            dropped_variables: Vec::new(),
            left_out: Vec::new(),
            client: self.client.as_deref(),
        };
        fill(&mut record);
        self.append(&record);
    }

    fn stamped<'a, T>(&'a self, event: &'static str, what: &'a T) -> Stamped<'a, T> {
        Stamped {
            schema: 1,
            time: now(),
            event,
            what,
            client: self.client.as_deref(),
        }
    }

    fn append(&self, record: &impl Serialize) {
        let Some(mut file) = self.file.as_deref() else {
            return;
        };
        // A full disk must not stop or change what was decided.
        if let Ok(mut line) = serde_json::to_vec(record) {
            line.push(b'\n');
            let _ = file.write_all(&line);
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
