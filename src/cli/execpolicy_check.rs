//! `codex-shell execpolicy check`: the released evaluator's command line, JSON and exit status.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::Serialize;

use crate::confine::Mode;
use crate::evaluate::IndexedRules;
use crate::evaluate::compat::{self, CompatResult};
use crate::exit::Exit;
use crate::report;
use crate::rules::lexical::Whereabouts;
use crate::rules::{self, Decision, RuleSet, RulesCache};

use super::finish;
use super::rules_explain::{ground, working_directory};
use crate::act::environment::SessionEnvironment;
use crate::flow::Inquiry;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  codex-shell execpolicy check --rules team.rules --pretty -- git push

The decision is in the JSON; there is none when nothing matches. Exit status: 0 evaluated,
1 the rules can't be loaded, 2 the command line is wrong.")]
pub(super) struct Args {
    /// A rules file; given several times, all count
    #[arg(short, long, value_name = "FILE", required = true)]
    rules: Vec<PathBuf>,
    /// Indent the JSON
    #[arg(long)]
    pretty: bool,
    /// Let rules on a bare name match an absolute path, within its host_executable paths
    #[arg(long)]
    resolve_host_executables: bool,
    /// Answer exactly as another evaluator does; without it, rules that restrict see more, and
    /// what looks dangerous prompts
    #[arg(long, value_name = "PRODUCT")]
    compat: Option<Compat>,
    /// The command, as separate words
    #[arg(
        value_name = "COMMAND",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true
    )]
    command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Compat {
    /// codex execpolicy check
    Codex,
}

/// The one JSON document on standard output.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckOutput<'a> {
    matched_rules: Vec<Matched<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Matched<'a> {
    /// No rule matches, and the command looks dangerous.
    HeuristicsRuleMatch {
        command: &'a [String],
        decision: Decision,
    },
    #[serde(rename_all = "camelCase")]
    PrefixRuleMatch {
        matched_prefix: &'a [String],
        decision: Decision,
        #[serde(skip_serializing_if = "Option::is_none")]
        resolved_program: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        justification: Option<&'a str>,
    },
}

pub(super) fn main(args: &Args) -> Exit {
    let all: Vec<_> = std::env::args_os().collect();
    let separated = is_separated(&all, args.command.len());
    let command = match command_of(args, separated) {
        Ok(command) => command,
        Err(message) => {
            report::error(&message);
            return Exit::Usage;
        }
    };
    if args.compat.is_some()
        && let Some(folder) = args.rules.iter().find(|path| path.is_dir())
    {
        report::error(&format!("{} is a directory", folder.display()));
        return Exit::Failure;
    }
    let rules = match args.compat {
        Some(Compat::Codex) => rules::load_released(&args.rules),
        None => rules::load(&args.rules, &RulesCache::default()),
    };
    if rules.is_broken() {
        report::diagnostics::print_errors(&rules);
        return Exit::Failure;
    }
    match evaluate(rules, &command, args) {
        Ok(exit) => exit,
        Err(message) => {
            report::error(&message);
            Exit::Failure
        }
    }
}

/// The one place where an evaluator is chosen.
fn evaluate(rules: RuleSet, command: &[String], args: &Args) -> Result<Exit, String> {
    let here = std::env::current_dir();
    let home = std::env::var_os("HOME").and_then(|path| path.into_string().ok());
    let places = Whereabouts {
        cwd: here.as_ref().ok().and_then(|path| path.to_str()),
        home: home.as_deref(),
    };
    let resolve = args.resolve_host_executables.then_some(places);
    if args.compat == Some(Compat::Codex) {
        let result = compat::check(&rules, command, resolve);
        return Ok(print(&rules, command, &result, args.pretty));
    }
    let cwd = working_directory(None)?;
    let index = IndexedRules::new(rules);
    let ground = ground(&cwd, Mode::WorkspaceWrite, &[]);
    let session = SessionEnvironment::new(std::env::vars_os(), ground.roots.as_slice());
    let request = Inquiry::here(&index, &session, cwd, &ground).request(&args.command);
    let result = compat::check_strictly(&index, &request, command, resolve);
    Ok(print(index.rules(), command, &result, args.pretty))
}

/// The command's words. A first word that looks like an option and does not follow `--` is a
/// typing mistake: taken as a program, no rule would match it, and scripts would believe that.
fn command_of(args: &Args, separated: bool) -> Result<Vec<String>, String> {
    if let Some(word) = args.command.first().filter(|_| !separated) {
        let bytes = word.as_encoded_bytes();
        let released_takes_it = args.compat.is_some() && !bytes.starts_with(b"--");
        if bytes.starts_with(b"-") && !released_takes_it {
            let word = word.display();
            return Err(format!(
                "unknown option {word}; a command that begins with - goes after --"
            ));
        }
    }
    let words = args.command.iter().map(|word| word.to_str());
    words
        .map(|word| word.map(str::to_owned))
        .collect::<Option<_>>()
        .ok_or_else(|| "the command is not UTF-8 text".to_owned())
}

/// Whether `--` stands before the last `command_words` of the `all` words that we were called with.
fn is_separated(all: &[OsString], command_words: usize) -> bool {
    let before = all.len().checked_sub(command_words + 1);
    before
        .and_then(|index| all.get(index))
        .is_some_and(|word| word == "--")
}

fn print(rules: &RuleSet, command: &[String], result: &CompatResult, pretty: bool) -> Exit {
    let by_rule = result.matches.iter().filter_map(|found| {
        let rule = rules.rule(found.rule)?;
        Some(Matched::PrefixRuleMatch {
            matched_prefix: &found.matched,
            decision: rule.decision,
            resolved_program: found.resolved_program.as_deref(),
            justification: rule.justification,
        })
    });
    let by_heuristic = result.decision.filter(|_| result.matches.is_empty());
    let by_heuristic =
        by_heuristic.map(|decision| Matched::HeuristicsRuleMatch { command, decision });
    let output = CheckOutput {
        matched_rules: by_rule.chain(by_heuristic).collect(),
        decision: result.decision,
    };
    let json = if pretty {
        serde_json::to_string_pretty(&output)
    } else {
        serde_json::to_string(&output)
    };
    let line = json.map(|json| json + "\n");
    finish(line.map_err(Into::into), Exit::Success)
}
