//! How a script is given to the shell that runs it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::supervisor::STARTUP_END;
use crate::wire::{SOCKET, STARTED};

/// How a login shell tells that its start-up files are through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// By an exec that the kernel's listener sees.
    Exec,
    /// By a packet on the socket that it inherits.
    Packet,
}

/// The argument vector of `shell` for `script`, as a login shell or not.
pub fn argv(shell: &Path, login: bool, script: &OsStr, mark: Mark) -> [OsString; 3] {
    let name = match mark {
        Mark::Exec => shell.file_name().unwrap_or(shell.as_os_str()),
        // By its name alone it would take the user's own shell for itself ($BASH).
        Mark::Packet => shell.as_os_str(),
    }
    .to_owned();
    // On the script's own first line, so that line numbers in messages stay right.
    let command = match mark {
        Mark::Exec => STARTUP_END.to_owned(),
        Mark::Packet => format!("builtin printf {} >&\"${SOCKET}\"", char::from(STARTED)),
    };
    let mark = format!("{{ {command} || :; }} 2>/dev/null; ");
    let mut text = OsString::from(if login { mark.as_str() } else { "" });
    text.push(script);
    [name, if login { "-lc" } else { "-c" }.into(), text]
}
