//! The files that say what a command runs, as they were when somebody was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access, geteuid};

use super::stamp::Stamp;
use super::text::shown;
use super::tree::{Budget, Tree};
use crate::confine::found_in;
use crate::request::{Identity, Roots};

/// As many bytes of what the command can change are read, for one question.
pub(super) const CONTENT: u64 = 256 << 20;
/// The same of files that may be no more than data: of what is larger the times count alone.
const DATA: u64 = 64 << 20;

/// What the command can change.
#[derive(Debug)]
pub(super) enum FileReach {
    /// What lies in these, or is reached by what does.
    Roots(Roots, Vec<PathBuf>),
    /// Whatever its user can change: there is no sandbox.
    User,
}

impl FileReach {
    /// That of a command whose sandbox can write the `writable` roots; without a sandbox `None`.
    pub(super) fn of(writable: Option<&[PathBuf]>) -> Self {
        writable.map_or(Self::User, |roots| {
            Self::Roots(Roots::of(roots), roots.to_vec())
        })
    }

    /// Of the directory at `path`, in or below which `cwd` is, the part around that which the command can change.
    pub(super) fn around(&self, path: &Path, cwd: &Path) -> PathBuf {
        match self {
            Self::Roots(_, roots) if !self.includes(path) => {
                let root = roots.iter().find(|root| cwd.starts_with(root));
                root.map_or(cwd, PathBuf::as_path).to_owned()
            }
            Self::User => cwd.to_owned(),
            Self::Roots(..) => path.to_owned(),
        }
    }

    /// Whether there is a sandbox.
    pub(super) fn is_bounded(&self) -> bool {
        matches!(self, Self::Roots(..))
    }

    /// Whether another file, or another content, can be put where `path`, absolute, leads.
    pub(super) fn includes(&self, path: &Path) -> bool {
        match self {
            Self::Roots(roots, _) => roots.entry_towards(path).is_some(),
            Self::User => {
                let real = path.canonicalize();
                let ways = std::iter::once(path).chain(real.as_deref().ok());
                ways.flat_map(Path::ancestors).any(is_ours)
            }
        }
    }

    /// The same, or something that is in the directory at `path`, or below.
    pub(super) fn includes_some_of(&self, path: &Path) -> bool {
        let holds_root = || match self {
            Self::Roots(_, roots) => {
                let real = path.canonicalize();
                let holds = |real: PathBuf| roots.iter().any(|root| root.starts_with(&real));
                real.is_ok_and(holds)
            }
            Self::User => true,
        };
        self.includes(path) || holds_root()
    }
}

/// Whether this user can write what is at `path`, or let itself do so.
fn is_ours(path: &Path) -> bool {
    let user = geteuid();
    let is_owner = |path| fs::metadata(path).is_ok_and(|file| file.uid() == user.as_raw());
    access(path, AccessFlags::W_OK).is_ok() || is_owner(path)
}

/// Files that say what a command runs: its program, interpreters, scripts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    noted: Vec<NotedDirectory>,
    /// Files that may be no more than data to what runs.
    data: Vec<NotedDirectory>,
    forms: Vec<NotedForm>,
    /// Directories, all that is in them.
    trees: Vec<(PathBuf, Option<Tree>)>,
    /// Where there was no file: one could come to be there.
    missing: BTreeMap<PathBuf, Presence>,
    left: ReadBudget,
}

/// How much is still read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ReadBudget {
    content: u64,
    data: u64,
    trees: Budget,
}

impl Default for ReadBudget {
    fn default() -> Self {
        Self {
            content: CONTENT,
            data: DATA,
            trees: Budget::default(),
        }
    }
}

/// What there was in a directory of a form of names, all of which the command can change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NotedForm {
    folder: PathBuf,
    form: String,
    found: BTreeSet<PathBuf>,
}

/// What a name stands for, and where it leads as a link.
type Presence = (Option<Identity>, Option<PathBuf>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct NotedDirectory {
    path: PathBuf,
    /// The command can change it.
    is_open: bool,
    /// `None`: there is no such file.
    stamp: Option<Stamp>,
}

impl Files {
    /// The file at `path`, which the command can change.
    #[cfg(test)]
    pub(crate) fn holding(path: &Path) -> Self {
        let mut files = Self::default();
        files.note(path, true);
        files
    }

    /// Notes the file at `path`, which the command can change or not; its state, if there is one.
    pub(super) fn note(&mut self, path: &Path, is_open: bool) -> Option<Stamp> {
        if let Some(noted) = self.noted.iter().find(|noted| noted.path == path) {
            return noted.stamp.clone();
        }
        let stamp = stamp(path, is_open, &mut self.left.content);
        if stamp.is_none() {
            self.note_missing(path);
        }
        self.noted.push(NotedDirectory {
            path: path.to_owned(),
            is_open,
            stamp: stamp.clone(),
        });
        stamp
    }

    /// Notes the files in `folder` of this form, with `*` for any part of a name, which the command can
    /// change: none may come or go either.
    pub(super) fn note_form(&mut self, folder: &Path, form: &str) {
        let is_noted = |it: &NotedForm| it.folder == folder && it.form == form;
        if self.forms.iter().any(is_noted) {
            return;
        }
        let found = found_in(folder, form);
        for file in found.iter().filter(|path| path.is_file()) {
            self.note(file, true);
        }
        // A package has others in it.
        if let Some(name) = form.strip_prefix("*/") {
            let packages = found.iter().filter_map(|file| {
                let below = file.strip_prefix(folder).ok()?;
                Some(folder.join(below.iter().next()?))
            });
            for package in packages.collect::<BTreeSet<_>>() {
                self.note_form(&package, &format!("**/{name}"));
            }
        }
        self.forms.push(NotedForm {
            folder: folder.to_owned(),
            form: form.to_owned(),
            found,
        });
    }

    /// Notes what stands in `folder` by names of this form, whatever is in it.
    pub(super) fn note_names(&mut self, folder: &Path, form: &str) {
        let found = found_in(folder, form);
        for path in &found {
            self.note_missing(path);
        }
        self.forms.push(NotedForm {
            folder: folder.to_owned(),
            form: form.to_owned(),
            found,
        });
    }

    /// Notes the file at `path`, which the command can change and which may be data to what runs; its state, if
    /// there is one.
    pub(super) fn note_data(&mut self, path: &Path) -> Option<Stamp> {
        let mut noted = self.noted.iter().chain(&self.data);
        if let Some(noted) = noted.find(|noted| noted.path == path) {
            return noted.stamp.clone();
        }
        let stamp = Stamp::with_content(path, &mut self.left.data);
        self.data.push(NotedDirectory {
            path: path.to_owned(),
            is_open: true,
            stamp: stamp.clone(),
        });
        stamp
    }

    /// Notes what stands at `path`, as that there is nothing.
    pub(super) fn note_missing(&mut self, path: &Path) {
        if !self.missing.contains_key(path) {
            self.missing.insert(path.to_owned(), presence(path));
        }
    }

    /// Those that say what runs and that the command can change.
    pub(super) fn open(&self) -> Vec<PathBuf> {
        let open = self.noted.iter().filter(|noted| noted.is_open);
        let open = open.filter(|noted| noted.stamp.is_some());
        open.map(|noted| noted.path.clone()).collect()
    }

    /// Notes all that is in the directory at `path`, as far as that is looked at.
    pub(super) fn note_tree(&mut self, path: &Path) {
        if self.trees.iter().any(|(noted, _)| noted == path) {
            return;
        }
        let tree = Tree::of(path, &mut self.left.trees);
        self.trees.push((path.to_owned(), tree));
    }

    /// A file that the command can change and of which nobody could say later whether it has; in words for
    /// people.
    pub(super) fn unheld(&self) -> Option<String> {
        let unheld = self.noted.iter().find(|noted| {
            let stamp = noted.stamp.as_ref().filter(|_| noted.is_open);
            stamp.is_some_and(|stamp| !stamp.has_content())
        });
        unheld.map(|noted| {
            let path = shown(&noted.path);
            format!("the command can change {path}, which is too large or can't be read")
        })
    }

    /// The first that is not as it was, in words for people.
    pub fn changed(&self) -> Option<String> {
        let mut left = ReadBudget::default();
        let mut noted = self.noted.iter();
        let changed =
            noted.find(|file| stamp(&file.path, file.is_open, &mut left.content) != file.stamp);
        let mut data = self.data.iter();
        let changed = changed.or_else(|| {
            data.find(|file| Stamp::with_content(&file.path, &mut left.data) != file.stamp)
        });
        let changed = changed.map(|noted| noted.path.clone());
        let changed = changed.or_else(|| {
            let mut missing = self.missing.iter();
            let came = missing.find(|&(path, before)| presence(path) != *before);
            came.map(|(path, _)| path.clone())
        });
        let changed = changed.or_else(|| self.forms.iter().find_map(NotedForm::changed));
        let mut trees = self.trees.iter();
        let changed = changed.or_else(|| {
            let tree = trees.find(|(path, tree)| Tree::of(path, &mut left.trees) != *tree);
            tree.map(|(path, _)| path.clone())
        });
        changed.map(|path| format!("{} has changed", shown(&path)))
    }
}

impl NotedForm {
    /// The first that has come, or is gone.
    fn changed(&self) -> Option<PathBuf> {
        let now = found_in(&self.folder, &self.form);
        now.symmetric_difference(&self.found).next().cloned()
    }
}

fn presence(path: &Path) -> Presence {
    let found = fs::metadata(path).map(|found| (found.dev(), found.ino()));
    (found.ok(), fs::read_link(path).ok())
}

fn stamp(path: &Path, is_open: bool, left: &mut u64) -> Option<Stamp> {
    if is_open {
        Stamp::with_content(path, left)
    } else {
        Stamp::of(path)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;

    #[test]
    fn what_is_written_without_a_trace_is_noticed() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let path = folder.path().join("s.sh");
        fs::write(&path, "echo a\n").unwrap();
        let mut files = Files::default();
        files.note(&path, true).unwrap();
        assert_eq!((files.unheld(), files.changed()), (None, None));
        let file = fs::File::options().write(true).open(&path).unwrap();
        let times = fs::FileTimes::new().set_modified(file.metadata().unwrap().modified().unwrap());
        file.write_all_at(b"echo b\n", 0).unwrap();
        file.set_times(times).unwrap();
        let why = format!("{} has changed", path.display());
        assert_eq!(files.changed(), Some(why));
    }

    #[test]
    fn what_is_too_large_is_not_held() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let path = folder.path().join("large");
        let file = fs::File::create(&path).unwrap();
        file.set_len(100).unwrap();
        let with_left = |content| Files {
            left: ReadBudget {
                content,
                ..ReadBudget::default()
            },
            ..Files::default()
        };
        let mut files = with_left(99);
        files.note(&path, true);
        assert!(files.unheld().is_some());
        let mut files = with_left(99);
        files.note(&path, false);
        assert_eq!(files.unheld(), None);
    }

    #[test]
    fn without_a_sandbox_what_is_ours_can_change() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "").unwrap();
        assert!(FileReach::of(None).includes(&path));
        assert!(!FileReach::of(Some(&[])).includes(&path));
        assert!(FileReach::of(Some(&[folder.path().to_owned()])).includes(&path));
        let others = FileReach::of(None).includes(Path::new("/usr/bin/env"));
        assert_eq!(others, geteuid().is_root());
    }
}
