//! One thing to say of a rules file.

use crate::rules::Severity;
use crate::rules::model::{Diagnostic, Span};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The rules work, though perhaps not as meant.
    Warning,
    /// The rules don't load, or the lint was raised to this.
    Error,
}

impl Level {
    /// As it is written in every format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl From<Severity> for Level {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Warning => Self::Warning,
            Severity::Error => Self::Error,
        }
    }
}

/// Another place that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub span: Span,
    /// What is there, in a few words.
    pub label: &'static str,
}

/// One thing to say of a rules file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The stable code: `E…` from the loader, `W…` from a lint.
    pub code: String,
    /// How bad it is.
    pub level: Level,
    /// The file, as an index into [`crate::rules::RuleSet::files`].
    pub file: u32,
    /// Where; `None` for the file as a whole.
    pub span: Option<Span>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The other place that it is about.
    pub related: Option<Related>,
}

impl Finding {
    /// File, line, column, code: the order in which findings are shown.
    pub(super) fn sort_key(&self) -> (u32, u32, u32, &str, &str) {
        let (line, column) = self.span.map_or((0, 0), |span| (span.line, span.column));
        (self.file, line, column, &self.code, &self.message)
    }
}

impl From<&Diagnostic> for Finding {
    fn from(diagnostic: &Diagnostic) -> Self {
        Self {
            code: diagnostic.code.clone(),
            level: diagnostic.severity.into(),
            file: diagnostic.file,
            span: diagnostic.span,
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
            related: None,
        }
    }
}
