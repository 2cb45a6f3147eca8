//! `codex-shell rules heuristics` and `codex-shell rules lints`: what has a code and a page.

use crate::evaluate::heuristic;
use crate::exit::Exit;
use crate::lint::{LINTS, LOAD_ERRORS};
use crate::report;
use crate::report::catalogue::{self, CatalogueEntry};

use super::{Format, finish};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the page of this one
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// The output format: a table, or the page; or JSON
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `rules heuristics`.
pub(super) fn heuristics(args: &Args) -> Exit {
    let known = heuristic::ALL.iter().map(|known| CatalogueEntry {
        columns: vec![
            ("code", known.code.to_owned()),
            ("name", known.name.to_owned()),
            ("reason", known.reason.to_owned()),
        ],
        page: known.page(),
    });
    print(args, "heuristic", known.collect())
}

/// `rules lints`.
pub(super) fn lints(args: &Args) -> Exit {
    let lints = LINTS
        .iter()
        .map(|lint| (lint.code, lint.name, lint.level_name(), lint.page()));
    let errors = LOAD_ERRORS
        .iter()
        .map(|error| (error.code, error.name, error.level_name(), error.page()));
    let known = errors
        .chain(lints)
        .map(|(code, name, level, page)| CatalogueEntry {
            columns: vec![
                ("code", code.to_owned()),
                ("name", name.to_owned()),
                ("level", level.to_owned()),
                ("summary", summary(&page)),
            ],
            page,
        });
    print(args, "lint", known.collect())
}

/// The first sentence of a page.
fn summary(page: &str) -> String {
    let lines = page.lines().skip(1).skip_while(|line| line.is_empty());
    let paragraph: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    match paragraph.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => paragraph,
    }
}

fn print(args: &Args, what: &str, known: Vec<CatalogueEntry>) -> Exit {
    let wanted: Vec<CatalogueEntry> = match &args.code {
        None => known,
        Some(code) => known
            .into_iter()
            .filter(|entry| entry.is_called(code))
            .collect(),
    };
    let text = match (args.format, &args.code, wanted.as_slice()) {
        (_, Some(code), []) => {
            let list = format!("`codex-shell rules {what}s` lists them");
            report::error(&format!("there is no {what} `{code}`; {list}"));
            return Exit::Usage;
        }
        (Format::Text, Some(_), [one, ..]) => Ok(one.page.clone()),
        (Format::Text, _, all) => Ok(catalogue::table(all)),
        (Format::Json, _, all) => catalogue::json(&format!("{what}s"), all),
    };
    finish(text.map_err(Into::into), Exit::Success)
}
