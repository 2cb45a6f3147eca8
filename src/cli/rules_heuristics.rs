//! `codex-shell rules heuristics`.

use crate::evaluate::heuristic::{self, ALL};
use crate::exit::Exit;
use crate::report::{self, heuristics};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A command that no rule matches prompts when one of these applies to it.

Example: codex-shell rules heuristics H002")]
pub(super) struct Args {
    /// Print the page of this one
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// How to write them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// A table, or the page
    #[default]
    Text,
    /// One object, with the pages
    Json,
}

pub(super) fn main(args: &Args) -> Exit {
    let one = match &args.code {
        None => None,
        Some(code) => {
            let known = heuristic::find(code);
            if known.is_none() {
                let list = "`codex-shell rules heuristics` lists them";
                report::error(&format!("there is no heuristic `{code}`; {list}"));
                return Exit::Usage;
            }
            known
        }
    };
    let text = match (args.format, one) {
        (Format::Text, Some(known)) => Ok(known.page()),
        (Format::Text, None) => Ok(heuristics::table(&ALL)),
        (Format::Json, Some(known)) => heuristics::json(&[known]),
        (Format::Json, None) => heuristics::json(&ALL),
    };
    let written = text.map_err(Into::into);
    match written.and_then(|text| report::print(text.as_bytes())) {
        Ok(()) => Exit::Success,
        Err(error) => {
            report::error(&format!("standard output: {error}"));
            Exit::Failure
        }
    }
}
