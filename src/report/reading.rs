//! How a command was read, step by step.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::evaluate::{IndexedRules, Node, readings};
use crate::models::model::Effect;
use crate::models::reading::{Doubt, Flag, Kind, Known, What};
use crate::models::{CommandModel, Reading};
use crate::request::{Request, argv};

use super::explain::Explanation;

/// Inner commands that are listed.
const MOST: usize = 32;

/// Steps that go on one line.
const ON_A_LINE: usize = 16;

/// One line of the account: what stands there, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct ReadingStep {
    /// The words, as a shell reads them.
    pub(super) words: String,
    /// What they are.
    pub(super) meaning: String,
}

/// How the command and those within it were read; empty where nothing is known of the program.
pub(super) fn account(
    explanation: &Explanation<'_>,
    reading: Option<&Reading<'_>>,
) -> Vec<ReadingStep> {
    let Explanation {
        request,
        tree,
        node,
        ..
    } = *explanation;
    let itself = node.and_then(|nth| tree.nodes().get(nth));
    let mut steps = own(reading, itself);
    let mut seen = HashSet::from([&request.argv]);
    let mut more = itself.map_or(tree.is_incomplete(), Node::is_incomplete);
    for one in tree.within(node) {
        more |= one.is_incomplete();
        if one.argv.is_empty() || !one.is_said() || !seen.insert(&one.argv) {
            continue;
        }
        if seen.len() > MOST + 1 {
            more = true;
            break;
        }
        let meaning = if one.is_by_alias() {
            "what the alias stands for"
        } else if one.parent == node {
            "a command that it runs"
        } else {
            "a command that this runs"
        };
        steps.push(ReadingStep {
            words: argv::bounded(&one.argv, 256),
            meaning: meaning.to_owned(),
        });
    }
    if more {
        steps.push(ReadingStep {
            words: "...".to_owned(),
            meaning: "more commands than are looked at".to_owned(),
        });
    }
    steps
}

/// How the command itself, which is `node`, was read.
fn own(reading: Option<&Reading<'_>>, node: Option<&Node>) -> Vec<ReadingStep> {
    let mut steps = Vec::new();
    if let Some(reading) = reading {
        of(reading, node.is_some_and(Node::is_read), &mut steps);
    }
    steps
}

/// How the command itself, which is `node`, was read, on one line; `None` where nothing is known of the program.
pub(super) fn line(index: &IndexedRules, request: &Request, node: Option<&Node>) -> Option<String> {
    let steps = own(readings(index, request).first(), node);
    let shown = steps.iter().take(ON_A_LINE);
    let mut said: Vec<String> = shown
        .map(|step| format!("{} ({})", step.words, step.meaning))
        .collect();
    if steps.len() > ON_A_LINE {
        said.push("...".to_owned());
    }
    (!said.is_empty()).then(|| format!("read as {}", said.join(", ")))
}

/// `is_read`: what it is given to read is known, and is told of as well where it is a shell's.
fn of(reading: &Reading<'_>, is_read: bool, steps: &mut Vec<ReadingStep>) {
    let is_read = is_read
        && reading
            .model
            .is_some_and(CommandModel::hands_input_to_shell);
    for part in &reading.parts {
        let (words, meaning) = match &part.kind {
            Kind::Subcommand { word, model } => (
                argv::word(word),
                match model {
                    Some(_) => "subcommand".to_owned(),
                    None => "subcommand, of which nothing is known".to_owned(),
                },
            ),
            Kind::Flag(flag) => flag_step(flag),
            // Said with its option.
            Kind::Value(_) => continue,
            Kind::Operand { word, doubtful } => (
                argv::word(word),
                if *doubtful {
                    "operand, or the value of the unknown option before it".to_owned()
                } else {
                    "operand".to_owned()
                },
            ),
            Kind::Dashes => ("--".to_owned(), "no options behind this".to_owned()),
        };
        steps.push(ReadingStep { words, meaning });
    }
    for inner in &reading.inner {
        if let What::Script(script) = &inner.what {
            steps.push(ReadingStep {
                words: argv::bounded_word(OsStr::from_bytes(script), 256),
                meaning: "a script that it hands to a shell".to_owned(),
            });
        }
        if inner.appends {
            steps.push(ReadingStep {
                words: "...".to_owned(),
                meaning: "words that it adds, which are not known yet".to_owned(),
            });
        }
    }
    for doubt in &reading.doubts {
        let (word, meaning) = match doubt {
            Doubt::File(file) if is_read => (
                argv::word(file.word),
                "a file of commands that it runs, which follow",
            ),
            Doubt::File(file) => (
                argv::word(file.word),
                "a file of commands that it runs, not read here",
            ),
            Doubt::Code(code) => (
                argv::word(code.word),
                "a program that it runs, not read here",
            ),
            Doubt::Subcommand(word) => (
                argv::word(word.word),
                "no name of a subcommand that the model knows",
            ),
            Doubt::Input if is_read => (
                "<".to_owned(),
                "it runs what its standard input says, which follows",
            ),
            Doubt::Input => ("<".to_owned(), "it runs what its standard input says"),
            Doubt::Keys => (
                "<".to_owned(),
                "it runs what is typed, or what its standard input says",
            ),
            _ => continue,
        };
        steps.push(ReadingStep {
            words: word,
            meaning: meaning.to_owned(),
        });
    }
}

fn flag_step(flag: &Flag<'_>) -> (String, String) {
    let mut words = argv::word(OsStr::from_bytes(&flag.written));
    if let Some(value) = flag.value {
        words.push(' ');
        words.push_str(&argv::word(value));
    }
    let place = if flag.global {
        "global option"
    } else {
        "option"
    };
    let mut meaning = match flag.known {
        Known::Unknown => format!("{place} that the model doesn't know"),
        Known::Number => "option, a number".to_owned(),
        Known::Runs(_) => "option, a command follows".to_owned(),
        Known::Not(option) => format!("{place}, the opposite of {}", spelled(&option.names)),
        Known::As(option) => {
            if option
                .names
                .iter()
                .all(|name| name.as_bytes() == &*flag.written)
            {
                place.to_owned()
            } else {
                format!("{place} {}", spelled(&option.names))
            }
        }
    };
    for (effect, says) in [
        (Effect::Runs, "may run another program"),
        (Effect::Script, "runs a command line"),
        (Effect::Splits, "runs a command line"),
        (Effect::Commas, "runs a command line"),
        (Effect::Writes, "writes a file"),
        (Effect::Destroys, "discards something"),
        (Effect::Changes, "changes the system's state"),
        (
            Effect::Elsewhere,
            "chooses another server, account or configuration",
        ),
    ] {
        if flag.has_effect(effect) && !matches!(flag.known, Known::Runs(_)) {
            meaning.push_str(", ");
            meaning.push_str(says);
        }
    }
    (words, meaning)
}

fn spelled(names: &[String]) -> String {
    names.join(" ")
}
