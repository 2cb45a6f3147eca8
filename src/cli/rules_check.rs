//! `codex-shell rules check`.

use std::io::{self, IsTerminal, Read as _};
use std::path::{Path, PathBuf};

use crate::config::project::Project;
use crate::config::values::LintLevel;
use crate::config::{self, Flags, Loaded, Places, Profiles, Settings};
use crate::exit::Exit;
use crate::lint::{self, Level, Levels, UnknownCode};
use crate::report;
use crate::report::findings::{self, Findings};
use crate::request::argv;
use crate::rules::{self, Layer, Origin, RuleSet, RulesCache};

use super::{finish, here};

/// The way findings are written.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum CheckFormat {
    /// Source excerpts and a summary line
    Text,
    /// One object, for programs
    Json,
    /// Workflow commands, which GitHub shows beside the line
    Github,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  codex-shell rules check
  codex-shell rules check --deny-warnings rules-examples
  codex-shell rules check --format github .codex/rules
  codex-shell rules check --explain W104

Exit status: 0 no errors, 1 errors (with --deny-warnings: anything), 2 the command line is wrong,
or there is nothing to check.")]
pub(super) struct Args {
    /// Rules files, directories of them, or - for standard input [default: all that count here: of
    /// /etc/codex/rules, $CODEX_HOME/rules, what codex-shell.toml names, and the .codex/rules of the
    /// project, trusted or not]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The output format
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    format: CheckFormat,
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
    NoFiles(String),
    #[error("no rule in {0}")]
    NoRules(String),
    #[error("{0}")]
    Directory(String),
    #[error("standard input can't be read: {0}")]
    Input(io::Error),
    #[error("can't write the findings as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// What to print, and how to end.
fn run(args: &Args) -> Result<(String, Exit), Error> {
    if let Some(code) = &args.explain {
        let page = lint::explain(code).ok_or_else(|| UnknownCode(code.clone()))?;
        return Ok((page, Exit::Success));
    }
    let places = Places::of_process(here().map_err(Error::Directory)?);
    // Whether a project is trusted, which the notes are about, makes no difference here.
    let loaded = match config::load(&places, &Flags::default()) {
        Ok(loaded) => loaded,
        Err(problems) => {
            report::config::print_problems(&problems);
            return Ok((String::new(), Exit::Failure));
        }
    };
    let mut levels = levels(args, &loaded.settings)?;
    let workspace = places.project().unwrap_or_else(|| places.directory.clone());
    // No session writes all there is.
    if workspace.parent().is_some() {
        levels.started_in(workspace);
    }
    let temporary = std::env::var_os("TMPDIR");
    let profiles = Profiles::new(&loaded.settings, places.directory.clone(), temporary);
    let rules = if args.paths.is_empty() {
        of_here(loaded, &places)?
    } else {
        named(&args.paths)?
    };
    let found = lint::check(&rules, &levels, &profiles);
    let findings = Findings {
        rules: &rules,
        findings: &found,
    };
    let text = match args.format {
        CheckFormat::Text => findings::text(findings, wants_colour()),
        CheckFormat::Json => findings::json(findings)?,
        CheckFormat::Github => findings::github(findings, repository(&places.directory)),
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

/// All rules that count here, with those of the project, which somebody may be about to trust.
fn of_here(loaded: Loaded, places: &Places) -> Result<RuleSet, Error> {
    let mut origins = loaded.rules;
    let root = places.project();
    // What keeps a project from being read, reading the same files says again.
    let project = root.as_deref().and_then(|root| Project::read(root).ok()?);
    if let Some(project) = project {
        // As it is now, and not as far as it counts.
        origins.retain(|known| !matches!(known.layer, Layer::Project | Layer::Changed));
        origins.extend(project.origins());
    }
    let of_project = match root.map(|root| root.join(".codex/rules")) {
        Some(folder) => argv::word(folder.as_os_str()),
        None => ".codex/rules (of this directory or one above)".to_owned(),
    };
    let looked_in = [
        "/etc/codex/rules".to_owned(),
        "$CODEX_HOME/rules (~/.codex/rules)".to_owned(),
        of_project,
    ];
    something(
        rules::load_layers(&origins, &RulesCache::default()),
        &looked_in,
    )
}

/// The rules of these files and directories.
fn named(paths: &[PathBuf]) -> Result<RuleSet, Error> {
    let origin = |path: &PathBuf| -> io::Result<Origin> {
        let mut origin = Origin::new(Layer::Given, path);
        if path.as_os_str() == "-" {
            origin.content = Some(read_input()?);
        }
        Ok(origin)
    };
    let origins = paths
        .iter()
        .map(origin)
        .collect::<Result<Vec<_>, _>>()
        .map_err(Error::Input)?;
    let names: Vec<String> = paths
        .iter()
        .map(|path| argv::word(path.as_os_str()))
        .collect();
    something(rules::load_layers(&origins, &RulesCache::default()), &names)
}

/// Standard input, as far as a rules file may be long.
fn read_input() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let room = rules::LONGEST_FILE as u64 + 1;
    io::stdin().lock().take(room).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The same rules, if there are any: nobody checks in vain, or a misspelt directory would pass for clean.
fn something(rules: RuleSet, looked_in: &[String]) -> Result<RuleSet, Error> {
    if rules.files.is_empty() {
        return Err(Error::NoFiles(looked_in.join(", ")));
    }
    if rules.is_empty() && rules.diagnostics.is_empty() {
        return Err(Error::NoRules(looked_in.join(", ")));
    }
    Ok(rules)
}

/// The directory that holds the repository which `directory` is in: GitHub counts paths from there.
fn repository(directory: &Path) -> Option<&Path> {
    directory
        .ancestors()
        .find(|above| above.join(".git").exists())
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
