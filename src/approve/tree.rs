//! What is in a directory at one moment.

use std::ffi::OsString;
use std::fs::{self, FileType};
use std::hash::Hash as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::stamp::Stamp;
use crate::digest::{Digest, Digester};

/// How much is looked at, for all the directories of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Budget {
    /// Entries of directories.
    entries: usize,
    /// Bytes of files.
    content: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            entries: 10_000,
            content: 32 << 20,
        }
    }
}

/// All that lies in a directory and below, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Tree {
    mark: Digest,
    is_whole: bool,
}

impl Tree {
    /// That of the directory that `path` leads to, as far as the `budget` goes, which becomes less by it;
    /// `None` where there is none.
    pub(super) fn of(path: &Path, budget: &mut Budget) -> Option<Self> {
        let real = path.canonicalize().ok().filter(|real| real.is_dir())?;
        let mut hasher = Digester::default();
        let mut is_whole = true;
        let mut folders = vec![real.clone()];
        while let Some(folder) = folders.pop() {
            let Some(entries) = entries(&folder, budget) else {
                is_whole = false;
                continue;
            };
            is_whole &= budget.entries > 0;
            for (path, kind) in entries {
                path.as_os_str().hash(&mut hasher);
                if kind.is_dir() {
                    let found = fs::symlink_metadata(&path);
                    let found = found.map(|it| (it.dev(), it.ino(), it.mode()));
                    found.ok().hash(&mut hasher);
                    folders.push(path);
                    continue;
                }
                // To open a pipe could take its data away.
                let is_file = fs::metadata(&path).is_ok_and(|found| found.is_file());
                let stamp = is_file.then(|| Stamp::with_content(&path, &mut budget.content));
                let stamp = stamp.flatten();
                is_whole &= !kind.is_file() || stamp.as_ref().is_some_and(Stamp::has_content);
                is_whole &= !kind.is_symlink() || is_held_by(&path, stamp.as_ref(), &real);
                let text = kind.is_symlink().then(|| fs::read_link(&path).ok());
                (stamp, text).hash(&mut hasher);
            }
        }
        Some(Self {
            mark: hasher.digest(),
            is_whole,
        })
    }

    /// Whether all of it counts: there is no more in it than is looked at, and all of that can be read.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }
}

/// Whether what the `link` leads to is compared as well: a file, or what lies in the directory anyway.
fn is_held_by(link: &Path, stamp: Option<&Stamp>, folder: &Path) -> bool {
    match stamp {
        Some(stamp) => stamp.has_content(),
        None => link
            .canonicalize()
            .is_ok_and(|real| real.starts_with(folder)),
    }
}

/// What is in a directory, in an order that is the same each time; `None` where it can't be read.
fn entries(folder: &Path, budget: &mut Budget) -> Option<Vec<(PathBuf, FileType)>> {
    let mut found: Vec<(OsString, FileType)> = Vec::new();
    for entry in fs::read_dir(folder).ok()?.take(budget.entries) {
        let entry = entry.ok()?;
        found.push((entry.file_name(), entry.file_type().ok()?));
    }
    budget.entries = budget.entries.saturating_sub(found.len());
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let joined = found
        .into_iter()
        .map(|(name, kind)| (folder.join(name), kind));
    Some(joined.collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree(path: &Path) -> Tree {
        Tree::of(path, &mut Budget::default()).unwrap()
    }

    #[test]
    fn whatever_changes_below_is_noticed() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("a/b/c/d")).unwrap();
        fs::write(at("a/b/c/d/f"), "1").unwrap();
        symlink("b", at("a/link")).unwrap();
        let changes: [(&str, &dyn Fn()); 5] = [
            ("content", &|| fs::write(at("a/b/c/d/f"), "2").unwrap()),
            ("new", &|| fs::write(at("a/b/g"), "").unwrap()),
            ("name", &|| fs::rename(at("a/b/g"), at("a/b/h")).unwrap()),
            ("gone", &|| fs::remove_file(at("a/b/h")).unwrap()),
            ("link", &|| {
                fs::remove_file(at("a/link")).unwrap();
                symlink("b/c", at("a/link")).unwrap();
            }),
        ];
        for (what, change) in changes {
            let before = tree(folder.path());
            assert!(before.is_whole(), "{what}");
            assert_eq!(tree(folder.path()), before, "{what}");
            change();
            assert_ne!(tree(folder.path()), before, "{what}");
        }
        assert_eq!(Tree::of(&at("a/b/c/d/f"), &mut Budget::default()), None);
    }

    #[test]
    fn what_is_not_looked_at_is_said() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("a")).unwrap();
        for name in ["a/f", "a/g"] {
            fs::write(at(name), "1234").unwrap();
        }
        let is_whole = |entries, content| {
            let mut budget = Budget { entries, content };
            Tree::of(&at("a"), &mut budget).unwrap().is_whole()
        };
        assert!(is_whole(3, 8));
        assert!(!is_whole(2, 8));
        assert!(!is_whole(3, 7));
        fs::create_dir(at("other")).unwrap();
        symlink(at("other"), at("a/link")).unwrap();
        assert!(!is_whole(9, 99));
    }
}
