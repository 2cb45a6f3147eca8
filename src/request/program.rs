//! Which file a request names, and whether the sandboxed side could have written it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A program, resolved as far as it could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// As the caller wrote it: `git`, `./git`, `/usr/bin/git`.
    pub asked: OsString,
    /// The absolute path that was asked for, after the search of `PATH` or the joining with the
    /// working directory, lexically normalised. `None`: no such program was found.
    pub path: Option<PathBuf>,
    /// The file behind `path`, every symbolic link followed.
    pub real: Option<PathBuf>,
    /// Whether a rule that permits may believe the name.
    pub trust: Trust,
}

/// Whether a program's name can be believed, for rules that permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Nothing on the way to the file, nor the file, can be written from inside the sandbox.
    Trusted,
    /// The program was not found; it is judged by its name alone, and nothing would run.
    Unresolved,
    /// The sandboxed side could have put this file or a link to it there.
    Writable {
        /// The directory entry that can be written.
        path: PathBuf,
    },
    /// The file has no path outside the sandbox: deleted, anonymous, or hidden by a mount.
    Anonymous,
    /// The file answers to several names (a symbolic or a second hard link), and `argv[0]` is
    /// neither the name asked for nor the file's own: the program may act as something else.
    Disguised {
        /// The last component of `argv[0]`.
        argv0: OsString,
    },
}

impl Program {
    /// A program known by name only, as for rules tested on a machine that doesn't have it.
    pub fn named(asked: impl Into<OsString>) -> Self {
        Self {
            asked: asked.into(),
            path: None,
            real: None,
            trust: Trust::Unresolved,
        }
    }

    /// The last component of what was asked for.
    pub fn base_name(&self) -> &OsStr {
        last_component(&self.asked)
    }

    /// The last component of the file itself, when it was found.
    pub fn real_name(&self) -> Option<&OsStr> {
        self.real.as_deref().and_then(Path::file_name)
    }
}

/// The part of `name` after its last slash; all of it when that part is empty.
pub fn last_component(name: &OsStr) -> &OsStr {
    Path::new(name).file_name().unwrap_or(name)
}
