//! One file per subcommand: its arguments and its function. The only folder that imports clap.

#![forbid(unsafe_code)]

pub mod aftermath;
mod approve;
pub mod canary;
pub mod completions;
pub mod config;
pub mod doctor;
pub mod execpolicy_check;
pub mod man;
pub mod rules_check;
pub mod rules_explain;
pub mod rules_models;
pub mod rules_pages;
pub mod run;
pub mod serve;
mod settings;
pub mod trust;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::exit::Exit;
use crate::report;
use crate::wrapper;

/// Decides, by rules you can read, what happens to every program that a shell command starts
///
/// `codex-shell run` puts a command in a sandbox and stops each program that it starts, at any
/// depth, just before it starts. The rules then say whether the program runs, whether a person is
/// asked first, and whether it runs inside the sandbox or outside. A program without a rule runs
/// inside; one that looks dangerous is asked about.
#[derive(Debug, Parser)]
#[command(name = "codex-shell", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Test and explain rules
    #[command(subcommand)]
    Rules(Rules),
    /// Run a command in the sandbox, and judge each program that it starts
    Run(run::Args),
    /// Serve a shell tool over MCP, and judge each program that it starts
    Serve(serve::Args),
    /// Start a program as a patched shell does: judged by whoever started the shell
    ///
    /// This is what a shell made by scripts/build-patched-shell starts in place of each program,
    /// by the name codex-execve-wrapper. It asks `codex-shell run` or `codex-shell serve` with
    /// `--interceptor shell`, by the socket that CODEX_ESCALATE_SOCKET names. Without one it fails
    /// with 125, and nothing runs.
    ExecveWrapper(ExecveWrapper),
    /// Answer the questions of servers started with --ask queue
    Approve(approve::Args),
    /// Print the settings, and where each value came from
    Config(config::Args),
    /// Let a project's rules and settings take effect
    Trust(trust::Args),
    /// Report which guarantees hold on this machine
    Doctor(doctor::Args),
    /// Evaluate rules as `codex execpolicy` does, for scripts written for it
    #[command(subcommand)]
    Execpolicy(Execpolicy),
    /// Print a completion script for a shell
    #[command(after_help = "\
Example: codex-shell completions bash > ~/.local/share/bash-completion/completions/codex-shell")]
    Completions(completions::Args),
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object, for programs
    Json,
}

/// For its help alone: the applet takes the words as they are, without a parser.
#[derive(Debug, clap::Args)]
struct ExecveWrapper {
    /// The file to execute
    #[arg(value_name = "FILE")]
    file: OsString,

    /// Its argument vector, argument 0 first
    #[arg(value_name = "ARGV", trailing_var_arg = true)]
    argv: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
enum Rules {
    /// Explain what would happen to a command, by which rule, and which rules nearly match
    Explain(rules_explain::Args),
    /// Find mistakes in rules files
    Check(rules_check::Args),
    /// Print what is known about programs' command lines
    Models(rules_models::Args),
    /// Print what counts as dangerous where no rule matches
    #[command(after_help = "\
A command that no rule matches prompts when one of these applies to it.

Example: codex-shell rules heuristics H002")]
    Heuristics(rules_pages::Args),
    /// Print what `rules check` looks for
    #[command(after_help = "\
Example: codex-shell rules lints W104")]
    Lints(rules_pages::Args),
}

#[derive(Debug, Subcommand)]
enum Execpolicy {
    /// Evaluate a command against rules files, as JSON
    Check(execpolicy_check::Args),
}

/// Parses `args` (with `argv[0]`) and runs the subcommand.
pub fn main(args: Vec<OsString>) -> Exit {
    match Cli::try_parse_from(helped(args)) {
        Ok(Cli { command }) => match command {
            CliCommand::Rules(Rules::Explain(args)) => rules_explain::main(&args),
            CliCommand::Rules(Rules::Check(args)) => rules_check::main(&args),
            CliCommand::Rules(Rules::Models(args)) => rules_models::main(&args),
            CliCommand::Rules(Rules::Heuristics(args)) => rules_pages::heuristics(&args),
            CliCommand::Rules(Rules::Lints(args)) => rules_pages::lints(&args),
            CliCommand::Run(args) => run::main(&args),
            CliCommand::Serve(args) => serve::main(args),
            CliCommand::ExecveWrapper(ExecveWrapper { file, argv }) => {
                wrapper::main(None, [vec![file], argv].concat())
            }
            CliCommand::Approve(args) => approve::main(args),
            CliCommand::Config(args) => config::main(&args),
            CliCommand::Trust(args) => trust::main(&args),
            CliCommand::Doctor(args) => doctor::main(&args),
            CliCommand::Execpolicy(Execpolicy::Check(args)) => execpolicy_check::main(&args),
            CliCommand::Completions(args) => completions::main(&args),
            CliCommand::Man => man::main(),
        },
        Err(error) => {
            if let Some(whole) = meant(&error) {
                report::error(&format!("no such command; use `{whole}`"));
                return Exit::Usage;
            }
            // A closed stream can't be told about; the status still can.
            let _ = error.print();
            if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Success
            }
        }
    }
}

/// The whole of a command of which somebody said the last word alone.
fn meant(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let cli = Cli::command();
    let mut groups = cli.get_subcommands();
    let group = groups.find(|group| group.find_subcommand(word).is_some())?;
    Some(format!("{} {} {word}", cli.get_name(), group.get_name()))
}

/// The directory that this process was started in.
///
/// # Errors
/// It is gone, or can't be looked up: in words.
fn here() -> Result<PathBuf, String> {
    std::env::current_dir().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "the working directory has been deleted".to_owned(),
        _ => format!("the working directory can't be found: {error}"),
    })
}

/// Writes what was made; `exit` if that goes well.
fn finish(made: io::Result<impl AsRef<[u8]>>, exit: Exit) -> Exit {
    match made.and_then(|text| report::print(text.as_ref())) {
        Ok(()) => exit,
        Err(error) => {
            report::error(&format!("standard output: {error}"));
            Exit::Failure
        }
    }
}

/// `help run` for `run --help`.
fn helped(mut args: Vec<OsString>) -> Vec<OsString> {
    if args.get(1).is_some_and(|word| word == "help") {
        args.remove(1);
        args.push("--help".into());
    }
    args
}
