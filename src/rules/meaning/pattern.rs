//! When a word is of a form.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::request::program::normalised;
use crate::request::{Followed, Way};

use super::expression::Expression;
use super::glob::{Glob, climbs};

/// The form of a word. A `~` at its start was replaced when the rules were loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// This very word.
    Literal(String),
    /// A shell's pattern, with `**` for directories.
    Glob(Glob),
    /// A path at or below this one, which is absolute.
    Under(String),
    /// A regular expression for the whole word.
    Regex(Expression),
}

/// Stands for a word that nobody knows, and so could be of any form. No argument has this byte.
pub const ANY_WORD: &str = "\0";

impl Pattern {
    /// Whether it may speak of places, so that it matters where a path leads.
    pub fn may_be_of_paths(&self) -> bool {
        !matches!(self, Self::Literal(text) if !text.contains('/'))
    }

    /// Whether `word` is of this form as it stands. A path with `..` is not below another one, as
    /// a link may lead out; nor is one on whose way the sandboxed side could put a link.
    pub fn narrowly(&self, word: &OsStr, cwd: Option<&Path>, paths: Paths<'_>) -> bool {
        match self {
            Self::Literal(text) => text.as_bytes() == word.as_bytes(),
            Self::Glob(glob) => glob.narrowly(word),
            Self::Regex(expression) => expression.matches(word.as_bytes()),
            Self::Under(root) => {
                let path = absolute(word, cwd);
                !climbs(word)
                    && path.is_some_and(|path| path.starts_with(root))
                    && as_given(word, cwd).is_some_and(|path| paths.surely_below(&path, root))
            }
        }
    }

    /// Whether `word` is below the place by its name, and the sandboxed side could have it lead elsewhere.
    pub(super) fn is_open(&self, word: &OsStr, cwd: Option<&Path>, paths: Paths<'_>) -> bool {
        let Self::Under(root) = self else {
            return false;
        };
        let is_below = absolute(word, cwd).is_some_and(|path| path.starts_with(root));
        let is_open = |path: PathBuf| paths.way(&path).is_some_and(|way| way.is_open);
        is_below && !climbs(word) && as_given(word, cwd).is_some_and(is_open)
    }

    /// Whether `word` could be of this form: as it stands, or as the path that it leads to.
    pub fn widely(&self, word: &OsStr, cwd: Option<&Path>, paths: Paths<'_>) -> bool {
        if word == ANY_WORD {
            return true;
        }
        let path = absolute(word, cwd);
        let given = as_given(word, cwd);
        let real = given
            .as_deref()
            .and_then(|path| paths.way(path)?.real.as_deref());
        let forms = [
            Some(word),
            path.as_deref().map(Path::as_os_str),
            real.map(Path::as_os_str),
        ];
        let mut forms = forms.into_iter().flatten().map(OsStr::as_bytes);
        match self {
            Self::Literal(text) => {
                let wanted = OsStr::new(text);
                let same_path = || {
                    let wanted = absolute(wanted, cwd);
                    wanted.is_some() && (wanted == path || wanted.as_deref() == real)
                };
                wanted == word || (text.contains('/') && same_path())
            }
            Self::Glob(glob) => forms.any(|form| glob.widely(OsStr::from_bytes(form))),
            Self::Regex(expression) => forms.any(|form| expression.widely(form)),
            // Nobody knows where a relative path leads without a working directory.
            Self::Under(root) => {
                path.as_deref().is_none_or(|path| path.starts_with(root))
                    || given.is_none_or(|path| paths.perhaps_below(&path, root))
            }
        }
    }
}

/// Where paths lead, as conditions on places ask.
#[derive(Debug, Clone, Copy)]
pub enum Paths<'a> {
    /// Nobody looked.
    Unknown,
    /// Where they say: there are no links, as in examples.
    AsNamed,
    /// Somebody looked.
    Followed(&'a Followed),
}

impl<'a> Paths<'a> {
    /// What was found of a path.
    pub(super) fn way(self, path: &Path) -> Option<&'a Way> {
        match self {
            Self::Followed(followed) => followed.way(path),
            Self::Unknown | Self::AsNamed => None,
        }
    }

    /// Whether `path`, which is below `root` by name, leads there whatever the sandboxed side does.
    fn surely_below(self, path: &Path, root: &str) -> bool {
        if matches!(self, Self::AsNamed) {
            return true;
        }
        let closed = |path: &Path| {
            let way = self.way(path).filter(|way| !way.is_open)?;
            way.real.as_deref()
        };
        let (real, root) = (closed(path), closed(Path::new(root)));
        real.zip(root)
            .is_some_and(|(real, root)| real.starts_with(root))
    }

    /// Whether `path` may lead to `root` or below it, though its name does not.
    fn perhaps_below(self, path: &Path, root: &str) -> bool {
        let Self::Followed(_) = self else {
            return false;
        };
        let Some(Way {
            real: Some(real), ..
        }) = self.way(path)
        else {
            return true;
        };
        let root = Path::new(root);
        let real_root = self.way(root).and_then(|way| way.real.as_deref());
        real.starts_with(root) || real_root.is_some_and(|root| real.starts_with(root))
    }
}

/// The path that a word names, absolute, as [`Followed`] has it.
fn as_given(word: &OsStr, cwd: Option<&Path>) -> Option<PathBuf> {
    absolute(word, cwd)?;
    Some(cwd.map_or_else(|| word.into(), |cwd| cwd.join(word)))
}

/// The path that a word leads to, by its text; `None` for what a shell would have replaced, and
/// for relative ones where the working directory is not known.
fn absolute(word: &OsStr, cwd: Option<&Path>) -> Option<PathBuf> {
    if word.is_empty() || word.as_bytes().starts_with(b"~") {
        return None;
    }
    let path = Path::new(word);
    match cwd {
        _ if path.is_absolute() => Some(normalised(path)),
        Some(cwd) => Some(normalised(&cwd.join(path))),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_restricted_and_not_permitted_by_an_expression() {
        let pattern = Pattern::Regex(Expression::from("a.*".to_owned()));
        for (word, narrow, wide) in [
            (&b"ab"[..], true, true),
            (b"a\xff", false, true),
            (b"a\xc3\xa9", true, true),
            (b"\xffa", false, false),
        ] {
            let word = OsStr::from_bytes(word);
            let is_narrow = pattern.narrowly(word, None, Paths::AsNamed);
            let is_wide = pattern.widely(word, None, Paths::AsNamed);
            assert_eq!((is_narrow, is_wide), (narrow, wide), "{word:?}");
        }
    }
}
