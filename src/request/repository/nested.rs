//! A git that another program outside starts: no rule names its words, which may be the sandboxed side's.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::super::argv;
use super::Objection;
use super::command::GitCommandLine;
use super::config::Config;
use super::look::RepositoryStanding;
use crate::command_text::{Ground, Handed, is_command_outside, look_at_words};
use crate::models::model::Effect;
use crate::models::reading::{Doubt, Flag, Inner, Known, What};
use crate::models::{self, Reading};

/// Looks at what its words make git start: nothing but what is no file of the sandboxed side's.
pub(super) fn look(
    asked: &GitCommandLine<'_>,
    config: &Config<'_>,
    standing: &RepositoryStanding<'_>,
) -> Result<(), Objection> {
    let (Some(subcommand), Some(model)) = (asked.subcommand, models::builtin("git")) else {
        return Ok(());
    };
    let words = std::iter::once(subcommand.to_owned()).chain(asked.arguments.iter().cloned());
    let words: Vec<OsString> = words.collect();
    let reading = models::read(model, &words);
    standing.with_ground(config, |ground| {
        if let Some(flag) = reading.flags().find(|flag| !is_harmless(flag, ground)) {
            return Err(names(OsStr::from_bytes(&flag.written)));
        }
        let mut inner = reading.inner.iter();
        if let Some(inner) = inner.find(|inner| !is_outside(inner, ground)) {
            let word = words.get(inner.words.start);
            return Err(names(word.map_or(subcommand, OsString::as_os_str)));
        }
        unread(&reading, asked).map_or(Ok(()), |word| Err(names(word)))
    })
}

fn names(word: &OsStr) -> Objection {
    Objection(format!(
        "git would start what its words name: {}",
        argv::bounded_word(word, SHOWN)
    ))
}

/// As much of a word is shown, in bytes.
const SHOWN: usize = 200;

/// Without a value, it has git start what its configuration names, which is looked at there.
fn is_harmless(flag: &Flag<'_>, ground: &Ground<'_>) -> bool {
    if flag.known == Known::Unknown {
        return false;
    }
    let starts = Effect::STARTING
        .into_iter()
        .any(|effect| flag.has_effect(effect));
    let value = flag.value.filter(|_| starts).map(OsStr::as_bytes);
    // A bare word may be a program or a directory of hooks.
    value.is_none_or(|value| {
        ground.is_outside(value) && is_command_outside(value, Handed::Words, ground)
    })
}

fn is_outside(inner: &Inner<'_>, ground: &Ground<'_>) -> bool {
    match &inner.what {
        What::Script(text) => is_command_outside(text, Handed::Words, ground),
        What::Words(words) => {
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            look_at_words(&words, Handed::Words, ground).is_ok()
        }
    }
}

/// A word that is commands which nobody reads here. A hook's name is none: hooks are looked at.
fn unread<'a>(reading: &Reading<'a>, asked: &GitCommandLine<'_>) -> Option<&'a OsStr> {
    reading.doubts.iter().find_map(|doubt| match doubt {
        Doubt::Code(word) => Some(word.word),
        Doubt::File(word) if !asked.is(&["hook"]) || word.word.as_bytes().contains(&b'/') => {
            Some(word.word)
        }
        _ => None,
    })
}
