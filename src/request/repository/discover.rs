//! The repository that git finds, or that is the only one it may find.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::super::argv;
use super::super::walk::{ResolvedFile, Roots, WalkEnd, walk_to};
use super::files::{exists, pointer};
use super::{Objection, VariableLookup};

/// A repository that the sandboxed side can't have written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repository {
    /// Its own files.
    pub(super) git_dir: PathBuf,
    /// Those that it shares with other working trees; the same where it shares none.
    pub(super) common: PathBuf,
    /// The working tree that it was found by.
    pub(super) tree: Option<PathBuf>,
    /// The sandboxed side can make one that git would find first, between there and where it starts.
    pub(super) pinned: bool,
}

impl Repository {
    /// Whether it is the user's.
    pub(super) fn is_own(&self) -> bool {
        let own =
            |path: &Path| fs::metadata(path).is_ok_and(|file| file.uid() == geteuid().as_raw());
        own(&self.git_dir) && self.tree.as_deref().is_none_or(own)
    }
}

/// The first one in `start`, a directory that exists, or above it, as git looks for it.
///
/// # Errors
/// The sandboxed side could have written it, or can make one.
pub(super) fn find(start: &Path, roots: &Roots) -> Result<Option<Repository>, Objection> {
    let Ok(ResolvedFile { real, open, .. }) = walk_to(start, roots, WalkEnd::Directory) else {
        return Err(Objection::at("a directory that can't be looked at", start));
    };
    let device = fs::metadata(&real).map_err(|_| Objection::at("no such directory", start))?;
    let mut pinned = false;
    for (directory, open) in real.ancestors().zip(open.into_iter().rev()) {
        // Git doesn't look further either.
        let here = fs::metadata(directory).is_ok_and(|here| here.dev() == device.dev());
        if !here {
            break;
        }
        if let Some(found) = at(directory, open, roots)? {
            // Told where it is, git doesn't ask whose it is.
            if pinned && !found.is_own() {
                return Err(Objection::at(
                    "a repository of another user",
                    &found.git_dir,
                ));
            }
            return Ok(Some(Repository { pinned, ..found }));
        }
        pinned |= open;
    }
    if pinned {
        return Err(Objection::at(
            "there is no repository, and the command could make one at any time",
            start,
        ));
    }
    Ok(None)
}

/// The one that variables choose for a git that a program outside starts in `start`, or that git finds
/// there.
///
/// # Errors
/// The sandboxed side could have written it, or what else they choose, or can make one.
pub(super) fn chosen(
    start: &Path,
    variables: VariableLookup<'_>,
    roots: &Roots,
) -> Result<Option<Repository>, Objection> {
    let path = |name| {
        let value = variables(name).filter(|value| !value.is_empty());
        value.map(|value| start.join(value))
    };
    for name in ["GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"] {
        if let Some(entry) = path(name).and_then(|path| roots.entry_towards(&path)) {
            return Err(hostile(&entry));
        }
    }
    let Some(git_dir) = path("GIT_DIR") else {
        return find(start, roots);
    };
    match fs::symlink_metadata(&git_dir) {
        Ok(file) if !file.is_dir() => match roots.entry_towards(&git_dir) {
            Some(entry) => Err(hostile(&entry)),
            None => pointed(&git_dir, &file, None, roots).map(Some),
        },
        _ => linked(&git_dir, None, roots).map(Some),
    }
}

/// The one that is `directory`'s own; `open` says whether the sandboxed side can write in it.
fn at(directory: &Path, open: bool, roots: &Roots) -> Result<Option<Repository>, Objection> {
    let inner = directory.join(".git");
    let tree = Some(directory.to_owned());
    match fs::symlink_metadata(&inner) {
        Ok(file) if open && !roots.protect(&file) => return Err(hostile(&inner)),
        Ok(file) if file.is_dir() => {
            if is_repository(&inner) {
                return sound(&inner, tree, roots).map(Some);
            }
            if exists(&inner.join("commondir")) {
                return Err(Objection::at("a repository that leads to another", &inner));
            }
        }
        Ok(file) => return pointed(&inner, &file, tree, roots).map(Some),
        Err(_) if exists(&inner) => {
            return Err(Objection::at(
                "a repository that can't be looked at",
                &inner,
            ));
        }
        Err(_) => {}
    }
    let head = exists(&directory.join("HEAD"));
    let bare = is_repository(directory) || head && exists(&directory.join("commondir"));
    match (bare, open) {
        (false, _) => Ok(None),
        (true, true) => Err(hostile(directory)),
        (true, false) => sound(directory, None, roots).map(Some),
    }
}

/// The one that a `.git` leads to that is no directory: that of a linked working tree, or of a submodule.
fn pointed(
    inner: &Path,
    file: &Metadata,
    tree: Option<PathBuf>,
    roots: &Roots,
) -> Result<Repository, Objection> {
    let target = if file.is_symlink() && !roots.protect(file) {
        fs::canonicalize(inner).ok()
    } else {
        pointer(inner, b"gitdir: ")
    };
    let Some(target) = target else {
        return Err(Objection::at(
            "a repository that is named in no plain way",
            inner,
        ));
    };
    linked(&target, tree, roots)
}

/// The one whose own files are in the directory `target`, which it may share with others.
fn linked(target: &Path, tree: Option<PathBuf>, roots: &Roots) -> Result<Repository, Objection> {
    let git_dir = closed(target, roots)?;
    let common = git_dir.join("commondir");
    let common = if exists(&common) {
        let named = pointer(&common, b"");
        let odd = "a repository that leads to another in no plain way";
        closed(&named.ok_or_else(|| Objection::at(odd, target))?, roots)?
    } else {
        git_dir.clone()
    };
    if !exists(&git_dir.join("HEAD")) || !is_repository(&common) {
        return Err(Objection::at("a repository that isn't there", target));
    }
    Ok(Repository {
        git_dir,
        common,
        tree,
        pinned: false,
    })
}

/// One whose directory this is.
pub(super) fn sound(
    directory: &Path,
    tree: Option<PathBuf>,
    roots: &Roots,
) -> Result<Repository, Objection> {
    if exists(&directory.join("commondir")) {
        return Err(Objection::at(
            "a repository that leads to another",
            directory,
        ));
    }
    let git_dir = closed(directory, roots)?;
    Ok(Repository {
        common: git_dir.clone(),
        git_dir,
        tree,
        pinned: false,
    })
}

/// The directory without links, which the sandboxed side can neither write nor replace.
fn closed(path: &Path, roots: &Roots) -> Result<PathBuf, Objection> {
    match walk_to(path, roots, WalkEnd::Directory) {
        Ok(found) if found.writable.is_none() && found.open.last() == Some(&false) => {
            Ok(found.real)
        }
        Ok(_) => Err(hostile(path)),
        Err(_) => Err(Objection::at("a repository that can't be looked at", path)),
    }
}

fn hostile(path: &Path) -> Objection {
    Objection::at("a repository that the command could have written", path)
}

/// Whether git would take the directory for a repository. (What it leads to is looked at apart.)
pub(super) fn is_repository(directory: &Path) -> bool {
    let names = ["HEAD", "objects", "refs"];
    names.iter().all(|name| exists(&directory.join(name)))
}

/// Variables that choose another repository or another part of it than git would find.
pub(super) const CHOOSING: [&str; 12] = [
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_TEMPLATE_DIR",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
];

/// One of them that is set.
pub(super) fn choosing(variables: VariableLookup<'_>) -> Option<&'static str> {
    let set = |name: &&str| variables(name).is_some_and(|value: OsString| !value.is_empty());
    CHOOSING.into_iter().find(set)
}

impl Objection {
    pub(super) fn at(what: &str, path: &Path) -> Self {
        Self(format!("{what}: {}", argv::word(path.as_os_str())))
    }
}
