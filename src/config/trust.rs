//! Which projects are trusted, by the hash of what was shown: `$CODEX_HOME/codex-shell/trust.json`.
//! Beside it, in `trusted`, is what that was, in a file named by the hash.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sys::own_file::{self, OwnError};
use crate::sys::read_capped::{ReadError, read_capped};

use super::places::trust_store;
use super::project::{Project, ProjectFile};

const SCHEMA: u32 = 1;
/// Bytes of the file: some ten thousand projects.
const MAX_FILE: usize = 4 << 20;
/// Bytes of what a project was: its files may have 16 MiB, and JSON may take six bytes for one.
const MAX_KEPT: usize = 100 << 20;

/// The projects that are trusted.
#[derive(Debug)]
pub struct TrustStore {
    path: PathBuf,
    document: TrustDocument,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrustDocument {
    schema: u32,
    /// From the project's directory to the hash of its files.
    projects: BTreeMap<String, String>,
}

/// What was trusted: the files of one project.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrustedFiles {
    schema: u32,
    /// From a file's name, in the project's directory, to what it held.
    files: BTreeMap<String, String>,
}

/// How a project stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustState {
    /// Its files are those that were trusted.
    Trusted,
    /// They have changed since.
    Changed,
    /// It never was.
    Unknown,
}

/// Why the store can't be used. Nothing is trusted then.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file can't be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: ReadError,
    },
    /// The file can't be written.
    #[error("{}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others could have written it.
    #[error("{}: users other than its owner can write it, so nothing in it counts", .0.display())]
    Writable(PathBuf),
    /// It is not what we write.
    #[error("{}: not a list of trusted projects", .0.display())]
    Garbled(PathBuf),
    /// JSON has no way to name the project.
    #[error("{}: a project can only be trusted if its path is UTF-8", .0.display())]
    Name(PathBuf),
}

impl TrustStore {
    /// Reads the store in `codex_home`; one that does not exist yet is empty.
    pub fn open(codex_home: &Path) -> Result<Self, TrustError> {
        let path = trust_store(codex_home);
        let document = match own_file::read(&path, MAX_FILE) {
            Ok(Some(bytes)) => parse(&bytes).ok_or_else(|| TrustError::Garbled(path.clone()))?,
            Ok(None) => TrustDocument {
                schema: SCHEMA,
                projects: BTreeMap::new(),
            },
            Err(OwnError::Writable) => return Err(TrustError::Writable(path)),
            Err(OwnError::Read(error)) => return Err(TrustError::Read { path, error }),
        };
        Ok(Self { path, document })
    }

    /// How `project` stands.
    pub fn standing(&self, project: &Project) -> TrustState {
        let known = project
            .root
            .to_str()
            .and_then(|root| self.document.projects.get(root));
        match known {
            Some(hash) if *hash == project.hash() => TrustState::Trusted,
            Some(_) => TrustState::Changed,
            None => TrustState::Unknown,
        }
    }

    /// The project at `root` as it was when it was trusted; `None` where nobody knows.
    pub fn trusted(&self, root: &Path) -> Option<Project> {
        let hash = self.document.projects.get(root.to_str()?)?;
        let bytes = read_capped(&self.kept(hash), MAX_KEPT, Duration::ZERO).ok()?;
        let kept: TrustedFiles = serde_json::from_slice(&bytes).ok()?;
        let files = kept.files.into_iter().map(|(name, content)| ProjectFile {
            path: root.join(name),
            content: content.into_bytes(),
        });
        let project = Project::of(root, files);
        // Its name is the hash: whatever else is there is not what was trusted.
        (kept.schema == SCHEMA && project.hash() == *hash).then_some(project)
    }

    /// Remembers `project` as it was read.
    pub fn trust(&mut self, project: &Project) -> Result<(), TrustError> {
        let (root, hash) = (name(&project.root)?, project.hash());
        let text = |file: &ProjectFile| {
            let name = project.name(file).to_str()?.to_owned();
            Some((name, String::from_utf8(file.content.clone()).ok()?))
        };
        // What is not text has errors and is not trusted; only a name may be none.
        if let Some(files) = project.files().map(text).collect() {
            let schema = SCHEMA;
            write(&self.kept(&hash), &TrustedFiles { schema, files })?;
        }
        let before = self.document.projects.insert(root, hash);
        self.write()?;
        self.forget(before);
        Ok(())
    }

    /// Forgets the project at `root`; says whether it was there.
    pub fn remove(&mut self, root: &Path) -> Result<bool, TrustError> {
        let hash = self.document.projects.remove(&name(root)?);
        let known = hash.is_some();
        if known {
            self.write()?;
            self.forget(hash);
        }
        Ok(known)
    }

    /// Removes what is kept of a project, unless another one is just the same.
    fn forget(&self, hash: Option<String>) {
        if let Some(hash) = hash
            && !self.document.projects.values().any(|other| *other == hash)
        {
            // Nobody looks for it any more.
            let _ = fs::remove_file(self.kept(&hash));
        }
    }

    fn kept(&self, hash: &str) -> PathBuf {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        folder.join("trusted").join(hash)
    }

    /// The directories of the projects, sorted.
    pub fn projects(&self) -> impl Iterator<Item = &Path> {
        self.document.projects.keys().map(Path::new)
    }

    fn write(&self) -> Result<(), TrustError> {
        write(&self.path, &self.document)
    }
}

fn write(path: &Path, document: &impl Serialize) -> Result<(), TrustError> {
    let written = own_file::replace(path, |file| {
        serde_json::to_writer_pretty(&mut *file, document)?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    written.map_err(|error| TrustError::Write {
        path: path.to_owned(),
        error,
    })
}

fn parse(bytes: &[u8]) -> Option<TrustDocument> {
    let document: TrustDocument = serde_json::from_slice(bytes).ok()?;
    (document.schema == SCHEMA).then_some(document)
}

fn name(root: &Path) -> Result<String, TrustError> {
    root.to_str()
        .map(str::to_owned)
        .ok_or_else(|| TrustError::Name(root.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn project(text: &str) -> Project {
        Project {
            root: "/project".into(),
            settings: None,
            rules: vec![super::super::project::ProjectFile {
                path: "/project/.codex/rules/a.rules".into(),
                content: text.into(),
            }],
        }
    }

    #[test]
    fn trust_is_remembered_until_a_byte_changes() {
        let home = tempfile::tempdir().unwrap();
        let mut store = TrustStore::open(home.path()).unwrap();
        assert_eq!(store.standing(&project("a")), TrustState::Unknown);
        store.trust(&project("a")).unwrap();
        let mut store = TrustStore::open(home.path()).unwrap();
        assert_eq!(store.standing(&project("a")), TrustState::Trusted);
        assert_eq!(store.standing(&project("b")), TrustState::Changed);
        assert_eq!(
            store.projects().collect::<Vec<_>>(),
            [Path::new("/project")]
        );
        assert!(store.remove(Path::new("/project")).unwrap());
        assert!(!store.remove(Path::new("/project")).unwrap());
        let store = TrustStore::open(home.path()).unwrap();
        assert_eq!(store.standing(&project("a")), TrustState::Unknown);
    }

    #[test]
    fn what_was_trusted_is_known_and_nothing_else_is_taken_for_it() {
        let home = tempfile::tempdir().unwrap();
        let mut store = TrustStore::open(home.path()).unwrap();
        let root = Path::new("/project");
        assert_eq!(store.trusted(root), None);
        let mut trusted = project("a");
        trusted.settings = Some(ProjectFile {
            path: "/project/.codex/codex-shell.toml".into(),
            content: "b".into(),
        });
        store.trust(&trusted).unwrap();
        let store = TrustStore::open(home.path()).unwrap();
        assert_eq!(store.standing(&project("c")), TrustState::Changed);
        assert_eq!(store.trusted(root), Some(trusted.clone()));
        let kept = store.kept(&trusted.hash());
        let text =
            String::from_utf8(read_capped(&kept, MAX_KEPT, Duration::ZERO).unwrap()).unwrap();
        for other in [
            "",
            "{}",
            &text.replace("\"a\"", "\"c\""),
            &text.replace("rules/a", "rules/c"),
        ] {
            fs::write(&kept, other).unwrap();
            assert_eq!(store.trusted(root), None, "{other}");
        }
    }

    #[test]
    fn the_file_is_the_owners_alone_and_nothing_is_left_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let mut store = TrustStore::open(home.path()).unwrap();
        store.trust(&project("a")).unwrap();
        let folder = home.path().join("codex-shell");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.join("trust.json")), 0o600);
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        assert_eq!(mode(&folder.join("trusted")), 0o700);
        let kept = || -> Vec<_> {
            let entries = fs::read_dir(folder.join("trusted")).unwrap();
            entries.map(|entry| entry.unwrap().path()).collect()
        };
        let [only] = kept().try_into().unwrap();
        assert_eq!(mode(&only), 0o600);
        store.trust(&project("b")).unwrap();
        assert_eq!(kept().len(), 1);
        store.remove(Path::new("/project")).unwrap();
        assert_eq!(kept().len(), 0);
    }

    #[test]
    fn a_store_that_others_can_write_or_that_is_garbled_trusts_nothing() {
        let home = tempfile::tempdir().unwrap();
        let mut store = TrustStore::open(home.path()).unwrap();
        store.trust(&project("a")).unwrap();
        let file = home.path().join("codex-shell/trust.json");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o620)).unwrap();
        let open = || TrustStore::open(home.path());
        assert!(matches!(open(), Err(TrustError::Writable(_))));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        for text in ["", "{}", "{\"schema\":2,\"projects\":{}}"] {
            fs::write(&file, text).unwrap();
            assert!(matches!(open(), Err(TrustError::Garbled(_))), "{text}");
        }
    }
}
