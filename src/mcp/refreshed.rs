//! Whether the rules have changed, looked at for each call, by a process of its own: the server goes on
//! meanwhile, and a file system that never answers holds up nobody for long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::timeout;

use super::apart::{WorkLimits, apart};
use super::listener::LogListener;
use super::lookout::Lookout;
use super::rulebook::{Fresh, LOOK_AGAIN, StillWritten, WRITING};
use super::session::ServerSession;
use crate::evaluate::IndexedRules;
use crate::sys::lock;

/// How long it may take to look at the files.
const LOOKING: Duration = Duration::from_secs(1);
/// How long it may take to read them.
const READING: WorkLimits = WorkLimits {
    processor: Duration::from_secs(30),
    all: Duration::from_secs(30),
};

const NO_ANSWER: &str = "the files of the rules can't be looked at in time; those that were read last \
                         stay in force";

/// What there is to tell the client.
type RulesNews = Option<Result<String, String>>;

impl ServerSession {
    /// The rules, loaded again if they have changed; the client is told. A file that is being written is
    /// waited for.
    pub(super) async fn rules(&self, listener: &LogListener) -> Arc<IndexedRules> {
        let since = Instant::now();
        let news = loop {
            let is_late = since.elapsed() > WRITING;
            match self.refresh(since, is_late).await {
                Ok(news) => break news,
                Err(StillWritten) => tokio::time::sleep(LOOK_AGAIN).await,
            }
        };
        match news {
            Some(Ok(text)) => self.log(listener, "info", &text),
            Some(Err(text)) => self.log(listener, "error", &text),
            None => {}
        }
        lock(&self.rulebook).rules()
    }

    /// Loads the rules again if a file has changed. Who came `since` then is content with what somebody
    /// else has found who began after that.
    ///
    /// # Errors
    /// A file is being written: this is to be called again, unless it `is_late`.
    async fn refresh(&self, since: Instant, is_late: bool) -> Result<RulesNews, StillWritten> {
        let mut looked = self.looked.lock().await;
        if looked.began.is_some_and(|began| began >= since) {
            return Ok(None);
        }
        let began = Instant::now();
        let news = self.look(&mut looked.lookout, is_late).await;
        let is_told = looked.in_vain;
        looked.in_vain = news.is_none();
        let news = match news {
            Some(Err(StillWritten)) => return Err(StillWritten),
            Some(Ok(news)) => news,
            None => (!is_told).then(|| Err(NO_ANSWER.to_owned())),
        };
        looked.began = Some(began);
        Ok(news)
    }

    /// Looks at the files, and reads them if they look another way; `None` where that comes to no end.
    async fn look(
        &self,
        lookout: &mut Option<Lookout>,
        is_late: bool,
    ) -> Option<Result<RulesNews, StillWritten>> {
        let (sources, known) = {
            let rulebook = lock(&self.rulebook);
            (rulebook.sources().clone(), rulebook.view().clone())
        };
        let mut view = None;
        let mut looks = lookout.take();
        if let Some(looks) = &mut looks {
            // Somebody may have ended it meanwhile.
            view = timeout(LOOKING, looks.view()).await.ok()?.ok();
        }
        let (looks, view) = if let (Some(looks), Some(view)) = (looks, view) {
            (looks, view)
        } else {
            let mut looks = Lookout::start(&sources).ok()?;
            let view = timeout(LOOKING, looks.view()).await.ok()?.ok()?;
            (looks, view)
        };
        if lock(&self.rulebook).follow(view) {
            // It goes on looking at the same.
            *lookout = Some(looks);
            return Some(Ok(None));
        }
        let found = apart(READING, || bytes(&sources.read(&known))).await.ok()?;
        let found: Result<Fresh, StillWritten> = serde_json::from_slice(&found).ok()?;
        if found.is_err() && !is_late {
            return Some(Err(StillWritten));
        }
        Some(Ok(Some(lock(&self.rulebook).renew(found))))
    }
}

fn bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
