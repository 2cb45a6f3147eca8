//! Where the caller of an exec stands: what a program outside has from it beside its words.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::Pid;

use super::input::Inputs;
use crate::request::Identity;
use crate::sys::child::Bounds;
use crate::sys::{fds, identity};

/// As many directories lie above one another; the kernel knows no longer paths.
const DEPTH: usize = 4096;

/// A working directory with all those above it, and what else goes with the exec, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where the directory is.
    path: PathBuf,
    /// The directory, and each one above.
    above: Vec<Identity>,
    /// What it is bound by.
    bounds: Bounds,
    process: Pid,
}

impl Standing {
    /// That of `process` in `directory`, an open one, bound so.
    ///
    /// # Errors
    /// The directory can't be looked at.
    pub fn of(process: Pid, directory: BorrowedFd<'_>, bounds: Bounds) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut above = vec![identity::of(&fstat(directory)?)];
        let mut at: OwnedFd = directory.try_clone_to_owned()?;
        while above.len() < DEPTH {
            at = openat(&at, "..", flags, Mode::empty())?;
            let next = identity::of(&fstat(&at)?);
            if above.last() == Some(&next) {
                break;
            }
            above.push(next);
        }
        Ok(Self {
            path: fds::path(&directory)?,
            above,
            bounds,
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

    /// What it is bound by.
    pub(super) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// What is not as it was, where this is `now`; in words for people.
    pub(super) fn changed(&self, now: &Self) -> Option<String> {
        if self.path != now.path || self.above != now.above {
            return Some("its directory was moved".to_owned());
        }
        if self.bounds.umask != now.bounds.umask {
            return Some("its umask has changed".to_owned());
        }
        (self.bounds != now.bounds).then(|| "its limits have changed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::fd::AsFd as _;

    use super::*;
    use crate::sys::child::Limit;

    #[test]
    fn a_directory_that_is_moved_or_below_another_stands_elsewhere() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let at = |name: &str| folder.join(name);
        fs::create_dir_all(at("a/b/c")).unwrap();
        let open = File::open(at("a/b/c")).unwrap();
        let bound = |umask, rlim_cur| {
            let limit = Limit {
                rlim_cur,
                rlim_max: 9,
            };
            let limits = vec![(1, limit)];
            Standing::of(Pid::this(), open.as_fd(), Bounds { umask, limits }).unwrap()
        };
        let now = || bound(0o22, 9);
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
        assert!(now().changed(&bound(0, 9)).unwrap().contains("umask"));
        assert!(now().changed(&bound(0o22, 0)).unwrap().contains("limits"));
    }
}
