//! `codex-shell serve`.

use std::path::PathBuf;
use std::time::Duration;

use super::run::layer;
use super::settings::SandboxMode;
use crate::approve::Answer;
use crate::audit::Audit;
use crate::config::settings::SHELL;
use crate::config::values::duration;
use crate::confine::{LayerName, Mode};
use crate::exit::Exit;
use crate::mcp::{self, Options, ServeError, Who};
use crate::report;
use crate::sys::fork;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  codex-shell serve --sandbox workspace-write
  codex-shell serve --ask queue

The protocol is spoken on standard input and output. Without --sandbox the client
says what the sandbox permits (codex/sandbox-state/update), and until it does,
nothing can be written. The server ends with its client, and every command with
the server.")]
pub(super) struct Args {
    /// Rules: a file, or a directory of *.rules files; may be given again
    #[arg(long, value_name = "FILE|DIR")]
    rules: Vec<PathBuf>,

    /// The most that the sandbox permits, whatever the client says
    #[arg(long, value_name = "MODE", value_enum)]
    sandbox: Option<SandboxMode>,

    /// Whether that sandbox has a network
    #[arg(long, value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set)]
    network: bool,

    /// Another directory that workspace-write may write to, beside the working directory; may be
    /// given again
    #[arg(long, value_name = "DIR")]
    writable: Vec<PathBuf>,

    /// Leave /tmp and $TMPDIR out of what workspace-write may write to
    #[arg(long)]
    no_tmp: bool,

    /// Who is asked: client, queue, deny, allow, or command:PROGRAM
    ///
    /// `client` asks by elicitation; `queue` keeps questions for `codex-shell approve` in another
    /// terminal. PROGRAM reads the question as a line of JSON and answers by its exit status: 0 is
    /// yes.
    #[arg(long, value_name = "WHO", default_value = "client", value_parser = who)]
    ask: Who,

    /// A question that nobody answers is answered with no after this time
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    ask_timeout: Duration,

    /// How long a command may take when the call does not say
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    timeout: Duration,

    /// How much of what a command writes is returned, in bytes for each stream; all of a longer
    /// output is kept in a file until the server ends
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 10)]
    max_output: usize,

    /// The shell
    #[arg(
        long,
        visible_alias = "shell",
        value_name = "PATH",
        env = "CODEX_BASH_PATH",
        default_value = SHELL
    )]
    bash: PathBuf,

    /// Accepted and not used: the kernel tells of each exec, whatever the shell
    #[arg(long, value_name = "PATH")]
    execve: Option<PathBuf>,

    /// Accepted and not used: rules see programs' paths as well as their names
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
    match (text, text.strip_prefix("command:")) {
        ("client", _) => Ok(Who::Client),
        ("queue", _) => Ok(Who::Queue),
        ("deny", _) => Ok(Who::Fixed(Answer::No("declined by --ask deny".into()))),
        ("allow", _) => Ok(Who::Fixed(Answer::Yes)),
        (_, Some(program)) if !program.is_empty() => Ok(Who::Program(program.into())),
        _ => Err("expected client, queue, deny, allow or command:PROGRAM".into()),
    }
}

pub(super) fn main(args: Args) -> Exit {
    if args.execve.is_some() {
        report::note("--execve is not needed: the kernel tells of each exec");
    }
    let audit = match &args.audit {
        Some(path) => Audit::to(path).map_err(|error| format!("{}: {error}", path.display())),
        None => Ok(Audit::default()),
    };
    let started = audit.and_then(|audit| {
        fork::close_others_on_exec().map_err(|error| error.to_string())?;
        Ok(Options {
            sandbox: args.sandbox.map(Mode::from),
            network: args.network,
            writable: args.writable,
            tmp: !args.no_tmp,
            require: args.require,
            rules: args.rules,
            shell: args.bash,
            ask: args.ask,
            ask_timeout: args.ask_timeout,
            timeout: args.timeout,
            output_limit: args.max_output,
            audit,
        })
    });
    let served = started.map(mcp::serve);
    match served {
        Ok(Ok(())) => Exit::Success,
        Ok(Err(ServeError::Rules(errors))) => {
            for error in &errors {
                report::error(error);
            }
            report::error("the server does not start with rules that can't be loaded");
            Exit::Failure
        }
        Ok(Err(error)) => fail(&error.to_string()),
        Err(error) => fail(&error),
    }
}

fn fail(message: &str) -> Exit {
    report::error(message);
    Exit::Internal
}
