//! What the sandbox refused, in words.

use std::borrow::Cow;
use std::path::Path;

use crate::confine::{Cause, Denied, Refused, Remedy, Replaced};
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
        Remedy::GitOutside => {
            return "only git outside writes there, by a rule on its subcommand: for `git commit`, \
                    `prefix_rule([\"git\", \"commit\"], decision = \"prompt\")`, which asks first"
                .to_owned();
        }
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

/// Something under a name that other programs obey: where, why that matters, and whether it is gone, else new.
pub type SuggestedChange<'a> = (&'a Path, &'a str, bool);

/// What came to be under names that other programs obey, or went away: a line for those of one reason.
pub fn made<'a>(made: impl Iterator<Item = SuggestedChange<'a>>) -> Vec<String> {
    let named =
        made.map(|(path, reason, is_gone)| ((is_gone, reason), argv::word(path.as_os_str())));
    let line = |((is_gone, reason), names): &((bool, &str), Vec<String>)| {
        let look = if names.len() > 1 {
            "look at all of them"
        } else {
            "look at it"
        };
        let names = names.join(", ");
        if *is_gone {
            format!("gone since the command started: {names} ({reason})")
        } else {
            format!(
                "new since the command started: {names} ({reason}); {look} before you let anything obey it"
            )
        }
    };
    grouped(named).iter().map(line).collect()
}

/// As many of what was replaced are named.
const NAMED: usize = 5;

/// What is held in writable directories, and was replaced while a command ran: a line at most.
pub fn replaced(replaced: &[Replaced]) -> Option<String> {
    let names = replaced.iter().take(NAMED);
    let names: Vec<_> = names.map(|one| argv::word(one.path.as_os_str())).collect();
    let more = replaced.len() - names.len();
    let more = (more > 0).then(|| format!(" and {more} more"));
    (!replaced.is_empty()).then(|| {
        format!(
            "replaced from outside while the command ran, which could have written there for a moment: \
             {}{}",
            names.join(", "),
            more.unwrap_or_default()
        )
    })
}

/// Those of one key together, in the order in which the keys come.
pub fn grouped<K: PartialEq, V>(all: impl Iterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = Vec::new();
    for (key, value) in all {
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, values)) => values.push(value),
            None => groups.push((key, vec![value])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_stands_by_its_own_names() {
        let files = [
            ("/w/.envrc", "a", false),
            ("/w/.hg", "b", false),
            ("/w/.env", "a", false),
            ("/w/.idea", "a", true),
        ];
        let lines = made(
            files
                .map(|(path, reason, is_gone)| (Path::new(path), reason, is_gone))
                .into_iter(),
        );
        assert_eq!(lines.len(), 3);
        let begins = |at: usize, text| lines.get(at).is_some_and(|line| line.contains(text));
        assert!(
            begins(0, ": /w/.envrc, /w/.env (a); look at all"),
            "{lines:?}"
        );
        assert!(begins(1, ": /w/.hg (b); look at it"), "{lines:?}");
        assert_eq!(lines[2], "gone since the command started: /w/.idea (a)");
        assert_eq!(made(std::iter::empty()), Vec::<String>::new());
    }
}
