//! The directory that a client names for a call.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::libc::PATH_MAX;

use super::TOLD_BACK;
use crate::intercept::handed;
use crate::request::argv;

/// Whether `path` can be such a directory by its name alone. Looks at no file.
///
/// # Errors
/// What is wrong with it, in words that name it.
pub(super) fn check_name(path: &Path) -> Result<(), String> {
    if !path.is_absolute() {
        return Err(format!(
            "`workdir` must be an absolute path, which {} is not",
            shown(path)
        ));
    }
    let longest = usize::try_from(PATH_MAX).unwrap_or(usize::MAX);
    if path.as_os_str().len() >= longest {
        return Err(wrong(path, &Errno::ENAMETOOLONG.into()));
    }
    if path.as_os_str().as_bytes().contains(&0) {
        let why = "a NUL byte can't be part of a path";
        return Err(format!("`workdir` {}: {why}", shown(path)));
    }
    Ok(())
}

/// Whether a command can start in `path`. Not for the server itself: it may never be known.
///
/// # Errors
/// As for [`check_name`].
pub(super) fn check(path: &Path) -> Result<(), String> {
    check_name(path)?;
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(format!("`workdir` {} is not a directory", shown(path))),
        Err(error) => Err(wrong(path, &error)),
    }
}

/// Makes it this process's working directory.
///
/// # Errors
/// As for [`check_name`].
pub(super) fn enter(path: &Path) -> Result<(), String> {
    handed::enter(path).map_err(|error| match check(path) {
        Err(why) => why,
        Ok(()) => wrong(path, &error.kind().into()),
    })
}

fn wrong(path: &Path, error: &io::Error) -> String {
    format!("`workdir` {}: {error}", shown(path))
}

fn shown(path: &Path) -> String {
    argv::bounded_word(path, TOLD_BACK)
}
