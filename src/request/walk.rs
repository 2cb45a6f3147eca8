//! The way from the root directory to a file, entry by entry, as the kernel goes it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use nix::unistd::{Uid, geteuid};

use super::Writable;
use super::views::elsewhere;
use crate::sys::identity::identity;

/// How many symbolic links the kernel follows.
const LINKS: usize = 40;

/// A device and an inode.
pub type Identity = (u64, u64);

/// Directories, and files, that the sandboxed side can write: by device and inode, so that no
/// other path to one of them hides it.
#[derive(Debug)]
pub struct Roots {
    identities: Vec<Identity>,
    /// What lies in them and is read-only all the same, with all below it.
    held: Vec<Identity>,
    /// The same by path, as some of it may be missing.
    held_paths: Vec<PathBuf>,
    /// What no other file can be put in the place of: roots and what is held, and the way there.
    pinned: Vec<Identity>,
    /// Whether what everybody may write counts.
    others: bool,
    user: Uid,
    /// Where all is looked at for one answer: the directories met that nobody in the sandbox can put anything
    /// else in the place of, and whether what is in them can be written.
    met: Option<RefCell<HashMap<PathBuf, (Identity, bool)>>>,
}

impl Roots {
    /// Those of `paths` that exist.
    pub fn of(paths: &[PathBuf]) -> Self {
        Self {
            identities: paths
                .iter()
                .chain(&elsewhere(paths))
                .flat_map(|path| identity(path))
                .collect(),
            held: Vec::new(),
            held_paths: Vec::new(),
            pinned: Vec::new(),
            others: true,
            user: geteuid(),
            met: None,
        }
    }

    /// The same where the sandbox holds something in them, and other users don't count.
    pub fn with_held(writable: &Writable) -> Self {
        let held = writable.held.iter().filter(|path| !path.is_symlink());
        let pinned = writable.held.iter().chain(&writable.roots);
        let pinned = pinned.flat_map(|path| path.ancestors());
        let pins = !writable.held.is_empty();
        Self {
            held: held.flat_map(|path| identity(path)).collect(),
            pinned: pinned.filter(|_| pins).flat_map(identity).collect(),
            others: false,
            held_paths: writable.held.clone(),
            ..Self::of(&writable.roots).for_one_answer()
        }
    }

    /// The same for one answer, and dropped with it: no directory is looked at twice.
    pub(super) fn for_one_answer(self) -> Self {
        Self {
            met: Some(RefCell::default()),
            ..self
        }
    }

    fn meet(&self, directory: &Path, file: Identity, open: bool) {
        if let Some(met) = &self.met {
            met.borrow_mut().insert(directory.to_owned(), (file, open));
        }
    }

    fn met(&self, directory: &Path) -> Option<(Identity, bool)> {
        self.met.as_ref()?.borrow().get(directory).copied()
    }

    /// The entry by which the sandboxed side can put something in the place of what `path`, absolute,
    /// leads to, whether or not that exists, or below it.
    pub fn entry_towards(&self, path: &Path) -> Option<PathBuf> {
        let mut walk = PathWalk::new(self, WalkEnd::File);
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
        self.identities.contains(&of(file))
    }

    /// Whether the sandbox keeps the file, or what is in the directory, from being written.
    pub(super) fn protect(&self, file: &Metadata) -> bool {
        self.held.contains(&of(file)) && !self.hold(file)
    }

    /// Whether the sandbox keeps what is missing at `path`, which has no links, from being made.
    pub(super) fn protect_missing(&self, path: &Path) -> bool {
        self.held_paths.iter().any(|held| held == path)
    }

    fn pin(&self, file: &Metadata) -> bool {
        self.pinned.contains(&of(file))
    }

    /// Whether a second link to `file` may be in one of the roots: package managers make such
    /// links, and its owner can write the file through any of them.
    ///
    /// Root owns every program, and distributions ship some under several names, so that there, in such
    /// a `directory`, it says nothing. Where the other names are, only a look everywhere would tell.
    fn may_hold_a_link_to(&self, file: &Metadata, directory: &Path) -> bool {
        let is_shipped = || SHIPPED.iter().any(|shipped| directory.starts_with(shipped));
        file.is_file()
            && file.nlink() > 1
            && !(self.user.is_root() && is_shipped())
            && file.uid() == self.user.as_raw()
            && self
                .identities
                .iter()
                .any(|(device, _)| *device == file.dev())
    }
}

fn of(file: &Metadata) -> Identity {
    (file.dev(), file.ino())
}

/// Where distributions and package managers of systems put programs, some under several names.
pub const SHIPPED: [&str; 8] = [
    "/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/nix", "/gnu",
];

/// What a way may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WalkEnd {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// A file or a directory, and what was met on the way.
pub(super) struct ResolvedFile {
    /// Its path without any symbolic link.
    pub(super) real: PathBuf,
    /// For the root directory and each one down to it, itself included if it is one: whether the
    /// sandboxed side can write what is in it.
    pub(super) open: Vec<bool>,
    /// The last entry on the way, a link or the file itself, that the sandboxed side can write.
    pub(super) writable: Option<PathBuf>,
    /// Whether a `..` of the path itself, not of a link's text, came after a symbolic link.
    pub(super) climbed: bool,
}

/// Why the way led nowhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// There is none, or something else.
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
pub(super) fn walk(path: &Path, roots: &Roots) -> Result<ResolvedFile, Lost> {
    walk_to(path, roots, WalkEnd::File)
}

/// Follows `path`, absolute.
pub(super) fn walk_to(path: &Path, roots: &Roots, end: WalkEnd) -> Result<ResolvedFile, Lost> {
    let mut walk = PathWalk::new(roots, end);
    let result = walk.follow(path);
    match (result, walk.writable) {
        (Ok(real), writable) => Ok(ResolvedFile {
            real,
            writable,
            open: walk.writable_at,
            climbed: walk.climbed,
        }),
        (Err(_), Some(entry)) => Err(Lost::Writable(entry)),
        (Err(lost), None) => Err(lost),
    }
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Without any link. What is missing stands where it would be made. `None` where that can't be told
    /// from here.
    pub real: Option<PathBuf>,
    /// The sandboxed side could put something else in the place of an entry on the way, also after
    /// somebody looked.
    pub is_open: bool,
}

/// Where `path`, absolute, leads, whatever is there.
pub(super) fn way_to(path: &Path, roots: &Roots) -> Way {
    let mut walk = PathWalk::new(roots, WalkEnd::Directory);
    let real = match walk.follow(path) {
        Ok(real) => Some(real),
        Err(Lost::Missing) => Some(walk.rest()),
        // The kernel's own links are no text.
        Err(Lost::Hidden | Lost::Writable(_)) => None,
    };
    Way {
        real,
        is_open: walk.is_in_proc || walk.writable.is_some(),
    }
}

/// The way that a path leads, as it was when somebody went it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTrace {
    /// As for [`Way::real`].
    pub real: Option<PathBuf>,
    /// The directories that were entered, the last one included, by device and inode.
    pub directories: Vec<Identity>,
}

/// Goes the way of `path`, absolute, whatever is there; `None` where that takes more than the `steps` that
/// are left, which it takes from them.
pub fn trace(path: &Path, steps: &mut usize) -> Option<PathTrace> {
    let roots = Roots::of(&[]);
    let mut walk = PathWalk::new(&roots, WalkEnd::Directory);
    walk.steps = *steps;
    let followed = walk.follow(path);
    *steps = walk.steps;
    let real = match followed {
        Ok(real) => Some(real),
        Err(Lost::Missing) => Some(walk.rest()),
        Err(Lost::Hidden | Lost::Writable(_)) => None,
    };
    (walk.steps > 0).then_some(PathTrace {
        real,
        directories: walk.entered,
    })
}

enum WalkStep {
    Up,
    Into(OsString),
}

struct PathWalk<'a> {
    roots: &'a Roots,
    end: WalkEnd,
    /// Where we are: no links, no `..`.
    directory: PathBuf,
    /// For the root directory and each one down to where we are: whether its entries can be
    /// written by the sandboxed side.
    writable_at: Vec<bool>,
    /// The entry that was entered last.
    at: PathBuf,
    /// The components still to go, the next one last.
    ahead: Vec<WalkStep>,
    links: usize,
    writable: Option<PathBuf>,
    climbed: bool,
    is_in_proc: bool,
    /// The directories that were entered.
    entered: Vec<Identity>,
    /// As many steps are taken yet.
    steps: usize,
}

impl<'a> PathWalk<'a> {
    fn new(roots: &'a Roots, end: WalkEnd) -> Self {
        Self {
            roots,
            end,
            directory: PathBuf::from("/"),
            writable_at: Vec::new(),
            at: PathBuf::from("/"),
            ahead: Vec::new(),
            links: 0,
            writable: None,
            climbed: false,
            is_in_proc: false,
            entered: Vec::new(),
            steps: usize::MAX,
        }
    }

    fn follow(&mut self, path: &Path) -> Result<PathBuf, Lost> {
        let root = Path::new("/");
        let met = self.roots.met(root).map(|(_, open)| open);
        let open = if let Some(open) = met {
            open
        } else {
            let file = fs::metadata(root)?;
            let open = self.is_open(&file);
            self.roots.meet(root, of(&file), open);
            open
        };
        self.writable_at.push(open);
        self.plan(path);
        // What a link says is put before what is left of the path itself.
        let mut own = self.ahead.len();
        while let Some(step) = self.ahead.pop() {
            self.steps = self.steps.checked_sub(1).ok_or(Lost::Hidden)?;
            let is_own = self.ahead.len() < own;
            own = own.min(self.ahead.len());
            match step {
                WalkStep::Up => {
                    self.climbed |= is_own && self.links > 0;
                    if self.directory.pop() {
                        self.writable_at.pop();
                    }
                }
                WalkStep::Into(name) => {
                    if let Some(file) = self.enter(self.directory.join(name))? {
                        return Ok(file);
                    }
                }
            }
        }
        match self.end {
            WalkEnd::File => Err(Lost::Missing),
            WalkEnd::Directory => Ok(self.directory.clone()),
        }
    }

    /// Puts the components of `path` before those still to go.
    fn plan(&mut self, path: &Path) {
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => self.ahead.push(WalkStep::Into(name.to_owned())),
                Component::ParentDir => self.ahead.push(WalkStep::Up),
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
        self.at.clone_from(&entry);
        let open = self.writable_at.last() == Some(&true);
        if !open && let Some((file, open)) = self.roots.met(&entry) {
            self.writable_at.push(open);
            self.entered.push(file);
            self.directory = entry;
            return Ok(None);
        }
        let found = fs::symlink_metadata(&entry);
        if open && !found.as_ref().is_ok_and(|file| self.roots.pin(file)) {
            self.writable = Some(entry.clone());
        }
        let file = found?;
        let protected = self.roots.protect(&file);
        if file.is_symlink() {
            self.cross(&entry)?;
        } else if file.is_dir() {
            let within = !protected && (open || self.is_open(&file));
            if !open {
                self.roots.meet(&entry, of(&file), within);
            }
            self.writable_at.push(within);
            self.entered.push(of(&file));
            self.directory = entry;
        } else if file.is_file() && self.ahead.is_empty() && self.end != WalkEnd::Directory {
            if !protected && self.is_open(&file) {
                self.writable = Some(entry.clone());
            }
            return Ok(Some(entry));
        } else {
            return Err(Lost::Missing);
        }
        Ok(None)
    }

    /// Where the rest of the way would lead from what is missing, or is no directory.
    fn rest(&mut self) -> PathBuf {
        let mut path = std::mem::take(&mut self.at);
        while let Some(step) = self.ahead.pop() {
            match step {
                WalkStep::Up => {
                    path.pop();
                }
                WalkStep::Into(name) => path.push(name),
            }
        }
        path
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
            || self.roots.may_hold_a_link_to(file, &self.directory)
            || (self.roots.others && mode & OTHERS_WRITE != 0 && !guarded)
    }
}
