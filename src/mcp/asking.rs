//! Takes a call's questions to a person, and the answers back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{CustomRequest, ServerRequest};
use rmcp::service::{Peer, PeerRequestOptions, ServiceError};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::approval::{self, ApprovalDecision, ApprovalReply, Manner};
use super::channel::{ClientQuestion, End};
use super::session::ServerSession;
use crate::approve::Answer;
use crate::sys::lock;

/// What a client brought for a form, or why the form could not be put.
pub(super) type Brought = Result<Value, String>;

/// A form to be put to the person, and where the answer goes.
pub(super) type Round = (Value, oneshot::Sender<Brought>);

/// How a form reaches the person.
#[derive(Debug, Clone)]
pub(super) enum Via {
    /// By a request to the client.
    Client(Peer<RoleServer>),
    /// By the result of the call, with which the client comes back.
    Rounds(mpsc::UnboundedSender<Round>),
    /// By `codex-shell approve`.
    Queue,
    /// Not at all, and why.
    Nobody(String),
}

/// Asks for one call.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    pub(super) session: Arc<ServerSession>,
    pub(super) via: Via,
    /// How forms look.
    pub(super) manner: Manner,
    /// What the agent says the call is for.
    pub(super) purpose: Option<String>,
    /// The reasons that came with a yes, by command.
    pub(super) reasons: Arc<Mutex<HashMap<String, String>>>,
}

impl Asker {
    /// Answers one question, unless it is withdrawn: then `end` is closed.
    pub(super) async fn answer(self, asked: Box<ClientQuestion>, end: End) {
        if asked.key.is_some_and(|key| self.session.remembers(key)) {
            let _ = end.answer(&Answer::Yes);
            return;
        }
        let said = tokio::select! {
            said = self.converse(&asked) => said,
            _ = end.next::<()>() => return,
        };
        if let (Some(reason), Answer::Yes) = (&said.reason, said.reply()) {
            lock(&self.reasons).insert(asked.text.command.clone(), reason.clone());
        }
        if let (ApprovalDecision::Session | ApprovalDecision::Always, Some(key)) =
            (&said.decision, asked.key)
        {
            self.session.remember(key);
        }
        // Whoever asked may be gone this moment.
        let _ = end.answer(&said.reply());
    }

    async fn converse(&self, asked: &ClientQuestion) -> ApprovalReply {
        if let Via::Queue = self.via {
            let waiting = self.session.queue.ask(asked, self.purpose.as_deref());
            let limit = self.session.options.ask_timeout;
            let answer = tokio::time::timeout(limit, waiting).await;
            return answer.unwrap_or_else(|_| ApprovalReply::no(late(limit)));
        }
        let rule = asked.pattern.as_deref().map(approval::rule);
        let file = self.session.rules_file();
        let always = rule.zip(file);
        let form = approval::form(
            asked,
            self.purpose.as_deref(),
            always.is_some(),
            self.manner,
        );
        let mut said = match self.put(form).await {
            Ok(answer) => approval::understand(&answer, self.manner).among(asked),
            Err(why) => ApprovalReply::no(why),
        };
        if said.decision != ApprovalDecision::Always {
            return said;
        }
        let Some((rule, file)) = always else {
            return ApprovalReply::no("a rule was asked for that can't be written");
        };
        let form = approval::rule_form(&rule, &file.display().to_string(), self.manner);
        let confirmed = match self.put(form).await {
            Ok(answer) => approval::confirms(&answer, self.manner),
            Err(_) => false,
        };
        if !confirmed {
            said.decision = ApprovalDecision::Once;
        } else if let Err(error) = ServerSession::write_rule(&file, &rule) {
            let note = format!("the rule could not be written: {error}");
            said.reason = Some(said.reason.map_or(note.clone(), |r| format!("{r}; {note}")));
        }
        said
    }

    /// Puts a form to the person; why not, when there is no answer.
    async fn put(&self, form: Value) -> Result<Value, String> {
        let limit = self.session.options.ask_timeout;
        match &self.via {
            Via::Queue => Err("nobody could be asked: the queue takes no forms".into()),
            Via::Nobody(why) => Err(format!("nobody could be asked: {why}")),
            Via::Rounds(rounds) => {
                let (sender, answer) = oneshot::channel();
                let put = rounds.send((form, sender));
                put.map_err(|_| "nobody could be asked: the call is over")?;
                match tokio::time::timeout(limit, answer).await {
                    Ok(Ok(brought)) => brought,
                    Ok(Err(_)) => Err("the client did not answer".into()),
                    Err(_) => Err(late(limit)),
                }
            }
            Via::Client(peer) => {
                let request = CustomRequest::new("elicitation/create", Some(form));
                let request = ServerRequest::CustomRequest(request);
                let options = PeerRequestOptions::with_timeout(limit);
                let sent = peer.send_cancellable_request(request, options).await;
                let handle = sent.map_err(|e| format!("nobody could be asked: {e}"))?;
                let mut withdrawal = FormWithdrawal::of(peer, &handle.id);
                let answer = handle.await_response().await;
                withdrawal.peer = None;
                match answer {
                    Ok(answer) => serde_json::to_value(answer).map_err(|e| e.to_string()),
                    Err(ServiceError::Timeout { .. }) => Err(late(limit)),
                    Err(ServiceError::McpError(error)) => {
                        let text = approval::printable(&error.message);
                        Err(format!("the client could not ask: {text}"))
                    }
                    Err(error) => Err(format!("the client did not answer: {error}")),
                }
            }
        }
    }
}

fn late(limit: Duration) -> String {
    format!("nobody answered within {} s", limit.as_secs())
}

/// Tells the client that its answer is no longer wanted, if it is dropped before that has come.
struct FormWithdrawal {
    peer: Option<Peer<RoleServer>>,
    id: rmcp::model::RequestId,
}

impl FormWithdrawal {
    fn of(peer: &Peer<RoleServer>, id: &rmcp::model::RequestId) -> Self {
        Self {
            peer: Some(peer.clone()),
            id: id.clone(),
        }
    }
}

impl Drop for FormWithdrawal {
    fn drop(&mut self) {
        let Some(peer) = self.peer.take() else {
            return;
        };
        let params = rmcp::model::CancelledNotificationParam::new(
            Some(self.id.clone()),
            Some("no longer wanted".into()),
        );
        tokio::spawn(async move {
            // A client that is gone needs no word.
            let _ = peer.notify_cancelled(params).await;
        });
    }
}
