//! Where the paths among a command's words lead, every link followed.
//!
//! Rules name places; a link that the sandboxed side has made leads from one to another.
//!
//! Where a rule speaks of places, the paths among a command's words are followed before it is judged, every
//! link and every missing name on the way (`request/followed.rs`); the judge itself looks at no file. A rule
//! that restricts matches by the name and by where that leads. One that permits needs both, and no entry on
//! the way that the sandboxed side could replace, since the program goes the way once more.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::walk::{Roots, Way, way_to};

/// As many paths of one command are followed.
const PATHS: usize = 1000;

/// What was found of each path that somebody followed. Copies share it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed(Arc<HashMap<PathBuf, Way>>);

impl Followed {
    /// Follows `paths`, absolute, where the sandboxed side can write the `writable` roots.
    pub fn of(paths: Vec<PathBuf>, writable: &[PathBuf]) -> Self {
        let roots = Roots::of(writable);
        let paths = paths.into_iter().take(PATHS);
        let ways = paths.map(|path| {
            let way = way_to(&path, &roots);
            (path, way)
        });
        Self(Arc::new(ways.collect()))
    }

    /// What was found of `path`; `None` where nobody followed it.
    pub fn way(&self, path: &Path) -> Option<&Way> {
        self.0.get(path)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_and_what_is_missing_is_where_it_would_be() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let at = |name: &str| folder.join(name);
        fs::create_dir_all(at("ws/d")).unwrap();
        fs::create_dir(at("out")).unwrap();
        fs::write(at("out/file"), "").unwrap();
        symlink("../out", at("ws/link")).unwrap();
        symlink("ws/d", at("own")).unwrap();
        symlink("loop", at("ws/loop")).unwrap();
        let found = |name: &str| {
            let followed = Followed::of(vec![at(name)], &[at("ws")]);
            let way = followed.way(&at(name)).unwrap().clone();
            let real = way
                .real
                .map(|real| real.strip_prefix(&folder).unwrap().to_owned());
            (real, way.is_open)
        };
        for (name, real, open) in [
            ("out/file", "out/file", false),
            ("out/new/er", "out/new/er", false),
            ("own", "ws/d", true),
            ("own/x", "ws/d/x", true),
            ("ws", "ws", false),
            ("ws/d", "ws/d", true),
            ("ws/link", "out", true),
            ("ws/link/file", "out/file", true),
            ("ws/link/new", "out/new", true),
            ("ws/link/../x", "x", true),
            ("ws/missing/../x", "ws/x", true),
        ] {
            assert_eq!(found(name), (Some(real.into()), open), "{name}");
        }
        assert_eq!(found("ws/loop"), (None, true));
        let own = Path::new("/proc/self/cwd/x").to_owned();
        let followed = Followed::of(vec![own.clone()], &[]);
        assert_eq!(followed.way(&own).unwrap().real, None);
        assert_eq!(followed.way(Path::new("/other")), None);
    }
}
