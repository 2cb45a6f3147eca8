//! Everything a person or a machine reads.

#![forbid(unsafe_code)]

mod assumed;
pub mod canaries;
pub mod catalogue;
pub mod columns;
pub mod config;
pub mod diagnostics;
pub mod diff;
pub mod explain;
mod explain_json;
pub mod explain_script;
mod explain_script_json;
mod explain_text;
pub mod explained;
mod facts;
pub mod findings;
pub mod layers;
mod misses;
pub mod obeyed;
mod paint;
pub mod permissions;
mod profile;
mod reading;
pub mod refusals;
pub mod snippet;
mod source_form;

use std::io::{self, IsTerminal as _, Write};

use crate::request::argv;
use crate::sys::say;

/// Writes `text` to standard output. A reader that has gone away is not an error.
pub fn print(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Says on standard error what went wrong on our side, in the form that all such messages have.
pub fn error(message: &str) {
    say::line(&format!("codex-shell: error: {}", inert(message)));
}

/// Text without what a terminal would obey, line by line: other people's words may be in it.
fn inert(message: &str) -> String {
    let lines: Vec<String> = message.split('\n').map(argv::visible).collect();
    lines.join("\n")
}

/// Whether standard error takes colours.
pub fn colours_errors() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !set("NO_COLOR")
}

/// Says on standard error something worth knowing.
pub fn note(message: &str) {
    say::line(&format!("codex-shell: {}", inert(message)));
}
