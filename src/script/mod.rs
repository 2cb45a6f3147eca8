//! From the text of a shell script to the commands in it.
//!
//! The grammar is bash's. Every command counts, wherever it stands: in lists and pipelines,
//! groups and control flow, the bodies of functions, and substitutions inside words, quotes,
//! here-documents and arithmetic. Words that are literal become the very bytes that the shell
//! would make of them; what only running the script could tell is marked as unknown.
//!
//! What is no grammar is told as a problem, and reading goes on behind it: a script with problems
//! may hold commands that were not found. Limits on size, nesting and the number of commands
//! keep any text harmless, and reaching one is a problem too.
//!
//! ```
//! use codex_shell::script::{Dialect, parse};
//!
//! let script = parse(b"cd /x && r'm' -rf \"$y\"", Dialect::Bash);
//! let words: Vec<_> = script.commands[1].words.iter().map(|word| word.known()).collect();
//! assert_eq!(words, [Some(b"rm".to_vec()), Some(b"-rf".to_vec()), None]);
//! ```

#![forbid(unsafe_code)]

mod again;
mod ansi;
mod builtins;
mod compound;
mod cursor;
mod grammar;
mod model;
mod pieces;
mod redirect;
mod substitution;
mod word;

pub use builtins::{is_builtin, is_inert, reads_file, reads_script};
pub use cursor::{MAX_BYTES, MAX_FOUND, MAX_NESTING, max_commands};
pub use model::{
    Assignment, Dialect, Enclosure, List, Problem, Redirection, Script, ScriptCommand, Stage,
    Unknown, Word, WordPart,
};

use cursor::{Parser, ParserOutput};

/// Takes the script `text` apart, as the shell of `dialect` would read it.
///
/// Takes time in proportion to the length of the text, and never fails: see [`Script::problems`].
pub fn parse(text: &[u8], dialect: Dialect) -> Script {
    let read = text.get(..MAX_BYTES).unwrap_or(text);
    let mut out = ParserOutput {
        budget: read.len() * 3 + 4096,
        max_commands: max_commands(read.len()),
        prompts: read.windows(3).any(|part| part == b"@P}"),
        ..ParserOutput::default()
    };
    let mut parser = Parser::new(read, dialect, &mut out);
    if read.len() < text.len() {
        parser.note("the script is too long");
    }
    if read.contains(&0) {
        parser.note("there is a NUL in the script, and shells differ on what that does");
    }
    parser.run();
    let mut script = out.script;
    script.limited |= read.len() < text.len();
    script.commands.retain(|command| {
        !(command.words.is_empty()
            && command.assignments.is_empty()
            && command.redirections.is_empty())
    });
    script
}

#[cfg(test)]
mod tests;
