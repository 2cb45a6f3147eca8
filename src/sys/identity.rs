//! Which file a path leads to, as the kernel knows it already.

#![expect(unsafe_code, reason = "statx(2) is not wrapped")]

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::libc;

/// Device and inode of what `path` leads to. The file system is not asked, so that the place of one that
/// never answers can be looked at, and nothing is mounted for it.
///
/// # Errors
/// There is nothing, or it can't be looked at; a path with a NUL is none.
pub fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let flags = libc::AT_STATX_DONT_SYNC | libc::AT_NO_AUTOMOUNT;
    let mut found = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: the path ends with a NUL, and the kernel writes one `statx` at most, which the pointer has room
    // for.
    let result = unsafe {
        libc::statx(
            libc::AT_FDCWD,
            path.as_ptr(),
            flags,
            libc::STATX_INO,
            found.as_mut_ptr(),
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a `statx` is numbers alone, so zeros are one, and so is whatever the kernel wrote.
    let found = unsafe { found.assume_init() };
    let device = libc::makedev(found.stx_dev_major, found.stx_dev_minor);
    Ok((device, found.stx_ino))
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
