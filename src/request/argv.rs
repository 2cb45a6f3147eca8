//! The text form of an argument list: for people, unambiguous and reversible.
//!
//! [`text`] writes an argument list as a shell would read it. Every boundary between arguments
//! is visible, and whatever could change what a terminal shows (control characters, escape
//! sequences, text direction, characters without a glyph, bytes that are not UTF-8) is
//! written as an escape in `$'…'`. Bash, in a UTF-8 locale, reads the same bytes back.
//!
//! [`bounded()`] is the form for prompts and refusals: it shows both ends of whatever is long.
//!
//! ```
//! use codex_shell::request::argv;
//!
//! let argv = ["rm", "two words", "\u{1b}[2K", ""].map(Into::into);
//! assert_eq!(argv::text(&argv), r"rm 'two words' $'\e[2K' ''");
//! ```

mod bounded;
mod form;

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

pub use bounded::{bounded, bounded_word};
pub use form::WordForm;

/// Words that a shell takes for grammar at the start of a command.
const KEYWORDS: [&[u8]; 17] = [
    b"case",
    b"coproc",
    b"do",
    b"done",
    b"elif",
    b"else",
    b"esac",
    b"fi",
    b"for",
    b"function",
    b"if",
    b"in",
    b"select",
    b"then",
    b"time",
    b"until",
    b"while",
];

/// The whole argument list, its words separated by single spaces.
pub fn text(argv: &[OsString]) -> String {
    let mut out = String::new();
    for (index, word) in argv.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        push_word(&mut out, word.as_bytes(), index == 0);
    }
    out
}

/// One argument, or a path, in the same form.
pub fn word(word: &OsStr) -> String {
    let mut out = String::new();
    push_word(&mut out, word.as_bytes(), false);
    out
}

/// The same of a long one shortly, for messages.
pub fn brief_word(word: &OsStr) -> String {
    const BRIEF: usize = 256;
    if word.as_bytes().len() <= BRIEF {
        self::word(word)
    } else {
        bounded_word(word, BRIEF)
    }
}

/// Text that others wrote, such as a rule's justification, for showing as it is: whatever could
/// change what a terminal shows is written as an escape. Not reversible.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\t' || c == '\'' || c == '\\' || is_visible(c) {
            out.push(c);
        } else {
            push_escaped(&mut out, c);
        }
    }
    out
}

/// Text that others wrote as one line: its lines and runs of blanks joined by single blanks, then as
/// [`visible`] shows it, and of what has more than `limit` characters the beginning and the end.
pub fn line(text: &str, limit: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let shown = visible(&words.join(" "));
    let count = shown.chars().count();
    if count <= limit {
        return shown;
    }
    let head: String = shown.chars().take(limit / 4 * 3).collect();
    let tail: String = shown.chars().skip(count - limit / 4).collect();
    format!("{head} […] {tail}")
}

fn push_word(out: &mut String, word: &[u8], first: bool) {
    let grammar = first && (word.contains(&b'=') || KEYWORDS.contains(&word));
    if is_plain(word) && !grammar {
        // Plain words are ASCII.
        out.extend(word.iter().map(|&byte| char::from(byte)));
    } else {
        push_quoted(out, word);
    }
}

/// Whether a shell reads `word` as itself without quotes.
fn is_plain(word: &[u8]) -> bool {
    !word.is_empty()
        && !word.starts_with(b"=")
        && word
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte))
}

fn push_quoted(out: &mut String, word: &[u8]) {
    let literal = std::str::from_utf8(word)
        .is_ok_and(|text| text.chars().all(|c| c != '\'' && is_visible(c)));
    out.push_str(if literal { "'" } else { "$'" });
    for chunk in word.utf8_chunks() {
        for c in chunk.valid().chars() {
            if literal {
                out.push(c);
            } else {
                push_escaped(out, c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('\'');
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '\'' => out.push_str("\\'"),
        '\\' => out.push_str("\\\\"),
        '\u{07}' => out.push_str("\\a"),
        '\u{08}' => out.push_str("\\b"),
        '\u{1b}' => out.push_str("\\e"),
        '\u{0c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{0b}' => out.push_str("\\v"),
        c if is_visible(c) => out.push(c),
        // Writing to a String can't fail.
        c if c.is_ascii() => {
            let _ = write!(out, "\\x{:02x}", u32::from(c));
        }
        c if u32::from(c) <= 0xffff => {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
        c => {
            let _ = write!(out, "\\U{:08x}", u32::from(c));
        }
    }
}

/// `text` as a string of TOML and of the rules language, all of it visible.
pub fn quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_visible(c) => quoted.push(c),
            c => {
                // Writing to a string can't fail.
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
        }
    }
    quoted.push('"');
    quoted
}

/// Whether `c` shows as itself, in its own cell, without changing anything around it.
pub fn is_visible(c: char) -> bool {
    match c {
        ' '..='~' => true,
        // Letters and symbols by category, all of them blank.
        '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{fffc}' => false,
        // The standard library escapes control, format, private, unassigned, separator and
        // combining characters; a quote or a backslash it escapes too, but those are ASCII.
        c => c.escape_debug().len() == 1,
    }
}

#[cfg(test)]
mod tests;
