//! Where commands could write in earlier sessions, so that a repository that one of them made or changed
//! is not taken for the user's own later.
//!
//! Below a folder of the user's, each directory has a folder of its own, named after its path: `dhome`,
//! `duser`, … One that was a writable root holds a file `record`, with a word that is new for each session;
//! sessions that go on have a lock on it. A repository that the user trusts holds a file `trusted`, with the
//! words that stood in the records above it then: it is trusted while they stand there.
//!
//! What a sandbox holds now an earlier one may have let be written: a workspace's repository lies in another
//! workspace. So each session remembers its workspaces (`request/earlier.rs`, below `$CODEX_HOME`), with a
//! word that is new each time and a lock while it goes on. A repository below one of them, other than that
//! one's own `.git`, stays inside until `codex-shell trust` says that it is the user's; that lasts until a
//! session could write it again. Temporary directories are not remembered.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{F_RDLCK, F_UNLCK, F_WRLCK, SEEK_SET, c_int, flock};

use super::argv;
use crate::sys::own_file::{self, OwnError, is_missing, make_folder};
use crate::sys::read_capped::ReadError;

/// Bytes of a record, and of what is trusted.
const LARGEST: usize = 1 << 16;
const RECORD: &str = "record";
const TRUSTED: &str = "trusted";

/// What is remembered of earlier sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Earlier {
    /// `None` where nothing is.
    folder: Option<PathBuf>,
    /// Repositories of which nothing was to be feared when this session began.
    cleared: Vec<PathBuf>,
    /// What this session wrote in its own records.
    own: Option<String>,
}

/// A mark on directories that commands can write, for as long as it lives.
#[derive(Debug)]
pub struct Noted {
    /// Locked until the last copy of each is closed.
    _records: Vec<File>,
    word: String,
}

/// A directory that commands could write.
struct WritableMark {
    directory: PathBuf,
    word: String,
    when: SystemTime,
    /// A session that can write it goes on.
    is_in_use: bool,
}

/// Why a repository can't be trusted now.
#[derive(Debug, thiserror::Error)]
pub enum DistrustError {
    /// A command that could write it may still run.
    #[error("{}: a command that can write it may be running: end it first", argv::word(.0.as_os_str()))]
    InUse(PathBuf),
    /// What is remembered can't be read or written.
    #[error("the record of earlier sessions: {0}")]
    Lost(#[from] io::Error),
}

impl Earlier {
    /// What is remembered in `codex_home`.
    pub fn of(codex_home: Option<&Path>) -> Self {
        Self {
            folder: codex_home.map(|home| home.join("codex-shell").join("written")),
            cleared: Vec::new(),
            own: None,
        }
    }

    /// The folder.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The same for a session that begins now in `workspaces`: it holds the repository of each, so that
    /// what it can write itself changes nothing about them.
    #[must_use]
    pub fn beginning(mut self, workspaces: &[PathBuf]) -> Self {
        let repositories = workspaces.iter().map(|root| root.join(".git"));
        self.cleared = repositories
            .filter(|repository| self.doubt(repository).is_none())
            .collect();
        self
    }

    /// The same for the session that has `noted` what it can write.
    #[must_use]
    pub fn owning(mut self, noted: &Noted) -> Self {
        self.own = Some(noted.word.clone());
        self
    }

    /// Remembers that commands can write `directories` from now on.
    ///
    /// # Errors
    /// It can't be remembered: of kind `Unsupported` where this user has no place for it.
    pub fn note(&self, directories: &[PathBuf]) -> io::Result<Noted> {
        let Some(folder) = &self.folder else {
            let why = "neither CODEX_HOME nor HOME is set";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        };
        // A home directory that is not there, as services have one, is not made.
        if !folder.ancestors().nth(3).is_some_and(Path::is_dir) {
            let why = "there is no home directory";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanoseconds = since.unwrap_or_default().as_nanos();
        let word = format!("{}-{nanoseconds}\n", std::process::id());
        let note = |directory: &PathBuf| {
            let place = place(folder, directory).ok_or(ErrorKind::InvalidInput)?;
            make_folder(&place)?;
            let mut file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(place.join(RECORD))?;
            fcntl(&file, FcntlArg::F_OFD_SETLKW(&lock(F_RDLCK)))?;
            // Words have about one length; one that is cut off or too long is another word, too.
            file.rewind()?;
            file.write_all(word.as_bytes())?;
            file.set_len(word.len() as u64)?;
            Ok(file)
        };
        let records = directories.iter().map(note).collect::<io::Result<_>>()?;
        Ok(Noted {
            _records: records,
            word,
        })
    }

    /// Whether a command could write, now or earlier, what is at `path`, without links.
    ///
    /// # Errors
    /// What is remembered can't be read.
    pub fn is_written(&self, path: &Path) -> io::Result<bool> {
        Ok(!self.written(path)?.is_empty())
    }

    /// Why the repository at `git_dir`, a path without links, may be the work of an earlier command; in
    /// words. `None` where it is not.
    pub fn doubt(&self, git_dir: &Path) -> Option<String> {
        let mut cleared = self.cleared.iter();
        let is_cleared = cleared.any(|cleared| git_dir.starts_with(cleared));
        let written = match self.written(git_dir) {
            Ok(written) => written,
            Err(error) => return Some(format!("what is remembered of earlier sessions: {error}")),
        };
        let trusted = self.trusted(git_dir);
        let is_own = |one: &WritableMark| self.own.as_ref() == Some(&one.word);
        let is_settled = |one: &WritableMark| {
            is_cleared && is_own(one) || !one.is_in_use && trusted.contains(&line(one))
        };
        let doubtful = written.iter().find(|one| !is_settled(one))?;
        let directory = argv::word(doubtful.directory.as_os_str());
        let repository = argv::word(git_dir.as_os_str());
        let told = argv::word(subject(git_dir).as_os_str());
        let when = if doubtful.is_in_use {
            "can now".to_owned()
        } else {
            format!(
                "could {}",
                shown(doubtful.when.elapsed().unwrap_or_default())
            )
        };
        Some(format!(
            "commands {when} write below {directory}, and so make or change {repository}; `codex-shell trust {told}` \
             says that it is yours"
        ))
    }

    /// The repositories that were taken for the user's own, in order, and whether they still are.
    ///
    /// # Errors
    /// What is remembered can't be read.
    pub fn all_trusted(&self) -> io::Result<Vec<(PathBuf, bool)>> {
        let mut found = Vec::new();
        let mut open = self
            .folder
            .iter()
            .map(|it| (it.clone(), PathBuf::from("/")))
            .collect::<Vec<_>>();
        while let Some((place, directory)) = open.pop() {
            let entries = match fs::read_dir(&place) {
                Ok(entries) => entries,
                Err(error) if is_missing(&error) => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let name = entry?.file_name();
                if name == TRUSTED {
                    let holds = self.doubt(&directory).is_none();
                    found.push((directory.clone(), holds));
                } else if let Some(component) = name.as_bytes().strip_prefix(b"d") {
                    let below = directory.join(OsStr::from_bytes(component));
                    open.push((place.join(&name), below));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Takes the repository at `git_dir` for the user's own until commands can write it again.
    ///
    /// # Errors
    /// They still can, or it can't be remembered.
    pub fn trust(&self, git_dir: &Path) -> Result<(), DistrustError> {
        let written = self.written(git_dir)?;
        if let Some(one) = written.iter().find(|one| one.is_in_use) {
            return Err(DistrustError::InUse(one.directory.clone()));
        }
        let place = self.place(git_dir)?;
        let lines: String = written.iter().map(line).collect();
        let written = own_file::replace(&place.join(TRUSTED), |file| {
            file.write_all(lines.as_bytes())?;
            file.sync_all()
        });
        Ok(written?)
    }

    /// Takes it for the user's own no more; says whether it was.
    ///
    /// # Errors
    /// That can't be forgotten.
    pub fn distrust(&self, git_dir: &Path) -> io::Result<bool> {
        match fs::remove_file(self.place(git_dir)?.join(TRUSTED)) {
            Ok(()) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The lines of what is trusted at `git_dir`.
    fn trusted(&self, git_dir: &Path) -> Vec<String> {
        let file = self.place(git_dir).map(|place| place.join(TRUSTED));
        let text = file.ok().and_then(|file| own(&file).ok().flatten());
        let text = text.unwrap_or_default();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    fn place(&self, directory: &Path) -> io::Result<PathBuf> {
        let folder = self.folder.as_deref();
        let place = folder.and_then(|folder| place(folder, directory));
        place.ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// The directories by which commands could write the repository at `git_dir`, unless it was the one
    /// that the sandbox held in them.
    fn written(&self, git_dir: &Path) -> io::Result<Vec<WritableMark>> {
        let Some(folder) = &self.folder else {
            return Ok(Vec::new());
        };
        let mut written = Vec::new();
        for directory in git_dir.ancestors() {
            if git_dir.starts_with(directory.join(".git")) {
                continue;
            }
            let record = place(folder, directory)
                .ok_or(ErrorKind::InvalidInput)?
                .join(RECORD);
            let Some(word) = own(&record)? else { continue };
            let file = File::open(&record)?;
            let when = file.metadata()?.modified()?;
            written.push(WritableMark {
                directory: directory.to_owned(),
                word,
                when,
                is_in_use: is_locked(&file)?,
            });
        }
        Ok(written)
    }
}

/// What somebody names who means the repository at `git_dir`.
fn subject(git_dir: &Path) -> &Path {
    match git_dir.parent() {
        Some(parent) if git_dir.ends_with(".git") => parent,
        _ => git_dir,
    }
}

/// A lock of this kind on all of a file.
fn lock(kind: c_int) -> flock {
    flock {
        // The kinds are small numbers.
        l_type: kind.try_into().unwrap_or_default(),
        l_whence: SEEK_SET.try_into().unwrap_or_default(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// Whether somebody has a lock on the file. Nobody is in another's way who asks that.
fn is_locked(file: &File) -> io::Result<bool> {
    let mut found = lock(F_WRLCK);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut found))?;
    Ok(c_int::from(found.l_type) != F_UNLCK)
}

/// What is trusted of a directory above: how deep it is, and its word then.
fn line(written: &WritableMark) -> String {
    let depth = written.directory.components().count();
    format!("{depth} {}\n", written.word.trim_end())
}

/// The folder in `folder` for `directory`, which is absolute and has no `..`.
fn place(folder: &Path, directory: &Path) -> Option<PathBuf> {
    let mut place = folder.to_owned();
    for component in directory.components() {
        match component {
            Component::RootDir => {}
            Component::Normal(name) => {
                place.push(OsString::from_vec([b"d", name.as_bytes()].concat()));
            }
            _ => return None,
        }
    }
    Some(place)
}

/// The text of a file that nobody else can write; `None` where there is none.
fn own(file: &Path) -> io::Result<Option<String>> {
    let bytes = own_file::read(file, LARGEST).map_err(|error| match error {
        OwnError::Read(ReadError::Io(error)) => error,
        OwnError::Writable => ErrorKind::PermissionDenied.into(),
        OwnError::Read(error) => io::Error::other(error),
    })?;
    let text = bytes.map(String::from_utf8).transpose();
    text.map_err(io::Error::other)
}

/// A time ago, for people.
fn shown(ago: Duration) -> String {
    let minutes = ago.as_secs() / 60;
    match minutes {
        0..120 => format!("{minutes} minutes ago"),
        120..2880 => format!("{} hours ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn doubted(earlier: &Earlier, git_dir: &str) -> bool {
        earlier.doubt(Path::new(git_dir)).is_some()
    }

    #[test]
    fn what_could_be_written_is_doubted_until_it_is_trusted() {
        let home = tempfile::tempdir().unwrap();
        let earlier = Earlier::of(Some(home.path()));
        assert!(!doubted(&earlier, "/w/x/.git"));
        let noted = earlier.note(&["/w".into()]).unwrap();
        for (git_dir, expected) in [
            ("/w/x/.git", true),
            ("/w/x/y/.git", true),
            ("/w/bare", true),
            ("/w", true),
            ("/w/.git", false),
            ("/w/.git/worktrees/x", false),
            ("/v/.git", false),
            ("/.git", false),
        ] {
            assert_eq!(doubted(&earlier, git_dir), expected, "{git_dir}");
        }
        let repository = Path::new("/w/x/.git");
        assert!(matches!(
            earlier.trust(repository),
            Err(DistrustError::InUse(_))
        ));
        drop(noted);
        assert!(doubted(&earlier, "/w/x/.git"));
        earlier.trust(repository).unwrap();
        assert!(!doubted(&earlier, "/w/x/.git"));
        assert!(doubted(&earlier, "/w/y/.git"));
        drop(earlier.note(&["/w/x".into()]).unwrap());
        assert!(!doubted(&earlier, "/w/x/.git"));
        drop(earlier.note(&["/w".into()]).unwrap());
        assert!(doubted(&earlier, "/w/x/.git"));
        earlier.trust(repository).unwrap();
        assert!(earlier.distrust(repository).unwrap());
        assert!(!earlier.distrust(repository).unwrap());
        assert!(doubted(&earlier, "/w/x/.git"));
    }

    #[test]
    fn what_a_session_holds_itself_stays_as_it_was_when_it_began() {
        let home = tempfile::tempdir().unwrap();
        let roots: [PathBuf; 2] = ["/w".into(), "/w/x".into()];
        let earlier = Earlier::of(Some(home.path())).beginning(&roots);
        let noted = earlier.note(&roots).unwrap();
        let earlier = earlier.owning(&noted);
        assert!(!doubted(&earlier, "/w/x/.git"));
        assert!(doubted(&earlier, "/w/y/.git"));
        // Another session begins that can write it.
        let other = Earlier::of(Some(home.path()));
        let also = other.note(&["/".into()]).unwrap();
        assert!(doubted(&earlier, "/w/x/.git"));
        drop(also);
        assert!(doubted(&earlier, "/w/x/.git"));
        drop(noted);
        let earlier = Earlier::of(Some(home.path())).beginning(&roots);
        assert!(doubted(&earlier, "/w/x/.git"));
    }

    #[test]
    fn what_cannot_be_believed_is_doubted() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let earlier = Earlier::of(Some(home.path()));
        drop(earlier.note(&["/w".into()]).unwrap());
        let repository = Path::new("/w/x/.git");
        earlier.trust(repository).unwrap();
        let place = home.path().join("codex-shell/written/dw");
        let trusted = place.join("dx/d.git/trusted");
        let mode = |file: &Path, mode| {
            fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(&trusted, 0o622);
        assert!(doubted(&earlier, "/w/x/.git"));
        mode(&trusted, 0o600);
        assert!(!doubted(&earlier, "/w/x/.git"));
        mode(&place.join(RECORD), 0o622);
        assert!(doubted(&earlier, "/w/x/.git"));
    }

    #[test]
    fn the_folder_is_the_owners_alone() {
        let home = tempfile::tempdir().unwrap();
        let earlier = Earlier::of(Some(home.path()));
        drop(earlier.note(&["/a b/\u{fc}".into()]).unwrap());
        let place = home.path().join("codex-shell/written/da b/d\u{fc}");
        assert_eq!(fs::metadata(&place).unwrap().mode() & 0o777, 0o700);
        assert_eq!(
            fs::metadata(place.join(RECORD)).unwrap().mode() & 0o777,
            0o600
        );
        assert!(Earlier::of(None).note(&["/w".into()]).is_err());
        assert!(!doubted(&Earlier::of(None), "/w/x/.git"));
    }
}
