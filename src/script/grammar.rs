//! Lists, pipelines and simple commands.

use super::cursor::{CursorStop, Parser, ScriptResult};
use super::model::{Dialect, Enclosure, ScriptCommand, Stage};
use super::word::{ScriptPosition, Token, is_meta};

/// What ends a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until {
    /// These words, where a command could begin.
    pub(super) words: &'static [&'static [u8]],
    /// This character.
    pub(super) close: Option<u8>,
    /// `;;` and its like.
    pub(super) case: bool,
}

impl Until {
    const END: Self = Self::words(&[]);

    pub(super) const fn words(words: &'static [&'static [u8]]) -> Self {
        Self {
            words,
            close: None,
            case: false,
        }
    }
}

/// Words that end something, and so can't begin a command.
const CLOSING: [&[u8]; 8] = [
    b"then", b"elif", b"else", b"fi", b"do", b"done", b"esac", b"}",
];

/// Builtins whose arguments may be assignments of arrays.
const DECLARING: [&[u8]; 5] = [b"declare", b"export", b"local", b"readonly", b"typeset"];

impl Parser<'_> {
    /// Reads everything, going on behind what is no grammar.
    pub(super) fn run(&mut self) {
        let depth = self.out.depth;
        let (inside, stages) = (self.inside.len(), self.stages.len());
        loop {
            let before = self.at;
            match self.list(Until::END) {
                Ok(_) | Err(CursorStop::Limit) => break,
                Err(CursorStop::Syntax) => {
                    self.out.depth = depth;
                    self.inside.truncate(inside);
                    self.stages.truncate(stages);
                    let closing = self.keyword();
                    if closing.is_any(&CLOSING) {
                        self.skip(closing.length);
                    } else if self.at == before || self.peek().is_some_and(is_meta) {
                        self.bump();
                    }
                }
            }
        }
    }

    /// Commands up to `until`; whether there are any.
    pub(super) fn list(&mut self, until: Until) -> ScriptResult<bool> {
        self.newlines()?;
        let mut any = false;
        while !self.at_end(until) {
            let pipelines = self.and_or()?;
            any = true;
            self.blanks();
            if self.at_end(until) {
                break;
            }
            match self.look() {
                Some(b'&') => {
                    self.bump();
                    let list = pipelines.first().copied().unwrap_or_default();
                    let pipelines = pipelines.into_iter().map(|it| (it, list));
                    self.out.script.background.extend(pipelines);
                }
                Some(b';') => {
                    self.bump();
                }
                Some(b'\n' | b'#') => {}
                _ => return self.fail("a separator is missing here"),
            }
            self.newlines()?;
        }
        Ok(any)
    }

    /// A list that must hold something, up to one of `words`.
    pub(super) fn body_until(&mut self, words: &'static [&'static [u8]]) -> ScriptResult<()> {
        let any = self.within(Enclosure::Group, |parser| parser.list(Until::words(words)))?;
        if any {
            Ok(())
        } else {
            self.fail("a command is missing here")
        }
    }

    /// A list up to `close`, and that.
    pub(super) fn enclosed_list(&mut self, close: u8) -> ScriptResult<()> {
        let until = if close == b'}' {
            Until::words(&[b"}"])
        } else {
            Until {
                close: Some(close),
                ..Until::END
            }
        };
        self.list(until)?;
        if self.eat(close) {
            Ok(())
        } else {
            self.fail("this is never closed")
        }
    }

    fn at_end(&mut self, until: Until) -> bool {
        let Some(byte) = self.look() else {
            return true;
        };
        let case = until.case && byte == b';' && matches!(self.second(), Some(b';' | b'&'));
        case || until.close == Some(byte)
            || (!until.words.is_empty() && self.keyword().is_any(until.words))
    }

    /// Pipelines that depend on each other; their numbers.
    fn and_or(&mut self) -> ScriptResult<Vec<u32>> {
        let mut pipelines = Vec::new();
        loop {
            self.blanks();
            pipelines.push(self.out.pipelines);
            let negated = self.keyword().is_any(&[b"!"]);
            self.pipeline()?;
            self.blanks();
            let Some(byte @ (b'&' | b'|')) = self.look() else {
                return Ok(pipelines);
            };
            if self.second() != Some(byte) {
                return Ok(pipelines);
            }
            self.bump();
            self.eat(byte);
            self.newlines()?;
            // The one that comes next.
            let next = self.out.pipelines;
            if (byte == b'&') == negated {
                self.out.script.after_failure.insert(next);
            } else {
                self.out.script.after_success.insert(next);
            }
        }
    }

    fn pipeline(&mut self) -> ScriptResult<()> {
        self.blanks();
        while self.take_any(&[b"!", b"time"]) {
            self.blanks();
            while self.take_any(&[b"-p", b"--"]) {
                self.blanks();
            }
            if matches!(self.look(), None | Some(b'\n' | b';' | b'&' | b')')) {
                return Ok(());
            }
        }
        let mut stage = Stage {
            pipeline: self.out.pipelines,
            stage: 0,
        };
        self.out.pipelines = self.out.pipelines.saturating_add(1);
        loop {
            self.stages.push(stage);
            let result = self.command();
            self.stages.pop();
            result?;
            self.blanks();
            if self.look() != Some(b'|') || self.second() == Some(b'|') {
                return Ok(());
            }
            self.bump();
            self.eat(b'&');
            self.newlines()?;
            stage.stage = stage.stage.saturating_add(1);
        }
    }

    fn command(&mut self) -> ScriptResult<()> {
        if !self.deeper(Self::compound)? {
            return self.simple();
        }
        let mut own = ScriptCommand::default();
        self.blanks();
        let line = self.line;
        while self.redirection(&mut own)? {
            self.blanks();
        }
        self.out.script.fed.extend(own.input.take());
        if !own.redirections.is_empty() {
            let index = self.begin_command()?;
            self.fill(index, own);
            if let Some(command) = self.out.script.commands.get_mut(index) {
                command.line = line;
            }
        }
        Ok(())
    }

    pub(super) fn simple(&mut self) -> ScriptResult<()> {
        if self.keyword().is_any(&CLOSING) {
            return self.fail("this word can't begin a command");
        }
        let index = self.begin_command()?;
        let mut command = ScriptCommand::default();
        let waiting = self.pending.len();
        let result = self.simple_parts(&mut command);
        let nothing = command.words.is_empty()
            && command.assignments.is_empty()
            && command.redirections.is_empty()
            && self.pending.len() == waiting;
        let again = super::again::texts(&command, self.out.prompts);
        let later = super::again::scripts(&command);
        self.fill(index, command);
        for pending in &mut self.pending {
            pending.command.get_or_insert(index);
        }
        if result? == Simple::Function {
            return self.function_body();
        }
        if nothing {
            return self.fail("a command is missing here");
        }
        self.expand_again(again)?;
        self.run_later(later)
    }

    fn simple_parts(&mut self, command: &mut ScriptCommand) -> ScriptResult<Simple> {
        loop {
            self.blanks();
            if self.redirection(command)? {
                continue;
            }
            match self.look() {
                None | Some(b'\n' | b';' | b'&' | b'|' | b')' | b'#') => {
                    return Ok(Simple::Command);
                }
                Some(b'(') => return self.function_name(command),
                _ => {}
            }
            let place = match command.words.first() {
                None => ScriptPosition::Leading,
                Some(first) if DECLARING.contains(&first.recognised().as_slice()) => {
                    ScriptPosition::Declared
                }
                Some(_) => ScriptPosition::Plain,
            };
            let before = self.at;
            let token = self.token(place)?;
            if self.at == before {
                return self.fail("this can't stand here");
            }
            match token {
                Token::Word(word) => command.words.push(word),
                Token::Assignment(assignment) => command.assignments.push(assignment),
            }
        }
    }

    /// `name ()`, standing at the parenthesis.
    fn function_name(&mut self, command: &mut ScriptCommand) -> ScriptResult<Simple> {
        let only = command.words.len() == 1
            && command.assignments.is_empty()
            && command.redirections.is_empty();
        let name = command.words.first().and_then(super::model::Word::known);
        let (true, Some(name)) = (only, name) else {
            return self.fail("a parenthesis can't stand here");
        };
        self.bump();
        self.blanks();
        if !self.eat(b')') {
            return self.fail("a parenthesis can't stand here");
        }
        self.out.script.functions.push(name);
        command.words.clear();
        Ok(Simple::Function)
    }

    /// The body of a function, its name behind us.
    pub(super) fn function_body(&mut self) -> ScriptResult<()> {
        self.newlines()?;
        if self.within(Enclosure::Function, Self::compound)? {
            Ok(())
        } else {
            self.fail("a function has no body")
        }
    }

    /// Puts what was read where room was made for it.
    fn fill(&mut self, index: usize, read: ScriptCommand) {
        if let Some(command) = self.out.script.commands.get_mut(index) {
            command.words = read.words;
            command.assignments = read.assignments;
            command.redirections = read.redirections;
            command.input = read.input.or(command.input.take());
        }
    }

    pub(super) fn blanks(&mut self) {
        while matches!(self.look(), Some(b' ' | b'\t')) {
            self.bump();
        }
    }

    /// Blanks, comments and the ends of lines.
    pub(super) fn newlines(&mut self) -> ScriptResult<()> {
        loop {
            self.blanks();
            match self.look() {
                Some(b'#') => self.comment(),
                Some(b'\n') => self.newline()?,
                _ => return Ok(()),
            }
        }
    }

    pub(super) fn comment(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n') {
            self.bump();
        }
    }

    /// The byte after the next, line continuations aside.
    pub(super) fn second(&self) -> Option<u8> {
        let mut rest = self.rest().get(1..)?;
        while let Some(after) = rest.strip_prefix(b"\\\n") {
            rest = after;
        }
        rest.first().copied()
    }

    /// Whether commands are read as bash reads them, with its own grammar.
    pub(super) fn is_bash(&self) -> bool {
        self.dialect == Dialect::Bash
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Simple {
    Command,
    Function,
}
