//! Scripts inside words: `$(…)`, `` `…` ``, `<(…)`, and the arithmetic that looks like them.

use super::cursor::{Parser, ScriptResult};
use super::model::{Enclosure, Unknown};
use super::pieces::Pieces;

impl Parser<'_> {
    /// The rest of `$(…)`.
    pub(super) fn command_substitution(&mut self) -> ScriptResult<()> {
        let outer = std::mem::take(&mut self.pending);
        let line = self.line;
        self.substitutions += 1;
        let result = self.within(Enclosure::Substitution, |parser| parser.enclosed_list(b')'));
        self.substitutions -= 1;
        if !self.pending.is_empty() || (!outer.is_empty() && self.line != line) {
            self.note("shells differ on where this here-document is");
        }
        self.pending = outer;
        result
    }

    /// `<(…)` or `>(…)`, standing at its first character.
    pub(super) fn process_substitution(&mut self, pieces: &mut Pieces) -> ScriptResult<()> {
        let start = self.at;
        self.bump();
        self.eat(b'(');
        let outer = std::mem::take(&mut self.pending);
        let result = self.within(Enclosure::ProcessSubstitution, |parser| {
            parser.enclosed_list(b')')
        });
        self.pending = outer;
        result?;
        let source = self.input.get(start..self.at).unwrap_or_default();
        pieces.unknown(Unknown::ProcessSubstitution, source, false);
        Ok(())
    }

    /// The rest of `` `…` ``.
    pub(super) fn backquoted(&mut self, pieces: &mut Pieces, in_quotes: bool) -> ScriptResult<()> {
        let (start, line) = (self.at - 1, self.line);
        let mut text = Vec::new();
        loop {
            match self.bump() {
                Some(b'`') => break,
                Some(b'\\') => match self.peek() {
                    Some(next @ (b'$' | b'`' | b'\\')) => {
                        self.bump();
                        text.push(next);
                    }
                    Some(b'"') if in_quotes => {
                        self.bump();
                        text.push(b'"');
                    }
                    _ => text.push(b'\\'),
                },
                Some(byte) => text.push(byte),
                None => return self.fail("a backquote is never closed"),
            }
        }
        self.spend(text.len())?;
        self.within(Enclosure::Substitution, |parser| {
            parser.nested(&text, line).run();
            Ok(())
        })?;
        let source = self.input.get(start..self.at).unwrap_or_default();
        pieces.unknown(Unknown::Substitution, source, !in_quotes);
        Ok(())
    }

    /// Whether the `(` here, after another, begins arithmetic: what closes it comes right before
    /// what closes the other.
    pub(super) fn is_arithmetic(&mut self) -> ScriptResult<bool> {
        let inside = self.rest().get(1..).unwrap_or_default();
        let (found, looked) = closes_twice(inside);
        self.spend(looked)?;
        Ok(found)
    }

    /// The rest of `((…))`, both opening parentheses behind us.
    pub(super) fn arithmetic(&mut self) -> ScriptResult<()> {
        self.deeper(|parser| parser.balanced(b'(', b')'))?;
        if self.eat(b')') {
            Ok(())
        } else {
            self.fail("arithmetic is never closed")
        }
    }

    /// The commands in the body of a here-document without quotes.
    pub(super) fn body(&mut self) -> ScriptResult<()> {
        let mut scratch = Pieces::default();
        while let Some(byte) = self.bump() {
            self.expanded(byte, &mut scratch, b"$`\\")?;
            scratch.clear();
        }
        Ok(())
    }
}

/// Whether the first unmatched `)` in `text` is followed by another, and how far that was to see.
fn closes_twice(text: &[u8]) -> (bool, usize) {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut bytes = text.iter().copied().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (Some(b'\''), _) => {}
            (_, b'\\') => {
                bytes.next();
            }
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return (text.get(at + 1) == Some(&b')'), at),
            },
            _ => {}
        }
    }
    (false, text.len())
}
