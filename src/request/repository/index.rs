//! Which submodules a repository's index has.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::files::read;

/// An index that is larger is not read, in bytes.
const LARGEST: usize = 64 << 20;
const SIGNATURE: &[u8] = b"DIRC";
/// Times, device, inode, mode, owner and size.
const STAT: usize = 40;
const MODE: usize = 24;
const KIND: u32 = 0o170_000;
const GITLINK: u32 = 0o160_000;
/// Signature, version and number of entries.
const HEADER: usize = 12;

/// What is known of submodules.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Submodules {
    /// There are none.
    None,
    /// The first.
    One(Vec<u8>),
    /// The index can't be read.
    Unknown,
}

/// Looks through the index in the repository at `directory`, whose objects have names of `hash` bytes.
pub(super) fn submodules(directory: &Path, hash: usize) -> Submodules {
    let mut next: Option<PathBuf> = Some(directory.join("index"));
    // One that is split has its other part in a second file.
    for _ in 0..2 {
        let Some(file) = next.take() else { break };
        let bytes = match read(&file, LARGEST) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Submodules::None,
            Err(_) => return Submodules::Unknown,
        };
        match entries(&bytes, hash) {
            Some(Entries {
                submodule: Some(name),
                ..
            }) => return Submodules::One(name),
            Some(Entries { shared, .. }) if shared.is_empty() => return Submodules::None,
            Some(Entries { shared, .. }) => next = Some(directory.join(shared)),
            None => return Submodules::Unknown,
        }
    }
    // That other part has none itself.
    Submodules::Unknown
}

#[derive(Default)]
struct Entries {
    submodule: Option<Vec<u8>>,
    /// The file that has the rest; empty where there is none.
    shared: String,
}

fn entries(bytes: &[u8], hash: usize) -> Option<Entries> {
    let version = number(bytes, 4)?;
    if !bytes.starts_with(SIGNATURE) || !(2..=4).contains(&version) {
        return None;
    }
    let mut at = HEADER;
    let mut name = Vec::new();
    for _ in 0..number(bytes, 8)? {
        let mode = number(bytes, at + MODE)?;
        let flags = at + STAT + hash;
        let extended = *bytes.get(flags)? & 0x40 != 0;
        let path = flags + if extended && version > 2 { 4 } else { 2 };
        if version == 4 {
            let (strip, begin) = offset(bytes, path)?;
            let end = begin + bytes.get(begin..)?.iter().position(|&b| b == 0)?;
            name.truncate(name.len().checked_sub(strip)?);
            name.extend_from_slice(bytes.get(begin..end)?);
            at = end + 1;
        } else {
            let length = bytes.get(path..)?.iter().position(|&b| b == 0)?;
            name = bytes.get(path..path + length)?.to_vec();
            // Filled up with one to eight zeros.
            at += (path - at + length + 8) & !7;
        }
        if mode & KIND == GITLINK {
            return Some(Entries {
                submodule: Some(name),
                shared: String::new(),
            });
        }
    }
    let shared = shared(bytes.get(at..)?, hash)?;
    Some(Entries {
        submodule: None,
        shared,
    })
}

/// The file that the extensions name for the rest of the index; an empty name where there is none, and
/// `None` where they make no sense.
fn shared(mut bytes: &[u8], hash: usize) -> Option<String> {
    while bytes.len() > hash {
        let (head, rest) = bytes.split_at_checked(8)?;
        let length = usize::try_from(number(head, 4)?).ok()?;
        let (body, after) = rest.split_at_checked(length)?;
        if head.starts_with(b"link") {
            let object = body.get(..hash)?;
            let mut name = String::new();
            if object.iter().any(|&byte| byte != 0) {
                name.push_str("sharedindex.");
                for byte in object {
                    // Writing to a String can't fail.
                    let _ = write!(name, "{byte:02x}");
                }
            }
            return Some(name);
        }
        bytes = after;
    }
    Some(String::new())
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

/// A number of variable length, and where it ends.
fn offset(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut byte = *bytes.get(at)?;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        at += 1;
        byte = *bytes.get(at)?;
        value = value.checked_add(1)?.checked_mul(128)? + usize::from(byte & 0x7f);
    }
    Some((value, at + 1))
}
