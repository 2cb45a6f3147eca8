//! Which files programs outside got from the sandbox as open descriptors.

use std::collections::HashSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;

use nix::sys::stat::fstat;

use crate::sys::identity;

/// As many pipes and files are remembered.
const FILES: usize = 4096;

/// What programs outside got from the sandbox: by device and inode.
#[derive(Debug, Default)]
pub struct PassedFiles {
    files: HashSet<(u64, u64)>,
    /// There were more.
    many: bool,
}

impl PassedFiles {
    /// Remembers the descriptors that a program takes over.
    pub fn note(&mut self, descriptors: &[(OwnedFd, i32)]) {
        for file in descriptors.iter().filter_map(|(fd, _)| fstat(fd).ok()) {
            if self.files.len() < FILES {
                self.files.insert(identity::of(&file));
            } else {
                self.many = true;
            }
        }
    }

    /// Whether it is one of them, for all that is known.
    pub fn has(&self, file: &fs::Metadata) -> bool {
        self.many || self.files.contains(&(file.dev(), file.ino()))
    }
}
