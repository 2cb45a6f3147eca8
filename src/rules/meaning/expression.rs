//! A regular expression for the whole of a word.

use std::borrow::Cow;
use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// Bytes that a compiled expression may have.
const MAX_COMPILED: usize = 1 << 20;

/// A regular expression, compiled when it is first needed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Expression {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl From<String> for Expression {
    fn from(text: String) -> Self {
        let compiled = OnceLock::new();
        Self { text, compiled }
    }
}

impl From<Expression> for String {
    fn from(expression: Expression) -> Self {
        expression.text
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl Expression {
    /// What is wrong with the expression, if something is.
    pub fn problem(&self) -> Option<String> {
        self.compile().err().map(|error| error.to_string())
    }

    fn compile(&self) -> Result<Regex, regex::Error> {
        RegexBuilder::new(&format!("^(?:{})$", self.text))
            .size_limit(MAX_COMPILED)
            .build()
    }

    pub(super) fn matches(&self, word: &[u8]) -> bool {
        let compiled = self.compiled.get_or_init(|| self.compile().ok());
        compiled.as_ref().is_some_and(|regex| regex.is_match(word))
    }

    /// Whether `word` could be of this form: a byte that is no UTF-8 may stand where any character may.
    pub(super) fn widely(&self, word: &[u8]) -> bool {
        self.matches(word)
            || matches!(String::from_utf8_lossy(word), Cow::Owned(text) if self.matches(text.as_bytes()))
    }
}
