//! Which program this binary is: by the last component of `argv[0]`, then by the first word.
//!
//! The name grants nothing: each applet is as safe under any caller as under its own name.

use std::ffi::{OsStr, OsString};

use crate::cli;
use crate::exit::Exit;
use crate::request::program::last_component;

/// Runs the applet that `args` (with `argv[0]`) asks for.
pub fn main(args: Vec<OsString>) -> Exit {
    let name = args
        .first()
        .map_or(OsStr::new(""), |name| last_component(name));
    match name.as_encoded_bytes() {
        b"codex-execpolicy" => cli::main(as_subcommand("execpolicy", args)),
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
