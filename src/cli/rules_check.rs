//! `codex-shell rules check`.

use std::io::IsTerminal;
use std::path::PathBuf;

use crate::config::values::LintLevel;
use crate::config::{Loaded, Settings};
use crate::exit::Exit;
use crate::lint::{self, Level, Levels, UnknownCode};
use crate::report;
use crate::report::findings::{self, Findings};
use crate::rules::RuleSet;

use super::finish;
use super::settings::{self, SettingsArgs};

/// The way findings are written.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Source excerpts and a line that counts
    Text,
    /// One object, for programs
    Json,
    /// Workflow commands, which GitHub shows beside the line
    Github,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  codex-shell rules check --deny-warnings rules-examples
  codex-shell rules check --format github .codex/rules
  codex-shell rules check --explain W104

Exit status: 0 no errors, 1 errors (with --deny-warnings: anything), 2 the command line is wrong.")]
pub(super) struct Args {
    /// Rules files, or directories of them [default: /etc/codex/rules and $CODEX_HOME/rules]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How to write what is found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Fail on warnings too
    #[arg(long)]
    deny_warnings: bool,
    /// Switch a check off
    #[arg(long, value_name = "CODE")]
    allow: Vec<String>,
    /// Switch a check on, as a warning
    #[arg(long, value_name = "CODE")]
    warn: Vec<String>,
    /// Switch a check on, as an error
    #[arg(long, value_name = "CODE")]
    deny: Vec<String>,
    /// Print the page of a check, and do nothing else
    #[arg(long, value_name = "CODE", exclusive = true)]
    explain: Option<String>,
}

pub(super) fn main(args: &Args) -> Exit {
    match run(args) {
        Ok((text, exit)) => finish(Ok(text), exit),
        Err(error) => {
            report::error(&error.to_string());
            Exit::Usage
        }
    }
}

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}; `codex-shell rules lints` lists them")]
    Code(#[from] UnknownCode),
    #[error("no *.rules files in {0}")]
    Nothing(String),
    #[error("the working directory can't be found: {0}")]
    Directory(std::io::Error),
    #[error("can't write the findings as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// What to print, and how to end.
fn run(args: &Args) -> Result<(String, Exit), Error> {
    if let Some(code) = &args.explain {
        let page = lint::explain(code).ok_or_else(|| UnknownCode(code.clone()))?;
        return Ok((page, Exit::Success));
    }
    let here = std::env::current_dir().map_err(Error::Directory)?;
    let Ok(loaded) = settings::load(here, &SettingsArgs::default()) else {
        return Ok((String::new(), Exit::Failure));
    };
    let levels = levels(args, &loaded.settings)?;
    let rules = load(&loaded, &args.paths)?;
    let found = lint::check(&rules, &levels);
    let findings = Findings {
        rules: &rules,
        findings: &found,
    };
    let text = match args.format {
        Format::Text if rules.files.is_empty() => {
            "no rules files in /etc/codex/rules or $CODEX_HOME/rules (~/.codex/rules); name files or \
             directories to check others\n"
                .to_owned()
        }
        Format::Text => findings::text(findings, wants_colour()),
        Format::Json => findings::json(findings)?,
        Format::Github => findings::github(findings),
    };
    Ok((text, exit(findings, args.deny_warnings)))
}

/// The caller's levels: what is denied wins over what is warned of, and that over what is allowed.
/// Both over what files set.
fn levels(args: &Args, settings: &Settings) -> Result<Levels, UnknownCode> {
    let mut levels = Levels::default();
    for (code, set) in &settings.lints {
        let level = match set.value {
            LintLevel::Allow => None,
            LintLevel::Warn => Some(Level::Warning),
            LintLevel::Deny => Some(Level::Error),
        };
        levels.set(code, level)?;
    }
    for (codes, level) in [
        (&args.allow, None),
        (&args.warn, Some(Level::Warning)),
        (&args.deny, Some(Level::Error)),
    ] {
        for code in codes {
            levels.set(code, level)?;
        }
    }
    Ok(levels)
}

/// Nobody names a path in vain: one that holds no rules is an error, or a misspelt directory
/// would pass for clean. The default places may be empty.
fn load(loaded: &Loaded, paths: &[PathBuf]) -> Result<RuleSet, Error> {
    let rules = settings::rules(loaded, paths);
    if rules.files.is_empty() && !paths.is_empty() {
        let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
        return Err(Error::Nothing(names.join(", ")));
    }
    Ok(rules)
}

fn exit(findings: Findings<'_>, deny_warnings: bool) -> Exit {
    let fails = if deny_warnings {
        !findings.findings.is_empty()
    } else {
        findings.count(Level::Error) > 0
    };
    if fails { Exit::Failure } else { Exit::Success }
}

fn wants_colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}
