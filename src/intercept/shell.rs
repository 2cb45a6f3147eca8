//! How a script is given to the shell that runs it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::session::STARTUP_END;
use crate::wire::{SOCKET, STARTED};

/// How a login shell tells that its start-up files are through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// By an exec that the kernel's listener sees.
    Exec,
    /// By a packet on the socket that it inherits.
    Packet,
}

/// The argument vector of a shell for `script`, as a login shell or not. By a `name` that is no path it
/// would take the first of that name in `PATH` for itself (`$BASH`).
pub fn argv(name: &OsStr, login: bool, script: &OsStr, mark: Mark) -> Vec<OsString> {
    // On the script's own first line, so that line numbers in messages stay right.
    let command = match mark {
        Mark::Exec => STARTUP_END.to_owned(),
        Mark::Packet => format!("builtin printf {} >&\"${SOCKET}\"", char::from(STARTED)),
    };
    let mark = format!("{{ {command} || :; }} 2>/dev/null; ");
    let mut text = OsString::from(if login { mark.as_str() } else { "" });
    text.push(script);
    let options = if login { "-lc" } else { "-c" };
    let mut argv = vec![name.to_owned(), options.into()];
    // A script is no option, whatever it begins with.
    if text
        .as_bytes()
        .first()
        .is_some_and(|byte| b"-+".contains(byte))
    {
        argv.push("--".into());
    }
    argv.push(text);
    argv
}
