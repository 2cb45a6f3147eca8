//! Whether a file is open for writing anywhere: nobody may have a lease to read one that is.

#![expect(unsafe_code, reason = "fcntl(2) with F_SETLEASE, which nix lacks")]

use std::os::fd::{AsFd, AsRawFd as _};

use nix::errno::Errno;

/// Of `fcntl`: the signal to send instead of SIGIO; libc lacks it.
const F_SETSIG: libc::c_int = 10;

/// Whether `file`, a regular file that is open for reading, is open for writing anywhere. `None`
/// where the system doesn't tell: the file is another user's, or its file system knows no leases.
pub fn is_being_written(file: impl AsFd) -> Option<bool> {
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: takes integers only.
    let set = |what, value: i32| Errno::result(unsafe { libc::fcntl(fd, what, value) });
    // Whoever opens the file for writing while the lease lasts, for a moment, makes the kernel send
    // its holder a signal: not SIGIO, which ends a process, but one that does nothing.
    set(F_SETSIG, libc::SIGURG).ok()?;
    match set(libc::F_SETLEASE, libc::F_RDLCK) {
        Ok(_) => {
            // The last to close the file gives it back as well.
            let _ = set(libc::F_SETLEASE, libc::F_UNLCK);
            Some(false)
        }
        Err(Errno::EAGAIN) => Some(true),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::is_being_written;

    #[test]
    fn who_writes_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let writer = File::create(&path).unwrap();
        let reader = File::open(&path).unwrap();
        assert_eq!(is_being_written(&reader), Some(true));
        drop(writer);
        assert_eq!(is_being_written(&reader), Some(false));
        // The lease is given back.
        let writer = File::options().append(true).open(&path).unwrap();
        assert_eq!(is_being_written(&reader), Some(true));
        drop(writer);
        assert_eq!(is_being_written(&reader), Some(false));
    }
}
