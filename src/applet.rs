//! Which program this binary is: by the last component of `argv[0]`, then by the first word.
//!
//! The name grants nothing: each applet is as safe under any caller as under its own name.

use std::ffi::{OsStr, OsString};

use crate::cli::{self, canary};
use crate::confine::holder;
use crate::exit::Exit;
use crate::intercept::profiled;
use crate::request::program::last_component;
use crate::rules;
use crate::wrapper;

/// Runs the applet that `args` (with `argv[0]`) asks for.
pub fn main(args: Vec<OsString>) -> Exit {
    let name = args
        .first()
        .map_or(OsStr::new(""), |name| last_component(name));
    // Before the argument parser: these should cost nothing but their work.
    if name == wrapper::NAME {
        let mut args = args.into_iter();
        return wrapper::main(args.next(), args.collect());
    }
    if let [_, word, file, ..] = args.as_slice()
        && word == wrapper::WORD
        && !is_option(file)
    {
        return wrapper::main(None, args.into_iter().skip(2).collect());
    }
    if args.get(1).is_some_and(|word| word == rules::child::WORD) {
        return rules::child::main();
    }
    if args.get(1).is_some_and(|word| word == profiled::WORD) {
        return profiled::main(args.into_iter().skip(2));
    }
    if args.get(1).is_some_and(|word| word == holder::WORD) {
        return holder::main();
    }
    if args.get(1).is_some_and(|word| word == canary::WORD) {
        let words: Option<Vec<_>> = args
            .into_iter()
            .skip(2)
            .map(|w| w.into_string().ok())
            .collect();
        return words.map_or(Exit::Usage, |words| canary::main(&words));
    }
    match name.as_encoded_bytes() {
        b"codex-execpolicy" => cli::main(as_subcommand("execpolicy", args)),
        b"codex-exec-mcp-server" => cli::main(as_subcommand("serve", args)),
        _ => cli::main(args),
    }
}

/// Files are given by their paths, so that a word with a dash is somebody's question for help.
fn is_option(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
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
