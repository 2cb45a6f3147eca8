//! A file that was found for an exec, and the request that this makes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nix::sys::stat::{FileStat, stat};

use super::caller;
use crate::evaluate::IndexedRules;
use crate::request::program::normalised;
use crate::request::{Program, Request, Trust, WorkingDirectory};

/// A file that was found.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) real: PathBuf,
    pub(super) stat: FileStat,
}

impl Found {
    /// The request with its program's trust looked up, where a rule could believe it.
    pub(super) fn examine(
        &self,
        mut request: Request,
        rules: &IndexedRules,
        writable: &[PathBuf],
    ) -> Request {
        if rules.concern(request.words()) {
            request.program = self.examined(&request, writable);
        }
        request
    }

    /// The program with its trust looked up. Where the path leads to another file outside the
    /// sandbox than inside, no name is to be believed.
    fn examined(&self, request: &Request, writable: &[PathBuf]) -> Program {
        let argv0 = request.argv.first().map(OsString::as_os_str);
        let mut program = Program::at(&request.program.asked, &self.path, argv0, writable);
        if program.real.as_ref() != Some(&self.real) || !self.is_at_its_path() {
            program.trust = Trust::Anonymous;
            program.real = Some(self.real.clone());
        }
        program
    }

    /// Whether the file is at its path from outside the sandbox as well.
    fn is_at_its_path(&self) -> bool {
        stat(&self.real).is_ok_and(|s| caller::same_file(&s, &self.stat))
    }
}

/// The request by its names alone.
pub(super) fn named(
    asked: OsString,
    path: &Path,
    real: &Path,
    argv: Vec<OsString>,
    cwd: WorkingDirectory,
) -> Request {
    let program = Program {
        asked,
        path: Some(normalised(path)),
        real: Some(real.to_owned()),
        trust: Trust::Unexamined,
    };
    Request::new(program, argv, cwd)
}
