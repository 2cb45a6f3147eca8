//! Options: whether what they name is nothing that the sandboxed side can write.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::{Ground, words};
use crate::models::model::Effect;
use crate::models::reading::{Flag, Kind, Known};
use crate::models::{self, Reading};

/// Properties that say nothing of files.
const PROPERTIES: &[&str] = &[
    "-Dfile.encoding=",
    "-Dhttp.",
    "-Dhttps.",
    "-Djava.awt.headless=",
    "-Djava.net.",
    "-Dstderr.encoding=",
    "-Dstdout.encoding=",
    "-Duser.country=",
    "-Duser.language=",
    "-Duser.timezone=",
];

/// Whether `value` holds options of a program that name nothing in the sandbox's hands.
pub fn are_options_outside(
    value: &[u8],
    program: &str,
    before: &[&str],
    ground: &Ground<'_>,
) -> bool {
    let Some(words) = words(value) else {
        return false;
    };
    let before_them = before.iter().map(|word| word.as_bytes());
    let arguments: Vec<OsString> = before_them
        .chain(words.iter().copied())
        .map(|word| OsStr::from_bytes(word).to_owned())
        .collect();
    let Some(model) = models::builtin(program) else {
        return false;
    };
    let reading = models::read(model, &arguments);
    reading.parts.iter().all(|part| match &part.kind {
        Kind::Subcommand { .. } | Kind::Value(_) => true,
        Kind::Flag(flag) => {
            let word = arguments
                .get(part.index)
                .map(|word| word.as_bytes())
                .unwrap_or_default();
            let is_property = PROPERTIES
                .iter()
                .any(|known| word.starts_with(known.as_bytes()));
            let unknown = flag.known == Known::Unknown;
            let harmless = if unknown {
                is_bare_switch(word) || is_property
            } else {
                starts_nothing(flag, ground)
            };
            let value = flag.value.map(OsStr::as_bytes).unwrap_or_default();
            harmless
                && !(ground.leads)(value)
                && (!value.contains(&b'/') || ground.is_outside(value))
        }
        Kind::Operand { .. } | Kind::Dashes => false,
    })
}

/// A number, a lone dash or a place for a name that the program puts there itself.
pub(super) fn is_inert(word: &[u8]) -> bool {
    let number = word.strip_prefix(b"+").unwrap_or(word);
    number.iter().all(u8::is_ascii_digit)
        || matches!(word, b"-" | b"--")
        || matches!(word, [b'%', letter] if letter.is_ascii_alphabetic())
}

/// `StrictHostKeyChecking=no`, whose value is the name of no file here.
pub(super) fn is_plain_setting(word: &[u8]) -> bool {
    let mut parts = word.splitn(2, |&byte| byte == b'=');
    let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
        return false;
    };
    name.iter().all(u8::is_ascii_alphanumeric)
        && matches!(value, b"no" | b"yes" | b"ask" | b"off" | b"accept-new")
        || is_inert(value)
        || value == b"/dev/null"
}

/// `-Xmx2g`, `--wait`: an option with nothing behind it but perhaps a size.
fn is_bare_switch(word: &[u8]) -> bool {
    let Some(name) = word.strip_prefix(b"-") else {
        return false;
    };
    let sized = |start: &[u8]| {
        let size = name.strip_prefix(start).unwrap_or_default();
        size.first().is_some_and(u8::is_ascii_digit) && size.iter().all(u8::is_ascii_alphanumeric)
    };
    let is_long = name.strip_prefix(b"-").is_some_and(|name| {
        name.iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    });
    is_long
        || name.len() == 1
        || [b"Xmx", b"Xms", b"Xss", b"Xmn"]
            .iter()
            .any(|start| sized(*start))
}

/// Whether `word`, the one of this `index` in `reading`, is an option that names nothing of the sandboxed
/// side's.
pub(super) fn is_option_outside(
    word: &[u8],
    index: usize,
    reading: Option<&Reading<'_>>,
    ground: &Ground<'_>,
) -> bool {
    if !word.starts_with(b"-") {
        return false;
    }
    let parts = reading.map_or(&[][..], |reading| &reading.parts);
    let mut found = parts
        .iter()
        .enumerate()
        .filter_map(|(nth, part)| match &part.kind {
            Kind::Flag(flag) if part.index == index => Some((nth, flag)),
            _ => None,
        });
    let is_known = |flag: &Flag<'_>| flag.known != Known::Unknown;
    if found.clone().next().is_some() && found.clone().all(|(_, flag)| is_known(flag)) {
        return found.all(|(nth, flag)| {
            // A word of its own is looked at as such.
            let next = parts.get(nth + 1).map(|next| &next.kind);
            let is_next = matches!(next, Some(Kind::Value(_)));
            let attached = flag.value.filter(|_| !is_next).map(OsStr::as_bytes);
            attached.is_none_or(|value| is_value_outside(value, ground))
        });
    }
    match word.iter().position(|&byte| byte == b'=') {
        Some(equals) => is_value_outside(word.get(equals + 1..).unwrap_or_default(), ground),
        // Behind a letter a path may begin.
        None => match word.get(2..) {
            Some(value) if value.starts_with(b"/") => ground.is_outside(value),
            _ => is_bare_word(word),
        },
    }
}

/// Whether the value of an option is no file of the sandboxed side's.
fn is_value_outside(value: &[u8], ground: &Ground<'_>) -> bool {
    const WORDS: [&[u8]; 5] = [b"true", b"false", b"always", b"never", b"auto"];
    is_inert(value) || is_plain_setting(value) || WORDS.contains(&value) || ground.is_outside(value)
}

/// `-FRX`, `--wait`: letters behind dashes.
fn is_bare_word(word: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_~#?".contains(byte);
    word.iter().all(is_plain)
}

/// Whether an option is known to start and write nothing, or only what is named by a whole path.
pub(super) fn starts_nothing(flag: &Flag<'_>, ground: &Ground<'_>) -> bool {
    let value = flag.value.map(OsStr::as_bytes).unwrap_or_default();
    !Effect::STARTING_OR_WRITING
        .into_iter()
        .any(|effect| flag.has_effect(effect))
        || ground.is_outside(value)
        || is_plain_setting(value)
}
