//! `codex-shell execpolicy check`.

use crate::exit::Exit;

#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn main(_args: &Args) -> Exit {
    Exit::Success
}
