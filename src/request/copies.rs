//! Finds out of which program a file is a copy: under another name it does the same.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::program::PROGRAM_DIRECTORIES;
use crate::sys::read_capped::open_file;

/// Where the dynamic loaders are.
const LOADER_DIRECTORIES: [&str; 2] = ["/lib", "/lib64"];

/// How much of two files is compared at once.
const CHUNK: usize = 64 << 10;

/// Programs of which there may be copies, gathered when first needed.
#[derive(Debug, Default)]
pub struct Originals(OnceLock<Gathered>);

#[derive(Debug)]
struct Gathered {
    /// Where programs are.
    folders: BTreeSet<PathBuf>,
    /// Programs by the size of their files.
    sized: HashMap<u64, Vec<PathBuf>>,
}

impl Originals {
    /// The program that the file `real` is a copy of, or another link to, byte for byte. `open` is
    /// a path by which the file can be opened; `wanted` says of a name whether its program matters.
    ///
    /// Nearly every program is in a system directory, where nobody hides: there, nothing counts as
    /// a copy. Nor does what is on `PATH` under a name that matters itself, or two programs with the
    /// same bytes could not have different rules.
    pub fn of(&self, real: &Path, open: &Path, wanted: &dyn Fn(&OsStr) -> bool) -> Option<&Path> {
        let folder = real.parent()?;
        if PROGRAM_DIRECTORIES.iter().any(|known| folder == *known) {
            return None;
        }
        let size = std::fs::metadata(open).ok()?.len();
        let Gathered { folders, sized } = self.0.get_or_init(|| gathered(wanted));
        let alike = sized.get(&size)?.iter();
        if folders.contains(folder) && wanted(real.file_name()?) {
            return None;
        }
        let mut alike = alike.filter(|original| real != original.as_path());
        let found = alike.find(|original| is_same(original, open).unwrap_or(false))?;
        Some(found)
    }
}

/// The wanted programs of `PATH` and of the places where programs are.
fn gathered(wanted: &dyn Fn(&OsStr) -> bool) -> Gathered {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    let known = [&PROGRAM_DIRECTORIES[..], &LOADER_DIRECTORIES].concat();
    let folders = folders.chain(known.into_iter().map(PathBuf::from));
    // /bin and /usr/bin are often one.
    let folders: BTreeSet<PathBuf> = folders
        .filter_map(|folder| folder.canonicalize().ok())
        .collect();
    let mut sized: HashMap<u64, Vec<PathBuf>> = HashMap::new();
    for entry in folders.iter().filter_map(|f| f.read_dir().ok()).flatten() {
        let Ok(entry) = entry else {
            continue;
        };
        let path = entry.path();
        if !wanted(&entry.file_name()) && !wanted(path.as_os_str()) {
            continue;
        }
        match std::fs::metadata(&path) {
            Ok(file) if file.is_file() && file.len() > 0 => {
                sized.entry(file.len()).or_default().push(path);
            }
            _ => {}
        }
    }
    Gathered { folders, sized }
}

fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (open_file(one)?, open_file(other)?);
    let (first, second) = (one.metadata()?, other.metadata()?);
    if (first.dev(), first.ino()) == (second.dev(), second.ino()) {
        return Ok(true);
    }
    let (mut left, mut right) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        let count = one.read(&mut left)?;
        let (left, right) = (left.get(..count), right.get_mut(..count));
        let (Some(left), Some(right)) = (left, right) else {
            return Ok(false);
        };
        other.read_exact(right)?;
        if left != right {
            return Ok(false);
        }
        if count == 0 {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;

    use super::*;

    #[test]
    fn copies_and_links_are_known_and_others_are_not() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let path = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink("/bin/cat", path("link")).unwrap();
        for name in ["copy", "changed", "longer"] {
            std::fs::copy("/bin/cat", path(name)).unwrap();
        }
        let open = |name| File::options().write(true).open(path(name)).unwrap();
        open("changed").write_all_at(b"x", 1000).unwrap();
        let longer = open("longer");
        let end = longer.metadata().unwrap().len();
        longer.write_all_at(b"x", end).unwrap();

        let originals = Originals::default();
        let wanted = |name: &OsStr| name == "cat";
        let of = |path: &Path| originals.of(path, path, &wanted).map(Path::to_owned);
        let cat = Some(PathBuf::from("/usr/bin/cat"));
        assert_eq!(of(&path("copy")), cat);
        assert_eq!(of(&path("link")), cat);
        for other in ["changed", "longer", "missing"] {
            assert_eq!(of(&path(other)), None, "{other}");
        }
        assert_eq!(of(Path::new("/usr/bin/cat")), None);

        let nothing = Originals::default();
        let copy = path("copy");
        assert_eq!(nothing.of(&copy, &copy, &|_: &OsStr| false), None);
    }
}
