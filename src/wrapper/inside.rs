//! Becomes the program, in place.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::execve;

use super::{Job, c_string, c_strings};
use crate::exit::Exit;
use crate::sys::{closed, fds, signals};
use crate::wire;

/// So much of a file tells a shell whether it is text, in bytes.
const SAMPLE: u64 = 80;

/// Executes the file; `shell` reads it if the kernel can't. If it is to be `alone`, it gets neither
/// the socket nor the variables that lead there.
pub(super) fn run(mut job: Job, shell: PathBuf, socket: RawFd, alone: bool) -> Exit {
    signals::give_back_pipe();
    closed::close_again();
    if alone {
        for name in wire::WRAPPER {
            job.environment.retain(|entry| !names(entry, name));
        }
        fds::close_on_exec(socket);
    }
    if !wire::WRAPPER.iter().any(|name| is_set(&job, name)) {
        // The script has unset it, and the shell has given it to us alone.
        job.environment.retain(|entry| !names(entry, wire::SOCKET));
    }
    match execute(&job.file, &job.argv, &job.environment) {
        Errno::ENOEXEC => interpret(job, shell, Some(socket).filter(|_| !alone)),
        errno => job.failed(errno),
    }
}

fn execute(file: &OsString, argv: &[OsString], environment: &[OsString]) -> Errno {
    let strings = c_string(file).and_then(|file| {
        Ok((
            file,
            c_strings(argv.to_vec())?,
            c_strings(environment.to_vec())?,
        ))
    });
    match strings {
        Ok((file, argv, environment)) => match execve(&file, &argv, &environment) {
            Err(errno) => errno,
        },
        Err(errno) => errno,
    }
}

/// The kernel does not know the file's format: text is for the shell, which is told of the wrapper
/// as the first one was.
fn interpret(mut job: Job, shell: PathBuf, socket: Option<RawFd>) -> Exit {
    match sample(Path::new(&job.file)) {
        Ok(text) if text.is_empty() => return Exit::Success,
        Ok(text) if is_text(&text) && !shell.as_os_str().is_empty() => {}
        Ok(_) => return job.failed(Errno::ENOEXEC),
        Err(error) => return job.failed(Errno::from_raw(error.raw_os_error().unwrap_or_default())),
    }
    let words = [shell.clone().into_os_string(), job.file.clone()];
    let arguments = job.argv.iter().skip(1).cloned();
    job.argv = words.into_iter().chain(arguments).collect();
    if let Some(socket) = socket {
        let [first, _] = wire::WRAPPER;
        let number = socket.to_string().into();
        set(&mut job.environment, wire::SOCKET, number);
        if let Some(own) = job.own.clone() {
            set(&mut job.environment, first, own);
        }
    }
    job.file = shell.into_os_string();
    let errno = execute(&job.file, &job.argv, &job.environment);
    job.failed(errno)
}

fn sample(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(file)?.take(SAMPLE).read_to_end(&mut text)?;
    Ok(text)
}

/// Whether the first line is one of text, as shells see it.
fn is_text(sample: &[u8]) -> bool {
    let line = sample.split(|&byte| byte == b'\n').next();
    !sample.starts_with(b"\x7fELF") && !line.unwrap_or_default().contains(&0)
}

fn names(entry: &OsString, name: &str) -> bool {
    let rest = entry.as_bytes().strip_prefix(name.as_bytes());
    rest.is_some_and(|rest| rest.starts_with(b"="))
}

fn is_set(job: &Job, name: &str) -> bool {
    job.environment.iter().any(|entry| names(entry, name))
}

fn set(environment: &mut Vec<OsString>, name: &str, value: OsString) {
    environment.retain(|entry| !names(entry, name));
    let mut entry = OsString::from(format!("{name}="));
    entry.push(value);
    environment.push(entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_programs() {
        for (sample, text) in [
            (&b"echo hello\n"[..], true),
            (b"echo hello\n\0", true),
            (b"echo\0hello\n", false),
            (b"\x7fELF text\n", false),
            (b"\xff\xfe\n", true),
        ] {
            assert_eq!(is_text(sample), text, "{sample:?}");
        }
    }

    #[test]
    fn a_variable_is_set_once() {
        let mut environment = vec!["AB=1".into(), "A=1".into(), "A=2".into()];
        set(&mut environment, "A", "3".into());
        assert_eq!(environment, ["AB=1", "A=3"].map(OsString::from));
    }
}
