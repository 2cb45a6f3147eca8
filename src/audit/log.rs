//! The file that records are appended to.
//!
//! A disk that is full must not stop or change what was decided. So a record that can't be written is lost;
//! that is said at once, and how many were lost stands in the file once it can be written again.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use serde::Serialize;

use super::Stamped;
use crate::request::argv;
use crate::sys::say;

/// A file of records.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    path: PathBuf,
    /// Records that could not be written since the last one that was.
    lost: AtomicU64,
    /// The last record was cut.
    is_cut: AtomicBool,
}

/// Records were lost.
#[derive(Debug, Serialize)]
struct LostRecords {
    times: u64,
}

impl Log {
    /// The file at `path`, which is made if need be, readable by its owner alone. A pipe must have a reader.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::options()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)
            .map_err(|error| match error.raw_os_error() {
                Some(libc::ENXIO) => io::Error::other("it is a pipe or socket that nobody reads"),
                _ => error,
            })?;
        // A reader that is slow is waited for.
        let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
        fcntl(&file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            lost: AtomicU64::new(0),
            is_cut: AtomicBool::new(false),
        })
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// Appends one record, a line without its end, by one write.
    pub(super) fn append(&self, record: &[u8]) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let mut text = Vec::with_capacity(record.len() + 1);
        if self.is_cut.load(Ordering::Relaxed) {
            text.push(b'\n');
        }
        if lost > 0 {
            let what = LostRecords { times: lost };
            let told = Stamped::now("lost-records", &what);
            if serde_json::to_writer(&mut text, &told).is_ok() {
                text.push(b'\n');
            }
        }
        text.extend(record);
        text.push(b'\n');
        let Err(error) = self.write(&text) else {
            return;
        };
        self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        if lost == 0 {
            let path = argv::word(self.path.as_os_str());
            say::line(&format!("codex-shell: {path}: records are lost: {error}"));
        }
    }

    fn write(&self, text: &[u8]) -> io::Result<()> {
        let mut rest = text;
        while !rest.is_empty() {
            match (&self.file).write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // What comes next begins a line of its own.
                    let is_cut = rest.len() < text.len();
                    self.is_cut.fetch_or(is_cut, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        self.is_cut.store(false, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::fd::OwnedFd;

    use nix::fcntl::OFlag;
    use nix::unistd::pipe2;

    use super::*;

    #[test]
    fn what_is_lost_is_counted_and_a_cut_record_is_a_line_of_its_own() {
        let (reading, writing): (OwnedFd, OwnedFd) = pipe2(OFlag::O_NONBLOCK).unwrap();
        let log = Log {
            file: File::from(writing),
            path: "log".into(),
            lost: AtomicU64::new(0),
            is_cut: AtomicBool::new(false),
        };
        let mut reading = File::from(reading);
        let mut room = vec![0; 1 << 20];
        // One that doesn't go in whole, and one that doesn't at all.
        log.append(&vec![b'a'; room.len()]);
        log.append(b"b");
        let read = reading.read(&mut room).unwrap();
        assert!(room[..read].iter().all(|&byte| byte == b'a'));
        log.append(b"c");
        log.append(b"d");
        let read = reading.read(&mut room).unwrap();
        let text = String::from_utf8(room[..read].to_vec()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "");
        assert!(
            lines[1].ends_with(r#""event":"lost-records","times":2}"#),
            "{text}"
        );
        assert_eq!(lines[2..], ["c", "d"]);
    }
}
