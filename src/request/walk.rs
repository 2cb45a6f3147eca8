//! The way from the root directory to a file, entry by entry, as the kernel goes it.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use nix::unistd::{Uid, geteuid};

/// How many symbolic links the kernel follows.
const LINKS: usize = 40;

/// Directories, and files, that the sandboxed side can write: by device and inode, so that no
/// other path to one of them hides it.
#[derive(Debug)]
pub struct Roots {
    identities: Vec<(u64, u64)>,
    user: Uid,
}

impl Roots {
    /// Those of `paths` that exist.
    pub fn of(paths: &[PathBuf]) -> Self {
        let identity = |path: &PathBuf| fs::metadata(path).map(|file| (file.dev(), file.ino()));
        Self {
            identities: paths.iter().flat_map(identity).collect(),
            user: geteuid(),
        }
    }

    /// The entry by which the sandboxed side can put something in the place of what `path`, absolute,
    /// leads to, whether or not that exists, or below it.
    pub fn entry_towards(&self, path: &Path) -> Option<PathBuf> {
        let mut walk = Walk::new(self);
        let lost = walk.follow(path).err();
        let open = walk.writable_at.last() == Some(&true);
        match lost {
            Some(Lost::Missing) if open && walk.writable.is_none() => Some(walk.directory),
            // What stands there is for whoever looks to say.
            _ if walk.is_in_proc => Some(path.to_owned()),
            _ => walk.writable,
        }
    }

    fn hold(&self, file: &Metadata) -> bool {
        self.identities.contains(&(file.dev(), file.ino()))
    }

    /// Whether a second link to `file` may be in one of the roots: package managers make such
    /// links, and its owner can write the file through any of them.
    ///
    /// Root owns every program, and distributions ship some under several names, so there this
    /// says nothing.
    fn may_hold_a_link_to(&self, file: &Metadata) -> bool {
        file.is_file()
            && file.nlink() > 1
            && !self.user.is_root()
            && file.uid() == self.user.as_raw()
            && self
                .identities
                .iter()
                .any(|(device, _)| *device == file.dev())
    }
}

/// A regular file, and what was met on the way.
pub(super) struct Found {
    /// Its path without any symbolic link.
    pub(super) real: PathBuf,
    /// The last entry on the way, a link or the file itself, that the sandboxed side can write.
    pub(super) writable: Option<PathBuf>,
    /// Whether a `..` came after a symbolic link.
    pub(super) climbed: bool,
}

/// Why the way led nowhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// No such file, or not a regular one.
    Missing,
    /// It can't be followed from here.
    Hidden,
    /// It led nowhere after an entry that the sandboxed side can write.
    Writable(PathBuf),
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self::Missing,
            _ => Self::Hidden,
        }
    }
}

/// Follows `path`, absolute, to a regular file.
pub(super) fn walk(path: &Path, roots: &Roots) -> Result<Found, Lost> {
    let mut walk = Walk::new(roots);
    let result = walk.follow(path);
    match (result, walk.writable) {
        (Ok(real), writable) => Ok(Found {
            real,
            writable,
            climbed: walk.climbed,
        }),
        (Err(_), Some(entry)) => Err(Lost::Writable(entry)),
        (Err(lost), None) => Err(lost),
    }
}

enum Step {
    Up,
    Into(OsString),
}

struct Walk<'a> {
    roots: &'a Roots,
    /// Where we are: no links, no `..`.
    directory: PathBuf,
    /// For the root directory and each one down to where we are: whether its entries can be
    /// written by the sandboxed side.
    writable_at: Vec<bool>,
    /// The components still to go, the next one last.
    ahead: Vec<Step>,
    links: usize,
    writable: Option<PathBuf>,
    climbed: bool,
    is_in_proc: bool,
}

impl<'a> Walk<'a> {
    fn new(roots: &'a Roots) -> Self {
        Self {
            roots,
            directory: PathBuf::from("/"),
            writable_at: Vec::new(),
            ahead: Vec::new(),
            links: 0,
            writable: None,
            climbed: false,
            is_in_proc: false,
        }
    }

    fn follow(&mut self, path: &Path) -> Result<PathBuf, Lost> {
        let root = fs::metadata("/")?;
        self.writable_at.push(self.is_open(&root));
        self.plan(path);
        while let Some(step) = self.ahead.pop() {
            match step {
                Step::Up => {
                    self.climbed |= self.links > 0;
                    if self.directory.pop() {
                        self.writable_at.pop();
                    }
                }
                Step::Into(name) => {
                    if let Some(file) = self.enter(self.directory.join(name))? {
                        return Ok(file);
                    }
                }
            }
        }
        Err(Lost::Missing)
    }

    /// Puts the components of `path` before those still to go.
    fn plan(&mut self, path: &Path) {
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => self.ahead.push(Step::Into(name.to_owned())),
                Component::ParentDir => self.ahead.push(Step::Up),
                _ => {}
            }
        }
    }

    /// Takes one step; the file when the way ends here.
    fn enter(&mut self, entry: PathBuf) -> Result<Option<PathBuf>, Lost> {
        // Links there are no text, and "self" is somebody else here.
        if entry.starts_with("/proc") {
            self.is_in_proc = true;
            return Err(Lost::Hidden);
        }
        if self.writable_at.last() == Some(&true) {
            self.writable = Some(entry.clone());
        }
        let file = fs::symlink_metadata(&entry)?;
        if file.is_symlink() {
            self.cross(&entry)?;
        } else if file.is_dir() {
            let writable = self.writable_at.last() == Some(&true) || self.is_open(&file);
            self.writable_at.push(writable);
            self.directory = entry;
        } else if file.is_file() && self.ahead.is_empty() {
            if self.is_open(&file) {
                self.writable = Some(entry.clone());
            }
            return Ok(Some(entry));
        } else {
            return Err(Lost::Missing);
        }
        Ok(None)
    }

    fn cross(&mut self, link: &Path) -> Result<(), Lost> {
        self.links += 1;
        if self.links > LINKS {
            return Err(Lost::Hidden);
        }
        let target = fs::read_link(link)?;
        if target.has_root() {
            self.directory = PathBuf::from("/");
            self.writable_at.truncate(1);
        }
        self.plan(&target);
        Ok(())
    }

    /// Whether the sandboxed side can write this very file, or the entries of this directory.
    ///
    /// In a sticky directory anybody may add entries, but not replace those of others.
    fn is_open(&self, file: &Metadata) -> bool {
        const OTHERS_WRITE: u32 = 0o002;
        const STICKY: u32 = 0o1000;
        let mode = file.mode();
        let guarded = file.is_dir() && mode & STICKY != 0;
        self.roots.hold(file)
            || self.roots.may_hold_a_link_to(file)
            || (mode & OTHERS_WRITE != 0 && !guarded)
    }
}
