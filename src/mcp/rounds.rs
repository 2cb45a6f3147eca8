//! Questions by "input required": the call waits in the server while its client asks, and goes on
//! when it comes back. What the client brings back is a name only; everything else stays here.

use std::collections::BTreeMap;
use std::io;

use rmcp::model::{
    ElicitRequest, ElicitRequestParams, InputRequest, InputRequiredResult, RequestId,
};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::drive::Driven;

/// As many calls wait for their clients at once: each keeps its processes.
pub(super) const PARKED: usize = 32;

/// What a client brought for a form, or why the form could not be put.
pub(super) type Brought = Result<Value, String>;

/// A form to be put to the person, and where the answer goes.
pub(super) type Round = (Value, oneshot::Sender<Brought>);

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

/// A name that nobody can guess.
///
/// # Errors
/// The kernel gives no random bytes.
pub(super) fn handle() -> io::Result<String> {
    use std::fmt::Write as _;
    use std::io::Read as _;
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut name, byte| {
        // Writing to a string can't fail.
        let _ = write!(name, "{byte:02x}");
        name
    }))
}
