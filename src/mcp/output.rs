//! What a command writes, collected within bounds: head and tail are kept, the rest goes to a file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::Serialize;

/// The largest file for output that is too long to be returned.
const FILE_LIMIT: u64 = 256 << 20;
/// As much as all such files of a server may hold; the oldest go first.
const FOLDER_LIMIT: u64 = 1 << 30;
/// As many changes between the streams are told.
const RUNS: usize = 10_000;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, rmcp::schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(rename_all = "lowercase")]
pub(super) enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Bytes of one stream that came without a byte of the other in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, rmcp::schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct Stretch {
    /// The stream.
    pub(super) stream: Stream,
    /// How many bytes.
    pub(super) bytes: u64,
}

/// The first and the last bytes of a stream.
#[derive(Debug, Default)]
struct Ends {
    half: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
}

impl Ends {
    fn new(limit: usize) -> Self {
        Self {
            half: limit / 2,
            ..Self::default()
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = self.half - self.head.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        // Only its own last bytes can stay.
        let rest = rest
            .get(rest.len().saturating_sub(self.half)..)
            .unwrap_or_default();
        let excess = (self.tail.len() + rest.len()).saturating_sub(self.half);
        self.tail.drain(..excess.min(self.tail.len()));
        self.tail.extend(rest);
    }

    fn dropped(&self) -> u64 {
        self.total - (self.head.len() + self.tail.len()) as u64
    }

    /// The text, with `gap` where bytes are left out.
    fn text(&self, gap: impl FnOnce(u64) -> String) -> String {
        let (one, two) = self.tail.as_slices();
        let dropped = self.dropped();
        if dropped == 0 {
            return String::from_utf8_lossy(&[&self.head, one, two].concat()).into_owned();
        }
        let tail = [one, two].concat();
        let head = String::from_utf8_lossy(whole_to_the_end(&self.head)).into_owned();
        head + &gap(dropped) + &String::from_utf8_lossy(whole_from_the_start(&tail))
    }
}

/// Without the first bytes of a character that was cut.
fn whole_to_the_end(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).unwrap_or_default()
        }
        _ => bytes,
    }
}

/// Without the last bytes of a character that was cut.
fn whole_from_the_start(bytes: &[u8]) -> &[u8] {
    let cut = bytes.iter().take(3).take_while(|&&b| b & 0xc0 == 0x80);
    bytes.get(cut.count()..).unwrap_or_default()
}

/// Everything that was written.
#[derive(Debug, Default)]
pub(super) struct Output {
    limit: usize,
    stdout: Ends,
    stderr: Ends,
    both: Ends,
    order: Vec<Stretch>,
    folder: Arc<Folder>,
    file: Option<Saved>,
}

/// The collected output in its final form.
#[derive(Debug)]
pub(super) struct Written {
    /// Both streams in the order in which they came.
    pub(super) both: String,
    /// Standard output.
    pub(super) stdout: String,
    /// Standard error.
    pub(super) stderr: String,
    /// The order.
    pub(super) order: Vec<Stretch>,
    /// What is missing, if anything is.
    pub(super) truncated: Option<Truncated>,
}

/// What was left out of the middle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, rmcp::schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct Truncated {
    /// Bytes of standard output that are left out.
    pub(super) stdout_dropped_bytes: u64,
    /// Bytes of standard error that are left out.
    pub(super) stderr_dropped_bytes: u64,
    /// The file that holds the whole output of both streams, until the server ends or newer ones need its
    /// room: 1 GiB in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) whole_output: Option<String>,
}

impl Output {
    /// Keeps `limit` bytes of each stream; what is longer goes to a file in `folder`.
    pub(super) fn new(limit: usize, folder: &Arc<Folder>) -> Self {
        Self {
            limit,
            stdout: Ends::new(limit),
            stderr: Ends::new(limit),
            both: Ends::new(limit),
            order: Vec::new(),
            folder: Arc::clone(folder),
            file: None,
        }
    }

    /// How many bytes have come.
    pub(super) fn total(&self) -> u64 {
        self.both.total
    }

    /// Takes what was read of one stream.
    pub(super) fn push(&mut self, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let before = self.both.total;
        if before + bytes.len() as u64 > (self.limit / 2 * 2) as u64 {
            self.save(bytes);
        }
        match stream {
            Stream::Stdout => self.stdout.push(bytes),
            Stream::Stderr => self.stderr.push(bytes),
        }
        self.both.push(bytes);
        let bytes = bytes.len() as u64;
        let room = self.order.len() < RUNS;
        match self.order.last_mut() {
            Some(last) if last.stream == stream => last.bytes += bytes,
            _ if room => self.order.push(Stretch { stream, bytes }),
            _ => {}
        }
    }

    /// Appends to the file; the first time, everything so far as well: nothing has been dropped yet.
    fn save(&mut self, bytes: &[u8]) {
        if self.file.is_none() && self.both.dropped() == 0 {
            let (one, two) = self.both.tail.as_slices();
            self.file = Saved::new(&self.folder, &[&self.both.head, one, two]);
        }
        // Where there is no room for the file, the result names none.
        if let Some(file) = &mut self.file
            && file.append(bytes).is_none()
        {
            self.file = None;
        }
    }

    /// The final form.
    pub(super) fn finish(self) -> Written {
        let whole_output = self.file.map(|file| file.keep().display().to_string());
        let place = match &whole_output {
            Some(path) => format!("all of it is in {path}"),
            None => "they are lost".to_owned(),
        };
        let gap = |dropped: u64| format!("\n[… {dropped} bytes left out here; {place} …]\n");
        let truncated = Truncated {
            stdout_dropped_bytes: self.stdout.dropped(),
            stderr_dropped_bytes: self.stderr.dropped(),
            whole_output,
        };
        Written {
            both: self.both.text(gap),
            stdout: self.stdout.text(gap),
            stderr: self.stderr.text(gap),
            order: self.order,
            truncated: (self.both.dropped() > 0).then_some(truncated),
        }
    }
}

/// A directory for what is too long to be returned: made when first needed, removed at the end.
#[derive(Debug, Default)]
pub(super) struct Folder {
    path: OnceLock<Option<PathBuf>>,
    files: AtomicU64,
    room: Mutex<Room>,
}

/// What the files of a folder hold.
#[derive(Debug, Default)]
struct Room {
    /// All of them, in bytes.
    taken: u64,
    /// Those that are written, oldest first, and the bytes of each.
    kept: VecDeque<(PathBuf, u64)>,
}

impl Folder {
    /// A new file; `None` where there can be none.
    fn create(&self) -> Option<(PathBuf, File)> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let folder = self.path.get_or_init(|| Self::make().ok()).as_ref()?;
        let number = self.files.fetch_add(1, Ordering::Relaxed) + 1;
        let path = folder.join(format!("output-{number}"));
        let mut options = File::options();
        let options = options.write(true).create_new(true).mode(0o600);
        let file = options.open(&path).ok()?;
        Some((path, file))
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for so many bytes; the oldest of the files that are written make way. `None` where those
    /// that are being written need it all.
    fn take(&self, bytes: u64) -> Option<()> {
        let mut room = self.room();
        while room.taken + bytes > FOLDER_LIMIT {
            let (oldest, freed) = room.kept.pop_front()?;
            let _ = std::fs::remove_file(oldest);
            room.taken -= freed;
        }
        room.taken += bytes;
        Some(())
    }

    /// Under a name that nobody could have taken.
    fn make() -> std::io::Result<PathBuf> {
        use std::os::unix::fs::DirBuilderExt as _;
        let name = format!("codex-shell-{}", super::rounds::handle()?);
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(Some(path)) = self.path.get() {
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

/// A file of a [`Folder`] that is being written. It goes away with this value, unless it is kept.
#[derive(Debug)]
struct Saved {
    path: Option<PathBuf>,
    file: File,
    bytes: u64,
    folder: Arc<Folder>,
}

impl Saved {
    /// One that holds `parts`; `None` where there can be none.
    fn new(folder: &Arc<Folder>, parts: &[&[u8]]) -> Option<Self> {
        let (path, file) = folder.create()?;
        let mut saved = Self {
            path: Some(path),
            file,
            bytes: 0,
            folder: Arc::clone(folder),
        };
        for part in parts {
            saved.append(part)?;
        }
        Some(saved)
    }

    /// `None` where there is no room for these bytes, or the file would grow too large.
    fn append(&mut self, bytes: &[u8]) -> Option<()> {
        let more = bytes.len() as u64;
        if self.bytes + more > FILE_LIMIT {
            return None;
        }
        self.folder.take(more)?;
        self.bytes += more;
        self.file.write_all(bytes).ok()
    }

    /// Keeps it until newer ones need its room, and says where it is.
    fn keep(mut self) -> PathBuf {
        let path = self.path.take().unwrap_or_default();
        let mut room = self.folder.room();
        room.kept.push_back((path.clone(), self.bytes));
        path
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
            self.folder.room().taken -= self.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that holds as many bytes as it says.
    fn saved(folder: &Arc<Folder>, bytes: u64) -> Option<Saved> {
        let mut saved = Saved::new(folder, &[])?;
        folder.take(bytes)?;
        saved.bytes = bytes;
        Some(saved)
    }

    #[test]
    fn the_oldest_files_make_room() {
        let folder = Arc::default();
        let half = FOLDER_LIMIT / 2;
        let mut paths = Vec::new();
        for (bytes, there) in [
            (half, vec![true]),
            (half, vec![true, true]),
            (1, vec![false, true, true]),
        ] {
            paths.push(saved(&folder, bytes).unwrap().keep());
            assert_eq!(paths.iter().map(|p| p.exists()).collect::<Vec<_>>(), there);
        }
    }

    #[test]
    fn those_that_are_being_written_count_and_keep_their_room() {
        let folder = Arc::default();
        let half = FOLDER_LIMIT / 2;
        let first = saved(&folder, half).unwrap();
        let mut second = saved(&folder, half).unwrap();
        assert!(second.append(b"x").is_none());
        assert!(saved(&folder, 1).is_none());
        let path = first.path.clone().unwrap();
        drop(first);
        assert!(!path.exists());
        assert!(saved(&folder, 1).is_some());
    }
}
