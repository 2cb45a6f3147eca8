//! What waits to be written to the client, within bounds.
//!
//! A client that doesn't read its answers is not read either: what it asks for would only pile up. A
//! call whose result finds the outbox full keeps it until there is room, and only so many calls run at
//! once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc, oneshot};

use super::stdio;

/// Past so many bytes nothing more is taken on.
const FULL: usize = 4 << 20;

/// A line on its way out, and who waits for it to be written.
type OutgoingLine = (Vec<u8>, Option<oneshot::Sender<io::Result<()>>>);

/// The lines that wait, in their order.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    lines: mpsc::UnboundedSender<OutgoingLine>,
    fill: Arc<OutboxFill>,
}

/// How full it is.
#[derive(Debug, Default)]
pub(super) struct OutboxFill {
    bytes: AtomicUsize,
    sunk: Notify,
}

impl OutboxFill {
    /// Waits until there is room.
    pub(super) async fn room(&self) {
        loop {
            let sunk = self.sunk.notified();
            tokio::pin!(sunk);
            // Before looking, so that what sinks meanwhile is noticed.
            sunk.as_mut().enable();
            if self.bytes.load(Ordering::Relaxed) < FULL {
                return;
            }
            sunk.await;
        }
    }

    fn sink(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.sunk.notify_waiters();
    }
}

impl Outbox {
    /// Writes to standard output whatever is put in.
    ///
    /// # Errors
    /// It is closed.
    pub(super) fn open(fill: Arc<OutboxFill>) -> io::Result<Self> {
        let mut stdout = stdio::output()?;
        let (lines, mut waiting) = mpsc::unbounded_channel::<OutgoingLine>();
        let sinking = Arc::clone(&fill);
        tokio::spawn(async move {
            while let Some((line, written)) = waiting.recv().await {
                let result = stdout.write_all(&line).await;
                sinking.sink(line.len());
                if let Some(written) = written {
                    // Whoever waited may have been cancelled.
                    let _ = written.send(result);
                }
            }
        });
        Ok(Self { lines, fill })
    }

    /// Puts a line in that nobody waits for.
    pub(super) fn put(&self, line: Vec<u8>) {
        // Nobody reads it when the writer is gone.
        let _ = self.push(line, None);
    }

    /// Puts a line in; the future is over when it is written.
    pub(super) fn write(
        &self,
        line: Vec<u8>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let (written, done) = oneshot::channel();
        let sent = self.push(line, Some(written));
        async move {
            sent?;
            done.await.map_err(|_| io::ErrorKind::BrokenPipe)?
        }
    }

    fn push(
        &self,
        line: Vec<u8>,
        written: Option<oneshot::Sender<io::Result<()>>>,
    ) -> io::Result<()> {
        self.fill.bytes.fetch_add(line.len(), Ordering::Relaxed);
        let sent = self.lines.send((line, written));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Waits until there is room.
    pub(super) async fn room(&self) {
        self.fill.room().await;
    }
}
