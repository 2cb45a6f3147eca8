//! Texts that a program runs as commands or takes for options: values of variables and of settings.
//! Whether one names anything that the sandboxed side can write.
//!
//! What is not known counts: a bare word behind a program may be a file, and the words behind an
//! interpreter are a program. So a text passes only if each word is known to be something else, or to
//! lie where nobody inside can write.

#![forbid(unsafe_code)]

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

/// What the words of a text are looked at by.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// Whether a whole path, or one that begins with `~/`, leads to what the sandboxed side can write.
    pub leads: &'a dyn Fn(&[u8]) -> bool,
    /// The directories in which a program is looked for, in their order.
    pub path: &'a [&'a Path],
    /// Whole paths of the directories from which relative words may be taken; without any, they may lie
    /// where the sandboxed side can write.
    pub directories: &'a [&'a Path],
}

impl<'a> Ground<'a> {
    /// One where nothing is known of relative words.
    pub fn anywhere(leads: &'a dyn Fn(&[u8]) -> bool) -> Self {
        Self {
            leads,
            path: &[],
            directories: &[],
        }
    }

    /// Whether `word` is a path that doesn't lead inside.
    pub fn is_outside(&self, word: &[u8]) -> bool {
        if word.starts_with(b"/") || word.starts_with(b"~/") {
            return !(self.leads)(word);
        }
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+/".contains(byte);
        let climbs = word.windows(2).any(|two| two == b"..");
        let is_path = !word.is_empty() && !word.starts_with(b"-") && word.iter().all(plain);
        let stays_out = |directory: &&Path| {
            let path = directory.join(OsStr::from_bytes(word));
            !(self.leads)(path.as_os_str().as_bytes())
        };
        is_path && !climbs && !self.directories.is_empty() && self.directories.iter().all(stays_out)
    }

    /// Whether what is started by this name is no file of the sandboxed side's.
    fn is_program_outside(&self, word: &[u8]) -> bool {
        if word.contains(&b'/') {
            return self.is_outside(word);
        }
        // What is nowhere is not started, and nobody inside can put it there.
        for directory in self.path {
            let file = directory.join(OsStr::from_bytes(word));
            if (self.leads)(file.as_os_str().as_bytes()) {
                return false;
            }
            if file.symlink_metadata().is_ok() {
                return true;
            }
        }
        true
    }
}

/// Whether the command `text` starts only what is no file of the sandboxed side's.
pub fn is_command_outside(text: &[u8], ground: &Ground<'_>) -> bool {
    // less: what it starts is behind a bar.
    let bars = text.iter().take_while(|&&byte| byte == b'|').count();
    let text = text.get(bars..).unwrap_or_default();
    let text = text.strip_prefix(b"-").unwrap_or(text);
    // Between quotes, a bar may be part of a word.
    let is_quoted = text.iter().any(|byte| b"'\"\\".contains(byte));
    let mut stages = text.split(|&byte| byte == b'|' && !is_quoted);
    stages.all(|stage| words(stage).is_some_and(|words| are_words_outside(&words, ground)))
}

/// Whether a program and its arguments start only what is no file of the sandboxed side's.
pub fn are_words_outside(words: &[&[u8]], ground: &Ground<'_>) -> bool {
    let Some((&program, rest)) = words.split_first() else {
        return true;
    };
    let is_place_holder = program.starts_with(b"%");
    if is_place_holder || program.contains(&b'=') || !ground.is_program_outside(program) {
        return false;
    }
    let name = program.rsplit(|&byte| byte == b'/').next();
    let name = name.map_or("", |name| std::str::from_utf8(name).unwrap_or_default());
    let interprets = INTERPRETERS.contains(&name) || name.starts_with("python");
    if interprets {
        return rest.iter().all(|word| ground.is_outside(word));
    }
    // `git-credential-store` is `git credential-store`.
    let dashed = name
        .strip_prefix("git-")
        .filter(|_| models::builtin(name).is_none());
    let before = dashed.map(OsString::from);
    let own = usize::from(before.is_some());
    let given = rest.iter().map(|&word| OsStr::from_bytes(word).to_owned());
    let arguments: Vec<OsString> = before.into_iter().chain(given).collect();
    let model = models::builtin(if dashed.is_some() { "git" } else { name });
    let reading = model.map(|model| models::read(model, &arguments));
    let read = reading.as_ref();
    let mut before: &[u8] = b"";
    rest.iter().enumerate().all(|(index, &word)| {
        let is_setting = before == b"-o" && is_plain_setting(word);
        before = word;
        is_setting
            || is_inert(word)
            || ground.is_outside(word)
            || is_option_outside(word, read, ground)
            || read.is_some_and(|reading| is_subcommand(reading, index + own))
    }) && read.is_none_or(|reading| reading.flags().all(|flag| starts_nothing(flag, ground)))
}

fn is_subcommand(reading: &Reading<'_>, index: usize) -> bool {
    let mut parts = reading.parts.iter().filter(|part| part.index == index);
    parts.any(|part| matches!(part.kind, Kind::Subcommand { model: Some(_), .. }))
}

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

/// A number, a lone dash or a place for a name that the program puts there itself.
fn is_inert(word: &[u8]) -> bool {
    let number = word.strip_prefix(b"+").unwrap_or(word);
    number.iter().all(u8::is_ascii_digit)
        || matches!(word, b"-" | b"--")
        || matches!(word, [b'%', letter] if letter.is_ascii_alphabetic())
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

fn is_option_outside(word: &[u8], reading: Option<&Reading<'_>>, ground: &Ground<'_>) -> bool {
    if !word.starts_with(b"-") {
        return false;
    }
    let Some(equals) = word.iter().position(|&byte| byte == b'=') else {
        // Letters may have a path right behind them.
        return !word.contains(&b'/') || {
            let start = word.iter().position(|&byte| byte == b'/').unwrap_or(0);
            ground.is_outside(word.get(start..).unwrap_or_default())
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
        || ground.is_outside(value)
        || (known && !value.contains(&b'/'))
}

/// Whether an option is known to start and write nothing, or only what is named by a whole path.
fn starts_nothing(flag: &Flag<'_>, ground: &Ground<'_>) -> bool {
    let does = [
        Effect::Runs,
        Effect::Script,
        Effect::Splits,
        Effect::Commas,
        Effect::Writes,
    ];
    let value = flag.value.map(OsStr::as_bytes).unwrap_or_default();
    !does.iter().any(|effect| flag.has_effect(*effect))
        || ground.is_outside(value)
        || is_plain_setting(value)
}
