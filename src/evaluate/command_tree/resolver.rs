//! What a script that nobody has started needs to be known of its surroundings.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::request::{Followed, Request};

/// Who looks at files for a script that nobody has started.
#[derive(Clone, Copy)]
pub struct Resolver<'a> {
    /// What a command asks for.
    pub find: &'a dyn Fn(&UnstartedCommand<'_>) -> Request,
    /// What a file holds that a shell would read as a script; `None` where that can't be known.
    pub read: &'a dyn Fn(&Path) -> Option<Vec<u8>>,
    /// The variables, as far as they are known.
    pub variables: Option<&'a Arc<[(OsString, OsString)]>>,
    /// The name that the first shell has for its directory; `None` where nobody knows.
    pub directory: Option<&'a Path>,
    /// Where paths, absolute, lead.
    pub follow: &'a dyn Fn(Vec<PathBuf>) -> Followed,
}

/// A command that nobody has started.
#[derive(Debug)]
pub struct UnstartedCommand<'a> {
    /// The program and its arguments.
    pub words: &'a [OsString],
    /// The directory, by the way there from the first.
    pub directory: &'a Path,
    /// The variables that it has, less those of which nobody knows the value; `None`: nobody knows any.
    pub variables: Option<Arc<[(OsString, OsString)]>>,
    /// Those that it may have with another value than at first, and nobody knows which.
    pub unknown: Vec<&'a OsStr>,
}
