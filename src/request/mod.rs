//! What is asked: one program, its arguments, and where.
//!
//! A [`Request`] is made by an interceptor or by `rules explain`; nothing here runs anything.

#![forbid(unsafe_code)]

pub mod argv;
pub mod program;

use std::ffi::OsString;
use std::path::PathBuf;

pub use program::{Program, Trust};

/// One exec asked for. Everything is bytes, as the kernel has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The file that would run, under the names that rules may know it by.
    pub program: Program,
    /// The whole argument vector. `argv[0]` is the caller's to choose, and may be missing.
    pub argv: Vec<OsString>,
    /// The working directory, absolute.
    pub cwd: PathBuf,
}

impl Request {
    /// What follows the program: `argv[1..]`, empty when there is no `argv[0]` either.
    pub fn arguments(&self) -> &[OsString] {
        self.argv.get(1..).unwrap_or_default()
    }
}
