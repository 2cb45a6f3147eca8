//! `codex-shell doctor`.

mod selftest;
mod world;

use std::path::PathBuf;

use nix::sys::utsname::uname;

use crate::cli::settings::{self, SandboxMode, SettingsArgs};
use crate::cli::{Format, here};
use crate::confine::{LayerName, Mode, Policy};
use crate::exit::Exit;
use crate::intercept::trial;
use crate::report;
use crate::report::layers::Machine;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Puts every layer of the sandbox in force once, around nothing, and reports the result.
Then runs canaries in a sandbox, each of which tries something that must not succeed,
and looks at what became of it: judged by a rule, contained by the sandbox, or neither.

All of this is about the kernel's interceptor. With --interceptor shell, a patched shell
has the programs that it starts judged, and nothing that these start in turn.

Exits with 0 when no layer is missing and every canary was held, otherwise with 1.

Examples:
  codex-shell doctor
  codex-shell doctor --verbose
  codex-shell doctor --format json
  codex-shell doctor --sandbox danger-full-access    (shows what is not held)")]
pub(super) struct Args {
    /// The output format; as text, tables with --verbose
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Show what each layer does, what became of each canary, and which names are read-only because
    /// other programs obey them
    #[arg(short, long)]
    verbose: bool,

    /// The sandbox that the canaries run in
    #[arg(
        long,
        value_name = "MODE",
        value_enum,
        default_value = "workspace-write"
    )]
    sandbox: SandboxMode,
}

pub(super) fn main(args: &Args) -> Exit {
    let directory = match here() {
        Ok(directory) => directory,
        Err(message) => {
            report::error(&message);
            return Exit::Failure;
        }
    };
    let Ok(loaded) = settings::load(directory, &SettingsArgs::default(), &[]) else {
        return Exit::Failure;
    };
    let unprotected = loaded.settings.unprotected.value;
    let policy = Policy {
        mode: Mode::WorkspaceWrite,
        writable: vec![PathBuf::from("/tmp")],
        ..Policy::closed()
    };
    let layers = match trial::layers(&policy) {
        Ok(layers) => layers,
        Err(error) => {
            report::error(&error.to_string());
            return Exit::Failure;
        }
    };
    let runs = layers
        .list
        .iter()
        .any(|layer| layer.name == LayerName::Filter);
    let canaries = match runs.then(|| selftest::run(args.sandbox.into())) {
        Some(Ok(canaries)) => canaries,
        Some(Err(error)) => {
            report::error(&format!("the canaries can't be run: {error}"));
            Vec::new()
        }
        None => Vec::new(),
    };
    let machine = Machine::new(
        kernel(),
        &layers,
        canaries,
        report::obeyed::names(&unprotected),
    );
    let text = match args.format {
        Format::Text if args.verbose => Ok(machine.text().into_bytes()),
        Format::Text => Ok(machine.summary().into_bytes()),
        Format::Json => machine.json(),
    };
    let printed = text
        .map_err(Into::into)
        .and_then(|text| report::print(&text));
    match printed {
        Err(error) => {
            report::error(&error.to_string());
            Exit::Internal
        }
        Ok(()) if machine.is_sound() => Exit::Success,
        Ok(()) => Exit::Failure,
    }
}

fn kernel() -> String {
    uname().map_or_else(
        |error| format!("unknown kernel ({error})"),
        |name| {
            let words = [name.sysname(), name.release(), name.machine()];
            words
                .map(|word| word.to_string_lossy().into_owned())
                .join(" ")
        },
    )
}
