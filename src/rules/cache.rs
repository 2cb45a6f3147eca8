//! What files were found to say, kept for the next process that loads the same ones.
//!
//! An entry is named after all that it was made of: the texts, the names and places that examples see, and
//! the program that evaluated them. It lies where rules lie too, `$CODEX_HOME`: no command can write there, and
//! who can could as well write rules. What can't be read, or isn't whole, isn't there.

use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::unistd::geteuid;

use crate::digest::{Digest, Digester};
use crate::sys::own_file;

use super::model::Severity;
use super::wire::{Contribution, SourceText};

/// Bytes of one entry. What is larger takes its time to read as well.
const LARGEST: usize = 8 << 20;
/// The oldest goes when there are more.
const ENTRIES: usize = 64;

/// Where it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulesCache {
    folder: Option<PathBuf>,
}

/// The place of one entry.
#[derive(Debug)]
pub(super) struct CacheEntry {
    folder: PathBuf,
    name: String,
}

impl RulesCache {
    /// What is kept in `codex_home`, if that is there; nothing is without one.
    ///
    /// Of who has it led elsewhere, or has another user's, nothing is kept.
    pub fn of(codex_home: Option<&Path>) -> Self {
        let home = codex_home.filter(|home| fs::metadata(home).is_ok_and(|it| is_own(&it)));
        let folder = home.and_then(|home| {
            let above = home.join("codex-shell");
            let folder = above.join("loaded");
            let is_free = |path: &Path| match fs::symlink_metadata(path) {
                Ok(found) => is_own(&found),
                Err(error) => own_file::is_missing(&error),
            };
            (is_free(&above) && is_free(&folder)).then_some(folder)
        });
        Self { folder }
    }

    /// The entry for what `program` answers to the message `job`.
    pub(super) fn entry(&self, program: &Path, job: &[u8]) -> Option<CacheEntry> {
        let program = fs::metadata(program).ok()?;
        let mut made_of = Digester::default();
        let changed = (program.ctime(), program.ctime_nsec(), program.mtime_nsec());
        let file = (program.dev(), program.ino(), program.size());
        (file, changed, job).hash(&mut made_of);
        Some(CacheEntry {
            folder: self.folder.clone()?,
            name: made_of.digest().to_string(),
        })
    }
}

impl CacheEntry {
    /// What it says of each of `sources`.
    pub(super) fn read(&self, sources: &[SourceText]) -> Option<Vec<Contribution>> {
        let bytes = own_file::read(&self.folder.join(&self.name), LARGEST).ok()??;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (digest, answers) = bytes.split_at_checked(end)?;
        let answers = answers.get(1..)?;
        if digest != digest_of(answers).to_string().as_bytes() {
            return None;
        }
        let mut lines = answers.split_inclusive(|byte| *byte == b'\n');
        let said = sources.iter().map(|source| source.answer(lines.next()?));
        let said = said.collect::<Option<Vec<_>>>()?;
        lines.next().is_none().then_some(said)
    }

    /// Keeps the lines that are the `answers`. In vain, the next process evaluates again.
    pub(super) fn write(&self, answers: &[u8]) {
        if answers.len() < LARGEST && self.put(answers).is_ok() {
            let _ = self.make_room();
        }
    }

    fn put(&self, answers: &[u8]) -> io::Result<()> {
        own_file::replace(&self.folder.join(&self.name), |file| {
            writeln!(file, "{}", digest_of(answers))?;
            file.write_all(answers)
        })
    }

    fn make_room(&self) -> io::Result<()> {
        let mut entries: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let (path, found) = entry.and_then(|it| Ok((it.path(), it.metadata()?)))?;
            if found.is_file() && is_name(&path) {
                entries.push((found.modified()?, path));
            }
        }
        entries.sort();
        let surplus = entries.len().saturating_sub(ENTRIES);
        entries
            .iter()
            .take(surplus)
            .try_for_each(|(_, path)| fs::remove_file(path))
    }
}

/// Whether it is a directory of this user's.
fn is_own(found: &fs::Metadata) -> bool {
    found.is_dir() && found.uid() == geteuid().as_raw()
}

/// Whether an entry has this name, or what was to become one: nothing else is ours to remove.
fn is_name(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.map(|name| name.strip_prefix('.').unwrap_or(name));
    let digest = name.and_then(|name| name.get(..64));
    digest.is_some_and(|digest| digest.bytes().all(|it| it.is_ascii_hexdigit()))
}

/// Whether `said` is worth keeping: an error may be one of this process's limits.
pub(super) fn is_lasting(said: &Contribution) -> bool {
    let mut found = said.diagnostics.iter();
    found.all(|found| found.severity < Severity::Error)
}

fn digest_of(bytes: &[u8]) -> Digest {
    let mut digester = Digester::default();
    digester.write(bytes);
    digester.digest()
}
