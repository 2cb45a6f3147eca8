//! What the sandbox refused, in words.

use std::borrow::Cow;

use crate::confine::Refused;

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
