//! W116 obeyed-file.

use std::ffi::OsString;

use crate::evaluate::{CommandTree, IndexedRules, obeyed_files};
use crate::models::reading::REPOSITORY;
use crate::request::{Program, Request, WorkingDirectory};
use crate::rules::model::{Run, Span};
use crate::rules::{Decision, RuleSet};

use super::coverage::{command_text, pattern_text};
use super::dangerous_allow::commands;
use super::finding::Level;
use super::{Report, lint};

lint! {
    /// A rule allows, outside the sandbox, a program that obeys a file in the directory where it is
    /// started.
    ///
    /// ## Why it matters
    ///
    /// `make test` is whatever the Makefile says. The command may write that file first and then start the
    /// program, so that the rule permits it to run anything outside, unasked. For git, and for programs
    /// that start it, codex-shell checks whether the command could have written the repository. It can't
    /// do the same for a Makefile, which is there to be written.
    ///
    /// The same goes for interpreters: `python3 -m json.tool` runs a `json.py` of the directory, `node -e` what
    /// it finds in `node_modules` there, lua a module beside it, R an `.Rprofile`. `python3 -I` and
    /// `R --vanilla` don't look there. And `bash build.sh` is whatever that script says, if the command can
    /// write it.
    ///
    /// `codex-shell rules models PROGRAM` shows what a program obeys, as `obeys`.
    ///
    /// ## Example
    ///
    /// ```python
    /// command_rule(program = "make", decision = "allow", args = ["test"])
    /// ```
    ///
    /// Leave it without a rule, so that it runs inside; or ask; or give it a separate sandbox, for
    /// instance with the network:
    ///
    /// ```python
    /// command_rule(
    ///     program = "make", decision = "allow", args = ["test"],
    ///     run = profile("workspace-write", network = True),
    /// )
    /// ```
    ///
    /// A rule for one directory that no command can write is sound; then switch this lint off, by `lints`
    /// in `codex-shell.toml`.
    "W116", "obeyed-file", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    let index = &IndexedRules::new(RuleSet {
        programs: rules.programs.clone(),
        ..RuleSet::default()
    });
    for rule in &rules.prefix_rules {
        if rule.decision == Decision::Allow
            && let Some(files) = obeyed(index, &rule.program, &rule.rest)
        {
            say(report, rule.span, &pattern_text(rule), &files);
        }
    }
    for rule in &rules.command_rules {
        let outside = matches!(rule.run, None | Some(Run::Outside | Run::Unconfined));
        if rule.decision != Decision::Allow || !rule.enforce || !outside {
            continue;
        }
        let places = [&rule.meaning.subcommand[..], &rule.meaning.flags[..]].concat();
        let mut programs = rule.literal_programs();
        if let Some(files) = programs.find_map(|program| obeyed(index, program, &places)) {
            say(report, rule.span, &command_text(rule), &files);
        }
    }
}

/// The files that one of the commands obeys, which begin so; `None` where each obeys none.
fn obeyed(index: &IndexedRules, program: &str, rest: &[Vec<String>]) -> Option<Vec<String>> {
    commands(program, rest).find_map(|words| {
        let argv: Vec<OsString> = words.into_iter().map(OsString::from).collect();
        let program = Program::named(argv.first()?);
        let request = Request::new(program, argv, WorkingDirectory::new("/")?);
        let tree = CommandTree::of(index, &request);
        let files = obeyed_files(index, &request, &tree, None);
        let told = files.iter().any(|file| file != REPOSITORY);
        told.then_some(files)
    })
}

fn say(report: &mut Report, span: Span, command: &str, files: &[String]) {
    let files = files.join(", ");
    let message = format!(
        "allows `{command}`, which does what the directory's own files say ({files}): the command may \
         have written them"
    );
    let help = "delete the rule, so that it runs inside; or let a command_rule say \
                `run = profile(\"workspace-write\", ...)`";
    report.add(span, message, Some(help.to_owned()));
}
