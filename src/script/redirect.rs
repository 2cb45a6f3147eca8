//! Redirections and here-documents.

use super::cursor::{Parser, PendingHeredoc, ScriptResult};
use super::model::{Redirection, ScriptCommand};
use super::word::is_meta;

/// How long a redirection's descriptor and operator may be, in bytes.
const OPERATOR: usize = 64;

impl Parser<'_> {
    /// Reads the redirection here into `command`; whether there is one.
    pub(super) fn redirection(&mut self, command: &mut ScriptCommand) -> ScriptResult<bool> {
        if !matches!(self.look(), Some(b'<' | b'>' | b'&' | b'{' | b'0'..=b'9')) {
            return Ok(false);
        }
        let ahead = self.ahead();
        let prefix = descriptor(&ahead);
        let (both, rest) = match ahead.get(prefix..).unwrap_or_default() {
            [b'&', rest @ ..] if prefix == 0 => (1, rest),
            rest => (0, rest),
        };
        let (length, kind) = match rest {
            [b'<', b'<', b'<', ..] => (3, RedirectKind::Text),
            [b'<', b'<', b'-', ..] => (3, RedirectKind::Here { strip_tabs: true }),
            [b'<', b'<', ..] => (2, RedirectKind::Here { strip_tabs: false }),
            [b'<' | b'>', b'&', ..] => (
                2,
                RedirectKind::Copy {
                    writes: rest.starts_with(b">"),
                },
            ),
            [b'<', b'>', ..] | [b'>', b'>' | b'|', ..] => (2, RedirectKind::File { writes: true }),
            [b'<' | b'>', b'(', ..] => return Ok(false),
            [b'>', ..] => (1, RedirectKind::File { writes: true }),
            [b'<', ..] => (1, RedirectKind::File { writes: false }),
            _ => return Ok(false),
        };
        if both == 1 && !rest.starts_with(b">") {
            return Ok(false);
        }
        for _ in 0..prefix + both + length {
            self.look();
            self.bump();
        }
        self.blanks();
        // What is made of standard output or error is read by nobody who doesn't say so.
        let is_output = match ahead.get(..prefix).unwrap_or_default() {
            b"" => matches!(kind, RedirectKind::Copy { writes: true }),
            number => matches!(number, b"1" | b"2"),
        };
        self.target(command, kind, is_output)?;
        Ok(true)
    }

    /// What comes next, as far as the operator of a redirection reaches, without continuations.
    fn ahead(&self) -> Vec<u8> {
        let mut rest = self.rest();
        let mut ahead = Vec::with_capacity(OPERATOR);
        while ahead.len() < OPERATOR {
            if let Some(after) = rest.strip_prefix(b"\\\n") {
                rest = after;
            } else if let Some((&byte, after)) = rest.split_first() {
                ahead.push(byte);
                rest = after;
            } else {
                break;
            }
        }
        ahead
    }

    fn target(
        &mut self,
        command: &mut ScriptCommand,
        kind: RedirectKind,
        is_output: bool,
    ) -> ScriptResult<()> {
        if matches!(kind, RedirectKind::Copy { .. }) && self.eat(b'-') {
            // Closes the descriptor; what follows is the next word, even without a blank.
            return Ok(());
        }
        let substitution = self.second() == Some(b'(');
        match self.look() {
            Some(b'<' | b'>') if substitution => {}
            Some(byte) if !is_meta(byte) => {}
            _ => return self.fail("a redirection has no target"),
        }
        let writes = match kind {
            RedirectKind::Here { strip_tabs } => return self.delimiter(strip_tabs),
            RedirectKind::Text => {
                let mut text = self.word()?.recognised();
                text.push(b'\n');
                command.input = Some(text);
                return Ok(());
            }
            RedirectKind::Copy { writes } | RedirectKind::File { writes } => writes,
        };
        let target = self.word()?;
        let is_copy = matches!(kind, RedirectKind::Copy { .. });
        match target
            .known()
            .filter(|_| is_copy)
            .and_then(|word| copied(&word))
        {
            Some(number) => self.out.script.copied.push((number, is_output)),
            None => command.redirections.push(Redirection { writes, target }),
        }
        Ok(())
    }

    /// The word that ends a here-document.
    fn delimiter(&mut self, strip_tabs: bool) -> ScriptResult<()> {
        let mut pending = PendingHeredoc {
            delimiter: Vec::new(),
            quoted: false,
            strip_tabs,
            command: None,
        };
        while let Some(byte) = self.look().filter(|&byte| !is_meta(byte)) {
            self.bump();
            match byte {
                b'\'' | b'"' => {
                    pending.quoted = true;
                    self.quoted_delimiter(byte, &mut pending.delimiter)?;
                }
                b'\\' => {
                    pending.quoted = true;
                    pending.delimiter.extend(self.bump());
                }
                b'$' | b'`' => {
                    return self.fail("shells differ on this end of a here-document");
                }
                byte => pending.delimiter.push(byte),
            }
        }
        self.pending.push(pending);
        Ok(())
    }

    fn quoted_delimiter(&mut self, quote: u8, delimiter: &mut Vec<u8>) -> ScriptResult<()> {
        loop {
            match self.bump() {
                Some(byte) if byte == quote => return Ok(()),
                Some(b'\\') if quote == b'"' => {
                    return self.fail("shells differ on this end of a here-document");
                }
                Some(b'\n') | None => {
                    return self.fail("the end of a here-document is never closed");
                }
                Some(byte) => delimiter.push(byte),
            }
        }
    }

    /// The end of a line, and the bodies of the here-documents that begin on it.
    pub(super) fn newline(&mut self) -> ScriptResult<()> {
        self.bump();
        for pending in std::mem::take(&mut self.pending) {
            self.here_document(&pending)?;
        }
        Ok(())
    }

    fn here_document(&mut self, pending: &PendingHeredoc) -> ScriptResult<()> {
        let line = self.line;
        let mut body = Vec::new();
        while self.at < self.input.len() {
            let mut text = self.here_line();
            if !pending.quoted {
                while text.ends_with(b"\\") && odd_backslashes(&text) && self.peek().is_some() {
                    text.pop();
                    text.extend(self.here_line());
                }
            }
            let tabs = text.iter().take_while(|&&byte| byte == b'\t').count();
            let text = text
                .get(if pending.strip_tabs { tabs } else { 0 }..)
                .unwrap_or_default();
            if text == pending.delimiter {
                break;
            }
            if self.substitutions > 0
                && let Some(after) = text.strip_prefix(pending.delimiter.as_slice())
                && after.contains(&b')')
            {
                self.note("shells differ on where this here-document ends");
            }
            body.extend_from_slice(text);
            body.push(b'\n');
        }
        self.spend(body.len())?;
        let command = pending
            .command
            .and_then(|index| self.out.script.commands.get_mut(index));
        match command {
            Some(command) => command.input = Some(body.clone()),
            None => self.out.script.fed.push(body.clone()),
        }
        if pending.quoted {
            return Ok(());
        }
        // A part of the body that is no grammar says nothing about what follows it.
        self.deeper(|parser| {
            let _ = parser.nested(&body, line).body();
            Ok(())
        })
    }

    /// The rest of this line, without its end.
    fn here_line(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        while let Some(byte) = self.bump().filter(|&byte| byte != b'\n') {
            line.push(byte);
        }
        line
    }
}

#[derive(Debug, Clone, Copy)]
enum RedirectKind {
    File { writes: bool },
    Copy { writes: bool },
    Here { strip_tabs: bool },
    Text,
}

/// How long the descriptor is that a redirection begins with: `2>`, `{name}>`.
fn descriptor(text: &[u8]) -> usize {
    let length = if text.starts_with(b"{") {
        let name = text.iter().take_while(|&&byte| byte != b'}').count();
        let named = text.get(1..name).is_some_and(super::pieces::is_name);
        if named { name + 1 } else { 0 }
    } else {
        text.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let redirects = matches!(text.get(length), Some(b'<' | b'>'));
    if redirects { length } else { 0 }
}

/// The descriptor that is named by what follows `>&`: `1`, `1-`.
fn copied(word: &[u8]) -> Option<u32> {
    let digits = word.strip_suffix(b"-").unwrap_or(word);
    let is_number = !word.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let number = is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok());
    // There is none of a larger number, or of none.
    number.map(|number| number.unwrap_or(u32::MAX))
}

fn odd_backslashes(text: &[u8]) -> bool {
    let trailing = text.iter().rev().take_while(|&&byte| byte == b'\\').count();
    trailing % 2 == 1
}
