//! When a word of a rule equals a word of a command.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::rules::canonical;

/// Whether the rule's word `wanted` means the command's `word`: equal bytes or, for a canonical
/// rule, equal under Unicode caseless matching.
pub(super) fn same_word(wanted: &str, word: &OsStr, canonical: bool) -> bool {
    wanted.as_bytes() == word.as_bytes()
        || (canonical && caseless(wanted.as_bytes()) == caseless(word.as_bytes()))
}

/// `word` with differences of case and composition taken out. What is not UTF-8 equals only
/// itself.
pub(super) fn caseless(word: &[u8]) -> Cow<'_, [u8]> {
    match std::str::from_utf8(word) {
        Ok(text) => Cow::Owned(canonical::folded(text).into_bytes()),
        Err(_) => Cow::Borrowed(word),
    }
}
