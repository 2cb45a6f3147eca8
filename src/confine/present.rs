//! Which of many names there are, by a look into each directory instead of one for each name.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// What has been seen in directories so far.
#[derive(Debug, Default)]
pub(super) struct Present {
    /// `None` where it can't be looked.
    directories: HashMap<PathBuf, Option<HashSet<OsString>>>,
}

impl Present {
    /// Whether there may be something at `name` from `directory` on; if not, there is nothing.
    pub(super) fn may_have(&mut self, directory: &Path, name: &str) -> bool {
        let mut at = directory.to_owned();
        for component in Path::new(name).components() {
            let Component::Normal(component) = component else {
                return true;
            };
            let listed = self.directories.entry(at.clone());
            let listed = listed.or_insert_with_key(|path| names(path));
            match listed {
                Some(names) if !names.contains(component) => return false,
                Some(_) => at.push(component),
                None => return true,
            }
        }
        true
    }
}

fn names(directory: &Path) -> Option<HashSet<OsString>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(HashSet::new()),
        entries => entries.ok()?,
    };
    entries
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<Result<_, _>>()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_not_there() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("a/b")).unwrap();
        fs::write(directory.path().join("file"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", directory.path().join("link")).unwrap();
        let mut present = Present::default();
        for (name, may) in [
            ("a", true),
            ("a/b", true),
            ("a/c", false),
            ("c/b", false),
            ("link", true),
            ("link/x", false),
            // It can't be looked into.
            ("file/x", true),
        ] {
            assert_eq!(present.may_have(directory.path(), name), may, "{name}");
        }
    }
}
