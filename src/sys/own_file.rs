//! Files that are the user's alone: read if nobody else could have written them, and replaced as a whole.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use super::read_capped::{ReadError, read_capped};

/// Why such a file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// As for any file.
    #[error("{0}")]
    Read(#[from] ReadError),
    /// Others could have written it.
    #[error("users other than its owner can write it")]
    Writable,
}

/// The bytes of the file at `path`, at most `limit`; `None` where there is none.
///
/// # Errors
/// It can't be read, or it is not this user's or root's alone to write.
pub fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, OwnError> {
    let bytes = match read_capped(path, limit, Duration::ZERO) {
        Ok(bytes) => bytes,
        Err(ReadError::Io(error)) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let metadata = fs::metadata(path).map_err(ReadError::from)?;
    let owner = metadata.uid();
    let ours = owner == 0 || owner == nix::unistd::geteuid().as_raw();
    if !ours || metadata.mode() & 0o022 != 0 {
        return Err(OwnError::Writable);
    }
    Ok(Some(bytes))
}

/// Puts a new file at `path`, in whole or not at all; its directory is made where it is missing. What must
/// outlive the machine's sudden end is synchronised by `write`.
///
/// # Errors
/// It can't be made, or `write` fails. What was there before stays.
pub fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    make_folder(folder)?;
    let name = path.file_name().unwrap_or_default().as_bytes();
    let process = std::process::id().to_string();
    let new = [b".", name, b".", process.as_bytes()].concat();
    let new = folder.join(std::ffi::OsStr::from_bytes(&new));
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    let replaced = write(&mut file).and_then(|()| fs::rename(&new, path));
    if replaced.is_err() {
        // What matters is the first error.
        let _ = fs::remove_file(&new);
    }
    replaced
}

/// Makes a directory for such files, and those above it.
///
/// # Errors
/// It can't be made.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Whether there is nothing of that name.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
