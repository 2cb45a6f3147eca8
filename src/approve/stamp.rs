//! What a file is at one moment.

use std::fs::{self, File, Metadata};
use std::hash::Hasher as _;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::digest::{Digest, Digester};
use crate::sys::read_capped::open_file;

/// How much of a file is read at once, in bytes.
const CHUNK: usize = 64 << 10;

/// A file as it is now.
///
/// Nobody sets the time of the last change back; but who can write a file can also do so by a mapping, which
/// leaves its times alone once a page is changed. Of such a file the content counts as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    content: Option<Digest>,
}

impl Stamp {
    /// That of the file that `path` leads to, without its content; `None` where it can't be looked at, or is
    /// no regular file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().and_then(|file| Self::from(&file))
    }

    /// The same with the content, where it can be read and is no longer than the bytes that are `left`; they
    /// become less by it.
    pub(super) fn with_content(path: &Path, left: &mut u64) -> Option<Self> {
        let Ok(file) = open_file(path) else {
            return Self::of(path);
        };
        let stamp = Self::from(&file.metadata().ok()?)?;
        let fits = stamp.size <= *left;
        let content = fits.then(|| content(file, left)).flatten();
        Some(Self { content, ..stamp })
    }

    /// Whether its content is known.
    pub(super) fn has_content(&self) -> bool {
        self.content.is_some()
    }

    fn from(file: &Metadata) -> Option<Self> {
        file.is_file().then(|| Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
            content: None,
        })
    }
}

/// What stands for all that is in `file`, the same in every process; `None` where that is more than the bytes
/// that are `left`.
fn content(file: File, left: &mut u64) -> Option<Digest> {
    let mut file = file.take(left.saturating_add(1));
    let mut digester = Digester::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = file.read(&mut chunk).ok()?;
        let read = chunk.get(..count)?;
        if read.is_empty() {
            return Some(digester.digest());
        }
        *left = left.checked_sub(count as u64)?;
        digester.write(read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "a").unwrap();
        let first = Stamp::of(&file).unwrap();
        assert_eq!(Stamp::of(&file), Some(first.clone()));
        fs::write(&file, "ab").unwrap();
        assert_ne!(Stamp::of(&file), Some(first));
        assert_eq!(Stamp::of(folder.path()), None);
        assert_eq!(Stamp::of(&folder.path().join("missing")), None);
    }

    #[test]
    fn the_content_counts_up_to_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let of = |text: &str, mut left: u64| {
            fs::write(&file, text).unwrap();
            let stamp = Stamp::with_content(&file, &mut left).unwrap();
            (stamp.content, left)
        };
        let (first, left) = of("abcd", 10);
        assert_eq!((first.is_some(), left), (true, 6));
        assert_eq!(of("abcd", 4), (first, 0));
        assert_ne!(of("abce", 4).0, first);
        assert_eq!(of("abcd", 3).0, None);
    }
}
