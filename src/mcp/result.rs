//! What the tool `shell` gives. Clients show a model the text, the structure, or both, and some cut it:
//! what is short and matters stands first in either.

use std::collections::HashMap;

use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::schemars::JsonSchema;
use serde::Serialize;

use super::call::CallReport;
use super::channel::{CallEnd, LastWord, RefusedCall};
use super::denials::{self, SandboxDenial};
use super::made::{self, MadeFile};
use super::output::{OutputRun, Truncated};
use crate::audit::{Notable, Outcome};
use crate::exit::Exit;

/// So much of a cancelled call's output is told, in characters.
const LAST_WORDS: usize = 4000;
/// As many notes stand in the text, of at most as many characters.
const NOTES: usize = 8;
const LONGEST_NOTE: usize = 240;

/// The result as text: JSON, too.
#[derive(Debug, Serialize)]
struct ResultText {
    exit_code: u8,
    timed_out: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    duration: std::time::Duration,
    output: String,
}

/// What the tool gives, in its structured form.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars", title = "ExecResult")]
struct ExecResult {
    /// The exit status: 128+n when signal n ended the command, 124 when its time was up.
    exit_code: u8,
    /// The command was ended because its time was up. What it had written is kept.
    timed_out: bool,
    /// How long it took, in seconds, questions included.
    duration_seconds: f64,
    /// What was left out of the middle of the streams, if anything was.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Truncated>,
    /// The programs that were refused, or ran outside the sandbox.
    execs: Vec<ExecEntry>,
    /// How many more of these there were.
    more_execs: u64,
    /// The paths that the sandbox kept from being written, as far as programs complained of them; when the
    /// command succeeded, those that a program in it failed of.
    denials: Vec<SandboxDenial>,
    /// The system calls, such as those for a network, that the sandbox refused and that a program failed
    /// of; none when the command succeeded.
    refused_calls: Vec<RefusedCall>,
    /// What this machine does not offer of the sandbox.
    missing_layers: Vec<String>,
    /// What came to be, while the command ran, under names that other programs obey without being
    /// asked, such as .vscode and .envrc.
    made: Vec<MadeFile>,
    /// What it wrote on standard output.
    stdout: String,
    /// What it wrote on standard error.
    stderr: String,
    /// The order in which the streams' bytes came: that of writing, but for writes to both within
    /// less than a millisecond, whose order nobody knows.
    order: Vec<OutputRun>,
}

/// A program that did not simply run inside the sandbox.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct ExecEntry {
    /// The command, quoted as for a shell.
    command: String,
    /// What became of it.
    verdict: ExecVerdict,
    /// The rule's FILE:LINE, or the heuristic's code.
    because: String,
    /// The rule's justification, or the heuristic's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<String>,
    /// The person's reason, why nobody could be asked, or why it did not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The variables that it did not get outside.
    dropped_variables: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(rename_all = "snake_case")]
enum ExecVerdict {
    /// A rule forbids it; it did not run.
    Forbidden,
    /// Somebody was asked and it did not run.
    Refused,
    /// Somebody was asked and it ran inside the sandbox.
    Approved,
    /// It ran outside the sandbox.
    Escalated,
    /// It could not be started.
    Failed,
    /// It was killed: it had become something else than what was judged.
    Killed,
}

/// The schema of the structured result.
pub(super) fn output_schema() -> std::sync::Arc<rmcp::model::JsonObject> {
    super::schema::of::<ExecResult>()
}

/// The result for the client.
pub(super) fn result(report: CallReport, reasons: &HashMap<String, String>) -> CallToolResult {
    let (exit_code, timed_out) = match report.last.ended {
        CallEnd::Exit(status) => (status, false),
        CallEnd::TimedOut => (Exit::TimedOut.code(), true),
        CallEnd::NotStarted(why) => return failure(&why),
        CallEnd::Failed(why) => {
            let written = report.output.finish().both;
            return failure(&match &*written {
                "" => why,
                written => format!("{why}; what was written before:\n{written}"),
            });
        }
    };
    let written = report.output.finish();
    let mut last = report.last;
    let mut refused_calls = std::mem::take(&mut last.refused);
    let mut denials = std::mem::take(&mut last.denials);
    if exit_code == 0 {
        refused_calls.clear();
        // What the last program of a line made of it is not what became of those before.
        denials.retain(|denial| denial.failed);
    }
    let execs = execs(report.notables, reasons, last.confined);
    let text = ResultText {
        exit_code,
        timed_out,
        notes: notes(&execs, &denials, &refused_calls, &last),
        duration: report.duration,
        output: written.both,
    };
    let structured = ExecResult {
        exit_code,
        timed_out,
        duration_seconds: report.duration.as_secs_f64(),
        truncated: written.truncated,
        execs,
        more_execs: last.more,
        denials,
        refused_calls,
        missing_layers: report.missing,
        made: last.made,
        stdout: written.stdout,
        stderr: written.stderr,
        order: written.order,
    };
    // A structure of strings and numbers can always be written.
    let text = serde_json::to_string(&text).unwrap_or_default();
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = serde_json::to_value(structured).ok();
    result
}

/// What was refused, with what would permit it, and what else is worth a line.
fn notes(
    execs: &[ExecEntry],
    denials: &[SandboxDenial],
    calls: &[RefusedCall],
    last: &LastWord,
) -> Vec<String> {
    let execs = execs.iter().filter_map(ExecEntry::note);
    let denials = denials::notes(denials);
    let calls = calls.iter().map(RefusedCall::note);
    let all = execs.chain(denials).chain(calls);
    let all = all
        .chain(made::notes(&last.made))
        .chain(last.replaced.clone());
    let mut notes: Vec<String> = all.map(|note| shortened(&note)).collect();
    let more = notes.len().saturating_sub(NOTES);
    notes.truncate(NOTES);
    notes.extend((more > 0).then(|| format!("and {more} more of these")));
    notes
}

/// A note without what is too long of it.
fn shortened(note: &str) -> String {
    match note.char_indices().nth(LONGEST_NOTE) {
        Some((end, _)) => format!("{}…", note.get(..end).unwrap_or_default()),
        None => note.to_owned(),
    }
}

impl ExecEntry {
    fn note(&self) -> Option<String> {
        let Self {
            command, because, ..
        } = self;
        let why = self.reason.as_ref();
        let why = why.map_or_else(String::new, |why| format!("; {why}"));
        let dropped = self.dropped_variables.join(", ");
        match self.verdict {
            ExecVerdict::Forbidden | ExecVerdict::Refused => {
                Some(format!("refused: {} ({because}{why})", brief(command)))
            }
            ExecVerdict::Failed => Some(format!("failed to start: {}{why}", brief(command))),
            ExecVerdict::Killed => Some(format!(
                "killed: {}, which had changed since it was judged",
                brief(command)
            )),
            _ if dropped.is_empty() => None,
            _ => Some(format!(
                "{} ran outside the sandbox without these variables: {dropped}",
                brief(command)
            )),
        }
    }
}

/// The beginning of a command: what comes after it in a note is to be seen, too.
fn brief(command: &str) -> String {
    match command.char_indices().nth(LONGEST_NOTE / 3) {
        Some((end, _)) => format!("{}…", command.get(..end).unwrap_or_default()),
        None => command.to_owned(),
    }
}

/// What a call that was cancelled had written, as far as it is worth a message.
pub(super) fn last_words(report: CallReport) -> String {
    let written = report.output.finish().both;
    let start = written.char_indices().rev().nth(LAST_WORDS - 1);
    let words = start.map_or(&*written, |(at, _)| written.get(at..).unwrap_or_default());
    format!("a call was cancelled; the last that it had written:\n{words}")
}

/// A call that could not be carried out: words for the agent.
pub(super) fn failure(why: &str) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(format!(
        "codex-shell: error: {why}"
    ))])
}

/// An entry for each exec. Without a sandbox there is no outside.
fn execs(
    notables: Vec<Notable>,
    reasons: &HashMap<String, String>,
    confined: bool,
) -> Vec<ExecEntry> {
    let told = notables.into_iter().filter_map(|notable| {
        let Notable {
            command,
            outcome,
            because,
            justification,
            asked,
            outside,
            dropped_variables,
        } = notable;
        let (verdict, reason) = match outcome {
            Outcome::Refused(why) if asked => (ExecVerdict::Refused, Some(why)),
            Outcome::Refused(why) => (ExecVerdict::Forbidden, (!why.is_empty()).then_some(why)),
            Outcome::Failed(why) => (ExecVerdict::Failed, Some(why)),
            Outcome::Killed => (ExecVerdict::Killed, None),
            Outcome::Ran => {
                let reason = reasons.get(&command).cloned().filter(|_| asked);
                match (asked, outside && confined) {
                    (_, true) => (ExecVerdict::Escalated, reason),
                    (true, false) => (ExecVerdict::Approved, reason),
                    (false, false) => return None,
                }
            }
        };
        Some(ExecEntry {
            command,
            verdict,
            because,
            justification,
            reason,
            dropped_variables,
        })
    });
    told.collect()
}
