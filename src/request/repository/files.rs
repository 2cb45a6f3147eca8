//! Small files of git's, and the paths that they name.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::sys::read_capped::open_file;

/// A `.git` file or a `commondir` file holds one path.
const LONGEST_POINTER: usize = 8192;

/// What is in a file, at most `limit` bytes; `None` where there is no such file.
pub(super) fn read(path: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match open_file(path) {
        Ok(file) => file,
        Err(error) if missing(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(Some(bytes))
}

/// Whether a file is not there.
pub(super) fn missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Whether something is there.
pub(super) fn exists(path: &Path) -> bool {
    !fs::symlink_metadata(path).is_err_and(|error| missing(&error))
}

/// The path that the file at `path` names behind `prefix`; `None` unless it has the form that everybody
/// reads alike: nothing around the path but the end of the line.
pub(super) fn pointer(path: &Path, prefix: &[u8]) -> Option<PathBuf> {
    let text = read(path, LONGEST_POINTER).ok()??;
    let named = text.strip_prefix(prefix)?;
    let named = named.strip_suffix(b"\n").unwrap_or(named);
    let plain = |byte: &u8| !byte.is_ascii_control();
    let blank = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
    if !named.iter().all(plain) || blank(named.first()) || blank(named.last()) {
        return None;
    }
    Some(path.parent()?.join(OsStr::from_bytes(named)))
}
