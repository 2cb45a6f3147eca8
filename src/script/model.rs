//! What a script holds.

use std::collections::{HashMap, HashSet};

/// A script taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Every command anywhere in it, in the order in which they begin.
    pub commands: Vec<ScriptCommand>,
    /// The names of the functions that it defines.
    pub functions: Vec<Vec<u8>>,
    /// The pipelines, by number, that run only if the one before them succeeded.
    pub after_success: HashSet<u32>,
    /// Those that run only if the one before them failed.
    pub after_failure: HashSet<u32>,
    /// Those that run in the background, each with the first of the list that does.
    pub background: HashMap<u32, u32>,
    /// What loops set their variables to, one after another: `for x in a b`.
    pub lists: Vec<List>,
    /// The texts of here-documents and here-strings of groups and loops, before any expansion.
    pub fed: Vec<Vec<u8>>,
    /// The descriptors that are copied, and whether each is to be standard output or error: `<&3`, `2>&1`.
    pub copied: Vec<(u32, bool)>,
    /// Something in it may set a variable, other than an assignment, a builtin or a loop of `lists`: `${x:=y}`,
    /// arithmetic.
    pub sets_variables: bool,
    /// What could not be read, in order. When there are any, commands may be missing.
    pub problems: Vec<Problem>,
    /// Whether a limit was reached, so that the rest was not looked at.
    pub limited: bool,
}

/// Something that is no shell grammar, that shells read differently, or that is beyond the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in bytes.
    pub column: u32,
    /// What is wrong, in words.
    pub message: &'static str,
}

/// A simple command: a program or a builtin with its words, or assignments and redirections alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScriptCommand {
    /// The line on which it begins, from 1.
    pub line: u32,
    /// The program and its arguments; empty when there are only assignments or redirections.
    pub words: Vec<Word>,
    /// `NAME=value` in front: the command's environment or, without words, the shell's variables.
    pub assignments: Vec<Assignment>,
    /// Its redirections. Those of a group or a loop are a command of their own, without words.
    pub redirections: Vec<Redirection>,
    /// The text of the last here-document or here-string that it reads, before any expansion.
    pub input: Option<Vec<u8>>,
    /// What it stands in, outermost first.
    pub inside: Vec<Enclosure>,
    /// The pipelines that it is part of, outermost first.
    pub stages: Vec<Stage>,
}

/// One word before the shell expands it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// Its parts, in order; none for an empty word such as `''`.
    pub parts: Vec<WordPart>,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WordPart {
    /// Bytes that are there whatever happens, quotes removed.
    Known(Vec<u8>),
    /// Something that only running the script could tell.
    Unknown {
        /// Why it can't be known.
        why: Unknown,
        /// As the script has it, quotes removed.
        source: Vec<u8>,
        /// Whether it may turn into several words, or none.
        splits: bool,
    },
}

/// Why a part of a word can't be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// `$x`, `${x…}`.
    Variable,
    /// `"$@"`, `"${x[@]}"`: words, none of which is parted at its blanks.
    List,
    /// `$(…)`, `` `…` ``.
    Substitution,
    /// `<(…)`, `>(…)`: the name of a pipe.
    ProcessSubstitution,
    /// `$((…))`, `$[…]`.
    Arithmetic,
    /// `*`, `?`, `[…]`.
    Glob,
    /// `~`, `~user`.
    Tilde,
    /// `{a,b}`, `{1..9}`.
    Brace,
    /// Something that depends on the locale, or that shells read differently.
    Dialect,
}

impl Unknown {
    /// What it is, in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Variable | Self::List => "a variable",
            Self::Substitution => "a command's output",
            Self::ProcessSubstitution => "a pipe's name",
            Self::Arithmetic => "arithmetic",
            Self::Glob => "a file pattern",
            Self::Tilde => "a home directory",
            Self::Brace => "a brace expansion",
            Self::Dialect => "text that depends on the shell or its locale",
        }
    }
}

/// `NAME=value`, `NAME+=value` or `NAME[…]=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub name: Vec<u8>,
    /// The value; for an array, one unknown part.
    pub value: Word,
}

/// A loop's variable and the words that it is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The variable.
    pub name: Vec<u8>,
    /// The words.
    pub values: Vec<Word>,
}

/// A redirection to or from a file. Copies of descriptors and here-documents are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirection {
    /// Whether the file is written.
    pub writes: bool,
    /// The file.
    pub target: Word,
}

/// What a command can stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enclosure {
    /// `( … )`.
    Subshell,
    /// `{ … }` and the branches and loops of control flow.
    Group,
    /// The body of a function, which runs when the function is called.
    Function,
    /// `$(…)` or `` `…` ``.
    Substitution,
    /// `<(…)` or `>(…)`.
    ProcessSubstitution,
}

/// A place in a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stage {
    /// The pipeline's number in its script.
    pub pipeline: u32,
    /// Which part of the pipeline, from 0: what comes earlier flows into what comes later.
    pub stage: u32,
}

impl Word {
    /// The word's bytes, if they are known.
    pub fn known(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        for part in &self.parts {
            match part {
                WordPart::Known(known) => bytes.extend_from_slice(known),
                WordPart::Unknown { .. } => return None,
            }
        }
        Some(bytes)
    }

    /// The word's bytes with what is unknown as the script has it: for showing, and for
    /// recognising what restricts.
    pub fn recognised(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in &self.parts {
            match part {
                WordPart::Known(known) => bytes.extend_from_slice(known),
                WordPart::Unknown { source, .. } => bytes.extend_from_slice(source),
            }
        }
        bytes
    }

    /// Why the word can't be known; `None` if it is.
    pub fn unknown(&self) -> Option<Unknown> {
        self.parts.iter().find_map(|part| match part {
            WordPart::Known(_) => None,
            WordPart::Unknown { why, .. } => Some(*why),
        })
    }
}

/// Which shell will read a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// Bash.
    #[default]
    Bash,
    /// Some shell, whichever: what shells read differently is unknown.
    Sh,
}
