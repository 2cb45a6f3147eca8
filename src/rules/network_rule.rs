//! `network_rule(...)`: from arguments to a host and a protocol.

use super::arguments::{ArgumentProblem, Arguments, Signature};
use super::codes;
use super::model::{Decision, NetworkRule, Span};
use super::prefix_rule::{decision_named, said};

pub(super) static SIGNATURE: Signature = Signature {
    name: "network_rule",
    parameters: &["host", "protocol", "decision", "justification"],
    required: 3,
};

/// The call's rule; `None` when it has problems, which then are in `arguments`.
pub(super) fn parse(arguments: &mut Arguments<'_>, span: Span) -> Option<NetworkRule> {
    let protocol = arguments.string("protocol");
    let protocol = protocol.and_then(|text| arguments.keep(protocol_named(text)));
    let decision = arguments.string("decision");
    let decision = decision.and_then(|text| arguments.keep(decision_or_deny(text)));
    let justification = arguments.string("justification");
    let justification = justification.map(|text| arguments.keep(said(text)));
    let host = arguments.string("host");
    let host = host.and_then(|text| arguments.keep(normal_host(text)));
    if !arguments.problems.is_empty() {
        return None;
    }
    Some(NetworkRule {
        host: host?,
        protocol: protocol?.to_owned(),
        decision: decision?,
        justification: justification.flatten(),
        span,
    })
}

fn wrong(what: impl std::fmt::Display) -> ArgumentProblem {
    ArgumentProblem::new(codes::NETWORK_RULE, format!("network_rule {what}"))
}

fn protocol_named(text: &str) -> Result<&'static str, ArgumentProblem> {
    match text {
        "http" => Ok("http"),
        "https" | "https_connect" | "http-connect" => Ok("https"),
        "socks5_tcp" => Ok("socks5_tcp"),
        "socks5_udp" => Ok("socks5_udp"),
        _ => Err(wrong(format!(
            "protocol must be one of http, https, socks5_tcp, socks5_udp (got {text})"
        ))),
    }
}

fn decision_or_deny(text: &str) -> Result<Decision, ArgumentProblem> {
    if text == "deny" {
        return Ok(Decision::Forbidden);
    }
    decision_named(text)
        .map_err(|problem| problem.with_help("decisions are allow, prompt, forbidden and deny"))
}

/// Lower case, without port, brackets and trailing dots.
fn normal_host(text: &str) -> Result<String, ArgumentProblem> {
    let host = text.trim();
    if host.is_empty() {
        return Err(wrong("host cannot be empty"));
    }
    if host.contains(['/', '?', '#']) {
        return Err(wrong(
            "host must be a hostname or IP literal (without scheme or path)",
        ));
    }
    let host = match host.strip_prefix('[') {
        Some(inner) => unbracket(host, inner)?,
        None => without_port(host),
    };
    let host = host.trim().trim_end_matches('.').to_ascii_lowercase();
    if host.is_empty() {
        return Err(wrong("host cannot be empty"));
    }
    if host.contains('*') {
        return Err(wrong(
            "host must be a specific host; wildcards are not allowed",
        ));
    }
    if host.contains(char::is_whitespace) {
        return Err(wrong("host cannot contain whitespace"));
    }
    Ok(host)
}

/// The address in `[address]` or `[address]:port`; `inner` is `host` after the bracket.
fn unbracket<'a>(host: &str, inner: &'a str) -> Result<&'a str, ArgumentProblem> {
    let Some((address, suffix)) = inner.split_once(']') else {
        return Err(wrong("host has an invalid bracketed IPv6 literal"));
    };
    match suffix.strip_prefix(':') {
        _ if suffix.is_empty() => Ok(address),
        Some(port) if is_port(port) => Ok(address),
        _ => Err(wrong(format!(
            "host contains an unsupported suffix: {host}"
        ))),
    }
}

/// `name:port` loses the port; an IPv6 address, with its several colons, has none.
fn without_port(host: &str) -> &str {
    match host.split_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    }
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_normalised() {
        for (given, expected) in [
            ("  Example.COM.  ", "example.com"),
            ("example.com:8443", "example.com"),
            ("[::1]:443", "::1"),
            ("[2001:DB8::1]", "2001:db8::1"),
            ("::1", "::1"),
            ("münchen.de", "münchen.de"),
            ("example.com:", "example.com:"),
            ("example.com:abc", "example.com:abc"),
            ("user@example.com", "user@example.com"),
        ] {
            assert_eq!(normal_host(given).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for (given, complaint) in [
            ("", "cannot be empty"),
            (" ", "cannot be empty"),
            ("...", "cannot be empty"),
            ("[]", "cannot be empty"),
            ("https://a.example", "without scheme or path"),
            ("a.example/x", "without scheme or path"),
            ("a.example?x", "without scheme or path"),
            ("a.example#x", "without scheme or path"),
            ("*", "wildcards"),
            ("*.example.com", "wildcards"),
            ("a b", "whitespace"),
            ("[::1", "bracketed"),
            ("[::1]x", "suffix"),
            ("[::1]:", "suffix"),
        ] {
            let problem = normal_host(given).unwrap_err();
            assert!(
                problem.message.contains(complaint),
                "{given}: {}",
                problem.message
            );
        }
    }

    #[test]
    fn protocols_are_exact() {
        assert_eq!(protocol_named("https_connect"), Ok("https"));
        assert_eq!(protocol_named("http-connect"), Ok("https"));
        for given in ["HTTPS", "socks5", "ftp", ""] {
            assert!(protocol_named(given).is_err(), "{given}");
        }
    }
}
