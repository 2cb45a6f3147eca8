//! Which of many names there are, by a look into each directory instead of one for each name, unless there
//! is more in it than there are names.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// In a directory that has more entries, each name is looked for.
const LISTED: usize = 1000;

/// What has been seen in directories so far.
#[derive(Debug, Default)]
pub(super) struct Present {
    directories: HashMap<PathBuf, DirectoryState>,
}

/// What is known of a directory.
#[derive(Debug)]
enum DirectoryState {
    /// All that is in it.
    All(HashSet<OsString>),
    /// There is much in it.
    Much,
    /// It can't be looked into.
    Nothing,
}

impl Present {
    /// Whether there may be something at `name` from `directory` on; if not, there is nothing.
    pub(super) fn may_have(&mut self, directory: &Path, name: &str) -> bool {
        let mut at = directory.to_owned();
        for component in Path::new(name).components() {
            let Component::Normal(component) = component else {
                return true;
            };
            let seen = self.directories.entry(at.clone());
            let is_there = match seen.or_insert_with_key(|path| look(path)) {
                DirectoryState::All(names) => names.contains(component),
                DirectoryState::Much => fs::symlink_metadata(at.join(component)).is_ok(),
                DirectoryState::Nothing => return true,
            };
            if !is_there {
                return false;
            }
            at.push(component);
        }
        true
    }
}

fn look(directory: &Path) -> DirectoryState {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return DirectoryState::All(HashSet::new());
        }
        Err(_) => return DirectoryState::Nothing,
    };
    let mut names = HashSet::new();
    for entry in entries {
        let Ok(entry) = entry else {
            return DirectoryState::Nothing;
        };
        if names.len() == LISTED {
            return DirectoryState::Much;
        }
        names.insert(entry.file_name());
    }
    DirectoryState::All(names)
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
        let check = || {
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
        };
        check();
        for number in 0..=LISTED {
            fs::write(directory.path().join(number.to_string()), "").unwrap();
        }
        check();
    }
}
