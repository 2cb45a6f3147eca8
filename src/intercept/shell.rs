//! How a script is given to the shell that runs it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::supervisor::STARTUP_END;

/// The argument vector of `shell` for `script`, as a login shell or not.
pub fn argv(shell: &Path, login: bool, script: &OsStr) -> [OsString; 3] {
    let name = shell.file_name().unwrap_or(shell.as_os_str()).to_owned();
    // On the script's own first line, so that line numbers in messages stay right.
    let mark = format!("{{ {STARTUP_END} || :; }} 2>/dev/null; ");
    let mut text = OsString::from(if login { mark.as_str() } else { "" });
    text.push(script);
    [name, if login { "-lc" } else { "-c" }.into(), text]
}
