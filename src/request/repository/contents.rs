//! What is in a repository, beside its configuration: hooks, submodules, objects of others.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::super::walk::Roots;
use super::super::{Earlier, argv};
use super::config::Config;
use super::discover::Repository;
use super::index::{self, Submodules};
use super::{Objection, files};

/// Entries of a directory that are looked at.
const ENTRIES: usize = 4096;
/// Directories in a repository from which git starts programs, or reads where others are.
const INNER: [&str; 5] = ["hooks", "info", "objects", "objects/info", "refs"];
/// The name of an object in most repositories, in bytes.
const SHA1: usize = 20;
const SHA256: usize = 32;

impl Repository {
    /// Why it may be the work of an earlier command.
    pub(super) fn doubt(&self, earlier: &Earlier) -> Option<String> {
        let own = earlier.doubt(&self.git_dir);
        own.or_else(|| earlier.doubt(&self.common))
    }

    /// Looks at what is in it.
    pub(super) fn look(&self, roots: &Roots, config: &mut Config<'_>) -> Result<(), Objection> {
        for directory in [&self.git_dir, &self.common] {
            look_in(directory, roots)?;
            for inner in INNER {
                look_in(&directory.join(inner), roots)?;
            }
            config.add(&directory.join("config"))?;
            config.add(&directory.join("config.worktree"))?;
        }
        self.look_at_alternates(roots)?;
        let format = config.get("extensions.objectformat");
        let hash = if format == Some(b"sha256") {
            SHA256
        } else {
            SHA1
        };
        match index::submodules(&self.git_dir, hash) {
            Submodules::None => {}
            Submodules::One(name) => {
                let name = argv::visible(&String::from_utf8_lossy(&name));
                return Err(Objection(format!(
                    "a submodule, in whose place the command could put another repository: {name}"
                )));
            }
            Submodules::Unknown => {
                return Err(Objection::at("an index that can't be read", &self.git_dir));
            }
        }
        let bare = config
            .get("core.bare")
            .is_some_and(|value| value == b"true");
        let elsewhere = config.get("core.worktree").is_some_and(|value| {
            let named = fs::canonicalize(self.git_dir.join(OsStr::from_bytes(value)));
            named.ok() != self.tree
        });
        // To say where it is would change what it is.
        if self.pinned && (self.tree.is_none() || bare || elsewhere) {
            return Err(Objection::at(
                "a repository without a working tree here",
                &self.git_dir,
            ));
        }
        Ok(())
    }

    /// Other repositories whose objects it takes for its own.
    fn look_at_alternates(&self, roots: &Roots) -> Result<(), Objection> {
        let objects = self.common.join("objects");
        let file = objects.join("info/alternates");
        let unreadable = |_| Objection::at("a list of repositories that can't be read", &file);
        let text = files::read(&file, 1 << 16).map_err(unreadable)?;
        for line in text.unwrap_or_default().split(|&byte| byte == b'\n') {
            let path = objects.join(OsStr::from_bytes(line));
            if !line.is_empty() && roots.entry_towards(&path).is_some() {
                return Err(Objection::at(
                    "objects that the command could have written",
                    &path,
                ));
            }
        }
        Ok(())
    }
}

/// Looks where the links in `directory` lead, which nobody inside can write.
fn look_in(directory: &Path, roots: &Roots) -> Result<(), Objection> {
    let unreadable = || Objection::at("a repository that can't be looked at", directory);
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if files::missing(&error) => return Ok(()),
        Err(_) => return Err(unreadable()),
    };
    for (number, entry) in entries.enumerate() {
        let path = entry.map_err(|_| unreadable())?.path();
        if let Some(entry) = roots.entry_towards(&path) {
            let what = "a part of the repository that the command could have written";
            return Err(Objection::at(what, &entry));
        }
        if number >= ENTRIES {
            return Err(Objection::at("more files than are looked at", directory));
        }
    }
    Ok(())
}
