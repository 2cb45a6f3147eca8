//! Where the paths that a command names lead, as far as links are on the way: a yes is a yes to that.

use std::path::{Path, PathBuf};

use super::covered::Uncovered;
use crate::request::Followed;
use crate::request::argv;
use crate::request::program::normalised;

/// The longest path in a text, in bytes.
const PATH_LIMIT: usize = 300;

/// The links on the ways of a command's paths, as they were when somebody looked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Leads {
    /// What was looked at.
    paths: Vec<PathBuf>,
    links: Vec<Lead>,
    /// A path of which nobody knows where it leads.
    unknown: Option<PathBuf>,
}

/// A path that passes a link, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Lead {
    path: PathBuf,
    real: PathBuf,
}

impl Leads {
    /// Those of `paths`, which are absolute.
    pub(super) fn of(paths: Vec<PathBuf>) -> Self {
        let followed = Followed::of(paths.clone(), &[]);
        let mut leads = Self {
            paths: paths.clone(),
            ..Self::default()
        };
        for path in paths {
            let real = followed.way(&path).and_then(|way| way.real.clone());
            match real {
                Some(real) if real == normalised(&path) => {}
                Some(real) => leads.links.push(Lead { path, real }),
                None => leads.unknown = leads.unknown.or(Some(path)),
            }
        }
        leads
    }

    /// Whether they are now as they were.
    pub(super) fn hold(&self) -> bool {
        *self == Self::of(self.paths.clone())
    }

    /// Each in words for people.
    pub(super) fn texts(&self) -> impl ExactSizeIterator<Item = String> {
        let text = |lead: &Lead| format!("{} leads to {}", shown(&lead.path), shown(&lead.real));
        self.links.iter().map(text)
    }

    /// That it is known of every path where it leads.
    ///
    /// # Errors
    /// It isn't: the next time it may be somewhere else.
    pub(super) fn are_known(&self) -> Result<(), Uncovered> {
        let unknown = self.unknown.as_deref().map(shown);
        unknown.map_or(Ok(()), |path| {
            Err(format!("nobody knows where {path} leads"))
        })
    }
}

fn shown(path: &Path) -> String {
    argv::bounded(&[path.as_os_str().to_owned()], PATH_LIMIT)
}
