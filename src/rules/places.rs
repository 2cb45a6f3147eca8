//! Which files are meant: files as they are named, directories by their `*.rules` files.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file to read, or why there is none.
#[derive(Debug)]
pub(super) enum RulePosition {
    /// To be read.
    File(PathBuf),
    /// Named `*.rules` in a directory, but not a file.
    Skipped(PathBuf),
    /// A directory that can't be listed, or an entry that leads nowhere.
    Unreadable(PathBuf, io::Error),
}

/// The files of `path`: itself, or, if it is a directory, its `*.rules` files sorted by name.
pub(super) fn expand(path: &Path) -> Vec<RulePosition> {
    if !path.is_dir() {
        return vec![RulePosition::File(path.to_owned())];
    }
    match rules_in(path) {
        Ok(paths) => paths.into_iter().map(as_place).collect(),
        Err(error) => vec![RulePosition::Unreadable(path.to_owned(), error)],
    }
}

fn rules_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("rules")) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Symbolic links count as what they lead to.
fn as_place(path: PathBuf) -> RulePosition {
    match fs::metadata(&path) {
        Ok(found) if found.is_file() => RulePosition::File(path),
        Ok(_) => RulePosition::Skipped(path),
        Err(error) => RulePosition::Unreadable(path, error),
    }
}
