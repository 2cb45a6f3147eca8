//! Why a command says something else than a rule that permits, in words.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;

use crate::models::reading::{Flag, Part};
use crate::request::argv::brief_word;

use super::Pattern;
use super::condition::Unmet;
use super::text::{self, any};

/// The first thing in which a command departs from what is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure<'a> {
    /// A condition does not surely hold.
    Unmet(Unmet<'a>),
    /// This option is not named, and what it does must be.
    Option(&'a Flag<'a>, Does),
    /// A subcommand is missing: any of these.
    NoSubcommand(&'a [String]),
    /// Of what it is made of, the subcommand from this on is none of these.
    OtherSubcommand(&'a [Part<'a>], &'a [String]),
    /// Its subcommand is not named in whole: what else there is of it.
    Subcommand(&'a [Part<'a>]),
    /// An operand is missing: any of these.
    NoOperand(&'a [Pattern]),
    /// This operand stands where one of these is wanted.
    OtherOperand(&'a OsStr, &'a [Pattern], Likeness),
    /// This operand is not named.
    Unnamed {
        /// The operand.
        word: &'a OsStr,
        /// Others are named.
        among_others: bool,
    },
    /// This operand is none of those that `rest(...)` takes.
    OtherRest(&'a OsStr, &'a [Pattern], Likeness),
}

/// What an option does that a rule must name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Nobody knows.
    Unknown,
    /// It can run another program.
    Runs,
    /// It leads to another directory, whose files can have another program run.
    Leads,
    /// It writes a file.
    Writes,
    /// It changes the system's state.
    Changes,
    /// It chooses another server, account or configuration.
    Elsewhere,
    /// It discards something.
    Discards,
    /// Nothing, but nothing else may follow.
    Follows,
}

/// Whether a word could be of a form that it isn't surely of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// It could.
    Possible,
    /// It is by its name, and the sandboxed side could have it lead elsewhere.
    Open,
    /// It would be if the stars of a pattern went past slashes.
    PastSlashes,
    /// It can't.
    None,
}

impl Departure<'_> {
    /// Whether it is about the subcommand, and so, unless that is the same by another name, about another command.
    pub fn is_of_subcommand(&self) -> bool {
        matches!(
            self,
            Self::NoSubcommand(_) | Self::OtherSubcommand(..) | Self::Subcommand(_)
        )
    }
}

/// As a reason why a rule doesn't count.
impl fmt::Display for Departure<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unmet(unmet) => unmet.fmt(out),
            Self::Option(flag, does) => option_text(out, flag, does),
            Self::NoSubcommand(names) => {
                let names = any(names.iter().map(|name| format!("{name:?}")));
                write!(out, "the subcommand {names} is missing")
            }
            Self::OtherSubcommand(parts, wanted) => {
                let wanted = any(wanted.iter().map(|it| format!("`{it}`")));
                let word = subcommand(parts);
                write!(
                    out,
                    "it takes {wanted} by that name alone; it would have to name `{word}`"
                )
            }
            Self::Subcommand(parts) => {
                let word = subcommand(parts);
                write!(
                    out,
                    "`{word}` is a separate subcommand, which it doesn't name"
                )
            }
            Self::NoOperand(patterns) => {
                write!(out, "an operand is missing: {}", alternatives(patterns))
            }
            Self::OtherOperand(word, patterns, likeness) => {
                let form = alternatives(patterns);
                another(out, word, &form, likeness)
            }
            Self::Unnamed { word, among_others } => {
                let others = if among_others { "..., " } else { "" };
                let word = brief_word(word);
                write!(
                    out,
                    "operand `{word}` is not named; `args = [{others}rest()]` would take any"
                )
            }
            Self::OtherRest(word, patterns, likeness) => {
                let form = format!("rest({})", text::list(patterns));
                another(out, word, &form, likeness)
            }
        }
    }
}

/// What an option does that leads to another directory.
pub const LEADS: &str = "leads to another directory, whose files can say what runs";

/// A value of an option is shown that is no longer, in bytes.
const VALUE: usize = 60;

/// How a rule names this option, behind why it must; nothing where that is no text.
pub fn option_hint(flag: &Flag<'_>) -> String {
    let name = std::str::from_utf8(&flag.written).ok();
    let form = name.and_then(|name| match flag.value {
        None => Some(format!("flags = {name:?}")),
        Some(value) => {
            let value = value.to_str().filter(|it| it.len() <= VALUE)?;
            Some(format!("options = {{{name:?}: {value:?}}}"))
        }
    });
    form.map_or_else(String::new, |form| {
        format!("; a command_rule does by `{form}`")
    })
}

fn option_text(out: &mut fmt::Formatter<'_>, flag: &Flag<'_>, does: Does) -> fmt::Result {
    let does = match does {
        Does::Unknown => "is unknown",
        Does::Runs => "can run another program",
        Does::Leads => LEADS,
        Does::Writes => "writes a file",
        Does::Changes => "changes the system's state",
        Does::Elsewhere => "chooses another server, account or configuration",
        Does::Discards => "discards something",
        Does::Follows => {
            let option = bytes(&flag.written);
            return write!(
                out,
                "option `{option}` is not named, and with `exact` nothing else may follow"
            );
        }
    };
    write!(
        out,
        "option `{}` {does}, and the rule doesn't name it{}",
        bytes(&flag.written),
        option_hint(flag)
    )
}

fn another(
    out: &mut fmt::Formatter<'_>,
    word: &OsStr,
    form: &str,
    likeness: Likeness,
) -> fmt::Result {
    let word = brief_word(word);
    match likeness {
        Likeness::None => write!(out, "operand `{word}` is another one than {form}"),
        Likeness::PastSlashes => write!(
            out,
            "operand `{word}` is not {form}, where `*` does not go past a slash, as `**` would"
        ),
        Likeness::Open => write!(
            out,
            "operand `{word}` is not surely {form}: the sandbox can write there, and could have it lead elsewhere; \
             `glob(...)` goes by the name alone"
        ),
        Likeness::Possible => write!(
            out,
            "operand `{word}` is not surely {form}: it is spelled otherwise, or what it leads to can change"
        ),
    }
}

/// The subcommands that begin these, or the word that stands where one could.
fn subcommand(parts: &[Part<'_>]) -> String {
    let named = parts.iter().take_while(|part| !part.is_operand());
    let named: Vec<String> = named.filter_map(Part::plain).map(brief_word).collect();
    match parts.first().and_then(Part::plain) {
        Some(word) if named.is_empty() => brief_word(word),
        _ => named.join(" "),
    }
}

fn bytes(word: &[u8]) -> String {
    brief_word(OsStr::from_bytes(word))
}

fn alternatives(patterns: &[Pattern]) -> String {
    any(patterns.iter().map(Pattern::to_string))
}
