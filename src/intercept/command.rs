//! The command that is started first.

use std::ffi::CString;
use std::os::unix::ffi::OsStringExt as _;

use crate::request::entry;
use crate::sys::signals;

/// The command as the launcher starts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// A name to be searched for in `PATH`, or a path.
    pub program: CString,
    /// The argument vector.
    pub argv: Vec<CString>,
    /// The environment, as `NAME=value`.
    pub environment: Vec<CString>,
    /// Ignored signals, bit n-1 for signal n.
    pub ignored: u64,
    /// Blocked signals, likewise.
    pub blocked: u64,
}

impl Command {
    /// One that can't start, with the variables of this process.
    pub fn nothing() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| CString::new(entry(&name, &value).into_vec()).ok());
        Self {
            program: CString::default(),
            argv: vec![CString::default(); 3],
            environment: variables.collect(),
            ignored: 0,
            blocked: signals::blocked(),
        }
    }
}
