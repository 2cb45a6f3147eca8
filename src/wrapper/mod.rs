//! The program that a patched shell starts in place of each other one: it asks the broker, and then
//! becomes the program, stands in for it, or says why it does not run.
//!
//! It runs once per program: no runtime, no argument parser, nothing that takes time to start.

#![forbid(unsafe_code)]

mod inside;
mod outside;

use std::ffi::{OsStr, OsString};
use std::io::{self, IoSlice, Write as _};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair,
};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::{AccessFlags, faccessat};

use crate::exit::Exit;
use crate::sys::signals;
use crate::wire::frame::{self, Reader};
use crate::wire::message::{FromBroker, FromWrapper, Request};
use crate::wire::{self, ASK};

/// The name that makes this binary the wrapper.
pub const NAME: &str = "codex-execve-wrapper";
/// The word that does.
pub const WORD: &str = "execve-wrapper";

/// So much surely has room in a stream that nobody reads yet, in bytes.
const SHORT: usize = 64 * 1024;
/// So much is read at once: answers are short.
const CHUNK: usize = 512;

/// Runs the program that `args` name: `FILE ARGV…`. `own` is the path by which the shell started
/// the wrapper, if it is one.
pub fn main(own: Option<OsString>, args: Vec<OsString>) -> Exit {
    let mut args = args.into_iter();
    let Some(file) = args.next() else {
        say(&format!("error: usage: {NAME} FILE ARGV…"));
        return Exit::Usage;
    };
    let job = Job {
        own,
        file,
        argv: args.collect(),
        environment: environment(),
    };
    let files = match Files::open(&job.file) {
        Ok(files) => files,
        Err(errno) => return job.failed(errno),
    };
    let socket = match socket() {
        Ok(socket) => socket,
        Err(why) => return unjudged(&why),
    };
    match ask(&job, &files, socket) {
        Ok((FromBroker::Run { shell, alone }, _)) => inside::run(job, shell, socket, alone),
        Ok((FromBroker::Escalate, broker)) => outside::stand_in(broker, socket),
        Ok((FromBroker::Deny(words), _)) => refused(&words),
        Ok(_) => unjudged("an answer out of order"),
        Err(error) => unjudged(&format!("the broker can't be asked: {error}")),
    }
}

/// What is to be run.
#[derive(Debug)]
struct Job {
    own: Option<OsString>,
    file: OsString,
    argv: Vec<OsString>,
    environment: Vec<OsString>,
}

impl Job {
    /// The file can't be run: says why, with the status that shells give.
    fn failed(&self, errno: Errno) -> Exit {
        let file = crate::request::argv::word(&self.file);
        say(&format!("error: {file}: {}", errno.desc()));
        match errno {
            Errno::ENOENT | Errno::ENOTDIR => Exit::NotFound,
            _ => Exit::NotExecutable,
        }
    }
}

fn environment() -> Vec<OsString> {
    let join = |(name, value): (OsString, OsString)| {
        let mut entry = name.into_vec();
        entry.push(b'=');
        entry.extend(value.as_bytes());
        OsString::from_vec(entry)
    };
    std::env::vars_os().map(join).collect()
}

/// The descriptors that go with a request.
#[derive(Debug)]
struct Files {
    directory: OwnedFd,
    file: OwnedFd,
}

impl Files {
    /// What isn't there or can't be executed needs no judgement.
    fn open(file: &OsStr) -> Result<Self, Errno> {
        let handle = OFlag::O_PATH | OFlag::O_CLOEXEC;
        let directory = open(".", handle | OFlag::O_DIRECTORY, Mode::empty())?;
        let found = open(file, handle, Mode::empty())?;
        if fstat(&found)?.st_mode & SFlag::S_IFMT.bits() != SFlag::S_IFREG.bits() {
            return Err(Errno::EACCES);
        }
        faccessat(AT_FDCWD, file, AccessFlags::X_OK, AtFlags::AT_EACCESS)?;
        Ok(Self {
            directory,
            file: found,
        })
    }
}

/// The number of the inherited socket.
fn socket() -> Result<RawFd, String> {
    let name = wire::SOCKET;
    let value = std::env::var_os(name).ok_or_else(|| format!("{name} is not set"))?;
    let number = value.to_str().and_then(|text| text.parse::<u16>().ok());
    number
        .map(RawFd::from)
        .ok_or_else(|| format!("{name} is no descriptor's number"))
}

/// The connection on which the broker has answered.
#[derive(Debug)]
struct Broker {
    stream: OwnedFd,
    reader: Reader,
}

impl Broker {
    fn answer(&mut self) -> io::Result<FromBroker> {
        let frame = self.reader.wait(&self.stream)?;
        FromBroker::read(&frame.ok_or(io::ErrorKind::UnexpectedEof)?)
    }
}

fn ask(job: &Job, files: &Files, socket: RawFd) -> io::Result<(FromBroker, Broker)> {
    let (stream, theirs) = socketpair(
        AddressFamily::Unix,
        SockType::Stream,
        None,
        SockFlag::SOCK_CLOEXEC,
    )?;
    let request = FromWrapper::Request(Request {
        blocked: signals::blocked(),
        file: job.file.clone(),
        argv: job.argv.clone(),
        environment: job.environment.clone(),
    });
    let request = request.frame();
    let send = || {
        frame::send(
            &stream,
            &request,
            &[files.directory.as_fd(), files.file.as_fd()],
        )
    };
    // All of it there when the broker looks saves both a turn.
    let early = request.payload.len() < SHORT;
    if early {
        send()?;
    }
    let numbers = [theirs.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&numbers)];
    let packet = [IoSlice::new(&[ASK])];
    while let Err(errno) = sendmsg::<()>(socket, &packet, &rights, MsgFlags::MSG_NOSIGNAL, None) {
        if errno != Errno::EINTR {
            return Err(errno.into());
        }
    }
    drop(theirs);
    if !early {
        send()?;
    }
    let mut broker = Broker {
        stream,
        reader: Reader::new(CHUNK),
    };
    let answer = broker.answer()?;
    Ok((answer, broker))
}

fn refused(words: &OsStr) -> Exit {
    let line = [words.as_bytes(), b"\n"].concat();
    // Where standard error is closed the status has to do.
    let _ = io::stderr().write_all(&line);
    Exit::Failure
}

/// Nobody could judge: then nothing runs.
fn unjudged(why: &str) -> Exit {
    say(&format!("error: nothing runs unjudged: {why}"));
    Exit::Internal
}

fn say(what: &str) {
    // As above.
    let _ = writeln!(io::stderr(), "codex-shell: {what}");
}

/// A path as the kernel takes it.
fn c_string(text: impl Into<OsString>) -> Result<std::ffi::CString, Errno> {
    std::ffi::CString::new(text.into().into_vec()).map_err(|_| Errno::EINVAL)
}

fn c_strings(list: Vec<OsString>) -> Result<Vec<std::ffi::CString>, Errno> {
    list.into_iter().map(c_string).collect()
}
