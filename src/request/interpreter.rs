//! What a script names on its first line.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// How much of a file the kernel reads to find out what it is, in bytes.
const HEAD: u64 = 256;

/// What a script's first line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The program; it may be relative, and need not exist.
    pub path: PathBuf,
    /// The rest of the line, as one argument.
    pub argument: Option<OsString>,
}

impl Interpreter {
    /// The interpreter of the file at `path`; `None` when it is no script.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn of(path: &Path) -> io::Result<Option<Self>> {
        Ok(Self::named_in(&head(path)?))
    }

    /// The shell, if the file at `path` is text that names no interpreter: the kernel can't run it,
    /// and whoever tried has a shell read it.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn by_default(path: &Path) -> io::Result<Option<Self>> {
        let head = head(path)?;
        let is_text = !head.contains(&0) && !head.starts_with(b"\x7fELF");
        Ok(is_text.then(|| Self {
            path: PathBuf::from("/bin/sh"),
            argument: None,
        }))
    }

    /// Reads a first line as the kernel does: one program, then at most one argument.
    fn named_in(head: &[u8]) -> Option<Self> {
        let line = head.strip_prefix(b"#!")?;
        let line = line.split(|&byte| byte == b'\n' || byte == 0).next()?;
        let line = trimmed(line);
        let end = line
            .iter()
            .position(|&byte| is_blank(byte))
            .unwrap_or(line.len());
        let (path, rest) = line.split_at_checked(end)?;
        let argument = trimmed(rest);
        (!path.is_empty()).then(|| Self {
            path: PathBuf::from(OsStr::from_bytes(path)),
            argument: (!argument.is_empty()).then(|| OsStr::from_bytes(argument).to_owned()),
        })
    }

    /// Where env(1) is the interpreter: the words it is given, of which one is the program that it is to
    /// find.
    pub fn given_to_env(&self) -> impl Iterator<Item = &OsStr> {
        let is_env = self.path.file_name() == Some(OsStr::new("env"));
        let words = self.argument.as_deref().filter(|_| is_env);
        let words = words.unwrap_or_default().as_bytes().split(|&b| is_blank(b));
        words.filter(|word| !word.is_empty()).map(OsStr::from_bytes)
    }

    /// The argument vector with which the kernel runs the interpreter for `script`, which was to
    /// run with `argv`.
    pub fn argv(&self, script: &OsStr, argv: &[OsString]) -> Vec<OsString> {
        let own = [self.path.clone().into_os_string()];
        let own = own.into_iter().chain(self.argument.clone());
        let rest = argv.get(1..).unwrap_or_default().iter().cloned();
        own.chain([script.to_owned()]).chain(rest).collect()
    }
}

fn head(path: &Path) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        // A file swapped for a pipe must not hold us.
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)?;
    let mut head = Vec::with_capacity(256);
    file.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_blank(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_blank(*last)
    {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_an_interpreter_is_for_the_shell() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        for (content, expected) in [
            (&b"echo x\n"[..], true),
            (b"", true),
            (b"\x7fELF\x02", false),
            (b"a\0b", false),
        ] {
            std::fs::write(&file, content).unwrap();
            let shell = Interpreter::by_default(&file).unwrap();
            assert_eq!(shell.is_some(), expected, "{content:?}");
        }
    }

    #[test]
    fn first_lines_are_read_as_the_kernel_reads_them() {
        for (head, path, argument) in [
            (&b"#!/bin/sh\nx"[..], "/bin/sh", None),
            (
                b"#! \t/usr/bin/env -S python3 -I \n",
                "/usr/bin/env",
                Some("-S python3 -I"),
            ),
            (b"#!bin/sh", "bin/sh", None),
            (b"#!/bin/sh\r\n", "/bin/sh\r", None),
            (b"#!/bin/sh -e\0x", "/bin/sh", Some("-e")),
        ] {
            let argument = argument.map(OsString::from);
            let expected = Interpreter {
                path: PathBuf::from(path),
                argument,
            };
            assert_eq!(Interpreter::named_in(head), Some(expected), "{head:?}");
        }
        for head in [&b"#!\n/bin/sh"[..], b" #!/bin/sh\n", b"\x7fELF", b"#", b""] {
            assert_eq!(Interpreter::named_in(head), None, "{head:?}");
        }
    }
}
