//! Bytes on their way.

use std::io;

/// What has still to be written.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    /// So much of it has been.
    done: usize,
}

impl Buffer {
    pub(super) fn is_empty(&self) -> bool {
        self.done == self.bytes.len()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.done = 0;
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        if self.is_empty() {
            self.clear();
        }
        self.bytes.extend(bytes);
    }

    /// Writes as much as is taken without waiting.
    pub(super) fn flush(&mut self, write: impl Fn(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        while let Some(left) = self.bytes.get(self.done..).filter(|left| !left.is_empty()) {
            match write(left) {
                Ok(count) => self.done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.clear();
        Ok(())
    }
}
