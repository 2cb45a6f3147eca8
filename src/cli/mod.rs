//! One file per subcommand: its arguments and its function. The only folder that imports clap.

#![forbid(unsafe_code)]

pub mod doctor;
pub mod execpolicy_check;
pub mod rules_check;
pub mod rules_explain;
pub mod run;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::exit::Exit;

/// Decides, by rules you can read, what happens to every program that a shell command starts.
#[derive(Debug, Parser)]
#[command(name = "codex-shell", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Test and explain rules
    #[command(subcommand)]
    Rules(Rules),
    /// Run a command in the sandbox, each program it starts judged by the rules
    Run(run::Args),
    /// Say which guarantees hold on this machine
    Doctor(doctor::Args),
    /// The interface of the released rules evaluator, for scripts written for it
    #[command(subcommand)]
    Execpolicy(Execpolicy),
}

#[derive(Debug, Subcommand)]
enum Rules {
    /// Say what would happen to a command, by which rule, and what nearly matched
    Explain(rules_explain::Args),
    /// Find mistakes in rules files
    Check(rules_check::Args),
}

#[derive(Debug, Subcommand)]
enum Execpolicy {
    /// Evaluate a command against rules files, as JSON
    Check(execpolicy_check::Args),
}

/// Parses `args` (with `argv[0]`) and runs the subcommand.
pub fn main(args: Vec<OsString>) -> Exit {
    match Cli::try_parse_from(args) {
        Ok(Cli { command }) => match command {
            Command::Rules(Rules::Explain(args)) => rules_explain::main(&args),
            Command::Rules(Rules::Check(args)) => rules_check::main(&args),
            Command::Run(args) => run::main(&args),
            Command::Doctor(args) => doctor::main(&args),
            Command::Execpolicy(Execpolicy::Check(args)) => execpolicy_check::main(&args),
        },
        Err(error) => {
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
