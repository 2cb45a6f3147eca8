//! Questions by "input required": the call waits in the server while its client asks, and goes on
//! when it comes back. What the client brings back is a name only; everything else stays here.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmcp::model::{
    ElicitRequest, ElicitRequestParams, InputRequest, InputRequiredResult, RequestId,
};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::asking::{Brought, Round};
use super::drive::Driven;
use crate::sys::lock;

/// As many calls wait for their clients at once: each keeps its processes.
const PARKED: usize = 32;

/// A call that waits for its client.
#[derive(Debug)]
pub(super) struct Parked {
    /// The client's request that was answered last.
    pub(super) request: RequestId,
    /// Stands for the arguments that it was called with; it goes on only when called with the same.
    pub(super) arguments: [u64; 2],
    /// The call.
    pub(super) driven: Driven,
    /// Forms still to come.
    pub(super) rounds: mpsc::UnboundedReceiver<Round>,
    /// The answers that the client is to bring, by name.
    pub(super) open: BTreeMap<String, oneshot::Sender<Brought>>,
    /// One of [`PARKED`] places, while it waits.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

/// Answers a form that can't be put, as too many calls wait.
pub(super) fn turn_away((_, waiting): Round) {
    let why = format!(
        "nobody could be asked: {PARKED} calls wait for their answers already; answer those first"
    );
    // It may have been withdrawn.
    let _ = waiting.send(Err(why));
}

impl Parked {
    /// Gives the client's answers to those who wait for them; one that it did not bring is a no.
    pub(super) fn answer(&mut self, responses: BTreeMap<String, Value>) {
        let mut responses = responses;
        for (name, waiting) in std::mem::take(&mut self.open) {
            let answer = responses.remove(&name).unwrap_or(Value::Null);
            // It may have been withdrawn.
            let _ = waiting.send(Ok(answer));
        }
    }

    /// What the client is told: the forms, and the name to come back with.
    pub(super) fn require(&mut self, first: Round, handle: String) -> InputRequiredResult {
        let mut forms = BTreeMap::new();
        let mut next = Some(first);
        while let Some((form, waiting)) = next {
            let name = format!("approval-{}", forms.len() + 1);
            match serde_json::from_value::<ElicitRequestParams>(form) {
                Ok(params) => {
                    let request = InputRequest::Elicitation(ElicitRequest::new(params));
                    forms.insert(name.clone(), request);
                    self.open.insert(name, waiting);
                }
                // Dropping its sender is a no.
                Err(_) => drop(waiting),
            }
            next = self.rounds.try_recv().ok();
        }
        InputRequiredResult::new(Some(forms), Some(handle))
    }
}

/// The calls that wait for their clients.
#[derive(Debug)]
pub(super) struct SuspendedCalls {
    calls: Mutex<HashMap<String, Parked>>,
    /// A permit for each.
    places: Arc<Semaphore>,
}

impl Default for SuspendedCalls {
    fn default() -> Self {
        let places = Arc::new(Semaphore::new(PARKED));
        Self {
            calls: Mutex::default(),
            places,
        }
    }
}

impl SuspendedCalls {
    /// A place for one more, if there is one.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Keeps a call whose client is to come back with an answer.
    pub(super) fn park(&self, handle: String, parked: Parked) {
        lock(&self.calls).insert(handle, parked);
    }

    /// Ends the call that was kept under `handle`, if it still waits after this time.
    pub(super) fn limit(self: &Arc<Self>, handle: String, time: Duration) {
        // Without a server nobody comes back.
        let waiting = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            drop(waiting.upgrade().map(|waiting| waiting.unpark(&handle)));
        });
    }

    /// The call that was kept under `handle`.
    pub(super) fn unpark(&self, handle: &str) -> Option<Parked> {
        lock(&self.calls).remove(handle)
    }

    /// The call that waits for its client since `request` was answered.
    pub(super) fn unpark_request(&self, request: &RequestId) -> Option<Parked> {
        let mut calls = lock(&self.calls);
        let mut entries = calls.iter();
        let handle = entries.find(|(_, parked)| parked.request == *request)?.0;
        let handle = handle.clone();
        calls.remove(&handle)
    }
}
