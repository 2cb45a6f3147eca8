//! `codex-shell man`, hidden: the manual page of the command, from what clap parses by.
//!
//! The page is checked in as `man/codex-shell.1`, and a test compares.

use std::io;

use clap::{Arg, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

use super::{Cli, finish};
use crate::exit::Exit;

/// What each exit status means.
const EXITS: &[(Exit, &str)] = &[
    (
        Exit::Success,
        "Done. With rules explain --exit-code: the command is allowed.",
    ),
    (
        Exit::Failure,
        "rules check found errors (with --deny-warnings: anything); doctor found a layer missing; \
         execpolicy check could not load the rules. A program that run refuses ends with this \
         status too, as its caller sees it.",
    ),
    (Exit::Usage, "The command line is wrong."),
    (
        Exit::Prompt,
        "rules explain --exit-code: a person would be asked.",
    ),
    (
        Exit::Forbidden,
        "rules explain --exit-code: the command is forbidden.",
    ),
    (Exit::TimedOut, "run --timeout ended the command."),
    (
        Exit::Internal,
        "codex-shell itself failed, or rules that --rules names are missing or broken; nothing was started.",
    ),
    (
        Exit::NotExecutable,
        "run found the command, and it can't be executed.",
    ),
    (Exit::NotFound, "run did not find the command."),
];

const FILES: &[(&str, &str)] = &[
    ("/etc/codex/rules/*.rules", "Rules of the machine."),
    (
        "$CODEX_HOME/rules/*.rules",
        "Rules of the user; ~/.codex/rules when CODEX_HOME is unset.",
    ),
    (
        ".codex/rules/*.rules",
        "Rules of a project, once codex-shell trust was told to trust them. All these places are \
         read when no --rules is given.",
    ),
    (
        "$CODEX_HOME/codex-shell.toml",
        "Settings of the user; .codex/codex-shell.toml has those of a trusted project.",
    ),
    (
        "$CODEX_HOME/codex-shell/trust.json",
        "The projects that are trusted.",
    ),
    (
        "$CODEX_HOME/codex-shell/loaded",
        "What rules files were found to say, so that the next start is faster. It can be removed at any time.",
    ),
];

const VARIABLES: &[(&str, &str)] = &[
    ("CODEX_HOME", "Where the user's rules and settings are."),
    (
        "TMPDIR",
        "Another directory that workspace-write may write to.",
    ),
    ("NO_COLOR", "When set, no colours."),
];

pub(super) fn main() -> Exit {
    finish(page(), Exit::Success)
}

fn page() -> io::Result<Vec<u8>> {
    let mut root = Cli::command();
    root.build();
    let man = Man::new(root.clone()).title("CODEX-SHELL");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    append(&mut page, |out| man.render_name_section(out))?;
    append(&mut page, |out| man.render_synopsis_section(out))?;
    append(&mut page, |out| man.render_description_section(out))?;
    append(&mut page, |out| heading("SH", "COMMANDS").to_writer(out))?;
    commands(&mut page, &root)?;
    let exits: Vec<(String, &str)> = EXITS
        .iter()
        .map(|(exit, meaning)| (exit.code().to_string(), *meaning))
        .collect();
    let exits = exits
        .iter()
        .map(|(code, meaning)| (code.as_str(), *meaning));
    let mut end = list("EXIT STATUS", exits);
    end.control("PP", []);
    end.text([roman(
        "Apart from these, run ends with the status of the command; 128+n when signal n ended it.",
    )]);
    end.extend([list("FILES", FILES.iter().copied())]);
    end.extend([list("ENVIRONMENT", VARIABLES.iter().copied())]);
    end.extend([heading("SH", "SEE ALSO")]);
    end.text([
        bold("codex-shell-rules"),
        roman("(5), "),
        bold("codex-shell.toml"),
        roman("(5)"),
    ]);
    append(&mut page, |out| end.to_writer(out))?;
    Ok(page)
}

/// A subsection for each subcommand that does something.
fn commands(page: &mut Vec<u8>, parent: &Command) -> io::Result<()> {
    for command in parent.get_subcommands().filter(|c| !c.is_hide_set()) {
        let is_option = |argument: &&Arg| !argument.is_hide_set() && argument.get_id() != "help";
        if !command.has_subcommands() || command.get_arguments().any(|it| is_option(&it)) {
            itself(page, command)?;
        }
        commands(page, command)?;
    }
    Ok(())
}

/// The subsection of one.
fn itself(page: &mut Vec<u8>, command: &Command) -> io::Result<()> {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    append(page, |out| heading("SS", name).to_writer(out))?;
    let man = Man::new(command.clone());
    subsection(page, |out| man.render_synopsis_section(out))?;
    subsection(page, |out| man.render_description_section(out))?;
    subsection(page, |out| man.render_options_section(out))?;
    if let Some(text) = command.get_after_help() {
        append(page, |out| verbatim(&text.to_string()).to_writer(out))?;
    }
    Ok(())
}

fn heading(kind: &str, name: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control(kind, [name]);
    roff
}

/// A section with an entry for each pair.
fn list<'a>(name: &str, entries: impl Iterator<Item = (&'a str, &'a str)>) -> Roff {
    let mut roff = heading("SH", name);
    for (term, text) in entries {
        roff.control("TP", []);
        roff.text([bold(term)]);
        roff.text([roman(text)]);
    }
    roff
}

/// Lines as they are.
fn verbatim(text: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("PP", []);
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([Inline::Roman(line.to_owned())]);
    }
    roff.control("fi", []);
    roff
}

/// Appends what `render` writes, as one of several parts of a subsection: without its heading.
fn subsection(
    page: &mut Vec<u8>,
    render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
) -> io::Result<()> {
    page.extend_from_slice(b".PP\n");
    part(page, render, &[b".SH ".as_slice(), b".ie ", b".el "])
}

/// Appends what `render` writes, without the preamble that the page has already.
fn append(
    page: &mut Vec<u8>,
    render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
) -> io::Result<()> {
    part(page, render, &[b".ie ".as_slice(), b".el "])
}

fn part(
    page: &mut Vec<u8>,
    render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    without: &[&[u8]],
) -> io::Result<()> {
    let mut text = Vec::new();
    render(&mut text)?;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        if !without.iter().any(|start| line.starts_with(start)) {
            page.extend_from_slice(line);
        }
    }
    Ok(())
}
