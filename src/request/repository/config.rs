//! The configuration that git would obey: whether the sandboxed side could have written it, or what it
//! names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::super::argv;
use super::super::walk::{Lost, Roots, walk};
use super::config_file::{Entry, parse};
use super::files::read;
use super::{GitStarter, Objection, VariableLookup};

/// A file of configuration is not larger, in bytes.
const LARGEST: usize = 1 << 20;
/// There are no more files, one including another.
const FILES: usize = 64;

/// Where git looks for the machine's, beside where it is installed.
const SYSTEM: &str = "/etc/gitconfig";

/// Files of configuration, as they are read.
pub(super) struct Config<'a> {
    pub(super) roots: &'a Roots,
    pub(super) home: Option<PathBuf>,
    /// Where programs are looked for, in order; relative ones as they are.
    pub(super) path: Vec<PathBuf>,
    files: usize,
    /// What they say, in order.
    pub(super) entries: Vec<Entry>,
}

impl<'a> Config<'a> {
    /// The machine's and the user's, for the program at `git`.
    pub(super) fn of_user(
        roots: &'a Roots,
        origin: GitStarter,
        variables: VariableLookup<'_>,
        git: Option<&Path>,
    ) -> Result<Self, Objection> {
        let home = variables("HOME").map(PathBuf::from);
        let path = variables("PATH");
        let path = path.iter().flat_map(|path| std::env::split_paths(path));
        let mut path: Vec<PathBuf> = path.collect();
        // What goes outside with a program from inside is without these.
        path.retain(|entry| {
            let whole = entry.is_absolute() && roots.entry_towards(&entry.join("git")).is_none();
            whole || origin == GitStarter::Outside
        });
        let mut config = Self {
            roots,
            home: home.clone(),
            path,
            files: 0,
            entries: Vec::new(),
        };
        let beside = git.and_then(Path::parent).and_then(Path::parent);
        let mut files = vec![PathBuf::from(SYSTEM)];
        files.extend(beside.map(|prefix| prefix.join("etc/gitconfig")));
        let named = |name| variables(name).map(PathBuf::from);
        files.extend(named("GIT_CONFIG_SYSTEM"));
        let below = |home: PathBuf| [home.join(".config/git/config"), home.join(".gitconfig")];
        files.extend(home.into_iter().flat_map(below));
        files.extend(named("XDG_CONFIG_HOME").map(|xdg| xdg.join("git/config")));
        files.extend(named("GIT_CONFIG_GLOBAL"));
        for file in files.iter().filter(|file| file.is_absolute()) {
            config.add(file)?;
        }
        config.add_variables(variables)?;
        Ok(config)
    }

    /// Reads one more file, and what it includes.
    pub(super) fn add(&mut self, file: &Path) -> Result<(), Objection> {
        self.files += 1;
        if self.files > FILES {
            return Err(Objection::new(
                "there is more configuration of git than is looked at",
            ));
        }
        match walk(file, self.roots) {
            Ok(found) if found.writable.is_none() => {}
            Err(Lost::Missing) => return Ok(()),
            Ok(_) | Err(Lost::Writable(_)) => {
                let file = argv::word(file.as_os_str());
                return Err(Objection(format!(
                    "configuration that the command could have written: {file}"
                )));
            }
            Err(Lost::Hidden) => return Err(unreadable(file)),
        }
        let bytes = read(file, LARGEST).map_err(|_| unreadable(file))?;
        let entries = parse(&bytes.unwrap_or_default()).ok_or_else(|| unreadable(file))?;
        for (name, value) in entries {
            let folder = file.parent().unwrap_or(file);
            self.take(name, value, folder)?;
        }
        Ok(())
    }

    /// Takes one variable from a file in `folder`, or what it includes.
    pub(super) fn take(
        &mut self,
        name: String,
        value: Vec<u8>,
        folder: &Path,
    ) -> Result<(), Objection> {
        let condition = name.strip_prefix("includeif.");
        let included = condition.is_some_and(|rest| rest.rsplit('.').next() == Some("path"));
        if !included && name != "include.path" {
            self.entries.push((name, value));
            return Ok(());
        }
        let path = self.resolve(&value, folder);
        self.add(&path.ok_or_else(|| unclear(&name))?)
    }

    /// The path that a value is; `None` where nobody knows here what it means.
    pub(super) fn resolve(&self, value: &[u8], folder: &Path) -> Option<PathBuf> {
        let value = value.strip_prefix(b":(optional)").unwrap_or(value);
        if let Some(rest) = value.strip_prefix(b"~/") {
            return Some(self.home.as_ref()?.join(OsStr::from_bytes(rest)));
        }
        let is_special = value.starts_with(b"~") || value.starts_with(b"%(");
        (!is_special).then(|| folder.join(OsStr::from_bytes(value)))
    }

    /// The last value of a variable.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        let mut entries = self.entries.iter().rev();
        let (_, value) = entries.find(|(known, _)| known == name)?;
        Some(value)
    }
}

fn unreadable(file: &Path) -> Objection {
    let file = argv::word(file.as_os_str());
    Objection(format!("configuration that can't be read: {file}"))
}

pub(super) fn unclear(name: &str) -> Objection {
    let name = argv::visible(name);
    Objection(format!("{name} names a place that isn't known here"))
}
