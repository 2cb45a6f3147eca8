//! JSON-RPC messages, one a line. A line that is none gets its error, and the server lives on.

use std::collections::HashSet;
use std::io::{self, Stdin};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequest, ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorData, GetMeta,
    JsonRpcRequest, ProtocolVersion, RequestId, ServerJsonRpcMessage,
};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::outbox::Outbox;
use super::stdio::{self, Stdio};

/// The longest message.
const LONGEST: usize = 16 << 20;
/// How long a client that has hung up may take to read what there is.
const PATIENCE: Duration = Duration::from_secs(5);
const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;

/// The connection to the client.
#[derive(Debug)]
pub(super) struct Wire {
    input: Stdio<Stdin>,
    lines: Lines,
    outbox: Outbox,
    /// A session has begun: before, only requests are of use.
    begun: bool,
    /// The requests that have no answer yet.
    open: HashSet<RequestId>,
    /// What stands for the id of a message that has none that can be read.
    unread: Unread,
    /// Becomes true when the client is gone.
    gone: watch::Sender<bool>,
}

impl Wire {
    /// Connects standard input and what goes out by the `outbox`. `gone` is told when the input ends.
    ///
    /// # Errors
    /// Standard input is closed.
    pub(super) fn new(outbox: Outbox, gone: watch::Sender<bool>) -> io::Result<Self> {
        Ok(Self {
            input: stdio::input()?,
            lines: Lines::default(),
            outbox,
            begun: false,
            open: HashSet::new(),
            unread: Unread::Null,
            gone,
        })
    }

    /// What a line says, if it is for the session; what is wrong with it is answered here.
    fn understand(&mut self, line: &[u8]) -> Option<ClientJsonRpcMessage> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        if let Ok(message) = parse(line) {
            return self.admit(message);
        }
        if let Some(error) = refusal(line, self.unread) {
            self.say(&error);
        }
        None
    }

    /// Before a session has begun, a notification would end it; and an answer to one of two requests that have
    /// the same id could be taken for the other's.
    fn admit(&mut self, message: ClientJsonRpcMessage) -> Option<ClientJsonRpcMessage> {
        match &message {
            ClientJsonRpcMessage::Request(JsonRpcRequest { id, request, .. }) => {
                if !self.open.insert(id.clone()) {
                    let error = "an earlier request with this id has no answer yet";
                    let error = ErrorData::invalid_request(error, None);
                    self.say(&ServerJsonRpcMessage::error(error, Some(id.clone())));
                    return None;
                }
                self.begun |= match request {
                    ClientRequest::InitializeRequest(begin) => {
                        self.unread = Unread::of(&begin.params.protocol_version);
                        true
                    }
                    ClientRequest::DiscoverRequest(_) => {
                        self.unread = Unread::Absent;
                        false
                    }
                    other => {
                        let version = ProtocolVersion::V_2026_07_28;
                        let meta = other.get_meta();
                        let stands_alone = meta.missing_required_keys(&version).is_empty();
                        if stands_alone {
                            self.unread = Unread::Absent;
                        }
                        stands_alone
                    }
                };
                Some(message)
            }
            ClientJsonRpcMessage::Notification(it) => {
                if let ClientNotification::CancelledNotification(cancelled) = &it.notification {
                    self.close(cancelled.params.request_id.as_ref());
                }
                self.begun.then_some(message)
            }
            _ => self.begun.then_some(message),
        }
    }

    /// A request is answered, or will have no answer.
    fn close(&mut self, id: Option<&RequestId>) {
        id.map(|id| self.open.remove(id));
    }

    /// Waits until there is room for an answer; false if there is none and the client, which has hung up, doesn't
    /// read any.
    async fn room(&self) -> bool {
        let left = async {
            loop {
                tokio::time::sleep(PATIENCE).await;
                if self.input.is_hung_up() {
                    break;
                }
            }
        };
        tokio::select! {
            biased;
            () = self.outbox.room() => true,
            () = left => false,
        }
    }

    fn refuse_length(&self) {
        let message = format!("a message may have {LONGEST} bytes");
        self.say(&self.unread.error(INVALID_REQUEST, &message));
    }

    fn say(&self, message: &impl Serialize) {
        self.outbox.put(line(message));
    }
}

/// A call of a tool, and what must not be in it: what only answers have.
#[derive(Deserialize)]
struct ToolCall {
    #[serde(flatten)]
    call: JsonRpcRequest<CallToolRequest>,
    result: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

/// Most messages are calls of a tool; to try every kind of message takes longer than the rest.
fn parse(line: &[u8]) -> serde_json::Result<ClientJsonRpcMessage> {
    match serde_json::from_slice(line) {
        Ok(ToolCall {
            call,
            result: None,
            error: None,
        }) => {
            let request = ClientRequest::CallToolRequest(call.request);
            let request = JsonRpcRequest::new(call.id, request);
            Ok(ClientJsonRpcMessage::Request(request))
        }
        _ => serde_json::from_slice(line),
    }
}

fn line(message: &impl Serialize) -> Vec<u8> {
    // Messages are made of what JSON has.
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}

/// What stands for an id that can't be read. JSON-RPC wants null; the protocol's schema has none before
/// 2025-11-25, and from then on the id is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unread {
    Null,
    Absent,
}

impl Unread {
    fn of(version: &ProtocolVersion) -> Self {
        // Dates, which are in order as texts.
        if version.as_str() < ProtocolVersion::V_2025_11_25.as_str() {
            Self::Null
        } else {
            Self::Absent
        }
    }

    fn error(self, code: i32, message: &str) -> Value {
        let error = json!({ "code": code, "message": message });
        match self {
            Self::Null => json!({ "jsonrpc": "2.0", "id": null, "error": error }),
            Self::Absent => json!({ "jsonrpc": "2.0", "error": error }),
        }
    }
}

/// The error for a line that is no message; `None` for a notification of another protocol.
fn refusal(line: &[u8], unread: Unread) -> Option<Value> {
    let (code, message) = match serde_json::from_slice::<Value>(line) {
        Err(error) => (PARSE_ERROR, format!("not JSON: {error}")),
        Ok(Value::Object(message)) => match (message.get("id"), message.get("method")) {
            (None, Some(_)) => return None,
            (Some(id @ (Value::String(_) | Value::Number(_))), _) => {
                let error = json!({ "code": INVALID_REQUEST, "message": "not a valid request" });
                return Some(json!({ "jsonrpc": "2.0", "id": id, "error": error }));
            }
            _ => (INVALID_REQUEST, "not a valid request".into()),
        },
        Ok(Value::Array(_)) => (INVALID_REQUEST, "batches are not supported".into()),
        Ok(_) => (INVALID_REQUEST, "not a message".into()),
    };
    Some(unread.error(code, &message))
}

impl Transport<RoleServer> for Wire {
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        match &item {
            ServerJsonRpcMessage::Response(response) => self.close(Some(&response.id)),
            ServerJsonRpcMessage::Error(error) => self.close(error.id.as_ref()),
            ServerJsonRpcMessage::Request(_) | ServerJsonRpcMessage::Notification(_) => {}
        }
        self.outbox.write(line(&item))
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            while let Some(line) = self.lines.next() {
                let Ok(line) = line else {
                    self.refuse_length();
                    continue;
                };
                let message = self.understand(&line);
                if message.is_some() {
                    return message;
                }
            }
            let mut buffer = vec![0; 8 << 10];
            let read = if self.room().await {
                self.input.read(&mut buffer).await
            } else {
                Ok(0)
            };
            match read {
                Ok(0) | Err(_) => {
                    self.gone.send_replace(true);
                    return None;
                }
                Ok(count) => self.lines.push(buffer.get(..count).unwrap_or_default()),
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line that was too long to keep.
#[derive(Debug, PartialEq, Eq)]
struct TooLong;

/// Cuts what was read into lines.
#[derive(Debug, Default)]
struct Lines {
    pending: Vec<u8>,
    /// How far there is no end of a line in what is pending.
    searched: usize,
    /// The line that is being read is too long.
    skipping: bool,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    fn next(&mut self) -> Option<Result<Vec<u8>, TooLong>> {
        let unseen = self.pending.get(self.searched..).unwrap_or_default();
        let Some(end) = unseen.iter().position(|&byte| byte == b'\n') else {
            self.searched = self.pending.len();
            if self.searched > LONGEST {
                self.skipping = true;
                (self.pending, self.searched) = (Vec::new(), 0);
            }
            return None;
        };
        let rest = self.pending.split_off(self.searched + end + 1);
        let mut line = std::mem::replace(&mut self.pending, rest);
        self.searched = 0;
        line.pop();
        if std::mem::take(&mut self.skipping) || line.len() > LONGEST {
            return Some(Err(TooLong));
        }
        Some(Ok(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_wherever_reads_end() {
        let mut lines = Lines::default();
        lines.push(b"one\ntw");
        assert_eq!(lines.next(), Some(Ok(b"one".to_vec())));
        assert_eq!(lines.next(), None);
        lines.push(b"o\n\n");
        assert_eq!(lines.next(), Some(Ok(b"two".to_vec())));
        assert_eq!(lines.next(), Some(Ok(Vec::new())));
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_said() {
        let mut lines = Lines::default();
        for _ in 0..=LONGEST / 1000 {
            lines.push(&[b'x'; 1000]);
            assert_eq!(lines.next(), None);
        }
        lines.push(b"end\nnext\n");
        assert_eq!(lines.next(), Some(Err(TooLong)));
        assert_eq!(lines.next(), Some(Ok(b"next".to_vec())));
    }

    #[test]
    fn what_is_no_message_is_answered() {
        let code = |line: &[u8]| {
            let error = refusal(line, Unread::Null)?;
            Some((error["error"]["code"].clone(), error["id"].clone()))
        };
        assert_eq!(code(b"{"), Some((json!(-32700), Value::Null)));
        assert_eq!(code(b"[]"), Some((json!(-32600), Value::Null)));
        assert_eq!(code(br#"{"id":7}"#), Some((json!(-32600), json!(7))));
        assert_eq!(code(br#"{"method":"window/x"}"#), None);
        for (version, unread) in [
            (ProtocolVersion::V_2025_06_18, Unread::Null),
            (ProtocolVersion::V_2025_11_25, Unread::Absent),
            (ProtocolVersion::V_2026_07_28, Unread::Absent),
        ] {
            assert_eq!(Unread::of(&version), unread);
            let error = refusal(b"{", unread).unwrap();
            assert_eq!(error.get("id").is_none(), unread == Unread::Absent);
            let error = refusal(br#"{"id":7}"#, unread).unwrap();
            assert_eq!(error["id"], 7);
        }
    }
}
