//! Names that nobody can guess.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};

/// A name that nobody can guess.
///
/// # Errors
/// The kernel gives no random bytes.
pub(super) fn secret_name() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut name, byte| {
        // Writing to a string can't fail.
        let _ = write!(name, "{byte:02x}");
        name
    }))
}
