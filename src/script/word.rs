//! Words: quotes, expansions, and the commands inside them.

use super::cursor::{Parser, ScriptResult};
use super::model::{Assignment, Dialect, Unknown, Word, WordPart};
use super::pieces::Pieces;

/// What may be special about a word where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScriptPosition {
    /// It may be an assignment.
    Leading,
    /// An argument of `declare` or the like, whose value may be an array.
    Declared,
    /// Nothing is.
    Plain,
}

/// A word as it was read.
#[derive(Debug)]
pub(super) enum Token {
    Word(Word),
    Assignment(Assignment),
}

/// Whether `byte` ends a word when it isn't quoted.
pub(super) fn is_meta(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>'
    )
}

impl Parser<'_> {
    /// The word here; it may be empty only if a meta character stands here.
    pub(super) fn word(&mut self) -> ScriptResult<Word> {
        match self.token(ScriptPosition::Plain)? {
            Token::Word(word) => Ok(word),
            Token::Assignment(assignment) => Ok(assignment.value),
        }
    }

    pub(super) fn token(&mut self, place: ScriptPosition) -> ScriptResult<Token> {
        let mut pieces = Pieces::default();
        let mut name: Option<Vec<u8>> = None;
        let mut adds = false;
        while let Some(byte) = self.look() {
            match byte {
                b'<' | b'>' if self.second() == Some(b'(') => {
                    self.process_substitution(&mut pieces)?;
                }
                byte if is_meta(byte) => break,
                b'=' if name.is_none() && place != ScriptPosition::Plain && pieces.is_target() => {
                    self.bump();
                    if place == ScriptPosition::Leading {
                        adds = pieces.adds();
                        name = pieces.take_target();
                    } else {
                        pieces.bare(b'=');
                    }
                    if self.look() == Some(b'(') {
                        self.array(&mut pieces)?;
                    }
                }
                b'[' if name.is_none() && place == ScriptPosition::Leading && pieces.is_name() => {
                    self.subscript(&mut pieces)?;
                }
                _ => self.piece(&mut pieces)?,
            }
        }
        let mut value = pieces.finish(name.is_some(), self.dialect);
        if adds {
            value.parts.push(WordPart::Unknown {
                why: Unknown::Variable,
                source: Vec::new(),
                splits: false,
            });
        }
        Ok(match name {
            Some(name) => Token::Assignment(Assignment { name, value }),
            None => Token::Word(value),
        })
    }

    /// One character, quotation or expansion outside quotes.
    fn piece(&mut self, pieces: &mut Pieces) -> ScriptResult<()> {
        match self.bump() {
            Some(b'\\') => {
                let quoted = self.bump();
                if quoted.is_none() {
                    self.note("shells differ on a backslash at the very end");
                }
                pieces.quoted(&[quoted.unwrap_or(b'\\')]);
                Ok(())
            }
            Some(b'\'') => self.single(pieces),
            Some(b'"') => self.deeper(|parser| parser.double(pieces)),
            Some(b'`') => self.backquoted(pieces, false),
            Some(b'$') => self.dollar(pieces, false),
            Some(byte) => {
                pieces.bare(byte);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn single(&mut self, pieces: &mut Pieces) -> ScriptResult<()> {
        let rest = self.rest();
        let Some(length) = rest.iter().position(|&byte| byte == b'\'') else {
            return self.unclosed("a single quote is never closed");
        };
        pieces.quoted(rest.get(..length).unwrap_or_default());
        self.skip(length + 1);
        Ok(())
    }

    /// Nothing behind an open quote is a command.
    fn unclosed(&mut self, message: &'static str) -> ScriptResult<()> {
        self.note(message);
        self.at = self.input.len();
        Err(super::cursor::CursorStop::Syntax)
    }

    /// The rest of `"…"`.
    pub(super) fn double(&mut self, pieces: &mut Pieces) -> ScriptResult<()> {
        pieces.quoted(b"");
        loop {
            match self.bump() {
                Some(b'"') => return Ok(()),
                Some(byte) => self.expanded(byte, pieces, b"$`\"\\")?,
                None => return self.fail("a double quote is never closed"),
            }
        }
    }

    /// One character or expansion where both work but words aren't split; `escapable` are the
    /// characters before which a backslash means something.
    pub(super) fn expanded(
        &mut self,
        byte: u8,
        pieces: &mut Pieces,
        escapable: &[u8],
    ) -> ScriptResult<()> {
        match byte {
            b'$' => self.dollar(pieces, true),
            b'`' => self.backquoted(pieces, true),
            b'\\' => {
                match self.peek() {
                    Some(b'\n') => {
                        self.bump();
                    }
                    Some(next) if escapable.contains(&next) => {
                        self.bump();
                        pieces.quoted(&[next]);
                    }
                    _ => pieces.quoted(b"\\"),
                }
                Ok(())
            }
            byte => {
                pieces.quoted(&[byte]);
                Ok(())
            }
        }
    }

    /// What follows a `$`, which has been read.
    pub(super) fn dollar(&mut self, pieces: &mut Pieces, in_quotes: bool) -> ScriptResult<()> {
        let start = self.at - 1;
        let why = match self.look() {
            Some(b'(') => {
                self.bump();
                if self.look() == Some(b'(') && self.is_arithmetic()? {
                    self.bump();
                    self.arithmetic()?;
                    Unknown::Arithmetic
                } else {
                    self.command_substitution()?;
                    Unknown::Substitution
                }
            }
            Some(b'{') => {
                self.bump();
                self.deeper(|parser| parser.parameter(in_quotes))?;
                Unknown::Variable
            }
            Some(b'[') => {
                self.bump();
                self.deeper(|parser| parser.balanced(b'[', b']'))?;
                Unknown::Arithmetic
            }
            Some(b'\'') if !in_quotes => {
                self.bump();
                return self.ansi_quoted(pieces);
            }
            Some(b'"') if !in_quotes => {
                self.bump();
                pieces.unknown(Unknown::Dialect, b"", false);
                return self.deeper(|parser| parser.double(pieces));
            }
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                while self
                    .look()
                    .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                {
                    self.bump();
                }
                Unknown::Variable
            }
            Some(b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'$' | b'!' | b'-') => {
                self.bump();
                Unknown::Variable
            }
            _ => {
                pieces.quoted(b"$");
                return Ok(());
            }
        };
        let source = self.input.get(start..self.at).unwrap_or_default();
        let list = source.contains(&b'@');
        let why = match why {
            Unknown::Variable if list && in_quotes => Unknown::List,
            why => why,
        };
        pieces.unknown(why, source, !in_quotes || list);
        Ok(())
    }

    /// The rest of `$'…'`.
    fn ansi_quoted(&mut self, pieces: &mut Pieces) -> ScriptResult<()> {
        let rest = self.rest();
        let mut length = 0;
        loop {
            match rest.get(length) {
                Some(b'\'') => break,
                Some(b'\\') => length += 2,
                Some(_) => length += 1,
                None => return self.unclosed("a quote is never closed"),
            }
        }
        let (bytes, portable) = super::ansi::decode(rest.get(..length).unwrap_or_default());
        if !portable || self.dialect == Dialect::Sh {
            pieces.unknown(Unknown::Dialect, b"", false);
        }
        pieces.quoted(&bytes);
        self.skip(length + 1);
        Ok(())
    }

    /// The rest of `${…}`.
    fn parameter(&mut self, in_quotes: bool) -> ScriptResult<()> {
        if matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'|')) {
            // Newer shells run what is inside, in place.
            self.eat(b'|');
            return self.enclosed_list(b'}');
        }
        let mut scratch = Pieces::default();
        loop {
            match self.bump() {
                Some(b'}') => return Ok(()),
                Some(b'=') => self.out.script.sets_variables = true,
                Some(b'\\') => {
                    self.bump();
                }
                Some(b'\'') if in_quotes => {
                    self.note("shells differ on a single quote inside \"${…}\"");
                }
                Some(b'\'') => self.single(&mut scratch)?,
                Some(b'"') => self.deeper(|parser| parser.double(&mut scratch))?,
                Some(b'$') => self.dollar(&mut scratch, in_quotes)?,
                Some(b'`') => self.backquoted(&mut scratch, in_quotes)?,
                Some(b'<' | b'>') if !in_quotes && self.peek() == Some(b'(') => {
                    self.at -= 1;
                    self.process_substitution(&mut scratch)?;
                }
                Some(_) => {}
                None => return self.fail("a ${ is never closed"),
            }
            scratch.clear();
        }
    }

    /// The rest of an arithmetic expression or a subscript, up to `close`.
    pub(super) fn balanced(&mut self, open: u8, close: u8) -> ScriptResult<()> {
        // Any name in it may be set.
        self.out.script.sets_variables = true;
        let mut scratch = Pieces::default();
        let mut depth = 0_usize;
        loop {
            match self.bump() {
                Some(byte) if byte == close => {
                    let Some(less) = depth.checked_sub(1) else {
                        return Ok(());
                    };
                    depth = less;
                }
                Some(byte) if byte == open => depth += 1,
                Some(b'\\') => {
                    self.bump();
                }
                Some(b'\'') => self.single(&mut scratch)?,
                Some(b'"') => self.deeper(|parser| parser.double(&mut scratch))?,
                Some(b'$') => self.dollar(&mut scratch, true)?,
                Some(b'`') => self.backquoted(&mut scratch, true)?,
                Some(_) => {}
                None => return self.fail("an expression is never closed"),
            }
            scratch.clear();
        }
    }

    /// The subscript of `name[…]=`, with its brackets.
    fn subscript(&mut self, pieces: &mut Pieces) -> ScriptResult<()> {
        let start = self.at;
        self.bump();
        self.deeper(|parser| parser.balanced(b'[', b']'))?;
        if matches!(self.look(), Some(b'=' | b'+')) {
            pieces.set_subscript();
            return Ok(());
        }
        let source = self.input.get(start..self.at).unwrap_or_default();
        pieces.unknown(Unknown::Glob, source, true);
        Ok(())
    }

    /// `(…)` after `name=`.
    fn array(&mut self, pieces: &mut Pieces) -> ScriptResult<()> {
        let start = self.at;
        self.bump();
        self.deeper(|parser| {
            loop {
                match parser.look() {
                    Some(b')') => {
                        parser.bump();
                        return Ok(());
                    }
                    Some(b' ' | b'\t' | b'\n') => {
                        parser.bump();
                    }
                    Some(b'#') => parser.comment(),
                    Some(b'<' | b'>') if parser.second() == Some(b'(') => {
                        parser.word()?;
                    }
                    Some(byte) if is_meta(byte) => {
                        return parser.fail("this can't stand in an array");
                    }
                    Some(_) => {
                        parser.word()?;
                    }
                    None => return parser.fail("an array is never closed"),
                }
            }
        })?;
        let source = self.input.get(start..self.at).unwrap_or_default();
        pieces.unknown(Unknown::Variable, source, false);
        Ok(())
    }
}
