//! What a command writes, collected within bounds: head and tail are kept, the rest goes to a file.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;

use super::folder::{Folder, Saved};

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
pub(super) struct OutputRun {
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
    order: Vec<OutputRun>,
    folder: Arc<Folder>,
    file: Option<Saved>,
}

/// The collected output in its final form.
#[derive(Debug)]
pub(super) struct WrittenOutput {
    /// Both streams in the order in which they came.
    pub(super) both: String,
    /// Standard output.
    pub(super) stdout: String,
    /// Standard error.
    pub(super) stderr: String,
    /// The order.
    pub(super) order: Vec<OutputRun>,
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
            _ if room => self.order.push(OutputRun { stream, bytes }),
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
    pub(super) fn finish(self) -> WrittenOutput {
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
        WrittenOutput {
            both: self.both.text(gap),
            stdout: self.stdout.text(gap),
            stderr: self.stderr.text(gap),
            order: self.order,
            truncated: (self.both.dropped() > 0).then_some(truncated),
        }
    }
}
