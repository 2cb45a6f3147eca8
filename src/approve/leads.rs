//! Where the paths that a command names lead: a yes is a yes to that.

use std::path::{Path, PathBuf};

use super::text::Uncovered;
use super::text::shown;
use crate::request::program::normalised;
use crate::request::{PathTrace, trace};

/// As many entries are looked at on the ways of one command's paths.
const STEPS: usize = 200_000;

/// The ways of a command's paths, as they were when somebody looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leads {
    /// The working directory is the first.
    paths: Vec<PathBuf>,
    ways: Vec<PathTrace>,
}

/// Where they lead, as far as a question shows it: where a link is on the way, and where nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Destinations {
    links: Vec<Link>,
    /// A path of which nobody knows where it leads.
    unknown: Option<PathBuf>,
}

/// A path that passes a link, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Link {
    path: PathBuf,
    real: PathBuf,
}

impl Leads {
    /// Those of `paths` and of the working directory, all absolute; `None` where there is more on their ways
    /// than is looked at.
    pub(super) fn of(directory: &Path, paths: Vec<PathBuf>) -> Option<Self> {
        let paths = std::iter::once(directory.to_owned()).chain(paths).collect();
        Self::now(paths)
    }

    fn now(paths: Vec<PathBuf>) -> Option<Self> {
        let mut steps = STEPS;
        let ways = paths.iter().map(|path| trace(path, &mut steps));
        let ways = ways.collect::<Option<_>>()?;
        Some(Self { paths, ways })
    }

    /// The first path that does not lead where it did, by the same directories; in words for people.
    pub(super) fn changed(&self) -> Option<String> {
        let now = Self::now(self.paths.clone());
        let now = now.map_or_else(Vec::new, |now| now.ways);
        let mut pairs = self.paths.iter().enumerate();
        let changed = pairs.find(|&(nth, _)| self.ways.get(nth) != now.get(nth));
        changed.map(|(nth, path)| match nth {
            0 => format!("its directory, {}, is another one", shown(path)),
            _ => format!("where {} leads has changed", shown(path)),
        })
    }

    /// Where they lead, for whoever answers.
    pub(super) fn destinations(&self) -> Destinations {
        let mut links = Vec::new();
        let mut unknown = None;
        for (path, way) in self.paths.iter().zip(&self.ways) {
            let path = path.clone();
            match way.real.clone() {
                Some(real) if real == normalised(&path) => {}
                Some(real) => links.push(Link { path, real }),
                None => unknown = unknown.or(Some(path)),
            }
        }
        Destinations { links, unknown }
    }
}

impl Destinations {
    /// Each in words for people.
    pub(super) fn texts(&self) -> impl ExactSizeIterator<Item = String> {
        let text = |link: &Link| format!("{} leads to {}", shown(&link.path), shown(&link.real));
        self.links.iter().map(text)
    }

    /// That it is known of every path where it leads.
    ///
    /// # Errors
    /// It isn't: the next time it may be somewhere else.
    pub(super) fn are_known(&self) -> Result<(), Uncovered> {
        let unknown = self.unknown.as_deref().map(shown);
        unknown.map_or(Ok(()), |path| {
            Err(format!("it is not known where {path} leads"))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_directory_in_anothers_place_is_noticed() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let at = |name: &str| folder.join(name);
        for name in ["a/b/c", "a/o", "d", "other/b/c"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        let leads = Leads::of(&at("a/b/c"), vec![at("a/b/c/../../o/f"), at("d/f")]).unwrap();
        assert_eq!(leads.changed(), None);
        fs::write(at("d/f"), "").unwrap();
        assert_eq!(leads.changed(), None);
        for (from, to, what) in [
            ("a/b/c", "c", "its directory, "),
            ("a/o", "o", "where "),
            ("d", "e", "where "),
        ] {
            fs::rename(at(from), at(to)).unwrap();
            assert!(leads.changed().unwrap().starts_with(what), "{from}");
            fs::create_dir(at(from)).unwrap();
            assert!(leads.changed().unwrap().starts_with(what), "{from}");
            fs::remove_dir(at(from)).unwrap();
            fs::rename(at(to), at(from)).unwrap();
            assert_eq!(leads.changed(), None);
        }
        fs::rename(at("a/b"), at("b")).unwrap();
        fs::rename(at("other/b"), at("a/b")).unwrap();
        assert!(leads.changed().is_some());
    }

    #[test]
    fn what_is_too_long_to_follow_has_no_leads() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let long: PathBuf = std::iter::repeat_n("./../tmp", STEPS).collect();
        let path = Path::new("/var/tmp").join(long);
        assert_eq!(Leads::of(folder.path(), vec![path]), None);
    }
}
