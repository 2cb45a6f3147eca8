//! Directories in a home where a program keeps what it fetched. It writes to several places in one, so whoever
//! lets it write there names the whole.

use std::path::{Path, PathBuf};

/// Below the home directory; the last component of some is whatever is there.
const CACHES: &[&str] = &[
    ".bun/install/cache",
    ".cache/*",
    ".cargo/git",
    ".cargo/registry",
    ".composer/cache",
    ".cpan/build",
    ".deno",
    ".electron-gyp",
    ".gradle/caches",
    ".hex/packages",
    ".ivy2/cache",
    ".local/share/pnpm/store",
    ".m2/repository",
    ".node-gyp",
    ".npm",
    ".nuget/packages",
    ".pnpm-store",
    ".yarn/berry",
    "go/pkg/mod",
];

/// The one that `path` lies in, if it lies in one below `home`.
pub(super) fn around(path: &Path, home: &Path) -> Option<PathBuf> {
    let below = path.strip_prefix(home).ok()?;
    CACHES.iter().find_map(|cache| {
        let length = Path::new(cache).components().count();
        let mut there = below.components();
        let begins = Path::new(cache).components().all(|wanted| {
            let one = there.next();
            one == Some(wanted) || one.is_some() && wanted.as_os_str() == "*"
        });
        let whole: PathBuf = below.components().take(length).collect();
        begins.then(|| home.join(whole))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_is_named_as_a_whole() {
        let around = |path: &str| around(Path::new(path), Path::new("/home/me"));
        for (path, whole) in [
            ("/home/me/.npm/_cacache/tmp/x", Some("/home/me/.npm")),
            ("/home/me/.npm", Some("/home/me/.npm")),
            (
                "/home/me/.cargo/registry/cache/a/b.crate",
                Some("/home/me/.cargo/registry"),
            ),
            ("/home/me/.cargo/bin/x", None),
            ("/home/me/.cache/pip/http/a", Some("/home/me/.cache/pip")),
            ("/home/me/.cache", None),
            ("/home/me/.npmrc", None),
            ("/home/you/.npm/x", None),
            ("/srv/.npm/x", None),
        ] {
            assert_eq!(around(path), whole.map(PathBuf::from), "{path}");
        }
    }
}
