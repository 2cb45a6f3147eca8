//! How deep a text nests, judged before it is parsed: the interpreter recurses on its own stack.

/// An expression may hold this many tokens between two commas, those of all enclosing brackets
/// counted along. What is written by hand stays below a hundred; a chain of `+` or of method
/// calls nests as deep as it is long.
const MAX_TOKENS: usize = 8_000;

/// The byte at which `text` nests too deep, if it does.
pub(super) fn too_deep_at(text: &str) -> Option<usize> {
    let mut scan = Scan::default();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next = match byte {
            b'#' => skip_line(bytes, at),
            b'"' | b'\'' => skip_string(bytes, at, byte),
            b'\n' => {
                let next = at + 1;
                let indent = leading_spaces(bytes, next);
                scan.end_line(indent);
                next + indent
            }
            _ if is_word(byte) => skip_word(bytes, at),
            _ => at + 1,
        };
        scan.token(byte);
        if scan.depth > MAX_TOKENS {
            return Some(at);
        }
        at = next;
    }
    None
}

/// Tokens since the last comma, for each open bracket; the first entry is the statement's.
#[derive(Default)]
struct Scan {
    open: Vec<usize>,
    current: usize,
    depth: usize,
}

impl Scan {
    fn token(&mut self, byte: u8) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b'#' => {}
            b',' | b';' => self.restart(0),
            b')' | b']' | b'}' => {
                self.depth -= self.current;
                self.current = self.open.pop().unwrap_or(0);
            }
            _ => {
                self.current += 1;
                self.depth += 1;
                if matches!(byte, b'(' | b'[' | b'{') {
                    self.open.push(self.current);
                    self.current = 0;
                }
            }
        }
    }

    /// A statement ends where no bracket is open; a block nests as deep as it is indented.
    fn end_line(&mut self, indent: usize) {
        if self.open.is_empty() {
            self.restart(indent);
        }
    }

    fn restart(&mut self, tokens: usize) {
        self.depth = self.depth - self.current + tokens;
        self.current = tokens;
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn position_from(bytes: &[u8], at: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .position(|byte| wanted(*byte))
        .unwrap_or(rest.len())
}

fn skip_line(bytes: &[u8], at: usize) -> usize {
    position_from(bytes, at, |byte| byte == b'\n')
}

fn skip_word(bytes: &[u8], at: usize) -> usize {
    position_from(bytes, at, |byte| !is_word(byte))
}

fn leading_spaces(bytes: &[u8], at: usize) -> usize {
    position_from(bytes, at, |byte| byte != b' ') - at
}

/// The end of the string that opens at `at`. In raw strings, too, a backslash keeps the quote
/// after it from closing.
fn skip_string(bytes: &[u8], at: usize, quote: u8) -> usize {
    let triple = bytes.get(at..at + 3) == Some(&[quote; 3]);
    let width = if triple { 3 } else { 1 };
    let mut at = at + width;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\\' {
            at += 2;
        } else if byte == b'\n' && !triple {
            return at;
        } else if byte == quote && (!triple || bytes.get(at..at + 3) == Some(&[quote; 3])) {
            return at + width;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_and_files_are_flat() {
        let flat = format!("x = [{}]\n", "\"a\", ".repeat(20_000));
        assert_eq!(too_deep_at(&flat), None);
        let lines = "prefix_rule(pattern = [\"a\", [\"b\"]])\n".repeat(20_000);
        assert_eq!(too_deep_at(&lines), None);
        let body = format!("def f():\n{}", "    x = 1 + 1\n".repeat(20_000));
        assert_eq!(too_deep_at(&body), None);
    }

    #[test]
    fn what_nests_is_found() {
        for text in [
            "[".repeat(20_000),
            format!("x = {}1", "1 + ".repeat(10_000)),
            format!("x = \"\"{}", ".strip()".repeat(5_000)),
            format!("x = {}1", "not ".repeat(10_000)),
            format!("x = {}1", "lambda: ".repeat(10_000)),
            format!("\n{}pass", " ".repeat(10_000)),
            format!("x = {}", "(1 + ".repeat(5_000)),
        ] {
            assert!(too_deep_at(&text).is_some(), "{}", text.get(..20).unwrap());
        }
    }

    #[test]
    fn strings_and_comments_do_not_nest() {
        let brackets = "[".repeat(20_000);
        for text in [
            format!("x = '{brackets}'"),
            format!("x = \"\"\"{brackets}\n\"{brackets}\"\"\""),
            format!("x = r'\\'{brackets}'"),
            format!("# {brackets}\nx = 1"),
        ] {
            assert_eq!(too_deep_at(&text), None);
        }
    }
}
