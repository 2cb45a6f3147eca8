//! The very file that was judged, held open, with its interpreters if it is a script.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{FileStat, Mode, fstat};

use crate::request::{INTERPRETERS, Interpreter, Request};

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
    /// `expected`.
    ///
    /// # Errors
    /// It is another file, or it or an interpreter can't be opened.
    pub fn open(request: &Request, expected: &FileStat) -> io::Result<Self> {
        let real = request.program.real.as_deref().ok_or(Errno::ENOENT)?;
        let fd = handle(real)?;
        let found = fstat(&fd)?;
        if (found.st_dev, found.st_ino) != (expected.st_dev, expected.st_ino) {
            return Err(Errno::ESTALE.into());
        }
        let argv = Cow::Borrowed(request.argv.as_slice());
        follow(fd, real, &request.program.asked, argv, 0)
    }
}

fn follow(
    fd: OwnedFd,
    path: &Path,
    asked: &OsStr,
    argv: Cow<'_, [OsString]>,
    depth: usize,
) -> io::Result<Pinned> {
    let named = match Interpreter::of(path)? {
        Some(named) => Some(named),
        None => Interpreter::by_default(path)?,
    };
    let Some(named) = named else {
        let argv = argv.into_owned();
        return Ok(Pinned { fd, argv });
    };
    if depth > INTERPRETERS {
        return Err(Errno::ELOOP.into());
    }
    let longer = named.argv(asked, &argv);
    drop(argv);
    follow(
        handle(&named.path)?,
        &named.path,
        named.path.as_os_str(),
        Cow::Owned(longer),
        depth + 1,
    )
}

fn handle(path: &Path) -> io::Result<OwnedFd> {
    Ok(open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?)
}
