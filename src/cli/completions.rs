//! `codex-shell completions`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, finish};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn main(args: &Args) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "codex-shell", &mut script);
    finish(Ok(script), Exit::Success)
}
