//! Where the caller of an exec stands: what a program outside has from it beside its words.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, openat, readlink};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::Pid;

use super::input::Inputs;
use crate::request::Identity;

/// As many directories lie above one another; the kernel knows no longer paths.
const DEPTH: usize = 4096;

/// A working directory with all those above it, and what else goes with the exec, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where the directory is.
    path: PathBuf,
    /// The directory, and each one above.
    above: Vec<Identity>,
    /// The file mode creation mask.
    umask: u32,
    process: Pid,
}

impl Standing {
    /// That of `process` in `directory`, an open one, with this file mode creation mask.
    ///
    /// # Errors
    /// The directory can't be looked at.
    pub fn of(process: Pid, directory: BorrowedFd<'_>, umask: u32) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut above = vec![identity(directory)?];
        let mut at: OwnedFd = directory.try_clone_to_owned()?;
        while above.len() < DEPTH {
            at = openat(&at, "..", flags, Mode::empty())?;
            let next = identity(at.as_fd())?;
            if above.last() == Some(&next) {
                break;
            }
            above.push(next);
        }
        let link = format!("/proc/self/fd/{}", directory.as_raw_fd());
        Ok(Self {
            path: PathBuf::from(readlink(link.as_str())?),
            above,
            umask,
            process,
        })
    }

    /// Where its directory is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What there is to read at these descriptors of its.
    pub(super) fn inputs(&self, descriptors: &[i32]) -> Inputs {
        Inputs::of(self.process, descriptors.iter().copied())
    }

    /// The file mode creation mask.
    pub(super) fn umask(&self) -> u32 {
        self.umask
    }

    /// What is not as it was, where this is `now`; in words for people.
    pub(super) fn changed(&self, now: &Self) -> Option<String> {
        if self.path != now.path || self.above != now.above {
            return Some("its directory was moved".to_owned());
        }
        (self.umask != now.umask).then(|| "its umask has changed".to_owned())
    }
}

fn identity(directory: BorrowedFd<'_>) -> io::Result<Identity> {
    let found = fstat(directory)?;
    Ok((found.st_dev, found.st_ino))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn a_directory_that_is_moved_or_below_another_stands_elsewhere() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let at = |name: &str| folder.join(name);
        fs::create_dir_all(at("a/b/c")).unwrap();
        let open = File::open(at("a/b/c")).unwrap();
        let now = || Standing::of(Pid::this(), open.as_fd(), 0o22).unwrap();
        let first = now();
        assert_eq!(first.path, at("a/b/c"));
        assert_eq!(first.changed(&now()), None);
        fs::rename(at("a/b/c"), at("c")).unwrap();
        assert!(first.changed(&now()).unwrap().contains("directory"));
        // It stays, or the new one could have its inode.
        fs::rename(at("a/b"), at("b")).unwrap();
        fs::create_dir(at("a/b")).unwrap();
        fs::rename(at("c"), at("a/b/c")).unwrap();
        assert!(first.changed(&now()).is_some());
        let masked = Standing::of(Pid::this(), open.as_fd(), 0).unwrap();
        assert!(now().changed(&masked).unwrap().contains("umask"));
    }
}
