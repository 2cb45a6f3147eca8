//! The files of output that is too long to be returned.
//!
//! They lie where commands can write. The calls of this server can't write there, as it is held for them (see
//! [`Folder::held`]); others can put anything in the place of a name at any time: what is made, looked at or removed
//! is found from the descriptor of the directory that it is in, and no directory is removed but an empty one.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::NixPath;
use nix::fcntl::{Flock, FlockArg, OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};

use super::secret_name::secret_name;
use crate::confine::{Deciding, Role};
use crate::sys::{fds, lock};

/// The largest file for output that is too long to be returned.
const FILE_LIMIT: u64 = 256 << 20;
/// As much as all such files of a server may hold; the oldest go first.
const FOLDER_LIMIT: u64 = 1 << 30;
/// What the name of a user's directory of such folders begins with.
const PREFIX: &str = "codex-shell-";
/// At so many are looked for those of servers that were killed.
const SWEPT: usize = 1024;
/// How long it may take from making a folder to locking it.
const MAKING: Duration = Duration::from_mins(1);

/// A directory for what is too long to be returned: made at the start, before a call could put something in its
/// place, and removed at the end.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// `None`: there can be none.
    place: Option<LockedFolder>,
    files: AtomicU64,
    room: Mutex<Room>,
}

/// Where it is, and itself, locked, which shows others that it is in use.
#[derive(Debug)]
struct LockedFolder {
    path: PathBuf,
    /// What calls must not write: itself, or that of all the user's.
    held: PathBuf,
    /// The directory that it is in, and its name there.
    around: File,
    name: String,
    lock: Flock<File>,
}

/// What the files of a folder hold.
#[derive(Debug, Default)]
struct Room {
    /// All of them, in bytes.
    taken: u64,
    /// Those that are written, oldest first, and the bytes of each.
    kept: VecDeque<(String, u64)>,
}

impl Folder {
    /// A new one.
    pub(super) fn new() -> Self {
        Self {
            place: Self::make().ok(),
            files: AtomicU64::default(),
            room: Mutex::default(),
        }
    }

    /// What calls must not write: whoever reads a file there takes it for what a call said.
    pub(super) fn held(&self) -> Option<Deciding> {
        let place = self.place.as_ref()?;
        Some(Deciding {
            path: place.held.clone(),
            role: Role::Output,
            is_directory: true,
        })
    }

    /// A new file and its name; `None` where there can be none.
    fn create(&self) -> Option<(String, File)> {
        let folder = self.place.as_ref()?;
        let number = self.files.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("output-{number}");
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let file = openat(&*folder.lock, name.as_str(), flags, mode).ok()?;
        Some((name, File::from(file)))
    }

    /// Removes a file.
    fn remove(&self, name: &str) {
        if let Some(place) = self.place.as_ref() {
            let _ = unlinkat(&*place.lock, name, UnlinkatFlags::NoRemoveDir);
        }
    }

    /// Room for so many bytes; the oldest of the files that are written make way. `None` where those
    /// that are being written need it all.
    fn take(&self, bytes: u64) -> Option<()> {
        let mut room = lock(&self.room);
        while room.taken + bytes > FOLDER_LIMIT {
            let (oldest, freed) = room.kept.pop_front()?;
            self.remove(&oldest);
            room.taken -= freed;
        }
        room.taken += bytes;
        Some(())
    }

    /// Among those of the same user; where somebody else has taken that name, under one that nobody could have.
    fn make() -> io::Result<LockedFolder> {
        let name = secret_name()?;
        let mut tried = Self::make_in(own_folder, &name);
        // The last server that leaves takes it along.
        for _ in 0..3 {
            match &tried {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    tried = Self::make_in(own_folder, &name);
                }
                _ => break,
            }
        }
        tried.or_else(|_| Self::make_in(temporary, &format!("{PREFIX}{name}")))
    }

    /// What is in the directory is found by its descriptor, so that nothing can be put in its place.
    fn make_in(
        around: fn() -> io::Result<(PathBuf, File)>,
        name: &str,
    ) -> io::Result<LockedFolder> {
        let (path, around) = around()?;
        mkdirat(&around, name, Mode::S_IRWXU)?;
        let lock = locked(&around, name)?;
        let is_own = path == own_path();
        let own = path.join(name);
        Ok(LockedFolder {
            held: if is_own { path } else { own.clone() },
            path: own,
            around,
            name: name.to_owned(),
            lock,
        })
    }

    /// Removes the folders of servers that were killed. What can't be removed stays.
    pub(super) fn sweep() {
        let Ok((_, directory)) = opened(own_path()) else {
            return;
        };
        // One that was made this moment is about to be locked.
        let is_old = |found: &Metadata| {
            let age = found.modified().ok().and_then(|at| at.elapsed().ok());
            age.is_some_and(|age| age > MAKING)
        };
        for name in names(&directory) {
            let bytes = name.as_bytes();
            if bytes.len() == 32
                && bytes.iter().all(u8::is_ascii_hexdigit)
                && let Ok(folder) = locked(&directory, name.as_os_str())
                && let Ok(found) = folder.metadata()
                && found.uid() == geteuid().as_raw()
                && is_old(&found)
            {
                remove(&directory, &name, &folder);
            }
        }
    }
}

/// What is in a directory. A command can make many.
fn names(directory: &File) -> Vec<OsString> {
    let entries = std::fs::read_dir(fds::link(directory))
        .into_iter()
        .flatten()
        .flatten();
    entries.take(SWEPT).map(|entry| entry.file_name()).collect()
}

/// Removes the files in `folder`, and it, which `around` has under this name.
fn remove(around: &File, name: &OsStr, folder: &File) {
    for file in names(folder) {
        let _ = unlinkat(folder, file.as_os_str(), UnlinkatFlags::NoRemoveDir);
    }
    let _ = unlinkat(around, name, UnlinkatFlags::RemoveDir);
}

/// The directory of all folders of a user.
fn own_path() -> PathBuf {
    std::env::temp_dir().join(format!("{PREFIX}{}", geteuid()))
}

/// The same, made if it isn't there.
fn own_folder() -> io::Result<(PathBuf, File)> {
    use std::os::unix::fs::DirBuilderExt as _;
    let path = own_path();
    match std::fs::DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => opened(path),
    }
}

/// A directory, if it is the user's alone.
fn opened(path: PathBuf) -> io::Result<(PathBuf, File)> {
    let directory = File::options()
        .read(true)
        .custom_flags((OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits())
        .open(&path)?;
    let found = directory.metadata()?;
    if found.uid() != geteuid().as_raw() || found.mode() & 0o077 != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok((path, directory))
}

/// The directory of everybody's.
fn temporary() -> io::Result<(PathBuf, File)> {
    let path = std::env::temp_dir();
    let directory = File::open(&path)?;
    Ok((path, directory))
}

/// A lock on a folder that is in use, which the directory has under this name.
fn locked<P: NixPath + ?Sized>(directory: &File, name: &P) -> io::Result<Flock<File>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let folder = File::from(openat(directory, name, flags, Mode::empty())?);
    Flock::lock(folder, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| error.into())
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(place) = self.place.as_ref() {
            remove(&place.around, OsStr::new(&place.name), &place.lock);
            // Unless another server has something in it.
            let _ = std::fs::remove_dir(own_path());
        }
    }
}

/// A file of a [`Folder`] that is being written. It goes away with this value, unless it is kept.
#[derive(Debug)]
pub(super) struct Saved {
    name: Option<String>,
    file: File,
    bytes: u64,
    folder: Arc<Folder>,
}

impl Saved {
    /// One that holds `parts`; `None` where there can be none.
    pub(super) fn new(folder: &Arc<Folder>, parts: &[&[u8]]) -> Option<Self> {
        let (name, file) = folder.create()?;
        let mut saved = Self {
            name: Some(name),
            file,
            bytes: 0,
            folder: Arc::clone(folder),
        };
        for part in parts {
            saved.append(part)?;
        }
        Some(saved)
    }

    /// `None` where there is no room for these bytes, or the file would grow too large.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Option<()> {
        let more = bytes.len() as u64;
        if self.bytes + more > FILE_LIMIT {
            return None;
        }
        self.folder.take(more)?;
        self.bytes += more;
        self.file.write_all(bytes).ok()
    }

    /// Keeps it until newer ones need its room, and says where it is.
    pub(super) fn keep(mut self) -> PathBuf {
        let name = self.name.take().unwrap_or_default();
        let place = self.folder.place.as_ref();
        let path = place.map_or_else(PathBuf::new, |place| place.path.join(&name));
        lock(&self.folder.room).kept.push_back((name, self.bytes));
        path
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            self.folder.remove(name);
            lock(&self.folder.room).taken -= self.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that holds as many bytes as it says.
    fn saved(folder: &Arc<Folder>, bytes: u64) -> Option<Saved> {
        let mut saved = Saved::new(folder, &[])?;
        folder.take(bytes)?;
        saved.bytes = bytes;
        Some(saved)
    }

    #[test]
    fn the_oldest_files_make_room() {
        let folder = Arc::new(Folder::new());
        let half = FOLDER_LIMIT / 2;
        let mut paths = Vec::new();
        for (bytes, there) in [
            (half, vec![true]),
            (half, vec![true, true]),
            (1, vec![false, true, true]),
        ] {
            paths.push(saved(&folder, bytes).unwrap().keep());
            assert_eq!(paths.iter().map(|p| p.exists()).collect::<Vec<_>>(), there);
        }
    }

    #[test]
    fn those_that_are_being_written_count_and_keep_their_room() {
        let folder = Arc::new(Folder::new());
        let half = FOLDER_LIMIT / 2;
        let first = saved(&folder, half).unwrap();
        let mut second = saved(&folder, half).unwrap();
        assert!(second.append(b"x").is_none());
        assert!(saved(&folder, 1).is_none());
        let name = first.name.clone().unwrap();
        let path = folder.place.as_ref().unwrap().path.join(name);
        assert!(path.exists());
        drop(first);
        assert!(!path.exists());
        assert!(saved(&folder, 1).is_some());
    }

    #[test]
    fn what_is_put_in_its_place_stays() {
        let folder = Arc::new(Folder::new());
        let first = saved(&folder, 1).unwrap();
        let name = first.name.clone().unwrap();
        let path = folder.place.as_ref().unwrap().path.clone();
        let (moved, other) = (path.with_extension("away"), path.with_extension("other"));
        std::fs::rename(&path, &moved).unwrap();
        std::fs::create_dir(&other).unwrap();
        std::fs::write(other.join(&name), "theirs").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        drop(first);
        assert!(!moved.join(&name).exists() && other.join(&name).exists());
        drop(folder);
        assert!(other.join(&name).exists());
        std::fs::remove_file(&path).unwrap();
        std::fs::remove_dir_all(&other).unwrap();
        std::fs::remove_dir(&moved).unwrap();
    }
}
