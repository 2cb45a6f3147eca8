//! Shells' patterns for words and paths.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use super::expression::Expression;

/// `*`, `?`, `[a-z]`, `[!a-z]`, `{a,b}` and, as a whole component, `**`; a backslash takes its meaning from
/// the next character.
///
/// `?` and what is in brackets stand for one character: as UTF-8 has it where the whole word is UTF-8,
/// otherwise a byte. What restricts counts by either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Glob {
    text: String,
    narrow: Box<Expressions>,
    wide: Box<Expressions>,
}

/// The same glob for words of bytes and for words of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expressions {
    bytes: Expression,
    characters: Expression,
}

impl Expressions {
    /// Those of a glob; `stops`: only `**` goes past slashes.
    fn of(text: &str, stops: bool) -> Self {
        let bytes = match parsed(text, stops) {
            Ok(glob) if stops => format!("(?s){}", without_slashes(glob.regex())),
            Ok(glob) => format!("(?s){}", glob.regex()),
            // Nothing is of it.
            Err(_) => "[^\\s\\S]".to_owned(),
        };
        Self {
            characters: of_characters(&bytes).into(),
            bytes: bytes.into(),
        }
    }

    fn problem(&self) -> Option<String> {
        self.bytes.problem().or_else(|| self.characters.problem())
    }
}

impl From<String> for Glob {
    fn from(text: String) -> Self {
        Self {
            narrow: Box::new(Expressions::of(&text, true)),
            wide: Box::new(Expressions::of(&text, false)),
            text,
        }
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.text
    }
}

impl Glob {
    /// Whether `word` is of this form, stars going past slashes.
    pub fn widely(&self, word: &OsStr) -> bool {
        let bytes = word.as_bytes();
        self.wide.bytes.matches(bytes)
            || !bytes.is_ascii()
                && self
                    .wide
                    .characters
                    .matches(word.to_string_lossy().as_bytes())
    }

    /// Whether `word` is of this form.
    pub fn narrowly(&self, word: &OsStr) -> bool {
        let bytes = word.as_bytes();
        let of_characters = !bytes.is_ascii() && word.to_str().is_some();
        let narrow = if of_characters {
            &self.narrow.characters
        } else {
            &self.narrow.bytes
        };
        narrow.matches(bytes) && !climbs(word)
    }

    /// What is wrong with the pattern, if something is.
    pub fn problem(&self) -> Option<String> {
        let syntax = parsed(&self.text, true).err();
        let syntax = syntax.map(|error| error.kind().to_string());
        syntax.or_else(|| self.narrow.problem().or_else(|| self.wide.problem()))
    }
}

/// Of many globs, which are of a word, widely; `None` where there are too many to tell.
pub fn set<'a>(globs: impl Iterator<Item = &'a Glob>) -> Option<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(parsed(&widened(&glob.text), false).ok()?);
    }
    set.build().ok()
}

fn parsed(text: &str, stops: bool) -> Result<globset::Glob, globset::Error> {
    GlobBuilder::new(text)
        .literal_separator(stops)
        .backslash_escape(true)
        .empty_alternates(true)
        .build()
}

/// A glob that whatever is of this one is of, in which no place has a length.
fn widened(text: &str) -> String {
    let mut wide = String::with_capacity(text.len());
    let mut letters = text.chars();
    let mut is_star = false;
    while let Some(letter) = letters.next() {
        let was_star = std::mem::replace(&mut is_star, false);
        match letter {
            '\\' => wide.extend(std::iter::once(letter).chain(letters.next())),
            '?' | '[' => {
                if letter == '[' {
                    pass_class(&mut letters);
                }
                is_star = true;
                wide.push_str(if was_star { "" } else { "*" });
            }
            _ => {
                is_star = letter == '*';
                wide.push(letter);
            }
        }
    }
    wide
}

/// Goes past the rest of a class. A bracket that comes first in it is one of its own.
fn pass_class(letters: &mut std::str::Chars<'_>) {
    let negated = ['!', '^'];
    let mut first = letters.next();
    if first.is_some_and(|letter| negated.contains(&letter)) {
        first = letters.next();
    }
    if first.is_some() {
        letters.find(|&letter| letter == ']');
    }
}

/// The expression of a glob for words of characters: it has the bytes of those beyond ASCII as `\\xNN` each.
fn of_characters(expression: &str) -> String {
    let mut text = String::with_capacity(expression.len());
    let mut rest = expression;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        text.push_str(before);
        let bytes = escaped_bytes(escape);
        let length = if bytes.is_empty() {
            // Another escape: it and the character behind it.
            let next = escape.chars().nth(1).map_or(0, char::len_utf8);
            text.push_str(escape.get(..=next).unwrap_or(escape));
            1 + next
        } else {
            text.push_str(&String::from_utf8_lossy(&bytes));
            4 * bytes.len()
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text.replacen("(?-u)", "(?u)", 1)
}

/// The bytes that are written as `\\xNN` at the start of `text`, one behind the other.
fn escaped_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(digits) = rest.strip_prefix("\\x").and_then(|rest| rest.get(..2))
        && let Ok(byte) = u8::from_str_radix(digits, 16)
    {
        bytes.push(byte);
        rest = rest.get(4..).unwrap_or_default();
    }
    bytes
}

/// An expression of a glob, whose classes take slashes, with classes that don't.
fn without_slashes(expression: &str) -> String {
    let mut text = String::with_capacity(expression.len());
    let (mut is_escaped, mut is_negated) = (false, false);
    for letter in expression.chars() {
        match letter {
            '[' if !is_escaped => is_negated = false,
            '^' if text.ends_with('[') => is_negated = true,
            // Of those that are taken out, one more; of the others, one less.
            ']' if !is_escaped => text.push_str(if is_negated { "/" } else { "--/" }),
            _ => {}
        }
        is_escaped = letter == '\\' && !is_escaped;
        text.push(letter);
    }
    text
}

/// Whether a path may lead out of where it begins.
pub(super) fn climbs(word: &OsStr) -> bool {
    Path::new(word)
        .components()
        .any(|part| part == Component::ParentDir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        let glob = Glob::from(text.to_owned());
        assert_eq!(glob.problem(), None, "{text}");
        glob
    }

    #[test]
    fn what_is_of_a_glob() {
        for (text, words, others) in [
            (
                "/usr/bin/{git,gh}",
                &["/usr/bin/git", "/usr/bin/gh"][..],
                &["/usr/bin/g", "/usr/bin/{git,gh}"][..],
            ),
            (
                "/etc/[ps]*",
                &["/etc/passwd", "/etc/shadow"],
                &["/etc/hosts", "/etc/x/p"],
            ),
            ("[!a-c]x", &["dx"], &["ax", "x", "/x"]),
            ("v[+-9]x", &["v1x", "v.x"], &["v/x"]),
            ("a{,.txt}", &["a", "a.txt"], &["a.", "atxt"]),
            ("a?c", &["abc"], &["a/c", "ac", "abbc"]),
            (
                "/opt/**/git",
                &["/opt/git", "/opt/x/y/git"],
                &["/opt/xgit", "/opt/x/git/y"],
            ),
            ("/opt/**", &["/opt/x", "/opt/x/y"], &["/opt", "/opt/../x"]),
            ("\\*.rs", &["*.rs"], &["a.rs"]),
            ("a*", &["a\nb"], &["b"]),
            ("", &[""], &["a"]),
        ] {
            let glob = glob(text);
            for word in words {
                assert!(glob.narrowly(OsStr::new(word)), "{text} {word}");
                assert!(glob.widely(OsStr::new(word)), "{text} {word}");
            }
            for word in others {
                assert!(!glob.narrowly(OsStr::new(word)), "{text} {word}");
            }
        }
        assert!(glob("/etc/*").widely(OsStr::new("/etc/x/y")));
        assert!(glob("a[!b]c").widely(OsStr::new("a/c")));
        assert!(glob("a*c").narrowly(OsStr::from_bytes(b"a\xff\xfec")));
    }

    #[test]
    fn one_place_is_one_character() {
        for (text, words, others) in [
            ("a?c", &["aéc", "a漢c", "a😀c"][..], &["aéé c", "aééc"][..]),
            ("a??c", &["aééc", "axéc"], &["aéc"]),
            ("a????c", &[], &["a😀c"]),
            ("?", &["é", "x"], &["/", "éé", ""]),
            ("[é]", &["é"], &["è", "x"]),
            ("[à-ü]x", &["éx"], &["ax", "x"]),
            ("[!é]x", &["èx", "ax"], &["éx", "/x"]),
            ("é?", &["éa", "éé"], &["é"]),
            ("é\\?", &["é?"], &["éa"]),
            ("{é,ü}?", &["éa", "üé"], &["aa"]),
            ("**/é?", &["x/éé"], &["x/é"]),
        ] {
            let glob = glob(text);
            for word in words {
                assert!(glob.narrowly(OsStr::new(word)), "{text} {word}");
                assert!(glob.widely(OsStr::new(word)), "{text} {word}");
                let set = set(std::iter::once(&glob)).unwrap();
                assert!(set.is_match(word), "{text} {word}");
            }
            for word in others {
                assert!(!glob.narrowly(OsStr::new(word)), "{text} {word}");
            }
        }
        // By its bytes it could be one, which is enough for what restricts.
        assert!(glob("a??c").widely(OsStr::new("aéc")));
        assert!(glob("a?c").narrowly(OsStr::from_bytes(b"a\xffc")));
        assert!(glob("é?").widely(OsStr::from_bytes(b"\xc3\xa9\xff")));
    }

    /// Whatever a rule is on is found among many.
    #[test]
    fn a_set_leaves_nothing_out() {
        for (text, word) in [
            ("/opt/??", "/opt/éx"),
            ("??/x", "éé/x"),
            ("a/??/b", "a/éé/b"),
            ("[]x]é", "]é"),
            ("[!]]?", "éé"),
            ("[^]]*?", "éé"),
            ("\\[?", "[é"),
            ("*?", "é"),
            ("?*", "é"),
            ("{a?,b}", "aé"),
        ] {
            let glob = glob(text);
            assert!(glob.widely(OsStr::new(word)), "{text}");
            assert!(
                set(std::iter::once(&glob)).unwrap().is_match(word),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_glob_says_why() {
        for text in ["[a", "{a", "a}", "[z-a]", "a\\"] {
            let glob = Glob::from(text.to_owned());
            assert!(glob.problem().is_some(), "{text}");
            assert!(!glob.widely(OsStr::new(text)), "{text}");
        }
    }

    #[test]
    fn a_set_says_what_each_says() {
        let globs = [glob("/usr/bin/{git,gh}"), glob("*.sh"), glob("/opt/**/g?t")];
        let set = set(globs.iter()).unwrap();
        for word in [
            "/usr/bin/gh",
            "x/y.sh",
            "/opt/a/b/git",
            "/opt/git.sh",
            "true",
            "",
        ] {
            let word = OsStr::new(word);
            let each: Vec<usize> = (0..3).filter(|&nth| globs[nth].widely(word)).collect();
            assert_eq!(set.matches(word), each, "{}", word.display());
        }
    }
}
