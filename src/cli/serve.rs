//! `codex-shell serve`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::here;
use super::run::layer;
use super::settings::{self, InterceptorArg};
use crate::config::settings::Source;
use crate::config::values::{Ask, Interceptor, duration};
use crate::config::{Flags, Loaded, Places, Profiles, Settings, deciding};
use crate::confine::{LayerName, Mode, Policy, Role};
use crate::exit::Exit;
use crate::intercept::broker::Patched;
use crate::intercept::trial;
use crate::mcp::{self, Options, ServeError, Who};
use crate::report;
use crate::sys::fds;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  codex-shell serve --sandbox workspace-write
  codex-shell serve --ask queue

The protocol is spoken on standard input and output. What is not set here comes
from codex-shell.toml (see codex-shell config). If neither says what the sandbox
permits, the client does, with each call (codex/sandbox-state in its _meta) or
once (codex/sandbox-state/update); a client that says nothing gets a sandbox in
which nothing can be written. The server ends with its client, and every command
with the server.")]
pub(super) struct Args {
    /// Read rules from this file, or from the *.rules files in this directory, and from nowhere
    /// else; may be given again
    #[arg(long, value_name = "FILE|DIR")]
    rules: Vec<PathBuf>,

    /// The most that the sandbox permits, whatever the client says
    #[arg(long, value_name = "MODE", value_enum)]
    sandbox: Option<Most>,

    /// Whether that sandbox has a network [default: false]
    #[arg(long, value_name = "BOOL")]
    network: Option<bool>,

    /// Another directory that workspace-write may write to, beside the working directory; may be
    /// given again
    #[arg(long, value_name = "DIR")]
    writable: Vec<PathBuf>,

    /// Leave /tmp and $TMPDIR out of what workspace-write may write to
    #[arg(long)]
    no_tmp: bool,

    /// Who is asked: client, queue, deny, allow, or command:PROGRAM [default: client]
    ///
    /// `client` asks by elicitation; `queue` keeps questions for `codex-shell approve` in another
    /// terminal. PROGRAM reads the question as a line of JSON, which codex-shell-rules(5) describes,
    /// and answers by its exit status: 0 is yes.
    #[arg(long, value_name = "WHO", value_parser = who)]
    ask: Option<Who>,

    /// How long a question may stay unanswered; after that, the answer is no
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    ask_timeout: Duration,

    /// How long a command may take when the call does not say [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    timeout: Option<Duration>,

    /// How much of a command's output is returned, in bytes per stream; longer output is kept in full
    /// in a file until the server ends or newer output needs the space (1 GiB in all)
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 10)]
    max_output: usize,

    /// The shell [default: /bin/bash]
    #[arg(
        long,
        visible_alias = "shell",
        value_name = "PATH",
        env = "CODEX_BASH_PATH"
    )]
    bash: Option<PathBuf>,

    /// How execs are intercepted [default: auto]
    #[arg(long, value_name = "WHICH", value_enum)]
    interceptor: Option<InterceptorArg>,

    /// The program that a patched shell starts in place of any other: a link named
    /// codex-execve-wrapper to codex-shell [default: one in the user's cache]
    #[arg(long, value_name = "PATH")]
    execve: Option<PathBuf>,

    /// Accepted and ignored: rules see programs' paths as well as their names
    #[arg(long)]
    preserve_program_paths: bool,

    /// Refuse to run commands without this layer of the sandbox; may be given again
    #[arg(long, value_name = "LAYER", value_parser = layer)]
    require: Vec<LayerName>,

    /// Append a JSON record of each exec to this file
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
}

fn who(text: &str) -> Result<Who, String> {
    match (text, Ask::from_text(text)) {
        ("client", _) => Ok(Who::Client),
        ("queue", _) => Ok(Who::Queue),
        (_, Ok(Ask::Terminal) | Err(_)) => {
            Err("expected client, queue, deny, allow or command:PROGRAM".into())
        }
        (_, Ok(ask)) => Ok(Who::Unattended(ask, "--ask deny".into())),
    }
}

/// How long a command may take where nothing says it.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn main(args: Args) -> Exit {
    let directory = match here() {
        Ok(directory) => directory,
        Err(message) => return fail(&message),
    };
    let Ok(loaded) = settings::load_flags(directory.clone(), &args.flags(), &args.rules) else {
        return Exit::Internal;
    };
    let served = args
        .options(loaded, Places::of_process(directory))
        .map(mcp::serve);
    match served {
        Ok(Ok(None)) => Exit::Success,
        Ok(Ok(Some(signal))) => Exit::Command(signal.to_le_bytes()[0].saturating_add(128)),
        Ok(Err(ServeError::Rules(errors))) => {
            for error in &errors {
                report::error(error);
            }
            report::error("the server does not serve with rules that can't be loaded");
            Exit::Internal
        }
        Ok(Err(error)) => fail(&error.to_string()),
        Err(error) => fail(&error),
    }
}

/// The values of `--sandbox`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Most {
    /// Nothing can be written
    ReadOnly,
    /// The working directory and temporary files can be written
    WorkspaceWrite,
    /// No sandbox: programs are judged, but nothing confines them
    DangerFullAccess,
    /// What the client says, and until it has, read-only
    #[value(alias = "none")]
    Client,
}

impl Most {
    fn mode(self) -> Option<Mode> {
        match self {
            Self::ReadOnly => Some(Mode::ReadOnly),
            Self::WorkspaceWrite => Some(Mode::WorkspaceWrite),
            Self::DangerFullAccess => Some(Mode::DangerFullAccess),
            Self::Client => None,
        }
    }
}

impl Args {
    fn flags(&self) -> Flags {
        Flags {
            sandbox: self.sandbox.and_then(Most::mode),
            network: self.network,
            writable: self.writable.clone(),
            interceptor: self.interceptor.map(Interceptor::from),
            shell: self.bash.clone(),
            ask: None,
            timeout: self.timeout,
        }
    }

    fn options(self, loaded: Loaded, places: Places) -> Result<Options, String> {
        let settings = loaded.settings;
        let patched = patched(&settings, self.execve.as_deref())?;
        fds::close_others_on_exec().map_err(|error| error.to_string())?;
        let mut ask = self.ask.unwrap_or_else(|| asked(&settings));
        let mut protection = deciding::protected(&places, &settings, &self.rules);
        // The places are looked at anew for each call.
        protection.deciding.retain(|one| one.role == Role::Shell);
        deciding::add_rules(&mut protection, &self.rules);
        let mut asker = None;
        if let Who::Unattended(Ask::Program(program), _) = &mut ask {
            *program = settings::asker(program)?;
            settings::protect_asker(&mut protection, program)?;
            asker = Some(program.as_path());
        }
        let audit = settings::audit(self.audit.as_deref(), asker, &protection)?;
        let files = [
            (self.audit.as_deref(), Role::Audit),
            (patched.as_ref().map(Patched::wrapper), Role::Shell),
        ];
        for (path, role) in files {
            if let Some(path) = path {
                deciding::add(&mut protection, path, role);
            }
        }
        let temporary = std::env::var_os("TMPDIR");
        let profiles = Profiles::new(&settings, places.directory.clone(), temporary);
        // Where nobody has said anything, the client does.
        let is_set =
            settings.sandbox.source != Source::Default && self.sandbox != Some(Most::Client);
        Ok(Options {
            sandbox: is_set.then_some(settings.sandbox.value),
            network: settings.network.value,
            writable: settings.writable.value.clone(),
            tmp: !self.no_tmp,
            require: self.require,
            rules: self.rules,
            places,
            profiles,
            shell: settings.shell.value.clone(),
            patched,
            ask,
            ask_timeout: self.ask_timeout,
            timeout: settings.timeout.value.unwrap_or(TIMEOUT),
            output_limit: self.max_output,
            audit,
            protection,
            settings,
        })
    }
}

/// Who is asked as files say. There is no terminal here: whoever sits at the client is asked.
fn asked(settings: &Settings) -> Who {
    match &settings.ask.value {
        Ask::Terminal => Who::Client,
        ask => Who::Unattended(ask.clone(), settings.ask.source.to_string()),
    }
}

/// The patched shell, where it is the interceptor, or the kernel can't be.
fn patched(settings: &Settings, execve: Option<&Path>) -> Result<Option<Patched>, String> {
    let mut patched = settings::patched(settings, execve)?;
    if settings.interceptor.value == Interceptor::Auto {
        // What else a sandbox may lack matters to no listener.
        let policy = Policy {
            mode: Mode::DangerFullAccess,
            ..Policy::closed()
        };
        let error = trial::layers(&policy).err();
        patched = error.and_then(|error| settings::instead(settings, &error, execve));
    }
    if execve.is_some() && patched.is_none() {
        report::note("--execve is not needed: the kernel tells of each exec");
    }
    Ok(patched)
}

fn fail(message: &str) -> Exit {
    report::error(message);
    Exit::Internal
}
