//! Rust text as far as paths and keywords need it.

#![expect(
    clippy::string_slice,
    reason = "every offset was found in the same text"
)]

/// Words, `::` and single characters of Rust text, without comments, strings and characters.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if let Some(length) = skipped(rest) {
            length
        } else if is_word(rest) {
            let length = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// The same, up to the tests.
pub(super) fn shipped(text: &str) -> Vec<String> {
    const TESTS: [&str; 6] = ["cfg", "(", "test", ")", "]", "mod"];
    let mut tokens = tokens(text);
    let tests = tokens
        .windows(8)
        .position(|eight| eight[..6] == TESTS && eight[7] == "{");
    tokens.truncate(tests.unwrap_or(tokens.len()));
    tokens
}

/// The length of the comment, string or character that `text` begins with.
fn skipped(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(text.find("*/").map_or(text.len(), |end| end + 2));
    }
    for prefix in ["r", "br", "cr"] {
        if let Some(raw) = text.strip_prefix(prefix) {
            let hashes = raw.len() - raw.trim_start_matches('#').len();
            if raw[hashes..].starts_with('"') {
                let close = format!("\"{}", "#".repeat(hashes));
                let start = prefix.len() + hashes + 1;
                let end = text[start..]
                    .find(&close)
                    .map(|end| start + end + close.len());
                return Some(end.unwrap_or(text.len()));
            }
        }
    }
    for prefix in ["", "b", "c"] {
        if text
            .strip_prefix(prefix)
            .is_some_and(|text| text.starts_with('"'))
        {
            return Some(quoted(text, prefix.len(), '"'));
        }
    }
    for prefix in ["", "b"] {
        if text.strip_prefix(prefix).is_some_and(is_character) {
            return Some(quoted(text, prefix.len(), '\''));
        }
    }
    None
}

/// Whether it is a character, rather than a lifetime.
fn is_character(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('\'')
        && match chars.next() {
            Some('\\') => true,
            Some(_) => chars.next() == Some('\''),
            None => false,
        }
}

/// The length up to the closing `quote`; the opening one stands at `start`.
fn quoted(text: &str, start: usize, quote: char) -> usize {
    let mut escaped = false;
    for (index, character) in text.char_indices().filter(|(index, _)| *index > start) {
        if !escaped && character == quote {
            return index + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    text.len()
}

/// Whether a token is a name, a keyword or a number.
pub(super) fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}
