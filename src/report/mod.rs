//! Everything a person or a machine reads.

#![forbid(unsafe_code)]

use std::io::{self, Write};

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
    // Nobody is left to tell when standard error itself fails.
    let _ = writeln!(io::stderr().lock(), "codex-shell: error: {message}");
}
