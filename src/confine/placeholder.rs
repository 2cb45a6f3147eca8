//! What stands where a protected name does not exist yet: an empty directory, or a link that nobody
//! sees.
//!
//! A mount needs something to be mounted on. A placeholder is made before the sandbox and removed
//! after it. It tells itself by its mode, so that one left behind by a killed run is taken over and
//! removed by the next. Each sandbox that relies on one holds a shared lock: removing a directory
//! takes the mounts on it away in every namespace.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::directory_lock::{open, same, share};
use super::error::{ConfineError, During};
use super::unseen::{self, Unseen};

/// What is to stand where nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlaceholderForm {
    /// An empty directory.
    Directory,
    /// A link that is not there for who asks for the name; see [`unseen`].
    Unseen,
    /// A directory that may be written, on the way to what is held. It stays if something else is in it in
    /// the end.
    Passage,
}

/// Nobody makes a sticky directory that only its owner writes by accident.
const MODE: u32 = 0o1755;
const STICKY: u32 = 0o1000;
/// The same for a passage, whose contents are the user's.
const PASSAGE: u32 = 0o1700;

/// The placeholders that one sandbox relies on. They go away with this value, the last user's first.
#[derive(Debug, Default)]
pub(super) struct Placeholders {
    held: Vec<(PathBuf, Flock<File>)>,
    unseen: Unseen,
    /// They are gone, and what the file system does about that when they are closed takes its time.
    removed: Vec<Flock<File>>,
}

impl Placeholders {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.unseen.is_empty()
    }

    /// Makes sure that something is at `path`, and that it stays while this value lives if it is a
    /// placeholder: one that is made now has this `form`. Where it can't be made, the sandbox can't make
    /// it either.
    pub(super) fn hold(&mut self, path: &Path, form: PlaceholderForm) -> Result<(), ConfineError> {
        let step = || format!("holding {}", path.display());
        if self
            .held
            .iter()
            .any(|(at, lock)| at == path && same(path, lock))
        {
            return Ok(());
        }
        loop {
            match fs::symlink_metadata(path) {
                Ok(metadata) if metadata.is_symlink() => match unseen::is_link(path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Ok(true) => return self.unseen.hold(path).during(step()),
                    _ => return Ok(()),
                },
                Ok(metadata) if !is_of(&metadata, MODE) && !is_passage(&metadata) => {
                    return Ok(());
                }
                Ok(_) => {}
                Err(_) if form == PlaceholderForm::Unseen => match self.unseen.hold(path) {
                    Err(error) if can_not_be_made(&error) => return Ok(()),
                    result => return result.during(step()),
                },
                Err(_) => match make(path, form) {
                    Err(error) if can_not_be_made(&error) => return Ok(()),
                    result => result.during(step())?,
                },
            }
            // Between two of these calls another sandbox may have removed it: then try again.
            let Ok(directory) = open(path) else { continue };
            let metadata = directory.metadata().during(step())?;
            if !is_placeholder(path, &metadata) && !is_passage(&metadata) {
                if same(path, &directory) {
                    return Ok(());
                }
                continue;
            }
            let lock = share(path, directory).during(step())?;
            if let Some(lock) = lock.filter(|lock| same(path, lock)) {
                self.held.push((path.to_owned(), lock));
                return Ok(());
            }
        }
    }

    /// Removes them, as dropping this value does; that still has to be done, but can wait.
    pub(super) fn remove(&mut self) {
        let all = std::mem::take(&mut self.held).into_iter();
        let is_way = |lock: &Flock<File>| lock.metadata().is_ok_and(|it| is_passage(&it));
        let (ways, held): (Vec<_>, Vec<_>) = all.partition(|(_, lock)| is_way(lock));
        // The names in them are locked by their directory, which our own lock would keep from us.
        let ways: Vec<PathBuf> = ways.into_iter().map(|(path, _)| path).collect();
        self.unseen.remove();
        for (path, lock) in held {
            self.remove_one(&path, lock);
        }
        // What is in one goes before it.
        for path in ways.iter().rev() {
            if let Ok(directory) = open(path)
                && let Ok(lock) = Flock::lock(directory, FlockArg::LockSharedNonblock)
            {
                self.remove_one(path, lock);
            }
        }
    }

    fn remove_one(&mut self, path: &Path, lock: Flock<File>) {
        // Another sandbox that relies on it removes it in turn.
        if lock.relock(FlockArg::LockExclusiveNonblock).is_ok() && same(path, &lock) {
            // It stays if something was put into it: from outside, as `git init` does, or in a passage.
            if fs::remove_dir(path).is_err()
                && let Ok(metadata) = lock.metadata()
            {
                let ordinary = fs::Permissions::from_mode(metadata.mode() & 0o7777 & !STICKY);
                let _ = lock.set_permissions(ordinary);
            }
        }
        self.removed.push(lock);
    }
}

impl Drop for Placeholders {
    fn drop(&mut self) {
        self.remove();
    }
}

fn make(path: &Path, form: PlaceholderForm) -> io::Result<()> {
    let mode = if form == PlaceholderForm::Passage {
        PASSAGE
    } else {
        MODE
    };
    match fs::DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => {
            result?;
            // The umask may have taken bits away.
            match open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                made => made?.set_permissions(fs::Permissions::from_mode(mode)),
            }
        }
    }
}

fn can_not_be_made(error: &io::Error) -> bool {
    let refusals = [Errno::EACCES, Errno::EPERM, Errno::EROFS, Errno::ENOENT];
    refusals
        .iter()
        .any(|errno| error.raw_os_error() == Some(*errno as i32))
}

/// Whether what is at `path` only stands there for a name that does not exist.
pub fn is_at(path: &Path) -> bool {
    unseen::is_at(path)
        || fs::symlink_metadata(path).is_ok_and(|metadata| is_placeholder(path, &metadata))
}

fn is_placeholder(path: &Path, metadata: &fs::Metadata) -> bool {
    is_of(metadata, MODE) && fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

/// Whether a passage is at `path`, which is no link.
pub(super) fn is_passage_at(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| is_passage(&metadata))
}

fn is_passage(metadata: &fs::Metadata) -> bool {
    is_of(metadata, PASSAGE)
}

/// Whether it is a directory of ours with just this mode.
fn is_of(metadata: &fs::Metadata, mode: u32) -> bool {
    metadata.is_dir()
        && metadata.mode() & 0o7777 == mode
        && metadata.uid() == nix::unistd::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::directory_lock::{PATIENCE, PAUSE};
    use super::*;

    fn held(path: &Path) -> Placeholders {
        let mut placeholders = Placeholders::default();
        placeholders.hold(path, PlaceholderForm::Directory).unwrap();
        placeholders
    }

    #[test]
    fn the_last_user_removes_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".codex");
        let first = held(&path);
        let second = held(&path);
        drop(first);
        assert!(path.is_dir());
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn one_left_behind_is_taken_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".codex");
        make(&path, PlaceholderForm::Directory).unwrap();
        drop(held(&path));
        assert!(!path.exists());
    }

    #[test]
    fn one_that_was_filled_from_outside_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".git");
        let placeholders = held(&path);
        File::create(path.join("HEAD")).unwrap();
        drop(placeholders);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o755);
    }

    #[test]
    fn one_that_somebody_keeps_locked_is_an_error_and_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".git");
        make(&path, PlaceholderForm::Directory).unwrap();
        let locked = Flock::lock(open(&path).unwrap(), FlockArg::LockExclusive).unwrap();
        let begin = Instant::now();
        assert!(
            Placeholders::default()
                .hold(&path, PlaceholderForm::Directory)
                .is_err()
        );
        assert!(begin.elapsed() < 5 * PATIENCE);
        assert!(path.is_dir());
        // The last of those who had it removes it while somebody waits.
        let waiting = std::thread::spawn({
            let path = path.clone();
            move || drop(held(&path))
        });
        std::thread::sleep(20 * PAUSE);
        fs::remove_dir(&path).unwrap();
        waiting.join().unwrap();
        assert!(!path.exists());
        drop(locked);
    }

    #[test]
    fn a_passage_goes_with_its_last_user_unless_something_is_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let (passage, name) = (directory.path().join("a"), directory.path().join("a/b"));
        let hold = || {
            let mut placeholders = Placeholders::default();
            placeholders
                .hold(&passage, PlaceholderForm::Passage)
                .unwrap();
            placeholders.hold(&name, PlaceholderForm::Unseen).unwrap();
            placeholders
        };
        let (first, second) = (hold(), hold());
        drop(first);
        assert!(is_passage_at(&passage) && unseen::is_at(&name));
        drop(second);
        assert!(!passage.exists());
        // One that a killed run has left.
        std::mem::forget(hold());
        let placeholders = hold();
        fs::write(directory.path().join("a/own"), "").unwrap();
        drop(placeholders);
        assert!(is_passage_at(&passage), "who was killed has it locked here");
        let again = directory.path().join("c");
        let mut placeholders = Placeholders::default();
        placeholders.hold(&again, PlaceholderForm::Passage).unwrap();
        fs::write(again.join("own"), "").unwrap();
        drop(placeholders);
        assert_eq!(fs::metadata(&again).unwrap().mode() & 0o7777, 0o700);
    }

    /// Somebody always relies on it, or makes it, or removes it.
    #[test]
    fn who_holds_one_has_it_whoever_ends_meanwhile() {
        let directory = tempfile::tempdir().unwrap();
        for form in [PlaceholderForm::Directory, PlaceholderForm::Unseen] {
            let path = directory.path().join(".agents");
            let starts = || {
                for _ in 0..400 {
                    let mut placeholders = Placeholders::default();
                    placeholders.hold(&path, form).unwrap();
                    assert!(!placeholders.is_empty());
                    assert!(is_at(&path));
                }
            };
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(starts);
                }
            });
            assert!(fs::symlink_metadata(&path).is_err());
        }
    }

    #[test]
    fn what_others_made_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".codex");
        fs::create_dir(&path).unwrap();
        let placeholders = held(&path);
        assert!(placeholders.is_empty());
        drop(placeholders);
        assert!(path.is_dir());
    }
}
