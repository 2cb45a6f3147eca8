//! Links that stand where a name must not come to be, and that nobody sees who asks for the name.
//!
//! A mount needs something to be mounted on. An empty file or directory would be that, but a program
//! that looks for the name would find it: a shell takes an empty `.bash_profile` for the one to read. A
//! symbolic link that leads nowhere is there for who lists the directory, and for nobody else; mounted
//! over itself it can't be removed, replaced, or written through.
//!
//! Links can't be locked, so the directory is: each sandbox that relies on some of its links holds a
//! shared lock on it, and the last one removes them. One left behind by a killed run is known by where
//! it leads, and is removed by the next.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::directory_lock::{open, same, share};

/// Where they lead. Nobody can make a file there; inside, what is tried through such a link is refused
/// as it is in any place that is read-only.
const NOWHERE: &str = "/sys/codex-shell-keeps-this-name";

/// Whether such a link is at `path`.
pub(super) fn is_at(path: &Path) -> bool {
    is_link(path).unwrap_or(false)
}

/// Whether the link at `path` is such a one.
///
/// # Errors
/// No link is there.
pub(super) fn is_link(path: &Path) -> io::Result<bool> {
    Ok(fs::read_link(path)? == Path::new(NOWHERE))
}

/// The links that one sandbox relies on. They go away with this value, the last user's first.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    directories: Vec<LockedDirectory>,
}

#[derive(Debug)]
struct LockedDirectory {
    path: PathBuf,
    lock: Flock<File>,
    links: Vec<PathBuf>,
}

impl Unseen {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.directories.is_empty()
    }

    /// Makes sure that nothing comes to be at `path` while this value lives, unless something is there
    /// already.
    ///
    /// # Errors
    /// The link can't be made, or somebody keeps the directory locked.
    pub(super) fn hold(&mut self, path: &Path) -> io::Result<()> {
        let (Some(parent), Some(_)) = (path.parent(), path.file_name()) else {
            return Ok(());
        };
        let known = self
            .directories
            .iter()
            .position(|known| known.path == parent && same(parent, &known.lock));
        let mut directory = match known {
            Some(index) => self.directories.swap_remove(index),
            None => LockedDirectory::lock(parent)?,
        };
        let made = match symlink(NOWHERE, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(is_at(path)),
            result => result.map(|()| true),
        };
        if matches!(made, Ok(true)) {
            directory.links.push(path.to_owned());
        }
        if known.is_some() || !directory.links.is_empty() {
            self.directories.push(directory);
        }
        made.map(drop)
    }

    /// Removes them, as dropping this value does.
    pub(super) fn remove(&mut self) {
        for LockedDirectory { lock, links, .. } in self.directories.drain(..) {
            // Another sandbox that relies on some removes them in turn.
            if lock.relock(FlockArg::LockExclusiveNonblock).is_ok() {
                remove(&links);
            }
        }
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Removes the link at `path` that a killed run has left, unless somebody relies on it.
pub(super) fn sweep(path: &Path) {
    let Some(Ok(directory)) = path.parent().map(open) else {
        return;
    };
    if let Ok(_lock) = Flock::lock(directory, FlockArg::LockExclusiveNonblock) {
        remove(&[path.to_owned()]);
    }
}

fn remove(links: &[PathBuf]) {
    for link in links.iter().filter(|link| is_at(link)) {
        // One that can't be removed is met, and known, by the next run.
        let _ = fs::remove_file(link);
    }
}

impl LockedDirectory {
    fn lock(path: &Path) -> io::Result<Self> {
        let found = open(path)?;
        let lock = share(path, found)?.ok_or_else(|| io::Error::from(Errno::ESTALE))?;
        Ok(Self {
            path: path.to_owned(),
            lock,
            links: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(path: &Path) -> Unseen {
        let mut unseen = Unseen::default();
        unseen.hold(path).unwrap();
        unseen
    }

    #[test]
    fn the_name_is_not_there_for_who_asks() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".profile");
        let unseen = held(&path);
        assert!(!path.exists() && is_at(&path));
        assert_eq!(
            fs::metadata(&path).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        assert!(File::create(&path).is_err());
        drop(unseen);
        assert!(fs::symlink_metadata(&path).is_err());
    }

    #[test]
    fn the_last_user_removes_them_all() {
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (directory.path().join("one"), directory.path().join("two"));
        let mut first = held(&one);
        first.hold(&two).unwrap();
        let mut second = held(&one);
        second.hold(&two).unwrap();
        drop(first);
        assert!(is_at(&one) && is_at(&two));
        drop(second);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn one_left_behind_is_taken_over_or_swept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("left");
        symlink(NOWHERE, &path).unwrap();
        let unseen = held(&path);
        sweep(&path);
        assert!(is_at(&path));
        drop(unseen);
        assert!(fs::symlink_metadata(&path).is_err());
        symlink(NOWHERE, &path).unwrap();
        sweep(&path);
        assert!(fs::symlink_metadata(&path).is_err());
    }

    #[test]
    fn what_others_made_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "kept").unwrap();
        symlink("/nowhere", &link).unwrap();
        let mut unseen = held(&file);
        unseen.hold(&link).unwrap();
        assert!(unseen.is_empty());
        sweep(&link);
        drop(unseen);
        assert!(file.is_file() && fs::symlink_metadata(&link).is_ok());
    }
}
