//! The tool `shell`: what it takes, and what it gives.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CString, OsStr, OsString};
use std::io::{Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::memfd::{MFdFlags, memfd_create};
use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::Report;
use super::channel::{Ended, RefusedCall};
use super::order::{Plan, Recipe};
use super::output::{Stretch, Truncated};
use super::session::{Sent, Session, check_workdir};
use crate::audit::{Notable, Outcome};
use crate::confine::{Mode, Policy, Unmade};
use crate::evaluate::IndexedRules;
use crate::exit::Exit;
use crate::intercept::launcher::Command;
use crate::intercept::shell::{self, Mark};

/// The longest argument of a program, in bytes: MAX_ARG_STRLEN of Linux, without the NUL.
const LONGEST_WORD: usize = (32 << 12) - 1;

/// So much of a cancelled call's output is told, in characters.
const LAST_WORDS: usize = 4000;

/// What the tool takes. Properties that it does not know are ignored.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars", title = "ExecParams")]
pub(super) struct ExecParams {
    /// The bash string to execute.
    command: String,
    /// The working directory to execute the command in. Must be an absolute path.
    workdir: PathBuf,
    /// The timeout for the command in milliseconds; without it the server's, which is 10 s unless the
    /// server was started with another. Time during which a person is asked does not count.
    #[serde(default)]
    #[schemars(range(min = 1))]
    timeout_ms: Option<u64>,
    /// Launch Bash with -lc instead of -c: defaults to true.
    #[serde(default)]
    login: Option<bool>,
    /// What the command reads on standard input: nothing unless given.
    #[serde(default)]
    stdin: Option<String>,
    /// Environment variables to add for the command. Programs that run outside the sandbox don't
    /// get them.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// A tighter sandbox than the session's, for this command.
    #[serde(default)]
    sandbox: Option<SandboxParam>,
    /// What the command is for; shown to the person if one is asked.
    #[serde(default)]
    pub(super) justification: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(rename_all = "kebab-case")]
enum SandboxParam {
    ReadOnly,
    WorkspaceWrite,
    DangerFullAccess,
}

impl From<SandboxParam> for Mode {
    fn from(param: SandboxParam) -> Self {
        match param {
            SandboxParam::ReadOnly => Self::ReadOnly,
            SandboxParam::WorkspaceWrite => Self::WorkspaceWrite,
            SandboxParam::DangerFullAccess => Self::DangerFullAccess,
        }
    }
}

impl ExecParams {
    /// The call that this asks for, with which the client `sent` something.
    ///
    /// # Errors
    /// What is wrong with it, in words for the agent.
    pub(super) fn plan(
        &self,
        session: &Session,
        rules: std::sync::Arc<IndexedRules>,
        sent: Sent,
    ) -> Result<Plan, String> {
        check_workdir(&self.workdir)?;
        if self.timeout_ms == Some(0) {
            return Err("`timeout_ms` must be at least 1".into());
        }
        let policy = session.policy(self.sandbox.map(Mode::from), &sent.limits)?;
        session.note(&policy.workspaces);
        let login = self.login.unwrap_or(true);
        let options = &session.options;
        let mark = options
            .patched
            .as_ref()
            .map_or(Mark::Exec, |_| Mark::Packet);
        Ok(Plan {
            recipe: Recipe {
                policy,
                require: options.require.clone(),
                rules,
                patched: options.patched.clone(),
                profiles: options.profiles.clone(),
                ask: session.ask(),
                audit: options.audit.clone(),
                keys: session.keys.clone(),
            },
            command: self.command(session, login, mark)?,
            login,
            directory: self.workdir.clone(),
            timeout: self
                .timeout_ms
                .map_or(options.timeout, Duration::from_millis),
            client: sent.client,
        })
    }

    fn command(&self, session: &Session, login: bool, mark: Mark) -> Result<Command, String> {
        let shell = &session.options.shell;
        if let Some(name) = self.env.keys().find(|name| !is_name(name)) {
            return Err(format!("`env`: {name:?} can't be the name of a variable"));
        }
        let mut script = OsString::new();
        let mut variables: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
        variables.insert("PWD".into(), self.workdir.clone().into());
        for (name, value) in &self.env {
            if login {
                // Start-up files run before anything is asked about: they get the server's own.
                script.push(format!("export {name}={}; ", quoted(value)));
            } else {
                variables.insert(name.into(), value.into());
            }
        }
        script.push(&self.command);
        let c_string = |bytes: OsString| {
            CString::new(bytes.into_vec()).map_err(|_| "a NUL byte can't be part of a command")
        };
        let join = |(name, value): (OsString, OsString)| {
            c_string(OsString::from_vec(
                [name.as_bytes(), b"=", value.as_bytes()].concat(),
            ))
        };
        let argv = shell::argv(shell.as_os_str(), login, OsStr::new(&script), mark);
        if argv.iter().any(|word| word.len() > LONGEST_WORD) {
            return Err(format!(
                "`command` is too long: Linux starts a program with no argument of more than \
                 {LONGEST_WORD} bytes; give what the command reads as `stdin`"
            ));
        }
        Ok(Command {
            program: c_string(shell.into())?,
            argv: argv.into_iter().map(c_string).collect::<Result<_, _>>()?,
            environment: variables.into_iter().map(join).collect::<Result<_, _>>()?,
            ignored: session.signals.ignored,
            blocked: session.signals.blocked,
        })
    }

    /// The command's standard input.
    ///
    /// # Errors
    /// It can't be made.
    pub(super) fn input(&self) -> std::io::Result<OwnedFd> {
        let Some(text) = &self.stdin else {
            return Ok(std::fs::File::open("/dev/null")?.into());
        };
        let fd = memfd_create("codex-shell-stdin", MFdFlags::MFD_CLOEXEC)?;
        let mut file = std::fs::File::from(fd);
        file.write_all(text.as_bytes())?;
        file.rewind()?;
        Ok(file.into())
    }
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
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
    /// What it wrote on standard output.
    stdout: String,
    /// What it wrote on standard error.
    stderr: String,
    /// The order in which the streams' bytes came: that of writing, but for writes to both within
    /// less than a millisecond, whose order nobody knows.
    order: Vec<Stretch>,
    /// What was left out of the middle of the streams, if anything was.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Truncated>,
    /// The programs that were refused, or ran outside the sandbox.
    execs: Vec<Exec>,
    /// How many more of these there were.
    more_execs: u64,
    /// The paths that the sandbox kept from being written, as far as the output tells of them.
    denials: Vec<super::denials::Denial>,
    /// The system calls that the sandbox refused, such as those for a network.
    refused_calls: Vec<RefusedCall>,
    /// What this machine does not offer of the sandbox.
    missing_layers: Vec<String>,
    /// What came to be, while the command ran, under names that other programs obey without being
    /// asked, such as .vscode and .envrc.
    made: Vec<Made>,
}

/// A file or directory that other programs obey, and that was not there before.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Made {
    /// Where it is.
    path: String,
    /// Who obeys it, and how.
    reason: String,
}

/// A program that did not simply run inside the sandbox.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Exec {
    /// The command, quoted as for a shell.
    command: String,
    /// What became of it.
    verdict: Verdict,
    /// The rule's FILE:LINE, or the heuristic's code.
    because: String,
    /// The rule's justification, or the heuristic's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<String>,
    /// The person's reason, or why nobody could be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The variables that it did not get outside.
    dropped_variables: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// A rule forbids it; it did not run.
    Forbidden,
    /// Somebody was asked and it did not run.
    Refused,
    /// Somebody was asked and it ran inside the sandbox.
    Approved,
    /// It ran outside the sandbox.
    Escalated,
}

/// The schema of the structured result.
pub(super) fn output_schema() -> std::sync::Arc<rmcp::model::JsonObject> {
    super::schema::of::<ExecResult>()
}

/// Where a call ran.
#[derive(Debug, Clone)]
pub(super) struct Sandboxed {
    /// What the sandbox permitted.
    pub(super) policy: Policy,
    /// The working directory.
    pub(super) directory: PathBuf,
    /// Where the server was started.
    pub(super) here: PathBuf,
    /// What was not there when it began.
    pub(super) unmade: Unmade,
}

/// The result for the client.
pub(super) fn result(
    report: Report,
    reasons: &HashMap<String, String>,
    sandbox: &Sandboxed,
) -> CallToolResult {
    let (exit_code, timed_out) = match report.last.ended {
        Ended::Exit(status) => (status, false),
        Ended::TimedOut => (Exit::TimedOut.code(), true),
        Ended::Failed(why) => {
            let written = report.output.finish().both;
            return failure(&match &*written {
                "" => why,
                written => format!("{why}; what was written before:\n{written}"),
            });
        }
    };
    let written = report.output.finish();
    let text = json!({
        "exit_code": exit_code,
        "output": written.both,
        "duration": {
            "secs": report.duration.as_secs(),
            "nanos": report.duration.subsec_nanos(),
        },
        "timed_out": timed_out,
    });
    let Sandboxed {
        policy,
        directory,
        here,
        unmade,
    } = sandbox;
    let made = unmade.made().into_iter().map(|one| Made {
        path: one.path.display().to_string(),
        reason: one.reason.to_owned(),
    });
    let confined = policy.mode != Mode::DangerFullAccess;
    let denials = if confined {
        super::denials::found(&written.both, exit_code, directory, policy, here)
    } else {
        Vec::new()
    };
    let structured = ExecResult {
        exit_code,
        timed_out,
        duration_seconds: report.duration.as_secs_f64(),
        stdout: written.stdout,
        stderr: written.stderr,
        order: written.order,
        truncated: written.truncated,
        execs: execs(report.notables, reasons, confined),
        more_execs: report.last.more,
        denials,
        refused_calls: report.last.refused,
        missing_layers: report.missing,
        made: made.collect(),
    };
    let mut result = CallToolResult::success(vec![ContentBlock::text(text.to_string())]);
    // A structure of strings and numbers can always be written.
    result.structured_content = serde_json::to_value(structured).ok();
    result
}

/// What a call that was cancelled had written, as far as it is worth a message.
pub(super) fn last_words(report: Report) -> String {
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

/// An entry for each exec; what is known of the same one later is added to it.
fn execs(notables: Vec<Notable>, reasons: &HashMap<String, String>, confined: bool) -> Vec<Exec> {
    let mut execs: Vec<Exec> = Vec::new();
    for Notable { command, outcome } in notables {
        let (verdict, because, justification, reason) = match outcome {
            Outcome::Forbidden {
                because,
                justification,
            } => (Verdict::Forbidden, because, justification, None),
            // Without a sandbox there is no outside.
            Outcome::Allowed { .. } if !confined => continue,
            Outcome::Allowed {
                because,
                justification,
            } => (Verdict::Escalated, because, justification, None),
            Outcome::Answered {
                because,
                justification,
                refused: Some(why),
                ..
            } => (Verdict::Refused, because, justification, Some(why)),
            Outcome::Answered {
                because,
                justification,
                refused: None,
                outside,
            } => {
                let verdict = if outside && confined {
                    Verdict::Escalated
                } else {
                    Verdict::Approved
                };
                let reason = reasons.get(&command).cloned();
                (verdict, because, justification, reason)
            }
            Outcome::Dropped { variables } => {
                let same = execs.iter_mut().rev().find(|exec| exec.command == command);
                if let Some(exec) = same {
                    exec.dropped_variables = variables;
                }
                continue;
            }
        };
        execs.push(Exec {
            command,
            verdict,
            because,
            justification,
            reason,
            dropped_variables: Vec::new(),
        });
    }
    execs
}
