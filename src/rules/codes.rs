//! The stable codes of everything that can be wrong with a rules file.

use super::model::{Diagnostic, Severity, Span};
use crate::request::argv::visible;

/// The file can't be read.
pub const UNREADABLE: &str = "E0001";
/// The file, or all files together, are too large.
pub const TOO_LARGE: &str = "E0002";
/// The file is not UTF-8 text.
pub const NOT_UTF8: &str = "E0003";
/// Something named `*.rules` in a directory is not a file, and is left out.
pub const NOT_A_FILE: &str = "W0004";
/// The text is not Starlark.
pub const SYNTAX: &str = "E0101";
/// A name that nothing defines.
pub const UNKNOWN_NAME: &str = "E0102";
/// The evaluation of the file failed.
pub const EVALUATION: &str = "E0103";
/// A limit on steps, memory, time, output or nesting was reached.
pub const LIMIT: &str = "E0104";
/// The process that evaluates rules files died of this one, or could not be started.
pub const LOADER: &str = "E0105";
/// An argument is missing, unknown, given twice, or of the wrong type.
pub const ARGUMENT: &str = "E0201";
/// A decision that does not exist.
pub const DECISION: &str = "E0202";
/// A justification that says nothing.
pub const JUSTIFICATION: &str = "E0203";
/// A pattern that can't match anything.
pub const PATTERN: &str = "E0204";
/// An example that is not a command.
pub const EXAMPLE: &str = "E0205";
/// A `host_executable` with an impossible name or path.
pub const HOST_EXECUTABLE: &str = "E0206";
/// A `network_rule` with an impossible host or protocol.
pub const NETWORK_RULE: &str = "E0207";
/// A condition of a `command_rule` that can't be met or read.
pub const CONDITION: &str = "E0208";
/// A `match` example that its rule does not match.
pub const MATCH_FAILS: &str = "E0301";
/// A `not_match` example that its rule matches.
pub const NOT_MATCH_FAILS: &str = "E0302";

/// An error about the whole of `file`.
pub(super) fn about_file(file: u32, code: &str, message: &str) -> Diagnostic {
    Diagnostic {
        code: code.to_owned(),
        severity: Severity::Error,
        span: None,
        file,
        message: visible(message),
        help: None,
    }
}

/// An error at a place.
pub(super) fn at(span: Span, code: &str, message: &str) -> Diagnostic {
    Diagnostic {
        span: Some(span),
        ..about_file(span.file, code, message)
    }
}
