//! What is wrong with a `codex-shell.toml`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::rules::model::Span;

use super::line_index::LineIndex;

/// One mistake, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsProblem {
    /// The file.
    pub path: PathBuf,
    /// Its text; empty when it could not be read.
    pub text: String,
    /// Where; `None` for the file as a whole.
    pub span: Option<Span>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl SettingsProblem {
    /// About the file as a whole.
    pub(super) fn of_file(path: &Path, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            text: String::new(),
            span: None,
            message: message.into(),
            help: None,
        }
    }

    /// About the `bytes` of its text.
    pub(super) fn at(path: &Path, text: &str, bytes: Range<usize>, message: String) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            span: Some(LineIndex::new(text).span(bytes)),
            message,
            help: None,
        }
    }

    pub(super) fn with_help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }
}
