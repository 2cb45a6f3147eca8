//! The directories that a `.git` names.

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::trail::within;
use crate::sys::read_capped::open_file;

/// A `.git` file or a `commondir` file holds one path.
const LONGEST_POINTER: u64 = 8192;

/// Of a `.git`, which is no link: itself or the directory that it names, and the one with which that
/// shares its files, as far as they lie in a writable root.
pub(super) fn git_chain(target: &Path, roots: &[PathBuf]) -> Vec<PathBuf> {
    let git = pointer(target, b"gitdir:");
    let common = pointer(&git.as_deref().unwrap_or(target).join("commondir"), b"");
    let all = [Some(target.to_owned()), git, common].into_iter().flatten();
    all.filter(|path| within(path, roots)).collect()
}

/// The path that the file at `path` names behind `prefix`, if it is a file that does.
fn pointer(path: &Path, prefix: &[u8]) -> Option<PathBuf> {
    let mut text = Vec::new();
    open_file(path)
        .ok()?
        .take(LONGEST_POINTER)
        .read_to_end(&mut text)
        .ok()?;
    let named = OsStr::from_bytes(text.strip_prefix(prefix)?.trim_ascii());
    fs::canonicalize(path.parent()?.join(named)).ok()
}
