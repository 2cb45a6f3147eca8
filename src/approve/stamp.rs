//! What a file is at one moment, so that a yes for the session does not hold for what it becomes.

use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

use crate::request::{Request, Trust};

/// The bits by which somebody may execute a file.
const EXECUTABLE: u32 = 0o111;

/// Programs that run what a file says which is named behind them.
const READERS: &[&[u8]] = &[
    b"ash", b"awk", b"bash", b"bun", b"busybox", b"csh", b"dash", b"deno", b"elixir", b"emacs",
    b"expect", b"fish", b"gawk", b"gdb", b"groovy", b"guile", b"java", b"julia", b"ksh", b"lua",
    b"luajit", b"make", b"mawk", b"mksh", b"node", b"nodejs", b"npx", b"nu", b"ocaml", b"osh",
    b"perl", b"php", b"pwsh", b"python", b"racket", b"Rscript", b"ruby", b"sed", b"sh", b"source",
    b"sqlite", b"tclsh", b"tcsh", b"ts-node", b"tsx", b"uv", b"xonsh", b"yash", b"zsh",
];

/// A file as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Stamp {
    /// This file, last changed then. Nobody sets the time of the last change back.
    File {
        device: u64,
        inode: u64,
        size: u64,
        modified: (i64, i64),
        changed: (i64, i64),
    },
    /// It can't be looked at: the same as no other.
    Unknown {
        process: u32,
        time: Option<SystemTime>,
    },
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self::File {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    fn at(path: Option<&Path>) -> Self {
        let file = path.and_then(|path| fs::metadata(path).ok());
        file.as_ref().map_or_else(
            || Self::Unknown {
                process: std::process::id(),
                time: Some(SystemTime::now()),
            },
            Self::of,
        )
    }
}

/// The files that say what `request` does, as far as the sandboxed side may change them between two
/// questions: the program, and scripts that are named to it.
pub(super) fn stamps(request: &Request) -> Vec<Stamp> {
    let program = &request.program;
    let file = program.real.as_deref().or(program.path.as_deref());
    let own = (program.trust != Trust::Trusted).then(|| Stamp::at(file));
    let mut stamps: Vec<Stamp> = own.into_iter().collect();
    let mut reads = [file, Some(Path::new(&program.asked))]
        .into_iter()
        .flatten()
        .any(is_reader);
    for word in request.arguments() {
        let path = Path::new(word);
        reads |= is_reader(path);
        let Ok(found) = fs::metadata(request.cwd.join(path)) else {
            continue;
        };
        if found.is_file() && (reads || found.mode() & EXECUTABLE != 0) {
            stamps.push(Stamp::of(&found));
        }
    }
    stamps
}

/// Whether it goes by such a name, with or without a version: `python3.11`.
fn is_reader(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let name = name.as_bytes();
    let end = name
        .iter()
        .rposition(|byte| !byte.is_ascii_digit() && !b".-".contains(byte));
    let name = name.get(..end.map_or(0, |end| end + 1)).unwrap_or_default();
    READERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_do_not_matter() {
        for (path, reads) in [
            ("/usr/bin/python3.11", true),
            ("bash-5.2", true),
            ("lua5.4", true),
            ("Rscript", true),
            ("git", false),
            ("sqlite3", true),
            ("3", false),
            ("", false),
        ] {
            assert_eq!(is_reader(Path::new(path)), reads, "{path}");
        }
    }

    #[test]
    fn what_can_not_be_looked_at_is_like_nothing_else() {
        let (one, other) = (Stamp::at(None), Stamp::at(Some(Path::new("/nowhere/x"))));
        assert_ne!(one, other);
        assert_eq!(
            Stamp::at(Some(Path::new("/"))),
            Stamp::at(Some(Path::new("/")))
        );
    }
}
