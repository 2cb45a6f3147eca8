//! Programs that were met before, on whose paths the sandboxed side can write nothing: their next exec needs
//! no second look at the file.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::sys::stat::{FileStat, stat};
use nix::unistd::Pid;

use crate::request::{Program, Request, Trust};

/// How many paths are remembered.
const PATHS: usize = 4096;

/// Paths on which nothing can be written from inside, and the programs behind them.
#[derive(Debug, Default)]
pub struct FixedPrograms {
    known: HashMap<PathBuf, Fixed>,
    /// There are processes for which paths lead elsewhere than for this one.
    moves: bool,
}

/// A program, no script, that the sandboxed side can't change.
#[derive(Debug, Clone)]
pub struct Fixed {
    /// Its path, every link followed.
    pub real: PathBuf,
    /// What it is a copy of.
    pub copy_of: Option<PathBuf>,
    /// Its identity.
    pub stat: FileStat,
}

impl FixedPrograms {
    /// From now on each process's root is looked up.
    pub fn paths_may_differ(&mut self) {
        self.moves = true;
    }

    /// The program at `path`, as the caller `tid` sees it, if it was seen to be beyond reach and is
    /// the same still. Of moves `outside` the listener knows nothing.
    pub fn known(&self, path: &Path, tid: Pid, outside: bool) -> Option<&Fixed> {
        let fixed = self.known.get(path)?;
        let now = if self.moves || outside {
            stat(&in_root_of(tid, path)).ok()?
        } else {
            stat(path).ok()?
        };
        let key = |s: &FileStat| (s.st_dev, s.st_ino, s.st_ctime, s.st_ctime_nsec, s.st_mode);
        (key(&now) == key(&fixed.stat)).then_some(fixed)
    }

    /// Whether nothing on the paths of a request, whose file is `file`, can be written from inside: then they are
    /// remembered.
    pub fn are_fixed(&mut self, request: &Request, file: &FileStat, writable: &[PathBuf]) -> bool {
        let is_fixed = |one: &Request| {
            let path = Path::new(&one.program.asked);
            self.known.contains_key(path) || is_path_fixed(one, writable)
        };
        if !request.chain().all(is_fixed) {
            return false;
        }
        let Program {
            asked: path, real, ..
        } = &request.program;
        if let (Some(real), None) = (real, &request.interpreter)
            && self.known.len() < PATHS
            && !self.known.contains_key(Path::new(path))
        {
            let fixed = Fixed {
                real: real.clone(),
                copy_of: request.copy_of.clone(),
                stat: *file,
            };
            self.known.insert(path.into(), fixed);
        }
        true
    }
}

/// A path to what `tid`, which may have a root of its own, finds at an absolute `path`.
fn in_root_of(tid: Pid, path: &Path) -> PathBuf {
    let mut whole = OsString::from(format!("/proc/{tid}/root"));
    whole.push(path);
    PathBuf::from(whole)
}

fn is_path_fixed(request: &Request, writable: &[PathBuf]) -> bool {
    let path = Path::new(&request.program.asked);
    let bytes = path.as_os_str().as_bytes();
    let inside = writable.iter().any(|root| path.starts_with(root));
    if !path.is_absolute() || bytes.starts_with(b"/proc") || inside {
        return false;
    }
    let name = Some(path.as_os_str());
    let program = Program::at(path.as_os_str(), path, name, writable);
    program.trust == Trust::Trusted && program.real == request.program.real
}
