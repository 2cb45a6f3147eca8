//! The very file that was judged, held open, with its interpreters if it is a script.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{FileStat, Mode, fstat};

use crate::request::{Followed, INTERPRETERS, Identity, Interpreter, Request};
use crate::sys::identity::{self, identity};

/// A file to execute by descriptor, and the argument vector to give it.
#[derive(Debug)]
pub struct Pinned {
    /// The program: for a script, the last interpreter.
    pub fd: OwnedFd,
    /// For a script, the vector that the kernel would make for the interpreter.
    pub argv: Vec<OsString>,
}

impl Pinned {
    /// Opens the file of `request` from outside the sandbox, where it must have the identity
    /// `expected`. The sandboxed side can write the `writable` roots.
    ///
    /// # Errors
    /// It or an interpreter is another file than was judged, or can't be opened.
    pub fn open(request: &Request, expected: &FileStat, writable: &[PathBuf]) -> io::Result<Self> {
        let real = request.program.real.as_deref().ok_or(Errno::ENOENT)?;
        let fd = handle(real, Some(identity::of(expected)))?;
        let argv = request.argv.clone();
        let Some(named) = interpreter(real)? else {
            return Ok(Self { fd, argv });
        };
        let name = name_for_interpreter(request, real, writable);
        follow(request, named, &name, &argv)
    }
}

/// Opens the interpreter that a script or another interpreter has `named`, or the last of its own. It finds the
/// script by `name`.
fn follow(
    script: &Request,
    mut named: Interpreter,
    name: &OsStr,
    argv: &[OsString],
) -> io::Result<Pinned> {
    let mut argv = named.argv(name, argv);
    let mut judged = script.chain().skip(1);
    for _ in 0..=INTERPRETERS {
        let path = script.cwd.join(&named.path);
        let real = judged.next().and_then(|one| one.program.real.as_deref());
        let fd = handle(&path, real.map(identity).transpose()?)?;
        let Some(next) = interpreter(&path)? else {
            return Ok(Pinned { fd, argv });
        };
        argv = next.argv(named.path.as_os_str(), &argv);
        named = next;
    }
    Err(Errno::ELOOP.into())
}

/// How the interpreter of a script finds the file that was judged: by the name that the caller gave, unless that
/// leads elsewhere from its directory, or can be made to where the file's own path can't, or is one that an
/// interpreter may take for something else than a file.
fn name_for_interpreter(script: &Request, real: &Path, writable: &[PathBuf]) -> OsString {
    let asked = &script.program.asked;
    let given = script.cwd.join(asked);
    let followed = Followed::of(vec![given.clone(), real.to_owned()], writable);
    let is_open = |path: &Path| followed.way(path).is_none_or(|way| way.is_open);
    let leads = followed.way(&given).and_then(|way| way.real.as_deref()) == Some(real);
    if leads && is_path(asked) && (!is_open(&given) || is_open(real)) {
        asked.clone()
    } else {
        real.as_os_str().to_owned()
    }
}

/// Whether it is surely no option or subcommand.
fn is_path(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let begins = name
        .first()
        .is_some_and(|first| first.is_ascii_alphanumeric() || b"./_".contains(first));
    begins && name.contains(&b'/')
}

/// What a file names as its interpreter, or has by being a text.
fn interpreter(path: &Path) -> io::Result<Option<Interpreter>> {
    match Interpreter::of(path)? {
        Some(named) => Ok(Some(named)),
        None => Interpreter::by_default(path),
    }
}

fn handle(path: &Path, expected: Option<Identity>) -> io::Result<OwnedFd> {
    let fd = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
    let found = fstat(&fd)?;
    if expected.is_some_and(|expected| expected != identity::of(&found)) {
        return Err(Errno::ESTALE.into());
    }
    Ok(fd)
}
