//! Whether the sandboxed side could have written the configuration that git would obey.
//!
//! A repository's configuration and hooks name programs, and git runs them. The one in a writable root
//! itself is read-only inside the sandbox; one further down, made or fetched by the sandboxed side, is not.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::Request;
use crate::sys::read_capped::open_file;

/// A `.git` file or a `commondir` file holds one path.
const LONGEST_POINTER: u64 = 8192;
/// They ask no repository.
const WITHOUT: [&str; 2] = ["clone", "version"];

/// The configuration that `request`, if it is one for git, would obey although the sandboxed side, which
/// may write below `writable`, could have written it.
pub(super) fn hostile(request: &Request, writable: &[PathBuf]) -> Option<PathBuf> {
    let names = [
        Some(request.program.base_name()),
        request.program.real_name(),
    ];
    if writable.is_empty() || !names.into_iter().flatten().any(is_git) {
        return None;
    }
    let roots: Vec<PathBuf> = writable
        .iter()
        .filter_map(|root| fs::canonicalize(root).ok())
        .collect();
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".gitconfig"));
    let (start, named, subcommand) = globals(request);
    let found = match named {
        Some(directory) => Some(Repository::at(&start.join(directory))),
        None if subcommand.is_some_and(|name| WITHOUT.iter().any(|known| name == *known)) => None,
        None => fs::canonicalize(&start)
            .ok()
            .and_then(|start| Repository::above(&start)),
    };
    let own = found.and_then(|repository| repository.writable(&roots));
    own.or_else(|| home.filter(|file| is_below(file, &roots)))
}

fn is_git(name: &OsStr) -> bool {
    name == "git" || name.as_bytes().starts_with(b"git-")
}

/// What comes before the subcommand: where git starts, the repository when it is named, and the subcommand.
fn globals(request: &Request) -> (PathBuf, Option<OsString>, Option<&OsStr>) {
    let (mut start, mut named) = (request.cwd.to_path_buf(), None);
    let mut words = request.arguments().iter();
    while let Some(word) = words.next() {
        match word.as_bytes() {
            b"-C" => start.extend(words.next()),
            b"--git-dir" => named = words.next().cloned(),
            b"-c" | b"--work-tree" | b"--namespace" | b"--config-env" | b"--exec-path" => {
                words.next();
            }
            bytes => {
                if let Some(path) = bytes.strip_prefix(b"--git-dir=") {
                    named = Some(OsStr::from_bytes(path).to_owned());
                } else if !bytes.starts_with(b"-") {
                    return (start, named, Some(word));
                }
            }
        }
    }
    (start, named, None)
}

/// A repository, as git finds it.
struct Repository {
    /// The directory that has it as `.git`.
    tree: Option<PathBuf>,
    /// Where its files are: its own, and those it shares with other working trees.
    directories: Vec<PathBuf>,
}

impl Repository {
    /// The first one in `start`, canonical, or above it.
    fn above(start: &Path) -> Option<Self> {
        start.ancestors().find_map(|directory| {
            let inner = directory.join(".git");
            let pointed = pointer(&inner, b"gitdir:");
            let found = pointed.or_else(|| is_repository(&inner).then_some(inner));
            if let Some(found) = found {
                let tree = Some(directory.to_owned());
                return Some(Self {
                    tree,
                    ..Self::at(&found)
                });
            }
            is_repository(directory).then(|| Self::at(directory))
        })
    }

    fn at(directory: &Path) -> Self {
        let directory = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let common = pointer(&directory.join("commondir"), b"");
        Self {
            tree: None,
            directories: [Some(directory), common].into_iter().flatten().collect(),
        }
    }

    /// What the sandboxed side could have written of it. Where a root has it as its own `.git`, nothing.
    fn writable(self, roots: &[PathBuf]) -> Option<PathBuf> {
        if self.tree.is_some_and(|tree| roots.contains(&tree)) {
            return None;
        }
        let mut directories = self.directories.into_iter();
        directories.find(|directory| is_below(directory, roots))
    }
}

/// Whether the directory is what git takes for a repository.
fn is_repository(directory: &Path) -> bool {
    ["HEAD", "objects", "refs"]
        .iter()
        .all(|name| directory.join(name).symlink_metadata().is_ok())
}

/// The path that the file at `path` names behind `prefix`.
fn pointer(path: &Path, prefix: &[u8]) -> Option<PathBuf> {
    let mut text = Vec::new();
    let file = open_file(path).ok()?;
    file.take(LONGEST_POINTER).read_to_end(&mut text).ok()?;
    let named = OsStr::from_bytes(text.strip_prefix(prefix)?.trim_ascii());
    Some(path.parent()?.join(named))
}

/// Whether `path` is in a root, and not in its own `.git`.
fn is_below(path: &Path, roots: &[PathBuf]) -> bool {
    let holds = |root: &&PathBuf| path.starts_with(root);
    roots.iter().any(|root| path.starts_with(root))
        && !roots
            .iter()
            .filter(holds)
            .any(|root| path.starts_with(root.join(".git")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Program, WorkingDirectory};

    /// A root with a repository, and in it another and one without a working tree.
    fn world() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        for git in ["ws/.git", "ws/inner/.git", "ws/bare", "out/.git"] {
            for name in ["objects", "refs"] {
                fs::create_dir_all(root.join(git).join(name)).unwrap();
            }
            fs::write(root.join(git).join("HEAD"), "ref: refs/heads/x\n").unwrap();
        }
        fs::create_dir_all(root.join("ws/sub/deep")).unwrap();
        (directory, root)
    }

    fn of(root: &Path, program: &str, arguments: &[&str], cwd: &str) -> Option<PathBuf> {
        let argv = [&[program], arguments].concat();
        let argv = argv.into_iter().map(Into::into).collect();
        let request = Request::new(
            Program::named(program),
            argv,
            WorkingDirectory::new(root.join(cwd)).unwrap(),
        );
        hostile(&request, &[root.join("ws")])
    }

    #[test]
    fn the_roots_own_repository_is_not() {
        let (_directory, root) = world();
        for cwd in ["ws", "ws/sub", "ws/sub/deep", "out", "/"] {
            assert_eq!(of(&root, "git", &["status"], cwd), None, "{cwd}");
        }
        let worktree = root.join("ws/.git/worktrees/x");
        fs::create_dir_all(&worktree).unwrap();
        fs::write(worktree.join("commondir"), "../..\n").unwrap();
        let pointer = format!("gitdir: {}\n", worktree.display());
        fs::create_dir(root.join("tree")).unwrap();
        fs::write(root.join("tree/.git"), pointer).unwrap();
        assert_eq!(of(&root, "git", &["status"], "tree"), None);
    }

    #[test]
    fn one_further_down_is() {
        let (_directory, root) = world();
        let inner = Some(root.join("ws/inner/.git"));
        assert_eq!(of(&root, "git", &["status"], "ws/inner"), inner);
        assert_eq!(of(&root, "/usr/bin/git-status", &[], "ws/inner"), inner);
        assert_eq!(of(&root, "git", &["-C", "inner", "status"], "ws"), inner);
        let named = ["--git-dir=inner/.git", "status"];
        assert_eq!(of(&root, "git", &named, "ws"), inner);
        let bare = Some(root.join("ws/bare"));
        assert_eq!(of(&root, "git", &["status"], "ws/bare"), bare);
        fs::write(root.join("ws/sub/.git"), "gitdir: ../inner/.git\n").unwrap();
        assert_eq!(of(&root, "git", &["status"], "ws/sub/deep"), inner);
        assert_eq!(of(&root, "ls", &[], "ws/inner"), None);
        assert_eq!(of(&root, "git", &["clone", "x"], "ws/inner"), None);
    }

    #[test]
    fn nothing_is_where_nothing_can_be_written() {
        let (_directory, root) = world();
        let request = Request::new(
            Program::named("git"),
            vec!["git".into()],
            WorkingDirectory::new(root.join("ws/inner")).unwrap(),
        );
        assert_eq!(hostile(&request, &[]), None);
    }
}
