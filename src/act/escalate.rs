//! Runs a permitted program outside the sandbox as its caller would have run it.

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;

use super::pinned::Pinned;
use crate::approve::Permit;
use crate::sys::child::{Bounds, Inherited, Launch};

/// A program that may run outside, as it was when it was judged.
#[derive(Debug)]
pub struct Escalation {
    /// The leave, with the argument vector.
    pub permit: Permit,
    /// The file.
    pub program: Pinned,
    /// The environment, filtered.
    pub environment: Vec<OsString>,
    /// The working directory.
    pub directory: OwnedFd,
    /// What its caller was bound by.
    pub bounds: Bounds,
    /// What its caller is told before it starts.
    pub note: Option<String>,
}

impl Escalation {
    /// Everything to start the program with.
    ///
    /// # Errors
    /// `EPERM` for a permit that lets nothing out; `EINVAL` for a NUL where there can be none; another one where
    /// its input is not what was asked about.
    pub fn launch(self, inherited: Inherited) -> io::Result<Launch> {
        if self.permit.confinement().is_none() {
            return Err(Errno::EPERM.into());
        }
        if !self.permit.inputs().are_among(&inherited.descriptors) {
            return Err(io::Error::other("what it is given to read has changed"));
        }
        let c_strings = |strings: Vec<OsString>| {
            let strings = strings.into_iter().map(|s| CString::new(s.into_vec()));
            strings.collect::<Result<Vec<_>, _>>()
        };
        Ok(Launch {
            executable: self.program.fd,
            argv: c_strings(self.program.argv)?,
            environment: c_strings(self.environment)?,
            directory: self.directory,
            inherited,
        })
    }
}
