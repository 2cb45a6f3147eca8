//! A patched shell: whether it is one, and what it is told by its environment.

use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use nix::unistd::{User, getuid};

use crate::exit::Exit;
use crate::intercept::launcher::Command;
use crate::sys::read_capped::read_capped;
use crate::wire::{SOCKET, WRAPPER};
use crate::wrapper::{IMAGE, NAME};

/// A shell that starts the wrapper in place of each program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    shell: PathBuf,
    wrapper: PathBuf,
}

/// Why a shell can't bring its execs to us.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It starts programs by itself.
    #[error(
        "{} does not start the program that EXEC_WRAPPER names: the shell interceptor needs a \
         shell made by scripts/build-patched-shell", .0.display()
    )]
    NotPatched(PathBuf),
    /// It can't be tried.
    #[error("{}: {error}", shell.display())]
    Shell {
        /// The shell.
        shell: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The wrapper can't be made a file.
    #[error(
        "{NAME} can't be written to the user's cache: {0}; make a link of that name beside \
         codex-shell"
    )]
    Wrapper(io::Error),
}

impl Patched {
    /// Tries whether `shell` starts `wrapper`, or our own, in place of a program.
    ///
    /// # Errors
    /// It does not, or that can't be found out.
    pub fn new(shell: &Path, wrapper: Option<&Path>) -> Result<Self, Unusable> {
        let wrapper = match wrapper {
            Some(wrapper) => std::path::absolute(wrapper),
            None => self::wrapper(),
        };
        let patched = Self {
            shell: shell.to_owned(),
            wrapper: wrapper.map_err(Unusable::Wrapper)?,
        };
        // Without a socket the wrapper fails; if the program runs, it succeeds.
        let own = std::env::current_exe().map_err(Unusable::Wrapper)?;
        let mut trial = Process::new(shell);
        trial.args([
            OsStr::new("-c"),
            OsStr::new("\"$0\" --version"),
            own.as_os_str(),
        ]);
        trial.env_clear();
        for name in WRAPPER {
            trial.env(name, &patched.wrapper);
        }
        for stream in [Process::stdin, Process::stdout, Process::stderr] {
            stream(&mut trial, Stdio::null());
        }
        let status = trial.status().map_err(|error| Unusable::Shell {
            shell: shell.to_owned(),
            error,
        })?;
        if status.code() == Some(i32::from(Exit::Internal.code())) {
            Ok(patched)
        } else {
            Err(Unusable::NotPatched(shell.to_owned()))
        }
    }

    /// What the shell starts in place of a program.
    pub fn wrapper(&self) -> &Path {
        &self.wrapper
    }

    /// `command` with what the shell and the wrappers need to know: `socket` is the number of the
    /// inherited socket.
    pub(in crate::intercept) fn equip(&self, command: &Command, socket: RawFd) -> Command {
        let mut command = command.clone();
        let wrapper = WRAPPER.map(|name| (name, self.wrapper.as_os_str().to_owned()));
        let socket = (SOCKET, OsString::from(socket.to_string()));
        for (name, value) in wrapper.into_iter().chain([socket]) {
            let start = format!("{name}=");
            let ours = |entry: &CString| entry.as_bytes().starts_with(start.as_bytes());
            command.environment.retain(|entry| !ours(entry));
            let entry = [start.as_bytes(), value.as_bytes()].concat();
            // Paths and numbers hold no NUL.
            command.environment.extend(CString::new(entry));
        }
        command
    }

    /// What reads a text that names no interpreter: bash does it itself, zsh leaves it to sh.
    pub(in crate::intercept) fn script_shell(&self) -> PathBuf {
        let name = self.shell.file_name().unwrap_or_default();
        if name.as_bytes().windows(3).any(|part| part == b"zsh") {
            PathBuf::from("/bin/sh")
        } else {
            self.shell.clone()
        }
    }
}

/// The wrapper as a file: in the user's cache, or else a link beside this program.
fn wrapper() -> io::Result<PathBuf> {
    cached().or_else(|error| {
        let own = std::env::current_exe()?;
        let beside = own.with_file_name(NAME);
        let ours = fs::canonicalize(&beside).is_ok_and(|file| file == own);
        ours.then_some(beside).ok_or(error)
    })
}

fn cached() -> io::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    IMAGE.hash(&mut hasher);
    let folder = cache()?.join(format!("codex-shell/{:016x}", hasher.finish()));
    let file = folder.join(NAME);
    let executable = |meta: fs::Metadata| meta.permissions().mode() & 0o111 == 0o111;
    let whole = |read: Vec<u8>| read == IMAGE;
    if fs::metadata(&file).is_ok_and(executable)
        && read_capped(&file, IMAGE.len(), Duration::ZERO).is_ok_and(whole)
    {
        return Ok(file);
    }
    fs::create_dir_all(&folder)?;
    // Two processes may be at it.
    let fresh = folder.join(format!("{}.new", std::process::id()));
    fs::write(&fresh, IMAGE)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755))?;
    fs::rename(&fresh, &file)?;
    Ok(file)
}

fn cache() -> io::Result<PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let home = || absolute("HOME").or_else(|| Some(User::from_uid(getuid()).ok()??.dir));
    absolute("XDG_CACHE_HOME")
        .or_else(|| Some(home()?.join(".cache")))
        .ok_or_else(|| io::Error::other("the user has no home directory"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(path: &str) -> Patched {
        Patched {
            shell: path.into(),
            wrapper: "/w/codex-execve-wrapper".into(),
        }
    }

    #[test]
    fn the_environment_names_wrapper_and_socket_once() {
        let words = |list: &[&str]| list.iter().map(|w| CString::new(*w).unwrap()).collect();
        let command = Command {
            program: c"/bin/bash".into(),
            argv: vec![],
            environment: words(&[
                "EXEC_WRAPPER=/old",
                "EXEC_WRAPPERS=1",
                "CODEX_ESCALATE_SOCKET=9",
            ]),
            ignored: 0,
            blocked: 0,
        };
        let expected: Vec<CString> = words(&[
            "EXEC_WRAPPERS=1",
            "EXEC_WRAPPER=/w/codex-execve-wrapper",
            "BASH_EXEC_WRAPPER=/w/codex-execve-wrapper",
            "CODEX_ESCALATE_SOCKET=1000",
        ]);
        assert_eq!(
            shell("/bin/bash").equip(&command, 1000).environment,
            expected
        );
    }

    #[test]
    fn each_shell_reads_scripts_its_own_way() {
        assert_eq!(shell("/p/bash").script_shell(), Path::new("/p/bash"));
        assert_eq!(shell("/p/zsh-5.9").script_shell(), Path::new("/bin/sh"));
    }

    #[test]
    fn a_shell_that_starts_programs_by_itself_is_found_out() {
        let found = Patched::new(Path::new("/bin/sh"), Some(Path::new("/bin/false")));
        assert!(matches!(found, Err(Unusable::NotPatched(_))), "{found:?}");
        let found = Patched::new(Path::new("/nowhere"), Some(Path::new("/bin/false")));
        assert!(matches!(found, Err(Unusable::Shell { .. })), "{found:?}");
    }
}
