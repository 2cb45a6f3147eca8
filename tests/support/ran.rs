//! What came of a run, and what is expected of it.

use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitStatus;

use super::running::number;
use super::world::World;

/// A run that has ended. Each method checks one thing; the world goes when this goes.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) world: World,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Ran {
    /// The exit status, 128+n for signal n.
    pub(crate) fn status(self, expected: i32) -> Self {
        let same = number(self.status) == expected;
        self.check(same, &format!("status {expected}"))
    }

    /// All of standard output. A newline at the end may be left out.
    pub(crate) fn stdout(self, expected: &str) -> Self {
        let expected = self.world.spelled(expected);
        let same = without_newline(&self.stdout) == without_newline(expected.as_bytes());
        self.check(same, &format!("stdout {}", shown(expected.as_bytes())))
    }

    /// All of standard error. A newline at the end may be left out.
    pub(crate) fn stderr(self, expected: &str) -> Self {
        let expected = self.world.spelled(expected);
        let same = without_newline(&self.stderr) == without_newline(expected.as_bytes());
        self.check(same, &format!("stderr {}", shown(expected.as_bytes())))
    }

    /// A part of standard output.
    pub(crate) fn stdout_has(self, part: &str) -> Self {
        let part = self.world.spelled(part);
        let has = contains(&self.stdout, part.as_bytes());
        self.check(has, &format!("stdout has {part:?}"))
    }

    /// A part of standard error.
    pub(crate) fn stderr_has(self, part: &str) -> Self {
        let part = self.world.spelled(part);
        let has = contains(&self.stderr, part.as_bytes());
        self.check(has, &format!("stderr has {part:?}"))
    }

    /// What is no part of standard error.
    pub(crate) fn stderr_lacks(self, part: &str) -> Self {
        let part = self.world.spelled(part);
        let lacks = !contains(&self.stderr, part.as_bytes());
        self.check(lacks, &format!("stderr lacks {part:?}"))
    }

    /// A file's whole text.
    pub(crate) fn file(self, name: &str, expected: &str) -> Self {
        let found = read(&self.world.path(name));
        let expected = self.world.spelled(expected);
        let same = found.as_ref().is_ok_and(|text| text == expected.as_bytes());
        self.check(same, &format!("{name} holds {expected:?}, not {found:?}"))
    }

    /// That there is no such file.
    pub(crate) fn no_file(self, name: &str) -> Self {
        let path = self.world.path(name);
        self.check(!path.exists(), &format!("there is no {name}"))
    }

    /// No process of this world is left.
    pub(crate) fn nothing_left(self) -> Self {
        let left = left_over(self.world.base());
        self.check(left.is_empty(), &format!("nothing is left, not {left:?}"))
    }

    /// Standard output as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// The text of a file that the run left behind.
    pub(crate) fn left(&self, name: &str) -> String {
        String::from_utf8(read(&self.world.path(name)).unwrap()).unwrap()
    }

    /// What holds of the whole.
    pub(crate) fn check(self, holds: bool, what: &str) -> Self {
        assert!(
            holds,
            "expected: {what}\nstatus: {}\nstdout: {}\nstderr: {}",
            self.status,
            shown(&self.stdout),
            shown(&self.stderr),
        );
        self
    }
}

/// Printable, and not too long to be read.
fn shown(text: &[u8]) -> String {
    text.get(..4000).unwrap_or(text).escape_ascii().to_string()
}

fn without_newline(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\n").unwrap_or(text)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// All of a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The processes that have `base` in their environment, as all of a world's have.
pub(crate) fn left_over(base: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let environment = read(&entry.path().join("environ")).unwrap_or_default();
        if contains(&environment, base.as_os_str().as_bytes()) {
            let command = read(&entry.path().join("cmdline")).unwrap_or_default();
            found.push(format!(
                "{:?} {}",
                entry.file_name(),
                command.escape_ascii()
            ));
        }
    }
    found
}
