//! Who is told what goes to a client's log.

use rmcp::RoleServer;
use rmcp::model::{CustomNotification, ServerNotification};
use rmcp::service::Peer;
use serde_json::{Value, json};

use super::context::{Context, is_stateless};

/// The protocol's levels of messages, from the least severe.
const LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

/// How severe a message is, or must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LogLevel(usize);

impl LogLevel {
    /// That of this name; an unknown one is as if it were the least severe.
    pub(super) fn named(name: &str) -> Self {
        Self(LEVELS.iter().position(|&level| level == name).unwrap_or(0))
    }
}

/// The client, as far as a request says what it wants to be told.
#[derive(Debug, Clone)]
pub(super) struct LogListener {
    peer: Peer<RoleServer>,
    wish: LogWish,
}

#[derive(Debug, Clone, Copy)]
enum LogWish {
    /// What the session was told to.
    Session,
    /// This, and what is more severe.
    From(LogLevel),
    /// Nothing: the request does not ask for it.
    Nothing,
}

impl LogListener {
    /// Who sent the request of `context`.
    pub(super) fn of(context: &Context) -> Self {
        let asked = context.meta.log_level().map(serde_json::to_value);
        let asked = asked.and_then(Result::ok);
        let asked = asked.as_ref().and_then(Value::as_str).map(LogLevel::named);
        Self {
            peer: context.peer.clone(),
            wish: match asked {
                Some(level) => LogWish::From(level),
                None if is_stateless(context) => LogWish::Nothing,
                None => LogWish::Session,
            },
        }
    }

    /// Sends a message, if it is wanted; `session` is what the session was told to.
    pub(super) fn tell(&self, session: LogLevel, level: &str, text: &str) {
        let wanted = match self.wish {
            LogWish::Session => LogLevel::named(level) >= session,
            LogWish::From(least) => LogLevel::named(level) >= least,
            LogWish::Nothing => false,
        };
        if !wanted {
            return;
        }
        let params = json!({ "level": level, "logger": "codex-shell", "data": text });
        let message = CustomNotification::new("notifications/message", Some(params));
        let peer = self.peer.clone();
        tokio::spawn(async move {
            let message = ServerNotification::CustomNotification(message);
            // A client that is gone needs no log.
            let _ = peer.send_notification(message).await;
        });
    }
}
