//! Where the parser is in the text, and the limits that keep hostile text harmless.

use super::model::{Dialect, Enclosure, Problem, Script, ScriptCommand, Stage};

/// How many bytes a script may have.
pub const MAX_BYTES: usize = 4 << 20;
/// How many bytes are read of one that another starts: those were asked for by nobody.
pub const MAX_FOUND: usize = 256 << 10;
/// How deep groups, substitutions and quotes may be nested.
pub const MAX_NESTING: usize = 400;
/// How many problems are worth telling.
const MAX_PROBLEMS: usize = 20;

/// Why reading stopped. The problem itself has been noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CursorStop {
    /// The text here is no grammar; what follows may be.
    Syntax,
    /// A limit was reached; nothing more is read.
    Limit,
}

pub(super) type ScriptResult<T> = Result<T, CursorStop>;

/// How many commands a script of so many bytes may have: more than people write, and not so many that to look
/// at each would take long.
pub fn max_commands(bytes: usize) -> usize {
    (bytes / 25).max(10_000)
}

/// What all parsers of one script share.
#[derive(Debug, Default)]
pub(super) struct ParserOutput {
    pub(super) script: Script,
    pub(super) pipelines: u32,
    pub(super) max_commands: usize,
    /// Bytes that may still be looked at ahead or copied.
    pub(super) budget: usize,
    pub(super) depth: usize,
    /// Variables may be shown as prompts are.
    pub(super) prompts: bool,
}

/// A here-document whose body has not been reached.
#[derive(Debug)]
pub(super) struct PendingHeredoc {
    pub(super) delimiter: Vec<u8>,
    pub(super) quoted: bool,
    pub(super) strip_tabs: bool,
    /// The index of the command that reads it.
    pub(super) command: Option<usize>,
}

/// Reads one text: a script, or what backquotes or a here-document hold.
pub(super) struct Parser<'a> {
    pub(super) input: &'a [u8],
    pub(super) at: usize,
    pub(super) line: u32,
    line_start: usize,
    pub(super) dialect: Dialect,
    pub(super) out: &'a mut ParserOutput,
    pub(super) inside: Vec<Enclosure>,
    pub(super) stages: Vec<Stage>,
    pub(super) pending: Vec<PendingHeredoc>,
    /// How many `$(` are open in this text.
    pub(super) substitutions: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(input: &'a [u8], dialect: Dialect, out: &'a mut ParserOutput) -> Self {
        Self {
            input,
            at: 0,
            line: 1,
            line_start: 0,
            dialect,
            out,
            inside: Vec::new(),
            stages: Vec::new(),
            pending: Vec::new(),
            substitutions: 0,
        }
    }

    /// A parser for `text`, found here, with what it stands in.
    pub(super) fn nested<'b>(&'b mut self, text: &'b [u8], line: u32) -> Parser<'b> {
        let mut nested = Parser::new(text, self.dialect, self.out);
        nested.line = line;
        nested.inside.clone_from(&self.inside);
        nested
    }

    /// The next byte as it stands.
    pub(super) fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    /// The next byte behind any line continuations.
    pub(super) fn look(&mut self) -> Option<u8> {
        while self.rest().starts_with(b"\\\n") {
            self.bump();
            self.bump();
        }
        self.peek()
    }

    /// Whether `byte` comes next; goes past it if so.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.look() == Some(byte);
        if found {
            self.bump();
        }
        found
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    pub(super) fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
            self.line_start = self.at;
        }
        Some(byte)
    }

    pub(super) fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.bump();
        }
    }

    /// Notes a problem here.
    pub(super) fn note(&mut self, message: &'static str) {
        let problems = &mut self.out.script.problems;
        if problems.len() < MAX_PROBLEMS {
            let column = u32::try_from(self.at - self.line_start + 1).unwrap_or(u32::MAX);
            problems.push(Problem {
                line: self.line,
                column,
                message,
            });
        }
    }

    pub(super) fn fail<T>(&mut self, message: &'static str) -> ScriptResult<T> {
        self.note(message);
        Err(CursorStop::Syntax)
    }

    pub(super) fn give_up<T>(&mut self, message: &'static str) -> ScriptResult<T> {
        self.note(message);
        self.out.script.limited = true;
        Err(CursorStop::Limit)
    }

    /// Runs `read` one level deeper.
    pub(super) fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> ScriptResult<T>,
    ) -> ScriptResult<T> {
        if self.out.depth >= MAX_NESTING {
            return self.give_up("nested too deep");
        }
        self.out.depth += 1;
        let result = read(self);
        self.out.depth -= 1;
        result
    }

    /// Runs `read` with its commands marked as standing in `enclosure`.
    pub(super) fn within<T>(
        &mut self,
        enclosure: Enclosure,
        read: impl FnOnce(&mut Self) -> ScriptResult<T>,
    ) -> ScriptResult<T> {
        self.inside.push(enclosure);
        let result = self.deeper(read);
        self.inside.pop();
        result
    }

    /// Takes `bytes` from the budget.
    pub(super) fn spend(&mut self, bytes: usize) -> ScriptResult<()> {
        match self.out.budget.checked_sub(bytes) {
            Some(left) => self.out.budget = left,
            None => return self.give_up("too much nested text"),
        }
        Ok(())
    }

    /// Makes room for a command that begins here, and says where.
    pub(super) fn begin_command(&mut self) -> ScriptResult<usize> {
        let index = self.out.script.commands.len();
        if index >= self.out.max_commands {
            return self.give_up("too many commands");
        }
        self.out.script.commands.push(ScriptCommand {
            line: self.line,
            inside: self.inside.clone(),
            stages: self.stages.clone(),
            ..ScriptCommand::default()
        });
        Ok(index)
    }
}
