//! Shells' patterns for words and paths.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use super::pattern::{Expression, climbs};

/// `*`, `?`, `[a-z]`, `[!a-z]`, `{a,b}` and, as a whole component, `**`; a backslash takes its meaning from
/// the next character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Glob {
    text: String,
    narrow: Expression,
    wide: Expression,
}

impl From<String> for Glob {
    fn from(text: String) -> Self {
        let expression = |stops| match parsed(&text, stops) {
            Ok(glob) if stops => format!("(?s){}", without_slashes(glob.regex())),
            Ok(glob) => format!("(?s){}", glob.regex()),
            // Nothing is of it.
            Err(_) => "[^\\s\\S]".to_owned(),
        };
        Self {
            narrow: expression(true).into(),
            wide: expression(false).into(),
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
        self.wide.matches(word.as_bytes())
    }

    /// Whether `word` is of this form.
    pub fn narrowly(&self, word: &OsStr) -> bool {
        self.narrow.matches(word.as_bytes()) && !climbs(word)
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
        set.add(parsed(&glob.text, false).ok()?);
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
