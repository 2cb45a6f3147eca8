//! The words of an exec, before anything else about it is known.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::Request;

/// The names of a program, and its argument vector. All that names and heuristics depend on; no
/// judgement can be made of it.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// The program as the caller wrote it.
    pub asked: &'a OsStr,
    /// As for [`Program::path`](super::Program::path).
    pub path: Option<&'a Path>,
    /// As for [`Program::real`](super::Program::real).
    pub real: Option<&'a Path>,
    /// The whole argument vector.
    pub argv: &'a [OsString],
}

impl<'a> Words<'a> {
    /// What follows `argv[0]`.
    pub fn arguments(&self) -> &'a [OsString] {
        self.argv.get(1..).unwrap_or_default()
    }

    /// The path that `argv[0]` is, where that is another one than was asked for: some programs look for their parts
    /// beside it.
    pub fn other_path(&self) -> Option<&'a Path> {
        let called = self.argv.first().filter(|called| *called != self.asked)?;
        called.as_bytes().contains(&b'/').then(|| Path::new(called))
    }
}

impl Request {
    /// Its words alone.
    pub fn words(&self) -> Words<'_> {
        Words {
            asked: &self.program.asked,
            path: self.program.path.as_deref(),
            real: self.program.real.as_deref(),
            argv: &self.argv,
        }
    }
}

/// An exec of which only the words were read: of a program that was met before, is no script, and
/// lies where nobody in the sandbox can change it.
///
/// Neither working directory nor variables are known, and nobody looked whether a rule that permits
/// may believe the names. So it is not a [`Request`], and nothing judges it: either no rule and no
/// heuristic speaks of it, or the rest is read first.
#[derive(Debug)]
pub struct HalfRead {
    /// The program as the caller wrote it: an absolute path.
    pub asked: OsString,
    /// The same, lexically normalised.
    pub path: PathBuf,
    /// The file, every link followed.
    pub real: PathBuf,
    /// The whole argument vector.
    pub argv: Vec<OsString>,
    /// As for [`Request::copy_of`].
    pub copy_of: Option<PathBuf>,
}

impl HalfRead {
    /// Its words.
    pub fn words(&self) -> Words<'_> {
        Words {
            asked: &self.asked,
            path: Some(&self.path),
            real: Some(&self.real),
            argv: &self.argv,
        }
    }
}
