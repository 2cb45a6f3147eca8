//! Which file a path leads to, as the kernel knows it already.

#![forbid(unsafe_code)]

use std::io;
use std::path::Path;

use nix::sys::stat::FileStat;
use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};

/// Device and inode of what `path` leads to. The file system is not asked, so that the place of one that
/// never answers can be looked at, and nothing is mounted for it.
///
/// # Errors
/// There is nothing, or it can't be looked at; a path with a NUL is none.
pub fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let flags = AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
    let found = statx(CWD, path, flags, StatxFlags::INO)?;
    let device = makedev(found.stx_dev_major, found.stx_dev_minor);
    Ok((device, found.stx_ino))
}

/// Those of a file that was looked at.
pub fn of(file: &FileStat) -> (u64, u64) {
    (file.st_dev, file.st_ino)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn it_is_what_stat_says() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/usr/bin", &link).unwrap();
        for path in [
            Path::new("/"),
            Path::new("/proc"),
            Path::new("/usr/bin"),
            &link,
        ] {
            let found = std::fs::metadata(path).unwrap();
            assert_eq!(identity(path).unwrap(), (found.dev(), found.ino()));
        }
        assert!(identity(&folder.path().join("missing")).is_err());
    }
}
