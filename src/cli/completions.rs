//! `codex-shell completions`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Cli;
use crate::exit::Exit;
use crate::report;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn main(args: &Args) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "codex-shell", &mut script);
    match report::print(&script) {
        Ok(()) => Exit::Success,
        Err(error) => {
            report::error(&format!("standard output: {error}"));
            Exit::Failure
        }
    }
}
