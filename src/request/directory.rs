//! The directory that a request is made in.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use super::program::normalised;

/// A working directory: always there, and absolute. A request without one can't be made, so that no
/// check can take what nobody looked up for what was found to be harmless.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkingDirectory(PathBuf);

impl WorkingDirectory {
    /// The directory at `path`; `None` unless that is absolute.
    pub fn new(path: impl Into<PathBuf>) -> Option<Self> {
        let path = path.into();
        path.is_absolute().then_some(Self(path))
    }

    /// The directory that `way` leads to from this one, without links where it is there; an empty way leads
    /// nowhere else. Looks at the file system.
    #[must_use]
    pub fn within(&self, way: &Path) -> Self {
        if way.as_os_str().is_empty() {
            return self.clone();
        }
        // A shell takes `..` for the directory before, whatever links have led here.
        let path = normalised(&self.0.join(way));
        Self(fs::canonicalize(&path).unwrap_or(path))
    }
}

impl Deref for WorkingDirectory {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for WorkingDirectory {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_an_absolute_path_is_one() {
        for path in ["", ".", "work", "(unreachable)/work"] {
            assert_eq!(WorkingDirectory::new(path), None, "{path}");
        }
        let directory = WorkingDirectory::new("/work").unwrap();
        assert_eq!(&*directory, Path::new("/work"));
    }
}
