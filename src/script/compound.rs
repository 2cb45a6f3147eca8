//! Control flow, groups and functions.

use super::cursor::{Parser, ScriptResult};
use super::grammar::Until;
use super::model::{Enclosure, List, Word};
use super::word::is_meta;

/// The longest reserved word.
const LONGEST: usize = 8;

/// The unquoted word here, if it is short enough to be reserved.
#[derive(Debug, Default)]
pub(super) struct Keyword {
    bytes: [u8; LONGEST],
    count: usize,
    /// How much of the text it takes.
    pub(super) length: usize,
}

impl Keyword {
    fn text(&self) -> &[u8] {
        self.bytes.get(..self.count).unwrap_or_default()
    }

    pub(super) fn is_any(&self, words: &[&[u8]]) -> bool {
        self.count > 0 && words.contains(&self.text())
    }
}

impl Parser<'_> {
    /// The word here, as far as it could be a reserved one.
    pub(super) fn keyword(&self) -> Keyword {
        let mut keyword = Keyword::default();
        let mut rest = self.rest();
        loop {
            while let Some(after) = rest.strip_prefix(b"\\\n") {
                rest = after;
                keyword.length += 2;
            }
            let Some((&byte, after)) = rest.split_first() else {
                return keyword;
            };
            if is_meta(byte) {
                let substitution = matches!(byte, b'<' | b'>') && after.starts_with(b"(");
                return if substitution {
                    Keyword::default()
                } else {
                    keyword
                };
            }
            let Some(slot) = keyword.bytes.get_mut(keyword.count) else {
                return Keyword::default();
            };
            *slot = byte;
            keyword.count += 1;
            keyword.length += 1;
            rest = after;
        }
    }

    /// Goes past the word here if it is one of `words`.
    pub(super) fn take_any(&mut self, words: &[&[u8]]) -> bool {
        self.look();
        let keyword = self.keyword();
        let found = keyword.is_any(words);
        if found {
            self.skip(keyword.length);
        }
        found
    }

    fn expect(&mut self, word: &'static [u8], message: &'static str) -> ScriptResult<()> {
        if self.take_any(&[word]) {
            Ok(())
        } else {
            self.fail(message)
        }
    }

    /// A compound command, if one begins here; whether it did.
    pub(super) fn compound(&mut self) -> ScriptResult<bool> {
        if self.look() == Some(b'(') {
            self.bump();
            if self.look() == Some(b'(') && self.is_arithmetic()? {
                self.bump();
                self.arithmetic()?;
            } else {
                self.within(Enclosure::Subshell, |parser| parser.enclosed_list(b')'))?;
            }
            return Ok(true);
        }
        let keyword = self.keyword();
        let read: fn(&mut Self) -> ScriptResult<()> = match keyword.text() {
            b"{" => |parser| {
                parser.body_until(&[b"}"])?;
                parser.expect(b"}", "a group is never closed")
            },
            b"if" => Self::conditional,
            b"while" | b"until" => |parser| {
                parser.body_until(&[b"do"])?;
                parser.do_group()
            },
            b"for" | b"select" => Self::for_loop,
            b"case" => Self::case,
            b"function" => Self::function,
            b"coproc" => |parser| {
                parser.out.script.sets_variables = true;
                parser.coproc()
            },
            b"[[" if self.is_bash() => Self::condition,
            _ => return Ok(false),
        };
        self.skip(keyword.length);
        read(self)?;
        Ok(true)
    }

    fn conditional(&mut self) -> ScriptResult<()> {
        loop {
            self.body_until(&[b"then"])?;
            self.expect(b"then", "then is missing here")?;
            self.body_until(&[b"elif", b"else", b"fi"])?;
            if !self.take_any(&[b"elif"]) {
                break;
            }
        }
        if self.take_any(&[b"else"]) {
            self.body_until(&[b"fi"])?;
        }
        self.expect(b"fi", "if is never closed")
    }

    fn do_group(&mut self) -> ScriptResult<()> {
        if self.take_any(&[b"{"]) {
            self.body_until(&[b"}"])?;
            return self.expect(b"}", "a group is never closed");
        }
        self.expect(b"do", "do is missing here")?;
        self.body_until(&[b"done"])?;
        self.expect(b"done", "a loop is never closed")
    }

    fn for_loop(&mut self) -> ScriptResult<()> {
        self.blanks();
        if self.look() == Some(b'(') && self.second() == Some(b'(') {
            self.bump();
            self.eat(b'(');
            self.arithmetic()?;
            self.blanks();
            self.eat(b';');
            self.newlines()?;
            return self.do_group();
        }
        let name = self.required_word("a loop has no variable")?.recognised();
        self.newlines()?;
        let mut values = Vec::new();
        if self.take_any(&[b"in"]) {
            loop {
                self.blanks();
                match self.look() {
                    None | Some(b';' | b'\n' | b'#') => break,
                    _ => values.push(self.required_word("this can't stand in a loop's list")?),
                }
            }
        }
        self.out.script.lists.push(List { name, values });
        self.blanks();
        self.eat(b';');
        self.newlines()?;
        self.do_group()
    }

    fn case(&mut self) -> ScriptResult<()> {
        self.blanks();
        let _ = self.required_word("case has no word")?;
        self.newlines()?;
        self.expect(b"in", "in is missing here")?;
        loop {
            self.newlines()?;
            if self.take_any(&[b"esac"]) {
                return Ok(());
            }
            self.eat(b'(');
            loop {
                self.blanks();
                let _ = self.required_word("a pattern is missing here")?;
                self.blanks();
                if !self.eat(b'|') {
                    break;
                }
            }
            if !self.eat(b')') {
                return self.fail("a pattern is never closed");
            }
            self.within(Enclosure::Group, |parser| {
                parser.list(Until {
                    case: true,
                    ..Until::words(&[b"esac"])
                })
            })?;
            if self.eat(b';') {
                self.eat(b';');
                self.eat(b'&');
            } else if !self.keyword().is_any(&[b"esac"]) {
                return self.fail("case is never closed");
            }
        }
    }

    fn function(&mut self) -> ScriptResult<()> {
        self.blanks();
        let name = match self.look() {
            Some(byte) if !is_meta(byte) => self.word()?.recognised(),
            _ => return self.fail("a function has no name"),
        };
        self.out.script.functions.push(name);
        self.blanks();
        if self.look() == Some(b'(') && self.second() == Some(b')') {
            self.bump();
            self.eat(b')');
        }
        self.function_body()
    }

    /// `coproc command` or `coproc NAME compound-command`.
    fn coproc(&mut self) -> ScriptResult<()> {
        self.blanks();
        if self.deeper(Self::compound)? {
            return Ok(());
        }
        let name = self
            .rest()
            .iter()
            .take_while(|&&byte| !is_meta(byte))
            .count();
        let after = self
            .rest()
            .get(name..)
            .unwrap_or_default()
            .trim_ascii_start();
        let named = [
            &b"{ "[..],
            b"{\n",
            b"(",
            b"if ",
            b"while ",
            b"until ",
            b"for ",
            b"case ",
        ]
        .iter()
        .any(|start| after.starts_with(start));
        if named {
            self.skip(name);
            self.blanks();
            if self.deeper(Self::compound)? {
                return Ok(());
            }
        }
        self.simple()
    }

    /// The rest of `[[ … ]]`: only the words matter, for what they hold.
    fn condition(&mut self) -> ScriptResult<()> {
        loop {
            self.newlines()?;
            if self.take_any(&[b"]]"]) {
                return Ok(());
            }
            let substitution = self.second() == Some(b'(');
            match self.look() {
                None => return self.fail("[[ is never closed"),
                Some(b'<' | b'>') if substitution => {
                    self.word()?;
                }
                Some(byte) if is_meta(byte) => {
                    self.bump();
                }
                Some(_) => self.evaluated_word()?,
            }
        }
    }

    fn required_word(&mut self, message: &'static str) -> ScriptResult<Word> {
        match self.look() {
            Some(b'<' | b'>') if self.second() == Some(b'(') => {}
            Some(byte) if !is_meta(byte) => {}
            _ => return self.fail(message),
        }
        self.word()
    }
}
