//! Where files are looked for.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::confine::{Deciding, Role, is_placeholder};
use crate::request::Earlier;
use crate::rules::{Layer, Origin};

/// The name of the file with settings, in every folder that may have one.
pub const FILE: &str = "codex-shell.toml";

/// The rules of the machine.
const ADMIN_RULES: &str = "/etc/codex/rules";

/// The folders that files are looked for in.
#[derive(Debug, Clone)]
pub struct Places {
    /// `$CODEX_HOME`, or `~/.codex`; `None` when neither is known. A home directory that is another
    /// user's, as after a change of user that kept the environment, says nothing about this one.
    pub codex_home: Option<PathBuf>,
    /// `$HOME`.
    pub home: Option<PathBuf>,
    /// Where the command starts: its project is looked for from here upwards.
    pub directory: PathBuf,
}

impl Places {
    /// By this process's environment; an empty variable counts as unset.
    pub fn of_process(directory: PathBuf) -> Self {
        Self::new(
            std::env::var_os("CODEX_HOME"),
            std::env::var_os("HOME"),
            directory,
        )
    }

    fn new(codex_home: Option<OsString>, home: Option<OsString>, directory: PathBuf) -> Self {
        let set = |value: Option<OsString>| {
            let path = value.filter(|value| !value.is_empty())?;
            Some(std::path::absolute(&path).unwrap_or(path.into()))
        };
        let home = set(home);
        Self {
            codex_home: set(codex_home).or_else(|| {
                let own = home.as_ref().filter(|home| !is_anothers(home));
                own.map(|home| home.join(".codex"))
            }),
            home,
            directory,
        }
    }

    /// Where servers have their sockets: not where a sandboxed program may write.
    pub fn sockets(&self) -> Option<PathBuf> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|value| !value.is_empty());
        let own = || self.codex_home.as_ref().map(|home| home.join("run"));
        Some(runtime.map(PathBuf::from).or_else(own)?.join("codex-shell"))
    }

    /// The user's `codex-shell.toml`, whether or not it exists.
    pub fn user_file(&self) -> Option<PathBuf> {
        self.codex_home.as_ref().map(|home| home.join(FILE))
    }

    /// Where the rules of the machine and of the user are looked for.
    pub fn rules_directories(&self) -> impl Iterator<Item = PathBuf> {
        let user = self.codex_home.as_ref().map(|home| home.join("rules"));
        std::iter::once(PathBuf::from(ADMIN_RULES)).chain(user)
    }

    /// The rules of the machine and of the user that exist. What can't be looked at counts as
    /// existing, so that loading it fails for all to see.
    pub fn rules(&self) -> Vec<Origin> {
        let user = self.codex_home.as_ref().map(|home| home.join("rules"));
        let admin = Origin::new(Layer::Admin, ADMIN_RULES);
        let user = user.map(|path| Origin::new(Layer::User, path));
        std::iter::once(admin)
            .chain(user)
            .filter(|origin| !is_absent(&origin.path))
            .collect()
    }

    /// Every file and folder that can make [`super::load()`] find other rules when it changes, whether
    /// it exists or not. What a folder of rules holds is not among them.
    pub fn watched(&self) -> Vec<PathBuf> {
        let project = self.project();
        let read = self.read(project.as_deref()).into_iter();
        read.map(|deciding| deciding.path).collect()
    }

    /// The same, and every folder that would be a place to look in if it existed.
    pub fn deciding(&self) -> Vec<Deciding> {
        let project = self.project();
        let mut found = self.read(project.as_deref());
        found.extend(self.codex_home.clone().map(|path| Deciding {
            path,
            role: Role::Home,
            is_directory: true,
        }));
        let earlier = Earlier::of(self.codex_home.as_deref());
        found.extend(earlier.folder().map(|path| Deciding {
            path: path.to_owned(),
            role: Role::Trust,
            is_directory: true,
        }));
        let start = fs::canonicalize(&self.directory).unwrap_or_default();
        let candidates = self.candidates(&start).take_while(|folder| {
            let above = project.as_deref().and_then(Path::parent);
            Some(*folder) != above
        });
        found.extend(candidates.map(|folder| Deciding {
            path: folder.join(".codex"),
            role: Role::Project,
            is_directory: true,
        }));
        found
    }

    /// What is read for rules, with those of `project`.
    fn read(&self, project: Option<&Path>) -> Vec<Deciding> {
        let mut found = Vec::new();
        let mut add = |path: PathBuf, role: Role, is_directory: bool| {
            found.push(Deciding {
                path,
                role,
                is_directory,
            });
        };
        add(ADMIN_RULES.into(), Role::Rules, true);
        if let Some(home) = &self.codex_home {
            add(home.join("rules"), Role::Rules, true);
            add(home.join(FILE), Role::Settings, false);
            add(trust_store(home), Role::Trust, false);
        }
        if let Some(root) = project {
            let folder = root.join(".codex");
            add(folder.join(FILE), Role::Project, false);
            add(folder.join("rules"), Role::Project, true);
        }
        found
    }

    /// The nearest directory with a `.codex` folder, from where the command starts upwards. The
    /// home directory is none, nor is anything above it: its `.codex` is the user's own.
    pub fn project(&self) -> Option<PathBuf> {
        let start = fs::canonicalize(&self.directory).ok()?;
        let codex_home = real(self.codex_home.as_ref());
        let has_folder = |folder: &&Path| {
            let own = folder.join(".codex");
            own.is_dir() && !is_placeholder(&own) && fs::canonicalize(&own).ok() != codex_home
        };
        self.candidates(&start).find(has_folder).map(Path::to_owned)
    }

    /// `start` and what is above it, as far as a project may be there.
    fn candidates<'a>(&self, start: &'a Path) -> impl Iterator<Item = &'a Path> + use<'a> {
        let home = real(self.home.as_ref());
        let below_home = move |folder: &&Path| Some(*folder) != home.as_deref();
        start.ancestors().take_while(below_home)
    }
}

fn real(path: Option<&PathBuf>) -> Option<PathBuf> {
    fs::canonicalize(path?).ok()
}

fn is_anothers(home: &Path) -> bool {
    let me = geteuid();
    !me.is_root() && fs::metadata(home).is_ok_and(|found| found.uid() != me.as_raw())
}

pub(super) fn is_absent(path: &Path) -> bool {
    is_placeholder(path)
        || fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Where it is stored which projects are trusted.
pub(super) fn trust_store(codex_home: &Path) -> PathBuf {
    codex_home.join("codex-shell").join("trust.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_place_follows_the_environment() {
        for (codex_home, home, expected) in [
            (Some("/c"), Some("/h"), Some("/c")),
            (None, Some("/h"), Some("/h/.codex")),
            (Some(""), Some("/h"), Some("/h/.codex")),
            (None, None, None),
        ] {
            let places = Places::new(
                codex_home.map(OsString::from),
                home.map(OsString::from),
                "/".into(),
            );
            assert_eq!(places.codex_home, expected.map(PathBuf::from));
        }
    }

    #[test]
    fn the_nearest_project_below_the_home_directory() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        for path in [
            ".codex",
            "home/.codex",
            "home/a/.codex",
            "home/a/b/c",
            "out/x",
        ] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        let project = |directory: &str| {
            let home = Some(root.join("home").into_os_string());
            let places = Places::new(None, home, root.join(directory));
            places
                .project()
                .map(|found| found.strip_prefix(&root).unwrap().to_owned())
        };
        assert_eq!(project("home/a/b/c"), Some("home/a".into()));
        assert_eq!(project("home/a"), Some("home/a".into()));
        assert_eq!(project("home"), None);
        assert_eq!(project("out/x"), Some("".into()));
        assert_eq!(project("nowhere"), None);
    }
}
