//! Whether a command or options in a variable's value name anything that could lie in the working
//! directory.
//!
//! What is not known counts: a bare word behind a program may be a file, and the words behind an
//! interpreter are a program. So a value passes only if each word is known to be something else.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::models::model::Effect;
use crate::models::reading::{Flag, Kind, Known};
use crate::models::{self, Reading};

/// Programs for which the words that follow say what to run.
const INTERPRETERS: &[&str] = &[
    "ash", "awk", "bash", "busybox", "bun", "dash", "deno", "env", "fish", "gawk", "java", "ksh",
    "lua", "mawk", "nice", "node", "nohup", "npx", "perl", "php", "pwsh", "ruby", "setsid", "sh",
    "sudo", "tclsh", "uvx", "xargs", "zsh",
];

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

/// Whether the command `value` starts only what `leads` doesn't find in the sandbox's hands; `path`
/// holds the directories in which a program is looked for, none of which can be written from inside.
pub(super) fn is_command_outside(
    value: &[u8],
    path: &[&Path],
    leads: &dyn Fn(&[u8]) -> bool,
) -> bool {
    // less: what it starts is behind a bar.
    let bars = value.iter().take_while(|&&byte| byte == b'|').count();
    let value = value.get(bars..).unwrap_or_default();
    let value = value.strip_prefix(b"-").unwrap_or(value);
    let Some(words) = words(value) else {
        return false;
    };
    let Some((&program, rest)) = words.split_first() else {
        return true;
    };
    if program.contains(&b'=') || !is_program_outside(program, path, leads) {
        return false;
    }
    let name = program.rsplit(|&byte| byte == b'/').next();
    let name = name.map_or("", |name| std::str::from_utf8(name).unwrap_or_default());
    let interprets = INTERPRETERS.contains(&name) || name.starts_with("python");
    if interprets {
        return rest.iter().all(|word| is_place_outside(word, leads));
    }
    let arguments: Vec<OsString> = rest
        .iter()
        .map(|&word| OsStr::from_bytes(word).to_owned())
        .collect();
    let reading = models::builtin(name).map(|model| models::read(model, &arguments));
    let read = reading.as_ref();
    let mut before: &[u8] = b"";
    rest.iter().all(|&word| {
        let is_setting = before == b"-o" && is_plain_setting(word);
        before = word;
        is_setting
            || is_inert(word)
            || is_place_outside(word, leads)
            || is_option_outside(word, read, leads)
    }) && read.is_none_or(|reading| reading.flags().all(|flag| starts_nothing(flag, leads)))
}

/// Whether `value` holds options of a program that name nothing in the sandbox's hands.
pub(super) fn are_options_outside(
    value: &[u8],
    program: &str,
    before: &[&str],
    leads: &dyn Fn(&[u8]) -> bool,
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
                starts_nothing(flag, leads)
            };
            let value = flag.value.map(OsStr::as_bytes).unwrap_or_default();
            harmless && !leads(value) && (!value.contains(&b'/') || is_place_outside(value, leads))
        }
        Kind::Operand { .. } | Kind::Dashes => false,
    })
}

/// The words between blanks; `None` if a shell could make something else of them. Quotes end a word.
fn words(value: &[u8]) -> Option<Vec<&[u8]>> {
    if value
        .iter()
        .any(|byte| b"`$;&|<>(){}*?[\\\n".contains(byte))
    {
        return None;
    }
    let words = value.split(|byte| b" \t\"'".contains(byte));
    Some(words.filter(|word| !word.is_empty()).collect())
}

fn is_program_outside(word: &[u8], path: &[&Path], leads: &dyn Fn(&[u8]) -> bool) -> bool {
    if word.contains(&b'/') {
        return is_place_outside(word, leads);
    }
    // What is nowhere is not started, and nobody inside can put it there.
    let mut files = path
        .iter()
        .map(|directory| directory.join(OsStr::from_bytes(word)));
    let found = files.find(|file| file.symlink_metadata().is_ok());
    found.is_none_or(|file| !leads(file.as_os_str().as_bytes()))
}

/// A whole path that doesn't lead inside.
fn is_place_outside(word: &[u8], leads: &dyn Fn(&[u8]) -> bool) -> bool {
    (word.starts_with(b"/") || word.starts_with(b"~/")) && !leads(word)
}

/// A number, a lone dash or a place for a name that the program puts there itself.
fn is_inert(word: &[u8]) -> bool {
    let number = word.strip_prefix(b"+").unwrap_or(word);
    number.iter().all(u8::is_ascii_digit) || matches!(word, b"-" | b"--" | b"%s" | b"%f" | b"%u")
}

/// `StrictHostKeyChecking=no`, whose value is the name of no file here.
fn is_plain_setting(word: &[u8]) -> bool {
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

fn is_option_outside(
    word: &[u8],
    reading: Option<&Reading<'_>>,
    leads: &dyn Fn(&[u8]) -> bool,
) -> bool {
    if !word.starts_with(b"-") {
        return false;
    }
    let Some(equals) = word.iter().position(|&byte| byte == b'=') else {
        // Letters may have a path right behind them.
        return !word.contains(&b'/') || {
            let start = word.iter().position(|&byte| byte == b'/').unwrap_or(0);
            is_place_outside(word.get(start..).unwrap_or_default(), leads)
        };
    };
    let value = word.get(equals + 1..).unwrap_or_default();
    let known = reading.is_some_and(|reading| {
        let is_it = |flag: &Flag<'_>| {
            flag.known != Known::Unknown && flag.value == Some(OsStr::from_bytes(value))
        };
        reading.flags().any(is_it)
    });
    is_inert(value)
        || matches!(value, b"true" | b"false" | b"always" | b"never" | b"auto")
        || is_place_outside(value, leads)
        || (known && !value.contains(&b'/'))
}

/// Whether an option is known to start and write nothing, or only what is named by a whole path.
fn starts_nothing(flag: &Flag<'_>, leads: &dyn Fn(&[u8]) -> bool) -> bool {
    let does = [
        Effect::Runs,
        Effect::Script,
        Effect::Splits,
        Effect::Commas,
        Effect::Writes,
    ];
    let value = flag.value.map(OsStr::as_bytes).unwrap_or_default();
    !does.iter().any(|effect| flag.has_effect(*effect))
        || is_place_outside(value, leads)
        || is_plain_setting(value)
}
