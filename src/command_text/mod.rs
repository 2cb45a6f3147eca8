//! Texts that a program runs as commands or takes for options: values of variables and of settings.
//! Whether one names anything that the sandboxed side can write, or has a program take for commands what
//! that wrote.
//!
//! What is not known counts: a bare word behind a program may be a file, and the words behind an
//! interpreter are a program. So a text passes only if each word is known to be something else, or to
//! lie where nobody inside can write; and where a program is handed files or contents of the sandboxed
//! side's, only if it is known to take them for data.

#![forbid(unsafe_code)]

mod fault;
mod options;
mod program;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

pub use crate::models::variable::Handed;
pub use fault::Fault;
pub use options::are_options_outside;
pub use program::look_at_words;

/// What the words of a text are looked at by.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// Whether a whole path, or one that begins with `~/`, leads to what the sandboxed side can write.
    pub leads: &'a dyn Fn(&[u8]) -> bool,
    /// The directories in which a program is looked for, in their order.
    pub path: &'a [&'a Path],
    /// Whole paths of the directories from which relative words may be taken; without any, they may lie
    /// where the sandboxed side can write.
    pub directories: &'a [&'a Path],
}

impl<'a> Ground<'a> {
    /// One where nothing is known of relative words.
    pub fn anywhere(leads: &'a dyn Fn(&[u8]) -> bool) -> Self {
        Self {
            leads,
            path: &[],
            directories: &[],
        }
    }

    /// Whether `word` is a path that doesn't lead inside.
    pub fn is_outside(&self, word: &[u8]) -> bool {
        if word.starts_with(b"/") || word.starts_with(b"~/") {
            return !(self.leads)(word);
        }
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+/".contains(byte);
        let climbs = word.windows(2).any(|two| two == b"..");
        let is_path = !word.is_empty() && !word.starts_with(b"-") && word.iter().all(plain);
        let stays_out = |directory: &&Path| {
            let path = directory.join(OsStr::from_bytes(word));
            !(self.leads)(path.as_os_str().as_bytes())
        };
        is_path && !climbs && !self.directories.is_empty() && self.directories.iter().all(stays_out)
    }

    /// Whether what is started by this name is no file of the sandboxed side's.
    fn is_program_outside(&self, word: &[u8]) -> bool {
        if word.contains(&b'/') {
            return self.is_outside(word);
        }
        // What is nowhere is not started, and nobody inside can put it there.
        for directory in self.path {
            let file = directory.join(OsStr::from_bytes(word));
            if (self.leads)(file.as_os_str().as_bytes()) {
                return false;
            }
            if file.symlink_metadata().is_ok() {
                return true;
            }
        }
        true
    }
}

/// Looks at the command `text`.
///
/// # Errors
/// It may do what the sandboxed side says.
pub fn look_at_command(text: &[u8], handed: Handed, ground: &Ground<'_>) -> Result<(), Fault> {
    // less: what it starts is behind a bar.
    let bars = text.iter().take_while(|&&byte| byte == b'|').count();
    let text = text.get(bars..).unwrap_or_default();
    let text = text.strip_prefix(b"-").unwrap_or(text);
    // Between quotes, a bar may be part of a word.
    let is_quoted = text.iter().any(|byte| b"'\"\\".contains(byte));
    let mut stages = text.split(|&byte| byte == b'|' && !is_quoted);
    stages.try_for_each(|stage| {
        let words = words(stage).ok_or(Fault::Leads)?;
        look_at_words(&words, handed, ground)
    })
}

/// Whether the command `text` does nothing that the sandboxed side says.
pub fn is_command_outside(text: &[u8], handed: Handed, ground: &Ground<'_>) -> bool {
    look_at_command(text, handed, ground).is_ok()
}

/// The words between blanks; `None` if a shell could make something else of them. Quotes end a word.
fn words(value: &[u8]) -> Option<Vec<&[u8]>> {
    if value
        .iter()
        .any(|byte| b"`$;&|<>(){}*?[\\\n".contains(byte))
    {
        return None;
    }
    let words = value.split(|byte| b" \t\"'".contains(byte));
    Some(words.filter(|word| !word.is_empty()).collect())
}
