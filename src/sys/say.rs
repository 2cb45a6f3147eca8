//! What is told on standard error.

use std::io::{self, Write as _};

/// Writes `text` and a newline by one call, so that what others write there stands before it or behind it.
pub fn line(text: &str) {
    // Where standard error is closed the status has to do.
    let _ = io::stderr()
        .lock()
        .write_all(format!("{text}\n").as_bytes());
}
