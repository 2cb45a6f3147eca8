//! Follows a call for its client: questions, progress, the end.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::Peer;
use tokio::sync::mpsc;

use super::asking::{Asker, Round};
use super::call::{CallReport, News, RunningCall};
use super::listener::LogListener;

/// So often at most is the client told of output.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// So much of it at a time, in bytes; the result has the rest.
const PROGRESS_LIMIT: usize = 16 << 10;

/// A call and those who follow it.
#[derive(Debug)]
pub(super) struct Driven {
    pub(super) call: RunningCall,
    pub(super) asker: Asker,
    pub(super) progress: Option<Progress>,
    /// Who is told what has no answer to stand in.
    pub(super) listener: LogListener,
}

/// Why following stops.
#[derive(Debug)]
pub(super) enum Stop {
    /// The call has ended.
    Ended(Box<CallReport>),
    /// The client is to put a form to the person.
    Round(Round),
    /// Nobody wants the result any more.
    Unwanted,
}

impl Driven {
    /// Goes on until there is something to tell. `unwanted` ends when nobody waits any more.
    pub(super) async fn follow(
        &mut self,
        rounds: &mut mpsc::UnboundedReceiver<Round>,
        unwanted: impl Future<Output = ()>,
    ) -> Stop {
        tokio::pin!(unwanted);
        let mut gone = self.asker.session.gone.clone();
        loop {
            let news = tokio::select! {
                news = self.call.next() => news,
                Some(round) = rounds.recv() => return Stop::Round(round),
                () = &mut unwanted => return Stop::Unwanted,
                _ = gone.wait_for(|gone| *gone) => return Stop::Unwanted,
            };
            match news {
                News::Question(asked, end, open) => {
                    let asker = self.asker.clone();
                    tokio::spawn(async move {
                        let _open = open;
                        asker.answer(asked, end).await;
                    });
                }
                News::Output(total, bytes) => {
                    if let Some(progress) = &mut self.progress {
                        progress.tell(total, &bytes).await;
                    }
                }
                News::Ended(report) => {
                    if let Some(progress) = &mut self.progress {
                        progress.flush().await;
                    }
                    return Stop::Ended(report);
                }
            }
        }
    }

    /// Ends the call, and tells how far it came.
    pub(super) async fn end(mut self) -> Box<CallReport> {
        self.call.cancel();
        loop {
            // A question that nobody takes is answered with a no.
            if let News::Ended(report) = self.call.next().await {
                return report;
            }
        }
    }
}

/// Tells a client of output as it comes.
#[derive(Debug)]
pub(super) struct Progress {
    peer: Peer<RoleServer>,
    token: ProgressToken,
    last: Option<Instant>,
    pending: Vec<u8>,
    /// Bytes that came behind those and are not told.
    skipped: usize,
    total: u64,
}

impl Progress {
    /// For a client that gave `token`.
    pub(super) fn new(peer: Peer<RoleServer>, token: ProgressToken) -> Self {
        Self {
            peer,
            token,
            last: None,
            pending: Vec::new(),
            skipped: 0,
            total: 0,
        }
    }

    /// The same for a client that came back, with another request that has this `token`.
    pub(super) fn renewed(self, peer: Peer<RoleServer>, token: ProgressToken) -> Self {
        Self {
            peer,
            token,
            ..self
        }
    }

    async fn tell(&mut self, total: u64, bytes: &[u8]) {
        let room = PROGRESS_LIMIT.saturating_sub(self.pending.len());
        let (told, skipped) = bytes.split_at(room.min(bytes.len()));
        self.pending.extend_from_slice(told);
        self.skipped += skipped.len();
        self.total = total;
        if self
            .last
            .is_none_or(|last| last.elapsed() >= PROGRESS_EVERY)
        {
            self.flush().await;
        }
    }

    async fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        self.last = Some(Instant::now());
        let mut text = String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned();
        let skipped = std::mem::take(&mut self.skipped);
        if skipped > 0 {
            let _ = write!(text, "\n[… {skipped} bytes left out here …]\n");
        }
        #[expect(clippy::cast_precision_loss, reason = "a count for people")]
        let params = ProgressNotificationParam::new(self.token.clone(), self.total as f64)
            .with_message(text);
        // A client that is gone is noticed elsewhere.
        let _ = self.peer.notify_progress(params).await;
    }
}
