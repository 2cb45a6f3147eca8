//! The program that a patched shell starts in place of each other one, and that asks the broker.
//!
//! It is a small program of its own (`image/`), since it starts once per program: this binary holds
//! it, and becomes it when it is itself started as the wrapper.

#![forbid(unsafe_code)]

use std::ffi::{CString, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::unistd::fexecve;

use crate::exit::Exit;
use crate::request::entry;
use crate::sys::{closed, memfd, say, signals};

/// The name that makes this binary the wrapper.
pub const NAME: &str = "codex-execve-wrapper";
/// The word that does.
pub const WORD: &str = "execve-wrapper";
/// The small program, as an executable file.
pub const IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/codex-execve-wrapper"));

/// Runs the program that `args` name: `FILE ARGV…`. `own` is the path by which the shell started
/// the wrapper, if it is one. Returns when that can't be done.
pub fn main(own: Option<OsString>, args: Vec<OsString>) -> Exit {
    let own = own.unwrap_or_default();
    let arguments = [own].into_iter().chain(args).collect();
    let Err(error) = become_image(arguments);
    say::line(&format!(
        "codex-shell: error: nothing runs unjudged: {NAME} can't be started: {error}"
    ));
    Exit::Internal
}

fn become_image(arguments: Vec<OsString>) -> io::Result<std::convert::Infallible> {
    let arguments = c_strings(arguments)?;
    let variables = std::env::vars_os().map(|(name, value)| entry(&name, &value));
    let environment = c_strings(variables.collect())?;
    let image = memfd::executable(c"codex-execve-wrapper", IMAGE)?;
    signals::give_back_pipe();
    closed::close_again();
    Ok(fexecve(image, &arguments, &environment)?)
}

/// Strings as the kernel takes them.
fn c_strings(list: Vec<OsString>) -> io::Result<Vec<CString>> {
    list.into_iter()
        .map(|text| CString::new(text.into_vec()).map_err(|_| Errno::EINVAL.into()))
        .collect()
}
