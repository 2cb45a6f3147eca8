//! A directory, opened and locked by all who rely on what is in its place.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

/// How long to wait for a lock that somebody else has.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// How long to wait before trying again.
pub(super) const PAUSE: Duration = Duration::from_millis(1);

/// Opens the directory at `path`, which is no link.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits())
        .open(path)
}

/// A shared lock on the `directory` that was at `path`; `None` if another is there now. Who removes one
/// has it locked for a moment; whoever keeps it locked for longer, as a program inside can, holds up
/// nobody for ever.
pub(super) fn share(path: &Path, mut directory: File) -> io::Result<Option<Flock<File>>> {
    let begin = Instant::now();
    loop {
        match Flock::lock(directory, FlockArg::LockSharedNonblock) {
            Ok(lock) => return Ok(Some(lock)),
            Err((_, Errno::EWOULDBLOCK)) if begin.elapsed() > PATIENCE => {
                return Err(io::Error::other("somebody keeps it locked"));
            }
            Err((same_one, Errno::EWOULDBLOCK | Errno::EINTR)) => directory = same_one,
            Err((_, errno)) => return Err(errno.into()),
        }
        if !same(path, &directory) {
            return Ok(None);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Whether it is `directory` that is at `path`.
pub(super) fn same(path: &Path, directory: &File) -> bool {
    match (fs::symlink_metadata(path), directory.metadata()) {
        (Ok(there), Ok(here)) => (there.dev(), there.ino()) == (here.dev(), here.ino()),
        _ => false,
    }
}
