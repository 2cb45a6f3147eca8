//! `codex-shell rules models`.

use crate::exit::Exit;
use crate::{models, report};

use super::{Format, finish};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  codex-shell rules models git

A rules file can override this: program(\"git\", ...) in it replaces what is printed here.")]
pub(super) struct Args {
    /// The program; without it, all are listed
    program: Option<String>,
    /// The output format: the model's source, as in rules files, or JSON
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One program in the list.
#[derive(serde::Serialize)]
struct Listed {
    names: Vec<&'static str>,
    file: &'static str,
}

pub(super) fn main(args: &Args) -> Exit {
    let text = match &args.program {
        None => list(args.format),
        Some(name) => {
            let Some(text) = one(name, args.format) else {
                report::error(&format!("nothing is known of the program {name:?}"));
                return Exit::Failure;
            };
            text
        }
    };
    finish(Ok(text), Exit::Success)
}

fn list(format: Format) -> String {
    match format {
        Format::Text => {
            let lines: Vec<&str> = models::programs().map(|(names, _)| names).collect();
            format!("{}\n", lines.join("\n"))
        }
        Format::Json => {
            let programs: Vec<Listed> = models::programs()
                .map(|(names, file)| Listed {
                    names: names.split(' ').collect(),
                    file,
                })
                .collect();
            format!(
                "{}\n",
                serde_json::json!({ "schema": 1, "programs": programs })
            )
        }
    }
}

fn one(name: &str, format: Format) -> Option<String> {
    match format {
        Format::Text => models::source(name).map(str::to_owned),
        Format::Json => {
            let json = serde_json::to_string(models::builtin(name)?).ok()?;
            Some(format!("{json}\n"))
        }
    }
}
