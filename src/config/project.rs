//! What a project's `.codex` folder says, and the hash by which it is trusted.

use std::fs;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::digest::Digester;
use crate::rules::{Layer, Origin};
use crate::sys::read_capped::read_capped;

use super::places::FILE;
use crate::confine::is_placeholder;

/// Files of one project.
const MAX_FILES: usize = 256;
/// Bytes of one file.
const MAX_FILE: usize = 4 << 20;
/// Bytes of all files together.
const MAX_ALL: usize = 16 << 20;

/// The files of a project that count once they are trusted, as they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The directory that has the `.codex` folder.
    pub root: PathBuf,
    /// Its `codex-shell.toml`, if there is one.
    pub settings: Option<ProjectFile>,
    /// Its rules, sorted by name.
    pub rules: Vec<ProjectFile>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it held when it was read.
    pub content: Vec<u8>,
}

impl ProjectFile {
    fn origin(&self, layer: Layer, path: PathBuf) -> Origin {
        Origin {
            layer,
            path,
            content: Some(self.content.clone()),
        }
    }
}

/// A file of a project can't be read, so nothing of it counts.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct Unreadable {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

impl Project {
    /// Reads the files of the project at `root`; `None` when it has none that concern us.
    pub fn read(root: &Path) -> Result<Option<Self>, Unreadable> {
        let folder = root.join(".codex");
        let mut room = MAX_ALL;
        let settings = folder.join(FILE);
        let settings = if exists(&settings) {
            Some(read(settings, &mut room)?)
        } else {
            None
        };
        let mut rules = Vec::new();
        for path in rules_in(&folder.join("rules"))? {
            rules.push(read(path, &mut room)?);
        }
        if settings.is_none() && rules.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            root: root.to_owned(),
            settings,
            rules,
        }))
    }

    /// The project at `root` that has these files, in any order.
    pub(super) fn of(root: &Path, files: impl IntoIterator<Item = ProjectFile>) -> Self {
        let place = root.join(".codex").join(FILE);
        let is_settings = |file: &ProjectFile| file.path == place;
        let (mut settings, mut rules): (Vec<_>, Vec<_>) = files.into_iter().partition(is_settings);
        rules.sort_by(|one, other| one.path.cmp(&other.path));
        Self {
            root: root.to_owned(),
            settings: settings.pop(),
            rules,
        }
    }

    /// All files, the settings first.
    pub fn files(&self) -> impl Iterator<Item = &ProjectFile> {
        self.settings.iter().chain(&self.rules)
    }

    /// Every file by its name and content, in hexadecimal.
    pub fn hash(&self) -> String {
        let mut digester = Digester::default();
        let mut part = |bytes: &[u8]| {
            digester.write(&(bytes.len() as u64).to_le_bytes());
            digester.write(bytes);
        };
        for file in self.files() {
            part(self.name(file).as_os_str().as_encoded_bytes());
            part(&file.content);
        }
        digester.digest().to_string()
    }

    /// The rules, to be loaded as they were read.
    pub fn origins(&self) -> Vec<Origin> {
        let rules = self.rules.iter();
        rules
            .map(|file| file.origin(Layer::Project, file.path.clone()))
            .collect()
    }

    /// The rules of a project that has changed since it was `trusted`, if it is known what it was: those
    /// that there are, and those that have been changed or removed. All restrict, none permits.
    pub fn changed_origins(&self, trusted: Option<&Self>) -> Vec<Origin> {
        let now = self.rules.iter();
        let now = now.map(|file| file.origin(Layer::Changed, file.path.clone()));
        let before = trusted.iter().flat_map(|trusted| &trusted.rules);
        let before = before.filter(|file| !self.rules.contains(file));
        let before = before.map(|file| {
            let mut name = file.path.clone().into_os_string();
            name.push(" (as it was trusted)");
            file.origin(Layer::Changed, name.into())
        });
        now.chain(before).collect()
    }

    /// A file's name from the project's directory on.
    pub fn name<'a>(&self, file: &'a ProjectFile) -> &'a Path {
        file.path.strip_prefix(&self.root).unwrap_or(&file.path)
    }
}

/// Whether there is something, be it a link that leads nowhere.
fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok() && !is_placeholder(path)
}

fn unreadable(path: &Path, reason: &dyn std::fmt::Display) -> Unreadable {
    Unreadable {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

fn read(path: PathBuf, room: &mut usize) -> Result<ProjectFile, Unreadable> {
    let limit = MAX_FILE.min(*room);
    match read_capped(&path, limit, Duration::ZERO) {
        Ok(content) => {
            *room -= content.len();
            Ok(ProjectFile { path, content })
        }
        Err(error) => Err(unreadable(&path, &error)),
    }
}

fn rules_in(folder: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    if !exists(folder) {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "rules")
        {
            paths.push(path);
        }
        if paths.len() > MAX_FILES {
            return Err(unreadable(
                folder,
                &format!("more than {MAX_FILES} rules files"),
            ));
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, Option<Project>) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".codex/rules")).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(".codex").join(name), text).unwrap();
        }
        let read = Project::read(folder.path()).unwrap();
        (folder, read)
    }

    #[test]
    fn a_folder_of_others_is_no_project() {
        assert_eq!(
            project(&[("config.toml", "x"), ("rules/x.txt", "")]).1,
            None
        );
    }

    #[test]
    fn every_name_and_every_byte_counts() {
        let hash = |files: &[(&str, &str)]| project(files).1.unwrap().hash();
        let base = hash(&[("rules/a.rules", "1"), (FILE, "2")]);
        assert_eq!(base, hash(&[(FILE, "2"), ("rules/a.rules", "1")]));
        for other in [
            &[("rules/a.rules", "1")][..],
            &[("rules/a.rules", "2"), (FILE, "2")],
            &[("rules/b.rules", "1"), (FILE, "2")],
            &[("rules/a.rules", "12"), (FILE, "")],
            &[("rules/a.rules", "1"), ("rules/b.rules", ""), (FILE, "2")],
        ] {
            assert_ne!(base, hash(other), "{other:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let (folder, _) = project(&[]);
        std::os::unix::fs::symlink("/nowhere", folder.path().join(".codex/rules/x.rules")).unwrap();
        let error = Project::read(folder.path()).unwrap_err();
        assert!(error.path.ends_with("x.rules"));
    }
}
