//! The form of words in JSON.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use serde::Serialize;

/// A word as JSON has it: a string, or what a string can't hold, by its bytes.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum WordForm<'a> {
    /// It is UTF-8.
    Text(&'a str),
    /// It is not.
    Bytes {
        /// As bash reads it: see [`super::word`].
        escaped: String,
        /// The bytes.
        bytes: &'a [u8],
    },
}

impl<'a> WordForm<'a> {
    /// The forms of `words`.
    pub fn all(words: &'a [OsString]) -> Vec<Self> {
        words.iter().map(|word| Self::of(word)).collect()
    }

    /// The form of `word`.
    pub fn of(word: &'a OsStr) -> Self {
        match word.to_str() {
            Some(text) => Self::Text(text),
            None => Self::Bytes {
                escaped: super::word(word),
                bytes: word.as_bytes(),
            },
        }
    }
}
