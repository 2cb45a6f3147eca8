//! The tool `shell`: what it takes.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::io::{Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::memfd::{MFdFlags, memfd_create};
use rmcp::schemars::JsonSchema;
use serde::Deserialize;

use super::order::{Order, Plan, Recipe};
use super::session::{Sent, ServerSession};
use super::workdir;
use crate::confine::Mode;
use crate::evaluate::IndexedRules;
use crate::intercept::launcher::Command;
use crate::intercept::shell::{self, Mark};

/// The longest argument of a program, in bytes: MAX_ARG_STRLEN of Linux, without the NUL.
const LONGEST_WORD: usize = (32 << 12) - 1;

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
        session: &ServerSession,
        rules: std::sync::Arc<IndexedRules>,
        sent: Sent,
    ) -> Result<Plan, String> {
        workdir::check_name(&self.workdir)?;
        if self.timeout_ms == Some(0) {
            return Err("`timeout_ms` must be at least 1".into());
        }
        let login = self.login.unwrap_or(true);
        let options = &session.options;
        let mark = options
            .patched
            .as_ref()
            .map_or(Mark::Exec, |_| Mark::Packet);
        Ok(Plan {
            recipe: Recipe {
                wanted: session.wanted(self.sandbox.map(Mode::from), &sent.states),
                require: options.require.clone(),
                rules,
                patched: options.patched.clone(),
                profiles: options.profiles.clone(),
                ask: session.ask(),
                audit: options.audit.clone(),
                keys: session.keys.clone(),
            },
            command: self.command(session, login, mark)?,
            order: Order {
                login,
                directory: self.workdir.clone(),
                timeout: self
                    .timeout_ms
                    .map_or(options.timeout, Duration::from_millis),
                client: sent.client,
                begun: false,
            },
        })
    }

    fn command(&self, session: &ServerSession, login: bool, mark: Mark) -> Result<Command, String> {
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
