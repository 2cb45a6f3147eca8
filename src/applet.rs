//! Which program this binary is: by the last component of `argv[0]`, then by the first word.
//!
//! The name grants nothing: each applet is as safe under any caller as under its own name.

use std::ffi::{OsStr, OsString};

use crate::cli::{self, canary};
use crate::exit::Exit;
use crate::request::program::last_component;
use crate::rules;

/// Runs the applet that `args` (with `argv[0]`) asks for.
pub fn main(args: Vec<OsString>) -> Exit {
    // Before the argument parser: this child should cost nothing but its work.
    if args.get(1).is_some_and(|word| word == rules::child::WORD) {
        return rules::child::main();
    }
    if args.get(1).is_some_and(|word| word == canary::WORD) {
        let words: Option<Vec<_>> = args
            .into_iter()
            .skip(2)
            .map(|w| w.into_string().ok())
            .collect();
        return words.map_or(Exit::Usage, |words| canary::main(&words));
    }
    let name = args
        .first()
        .map_or(OsStr::new(""), |name| last_component(name));
    match name.as_encoded_bytes() {
        b"codex-execpolicy" => cli::main(as_subcommand("execpolicy", args)),
        b"codex-exec-mcp-server" => cli::main(as_subcommand("serve", args)),
        _ => cli::main(args),
    }
}

/// The arguments as if `word` had been the first one.
fn as_subcommand(word: &str, args: Vec<OsString>) -> Vec<OsString> {
    let mut rest = args.into_iter();
    rest.next();
    [OsString::from("codex-shell"), OsString::from(word)]
        .into_iter()
        .chain(rest)
        .collect()
}
