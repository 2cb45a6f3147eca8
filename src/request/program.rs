//! Which file a request names, and whether the sandboxed side could have written it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use nix::sys::stat::stat;
use nix::unistd::{AccessFlags, access};

use super::INTERPRETERS;
use super::interpreter::Interpreter;
use super::loaded;
use super::walk::{Lost, ResolvedFile, Roots, walk};
use crate::sys::identity;

/// Where `execvp` looks when `PATH` is unset.
pub(super) const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Where a program's other names would be.
pub(super) const PROGRAM_DIRECTORIES: [&str; 6] = [
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
];

/// Programs that are another one under each name, with links or without.
const MULTICALL: [&[u8]; 6] = [
    b"busybox",
    b"toybox",
    b"coreutils",
    b"sbase-box",
    b"git",
    b"lvm",
];

/// A program, resolved as far as it could be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Nothing on the way to the file, nor the file, can be written from inside the sandbox.
    Trusted,
    /// The program was not found; it is judged by its name alone, and nothing would run.
    Unresolved,
    /// There is such a program, and nobody has looked who could have put it there.
    Unexamined,
    /// The sandboxed side could have put this file or a link to it there.
    Writable {
        /// The directory entry that can be written.
        path: PathBuf,
    },
    /// It goes by files that the sandboxed side could have written: git, by a repository or by
    /// configuration; any program, by code that its file has loaded.
    Misled {
        /// By what, in words for people.
        why: String,
    },
    /// The file can't be examined from outside the sandbox: deleted, anonymous, behind `/proc`,
    /// hidden by a mount or by permissions.
    Anonymous,
    /// `argv[0]` is another name than was asked for, and one that may matter. Many programs act by
    /// it: `git` called `git-push` pushes, `systemctl` called `reboot` reboots, a compiler finds
    /// its parts beside it. Scripts never see it.
    Disguised {
        /// The last component of `argv[0]`; empty when there is none.
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

    /// The program at `path`, absolute, a file that is known to be there.
    ///
    /// `argv0` is what the program will be called, `None` when the argument vector is empty; `writable` are the
    /// sandbox's writable roots, absolute. A file that is not there when
    /// looked at from here is [`Trust::Anonymous`].
    pub fn at(asked: &OsStr, path: &Path, argv0: Option<&OsStr>, writable: &[PathBuf]) -> Self {
        Self::found(asked, path, argv0, &Roots::of(writable).for_one_answer())
    }

    /// The same, beside these roots.
    pub(super) fn found(asked: &OsStr, path: &Path, argv0: Option<&OsStr>, roots: &Roots) -> Self {
        let lexical = normalised(path);
        match walk(path, roots) {
            Ok(found) => Self {
                asked: asked.to_owned(),
                trust: trust(asked, &lexical, &found, argv0, roots),
                // After a link, `..` leaves another directory than the text says.
                path: Some(if found.climbed {
                    found.real.clone()
                } else {
                    lexical
                }),
                real: Some(found.real),
            },
            Err(lost) => Self {
                asked: asked.to_owned(),
                path: Some(lexical),
                real: None,
                trust: match lost {
                    Lost::Writable(path) => Trust::Writable { path },
                    Lost::Missing | Lost::Hidden => Trust::Anonymous,
                },
            },
        }
    }

    /// What whoever looks for it by `PATH` gives to execve(2): the path that was found, where that was looked for.
    pub fn passed(&self) -> &OsStr {
        let is_searched = !self.asked.as_bytes().contains(&b'/');
        let path = self.path.as_deref().filter(|_| is_searched);
        path.map_or(&self.asked, Path::as_os_str)
    }

    /// Why it may run code that the sandboxed side could have written, though its file is none; in words.
    pub fn loads_from_inside(&self, roots: &Roots) -> Option<String> {
        loaded::objection(self.real.as_deref()?, roots)
    }

    /// The last component of what was asked for.
    pub fn base_name(&self) -> &OsStr {
        last_component(&self.asked)
    }
}

/// The part of `name` after its last slash; all of it when that part is empty.
pub fn last_component(name: &OsStr) -> &OsStr {
    let bytes = name.as_bytes();
    let slash = bytes.iter().rposition(|byte| *byte == b'/');
    match bytes.get(slash.map_or(0, |at| at + 1)..) {
        // The usual case, which this is for: it is asked of each exec several times.
        Some(last) if !matches!(last, b"" | b"." | b"..") => OsStr::from_bytes(last),
        _ => Path::new(name).file_name().unwrap_or(name),
    }
}

/// `path` without empty and `.` components and with `..` applied, by its text alone.
pub fn normalised(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() && !out.has_root() {
                    out.push(component);
                }
            }
            component => out.push(component),
        }
    }
    out
}

pub(super) fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

fn trust(
    asked: &OsStr,
    path: &Path,
    found: &ResolvedFile,
    argv0: Option<&OsStr>,
    roots: &Roots,
) -> Trust {
    if let Some(path) = &found.writable {
        return Trust::Writable { path: path.clone() };
    }
    let script = match interpreted(found, roots) {
        Ok(script) => script,
        Err(distrust) => return distrust,
    };
    let argv0 = argv0.unwrap_or_default();
    if script || is_own_name(argv0, asked, path, &found.real) {
        Trust::Trusted
    } else {
        Trust::Disguised {
            argv0: last_component(argv0).to_owned(),
        }
    }
}

/// Whether a program called `argv0` acts as the file that was asked for.
///
/// A name of several components must be the path: programs find their own parts by it. A bare one
/// must be the path's last component, or mean nothing: the file has no other name, and none that
/// is made from its own or stands beside it.
fn is_own_name(argv0: &OsStr, asked: &OsStr, path: &Path, real: &Path) -> bool {
    let called = argv0.as_bytes();
    if argv0 == asked || argv0 == path {
        return true;
    }
    if called.contains(&b'/') {
        return argv0 == real && path.file_name() == real.file_name();
    }
    let login = called.strip_prefix(b"-").unwrap_or(called);
    let own = path.file_name().unwrap_or_default().as_bytes();
    if called == own || login == own {
        return true;
    }
    let only_name = path.file_name() == real.file_name()
        && stat(real).is_ok_and(|file| file.st_nlink == 1)
        && !MULTICALL.contains(&own);
    let made_from_it = called.starts_with(own);
    only_name && !login.is_empty() && !made_from_it && !is_also(OsStr::from_bytes(login), real)
}

/// Whether a program `name`, beside the file or where programs are, is the same file.
fn is_also(name: &OsStr, real: &Path) -> bool {
    let Ok(file) = stat(real) else { return true };
    let beside = real.parent().into_iter();
    let same = |directory: &Path| {
        stat(&directory.join(name)).is_ok_and(|it| identity::of(&it) == identity::of(&file))
    };
    beside.chain(PROGRAM_DIRECTORIES.map(Path::new)).any(same)
}

/// Whether the file is a script; an error when what would interpret it is not to be trusted.
fn interpreted(file: &ResolvedFile, roots: &Roots) -> Result<bool, Trust> {
    let read = |path: &Path| Interpreter::of(path).map_err(|_| Trust::Anonymous);
    let Some(mut named) = read(&file.real)? else {
        loads_nothing(&file.real, roots)?;
        return Ok(false);
    };
    for _ in 0..INTERPRETERS {
        let path = &named.path;
        if path.is_relative() {
            break;
        }
        for word in named.given_to_env() {
            found_by_env(word, roots)?;
        }
        let found = walk(path, roots).map_err(|lost| match lost {
            Lost::Writable(path) => Trust::Writable { path },
            Lost::Missing | Lost::Hidden => Trust::Anonymous,
        })?;
        if let Some(path) = found.writable {
            return Err(Trust::Writable { path });
        }
        let Some(next) = read(&found.real)? else {
            loads_nothing(&found.real, roots)?;
            return Ok(true);
        };
        named = next;
    }
    Err(Trust::Writable { path: named.path })
}

/// Whether it is certain that the program `real` loads nothing of the sandboxed side's.
fn loads_nothing(real: &Path, roots: &Roots) -> Result<(), Trust> {
    loaded::objection(real, roots).map_or(Ok(()), |why| Err(Trust::Misled { why }))
}

/// Whether the sandboxed side can write nothing of the file that a word given to env(1) may name, outside: there,
/// `PATH` is our own, without what leads inside. A path may stand behind an option or a variable's name.
fn found_by_env(word: &OsStr, roots: &Roots) -> Result<(), Trust> {
    let bytes = word.as_bytes();
    let is_plain = !bytes.starts_with(b"-") && !bytes.contains(&b'=');
    let path = match bytes.iter().position(|&byte| byte == b'/') {
        None if is_plain => on_our_path(word, roots),
        None => None,
        Some(0) => Some(PathBuf::from(word)),
        Some(_) if is_plain || bytes.windows(2).any(|two| two == b"./") => {
            let path = PathBuf::from(word);
            return Err(Trust::Writable { path });
        }
        Some(start) => bytes
            .get(start..)
            .map(|path| PathBuf::from(OsStr::from_bytes(path))),
    };
    if let Some(path) = path.as_ref().and_then(|path| roots.entry_towards(path)) {
        return Err(Trust::Writable { path });
    }
    let real = path.filter(|path| is_executable(path));
    let real = real.and_then(|path| path.canonicalize().ok());
    real.map_or(Ok(()), |real| loads_nothing(&real, roots))
}

fn on_our_path(name: &OsStr, roots: &Roots) -> Option<PathBuf> {
    let search_path = std::env::var_os("PATH");
    let search_path = search_path.as_deref().unwrap_or(OsStr::new(DEFAULT_PATH));
    let directories = search_path.as_bytes().split(|&byte| byte == b':');
    directories
        .map(|directory| Path::new(OsStr::from_bytes(directory)))
        .filter(|directory| directory.is_absolute())
        .filter(|directory| roots.entry_towards(directory).is_none())
        .map(|directory| directory.join(name))
        .find(|path| is_executable(path))
}
