//! What a file is at one moment, so that a yes for the session does not hold for what it becomes.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A file as it is now. Nobody sets the time of the last change back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// That of the file that `path` leads to; `None` where it can't be looked at, or is no regular file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        })
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
}
