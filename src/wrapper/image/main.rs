//! The program that a patched shell starts in place of each other one: it asks the broker, and then
//! becomes the program, stands in for it, or says why it does not run.
//!
//! It runs once per program, so that its start counts: a file of a few thousand bytes with nothing
//! to link, set up or relocate. `build.rs` makes it, and the library holds it.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod broker;
mod inside;
mod outside;
mod say;

#[path = "../../sys/bare/mod.rs"]
mod kernel;

use core::ffi::CStr;

use broker::{BrokerAnswer, BrokerSocket};
use kernel::{ArgumentWords, EACCES, Errno};

/// Exit statuses, as in `src/exit.rs`.
const FAILURE: u8 = 1;
const USAGE: u8 = 2;
const INTERNAL: u8 = 125;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// The variable that names the inherited socket by its number, and those that name the wrapper, as
/// in `src/wire/mod.rs`.
const SOCKET: &[u8] = b"CODEX_ESCALATE_SOCKET";
const WRAPPER: [&[u8]; 2] = [b"EXEC_WRAPPER", b"BASH_EXEC_WRAPPER"];

/// What is to be run.
#[derive(Debug)]
struct ProgramToRun {
    /// The path by which the shell started this program.
    own: &'static CStr,
    file: &'static CStr,
    /// With `own` and `file` before them.
    arguments: ArgumentWords,
    variables: ArgumentWords,
}

/// Runs the program that the arguments name: `FILE ARGV…`.
fn main(arguments: ArgumentWords, variables: ArgumentWords) -> u8 {
    let Some((own, file)) = arguments.get(0).zip(arguments.get(1)) else {
        say::error(&[b"usage: codex-execve-wrapper FILE ARGV\xe2\x80\xa6"]);
        return USAGE;
    };
    let job = ProgramToRun {
        own,
        file,
        arguments,
        variables,
    };
    let places = match OpenedPlaces::open(job.file) {
        Ok(places) => places,
        Err(errno) => return job.failed(errno),
    };
    let socket = match job.variable(SOCKET).map(kernel::parse) {
        Some(Some(socket)) => socket,
        Some(None) => return say::unjudged(&[SOCKET, b" is not a descriptor number"]),
        None => return say::unjudged(&[SOCKET, b" is not set"]),
    };
    let mut broker = match BrokerSocket::ask(&job, &places, socket) {
        Ok(broker) => broker,
        Err(errno) => return say::unreachable(errno),
    };
    let mut answer = broker.answer();
    while let Ok(BrokerAnswer::Note(words)) = answer {
        say::told(words);
        answer = broker.answer();
    }
    match answer {
        Ok(BrokerAnswer::Run { shell }) => inside::run(job, shell, socket),
        Ok(BrokerAnswer::Escalate) => outside::stand_in(broker, socket),
        Ok(BrokerAnswer::Deny(words)) => say::refused(words),
        Ok(_) => say::unjudged(&[b"an answer out of order"]),
        Err(errno) => say::unreachable(errno),
    }
}

impl ProgramToRun {
    /// The value of a variable.
    fn variable(&self, name: &[u8]) -> Option<&'static [u8]> {
        (0..self.variables.count())
            .filter_map(|index| self.variables.get(index))
            .find_map(|entry| value(entry, name))
    }

    fn failed(&self, errno: Errno) -> u8 {
        failed(self.file, errno)
    }
}

/// The file can't be run: says why, with the status that shells give.
fn failed(file: &CStr, errno: Errno) -> u8 {
    say::file(file.to_bytes(), errno);
    match errno {
        kernel::ENOENT | kernel::ENOTDIR => NOT_FOUND,
        _ => NOT_EXECUTABLE,
    }
}

/// The value in `NAME=value`, if that is the name.
fn value<'a>(entry: &'a CStr, name: &[u8]) -> Option<&'a [u8]> {
    entry.to_bytes().strip_prefix(name)?.strip_prefix(b"=")
}

/// What goes with a request.
#[derive(Debug)]
struct OpenedPlaces {
    directory: i32,
    file: i32,
}

impl OpenedPlaces {
    /// What isn't there or can't be executed needs no judgement.
    fn open(file: &CStr) -> Result<Self, Errno> {
        let directory = kernel::open_place(c".")?;
        let place = kernel::open_place(file)?;
        if !kernel::is_regular(place)? {
            return Err(EACCES);
        }
        kernel::may_execute(file)?;
        Ok(Self {
            directory,
            file: place,
        })
    }
}
