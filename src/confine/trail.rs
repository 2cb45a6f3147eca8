//! The way to a path: each symbolic link that is met, and where it ends.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::unseen;

/// How many symbolic links the kernel follows.
const LINKS: usize = 40;

/// Where the way ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TrailEnd {
    /// At this file or directory, in no link any more; at a file also where the path was to go on.
    There(PathBuf),
    /// At a name that nothing is at; the path was to go on from there, or it was not.
    Missing { path: PathBuf, goes_on: bool },
    /// Nowhere: it leads in a circle.
    Nowhere,
}

/// The way to a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trail {
    /// The symbolic links on it, each in a directory that is reached by none.
    pub(super) links: Vec<PathBuf>,
    pub(super) end: TrailEnd,
}

impl Trail {
    /// The way to `path`, absolute.
    pub(super) fn to(path: &Path) -> Self {
        Self::below(Path::new("/"), path)
    }

    /// The way to `path` from `directory`, which is canonical.
    pub(super) fn below(directory: &Path, path: &Path) -> Self {
        let mut links = Vec::new();
        let end = follow(directory, path, &mut links).unwrap_or(TrailEnd::Nowhere);
        Self { links, end }
    }

    /// What a program reads or makes that names the path; `None` where a directory on the way is missing.
    pub(super) fn target(&self) -> Option<&Path> {
        match &self.end {
            TrailEnd::There(path)
            | TrailEnd::Missing {
                path,
                goes_on: false,
            } => Some(path),
            TrailEnd::Missing { goes_on: true, .. } | TrailEnd::Nowhere => None,
        }
    }

    /// Every entry that leads there: whoever can replace one leads elsewhere.
    pub(super) fn entries(&self) -> impl Iterator<Item = &PathBuf> {
        let end = match &self.end {
            TrailEnd::There(path) | TrailEnd::Missing { path, .. } => Some(path),
            TrailEnd::Nowhere => None,
        };
        self.links.iter().chain(end)
    }
}

/// Whether `path`, without links, lies in one of `roots`.
pub(super) fn within(path: &Path, roots: &[PathBuf]) -> bool {
    roots.iter().any(|root| path.starts_with(root))
}

fn follow(directory: &Path, path: &Path, links: &mut Vec<PathBuf>) -> Option<TrailEnd> {
    let mut at = directory.to_owned();
    let mut ahead = Vec::new();
    push(&mut ahead, path);
    while let Some(step) = ahead.pop() {
        let Some(name) = step else {
            at.pop();
            continue;
        };
        let entry = at.join(name);
        let found = fs::symlink_metadata(&entry).ok();
        match found {
            Some(found) if found.is_symlink() && !unseen::is_at(&entry) => {
                if links.len() == LINKS {
                    return None;
                }
                let target = fs::read_link(&entry).ok()?;
                links.push(entry);
                if target.has_root() {
                    at = PathBuf::from("/");
                }
                push(&mut ahead, &target);
            }
            Some(found) if !found.is_symlink() => {
                at = entry;
                if !found.is_dir() {
                    break;
                }
            }
            _ => {
                let goes_on = !ahead.is_empty();
                return Some(TrailEnd::Missing {
                    path: entry,
                    goes_on,
                });
            }
        }
    }
    Some(TrailEnd::There(at))
}

/// Puts the components of `path` before those still to go; `None` is a step up.
fn push(ahead: &mut Vec<Option<OsString>>, path: &Path) {
    for component in path.components().rev() {
        match component {
            Component::Normal(name) => ahead.push(Some(name.to_owned())),
            Component::ParentDir => ahead.push(None),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_one_by_one() {
        let directory = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir_all(base.join("a/b")).unwrap();
        fs::write(base.join("a/file"), "").unwrap();
        symlink("a/b", base.join("into")).unwrap();
        symlink(base.join("into/../file"), base.join("a/again")).unwrap();
        let trail = Trail::to(&base.join("a/again"));
        assert_eq!(trail.links, [base.join("a/again"), base.join("into")]);
        assert_eq!(trail.end, TrailEnd::There(base.join("a/file")));
        assert_eq!(trail, Trail::below(&base, Path::new("a/./again")));
        assert_eq!(trail.entries().count(), 3);
    }

    #[test]
    fn the_first_missing_name_is_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(directory.path()).unwrap();
        symlink("not/yet", base.join("link")).unwrap();
        let trail = Trail::to(&base.join("link/x"));
        let path = base.join("not");
        let goes_on = true;
        assert_eq!(trail.end, TrailEnd::Missing { path, goes_on });
        let trail = Trail::to(&base.join("other"));
        let (path, goes_on) = (base.join("other"), false);
        assert_eq!(trail.end, TrailEnd::Missing { path, goes_on });
    }

    #[test]
    fn circles_end_nowhere_and_a_file_ends_the_way() {
        let directory = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(directory.path()).unwrap();
        symlink("circle", base.join("circle")).unwrap();
        fs::write(base.join("file"), "").unwrap();
        for name in ["circle", "circle/x"] {
            assert_eq!(Trail::to(&base.join(name)).end, TrailEnd::Nowhere, "{name}");
        }
        let end = Trail::to(&base.join("file/x/..")).end;
        assert_eq!(end, TrailEnd::There(base.join("file")));
        assert_eq!(
            Trail::to(Path::new("/../..")).end,
            TrailEnd::There("/".into())
        );
    }
}
