//! Directories that the sandbox is given as descriptors.
//!
//! What is reached through a directory's descriptor lies on the mount that the descriptor was opened on:
//! the caller's, which is not read-only.

use std::io;
use std::os::fd::RawFd;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat, stat};

use crate::sys::{fds, identity};

use super::error::{ConfineError, During};

/// Descriptors for directories.
pub(super) struct OpenDirectories(Vec<Directory>);

struct Directory {
    number: RawFd,
    path: PathBuf,
    identity: (u64, u64),
}

impl OpenDirectories {
    /// Those among 0, 1, 2 and `kept`.
    pub(super) fn among(kept: &[RawFd]) -> Result<Self, ConfineError> {
        let mut found = Vec::new();
        for &number in [0, 1, 2].iter().chain(kept) {
            // One that is closed is none.
            let Ok(stat) = stat(&fds::link(&number)) else {
                continue;
            };
            if stat.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits() {
                let path = fds::path(&number).during(format!("looking at descriptor {number}"))?;
                let identity = identity::of(&stat);
                found.push(Directory {
                    number,
                    path,
                    identity,
                });
            }
        }
        Ok(Self(found))
    }

    /// Opens each anew, on the mounts that are there now.
    pub(super) fn reopen(&self) -> Result<(), ConfineError> {
        for directory in &self.0 {
            let step = format!("opening the directory {} anew", directory.path.display());
            directory.reopen().during(step)?;
        }
        Ok(())
    }
}

impl Directory {
    fn reopen(&self) -> io::Result<()> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let anew = open(&self.path, flags, Mode::empty())?;
        let stat = fstat(&anew)?;
        if identity::of(&stat) != self.identity {
            return Err(Errno::ESTALE.into());
        }
        fds::replace(self.number, &anew)
    }
}
