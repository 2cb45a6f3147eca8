//! `codex-shell config`.

use std::path::PathBuf;

use crate::config::schema;
use crate::exit::Exit;
use crate::report;

use super::settings::{self, SettingsArgs};
use super::{Format, finish};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Defaults, $CODEX_HOME/codex-shell.toml, the .codex/codex-shell.toml of a trusted
project, flags: later ones win. A project's file only makes things stricter.

Examples:
  codex-shell config --format json
  codex-shell config schema > codex-shell.schema.json")]
pub(super) struct Args {
    /// Print the JSON schema of codex-shell.toml, and do nothing else
    #[arg(value_name = "WHAT", value_enum)]
    what: Option<Printed>,
    /// The output format: a codex-shell.toml with comments, or JSON
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where the command would be started
    #[arg(short = 'C', long = "cwd", value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Printed {
    /// The JSON schema of codex-shell.toml
    Schema,
}

pub(super) fn main(args: &Args) -> Exit {
    if let Some(Printed::Schema) = args.what {
        return finish(Ok(schema::text()), Exit::Success);
    }
    let directory = match super::rules_explain::working_directory(args.directory.as_deref()) {
        Ok(directory) => directory,
        Err(message) => {
            report::error(&message);
            return Exit::Usage;
        }
    };
    let Ok(loaded) = settings::load(directory.to_path_buf(), &args.settings, &[]) else {
        return Exit::Failure;
    };
    let text = match args.format {
        Format::Text => Ok(report::config::toml(&loaded)),
        Format::Json => report::config::json(&loaded),
    };
    finish(text.map_err(Into::into), Exit::Success)
}
