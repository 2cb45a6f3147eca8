//! Reads the text form of an argument list back, for tests.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Reads the text form back.
pub(crate) fn read(text: &str) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = if let Some(quoted) = rest.strip_prefix("$'") {
            read_escapes(quoted)
        } else if let Some(quoted) = rest.strip_prefix('\'') {
            let (word, after) = quoted.split_once('\'').unwrap();
            (word.as_bytes().to_vec(), after)
        } else {
            let (word, after) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
            (word.as_bytes().to_vec(), after)
        };
        words.push(OsString::from_vec(word));
        rest = after.strip_prefix(' ').unwrap_or_else(|| {
            assert_eq!(after, "");
            after
        });
    }
    words
}

fn read_escapes(quoted: &str) -> (Vec<u8>, &str) {
    let mut out = Vec::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next().filter(|&c| c != '\'') {
        let letter = if c == '\\' { chars.next() } else { None };
        let digits = match letter {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => 0,
        };
        let number: String = chars.by_ref().take(digits).collect();
        let number = u32::from_str_radix(&number, 16).unwrap_or_default();
        let c = match letter {
            None => c,
            Some('x') => {
                out.push(u8::try_from(number).unwrap());
                continue;
            }
            Some('u' | 'U') => char::from_u32(number).unwrap(),
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('e') => '\u{1b}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some(c @ ('\'' | '\\')) => c,
            Some(c) => panic!("\\{c}"),
        };
        out.extend(c.to_string().bytes());
    }
    (out, chars.as_str())
}
