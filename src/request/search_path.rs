//! Where programs are looked for that are asked for by a name.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::program::{DEFAULT_PATH, Program, Trust, is_executable};
use super::walk::{Lost, Roots, WalkEnd, walk, walk_to};

/// The directories of a `PATH`, seen from one place, and what was found out about them once: for whoever looks
/// for many programs at one time.
#[derive(Debug)]
pub struct SearchPath {
    cwd: PathBuf,
    directories: Vec<SearchedDirectory>,
    roots: Roots,
}

#[derive(Debug)]
struct SearchedDirectory {
    path: PathBuf,
    /// It is there, and the sandboxed side can put nothing in it or in its place.
    is_closed: OnceCell<bool>,
}

impl SearchPath {
    /// Those of `search_path` (the value of `PATH`; `None` when unset) for a process in `cwd`, absolute.
    /// `writable` are the sandbox's writable roots, absolute.
    pub fn of(cwd: &Path, search_path: Option<&OsStr>, writable: &[PathBuf]) -> Self {
        let directories = search_path.unwrap_or(OsStr::new(DEFAULT_PATH)).as_bytes();
        let directories = directories.split(|&byte| byte == b':');
        let directories = directories.map(|directory| SearchedDirectory {
            path: cwd.join(OsStr::from_bytes(directory)),
            is_closed: OnceCell::new(),
        });
        Self {
            cwd: cwd.to_owned(),
            directories: directories.collect(),
            roots: Roots::of(writable).for_one_answer(),
        }
    }

    /// Finds the program as `execvp` does: a name with a slash from the working directory, any other in the
    /// directories.
    ///
    /// `argv0` is what the program will be called, `None` when the argument vector is empty. Nothing found gives
    /// [`Trust::Unresolved`], or [`Trust::Writable`] where the sandboxed side can change that: what runs then is
    /// what it has put there.
    pub fn find(&self, asked: &OsStr, argv0: Option<&OsStr>) -> Program {
        if asked.as_bytes().contains(&b'/') {
            let path = self.cwd.join(asked);
            return if path.is_file() {
                Program::found(asked, &path, argv0, &self.roots)
            } else {
                missing(asked, self.planted(&path))
            };
        }
        let places = self.directories.iter().filter(|_| !asked.is_empty());
        let places = places.map(|directory| (directory, directory.path.join(asked)));
        match { places.clone() }.find(|(_, path)| is_executable(path)) {
            Some((_, path)) => Program::found(asked, &path, argv0, &self.roots),
            None => missing(
                asked,
                { places }.find_map(|(directory, path)| {
                    let may_be = !self.is_closed(directory) || is_there(&path);
                    may_be.then(|| self.planted(&path))?
                }),
            ),
        }
    }

    /// The entry by which the sandboxed side can have something be at `path`, where no file is.
    fn planted(&self, path: &Path) -> Option<PathBuf> {
        match walk(path, &self.roots) {
            Err(Lost::Writable(path)) => Some(path),
            Ok(_) | Err(Lost::Missing | Lost::Hidden) => None,
        }
    }

    fn is_closed(&self, directory: &SearchedDirectory) -> bool {
        let look = || {
            let found = walk_to(&directory.path, &self.roots, WalkEnd::Directory);
            found.is_ok_and(|it| it.writable.is_none() && it.open.last() == Some(&false))
        };
        *directory.is_closed.get_or_init(look)
    }
}

fn missing(asked: &OsStr, planted: Option<PathBuf>) -> Program {
    Program {
        trust: planted.map_or(Trust::Unresolved, |path| Trust::Writable { path }),
        ..Program::named(asked)
    }
}

/// Whether there may be something at `path`, a link that leads nowhere included.
fn is_there(path: &Path) -> bool {
    let found = path.symlink_metadata();
    !found.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}
