//! `codex-shell completions`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, finish};
use crate::exit::Exit;

const NAME: &str = "codex-shell";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn main(args: &Args) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    let script = String::from_utf8_lossy(&script);
    // For bash, clap_complete 4.6 spells a name with a hyphen in two ways, one of which nothing
    // leads to.
    let script = script.replace("codex__subcmd__shell", "codex__shell");
    finish(Ok(script), Exit::Success)
}
