//! What the sandbox refused, in words.

use std::borrow::Cow;
use std::path::Path;

use crate::confine::{Cause, Denied, Refused, Remedy};
use crate::request::argv;

/// The call, with an article.
pub fn what(refused: &Refused) -> String {
    let Some(family) = refused.family else {
        return format!("the system call {}", refused.call);
    };
    let name: Cow<'static, str> = match family {
        1 => "AF_UNIX".into(),
        2 => "AF_INET".into(),
        10 => "AF_INET6".into(),
        16 => "AF_NETLINK".into(),
        17 => "AF_PACKET".into(),
        38 => "AF_ALG".into(),
        40 => "AF_VSOCK".into(),
        other => format!("family {other}").into(),
    };
    let pair = if refused.call == "socketpair" {
        "a pair of datagram sockets"
    } else {
        "a socket"
    };
    format!("{pair}, {name}")
}

/// How often something happened.
pub fn times(times: u64) -> String {
    if times == 1 {
        "once".to_owned()
    } else {
        format!("{times} times")
    }
}

/// Why a path is kept from being written, where it lies in a directory that may be.
pub fn protection(denied: &Denied) -> Option<String> {
    match denied.cause? {
        Cause::Name => Some("other programs obey what it holds".to_owned()),
        Cause::Obeyed { reason, .. } => Some(reason.to_owned()),
        Cause::Deciding(role) => Some(format!("it decides what is permitted: {role}")),
        Cause::TakenOut => None,
    }
}

/// What would permit writing a path, in a sentence that may begin with why it is refused.
pub fn way(denied: &Denied) -> String {
    let remedy = denied.remedy.text();
    let permits = match &denied.remedy {
        Remedy::Options(_) => format!("`{remedy}` permits it"),
        Remedy::Unprotected(_) => format!("`{remedy}` in codex-shell.toml permits it"),
        Remedy::Nothing => "keep it elsewhere".to_owned(),
    };
    match (denied.cause, protection(denied)) {
        (Some(Cause::Name), _) => {
            format!("it is protected: a rule can let one program out for it, {permits} to all")
        }
        (_, Some(reason)) => format!("it is protected: {reason}; {permits}"),
        (_, None) => permits,
    }
}

/// What came to be under names that other programs obey, on one line.
pub fn made<'a>(made: impl Iterator<Item = (&'a Path, &'a str)>) -> Option<String> {
    let mut made = made.peekable();
    let (_, reason) = *made.peek()?;
    let names: Vec<String> = made.map(|(path, _)| argv::word(path.as_os_str())).collect();
    let rest = if names.len() > 1 {
        "; look at all of them"
    } else {
        "; look at it"
    };
    Some(format!(
        "new since the command started: {} ({}){rest} before you let anything obey it",
        names.join(", "),
        reason
    ))
}
