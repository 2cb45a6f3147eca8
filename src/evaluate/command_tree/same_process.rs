//! Commands that run another without a second exec, which nobody would judge otherwise.
//!
//! The kernel runs a script's interpreter in its place, the dynamic loader runs the program it is
//! given, `busybox` its applets, `git-push` is git, and a copy is what it was copied from. Whatever
//! else starts a program does so by exec, and that is a request of its own.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::request::program::last_component;
use crate::request::{Program, Request, Words};

/// Options of a dynamic loader, or of an emulator, whose value is the next argument.
const WITH_VALUE: [&str; 21] = [
    "--argv0",
    "--audit",
    "--glibc-hwcaps-mask",
    "--glibc-hwcaps-prepend",
    "--inhibit-rpath",
    "--library-path",
    "--preload",
    "-0",
    "-B",
    "-D",
    "-E",
    "-L",
    "-R",
    "-U",
    "-cpu",
    "-d",
    "-g",
    "-plugin",
    "-r",
    "-s",
    "-seed",
];

/// What a program runs in its place, by the name that it is called.
pub fn started_in_place(request: &Request) -> Option<Request> {
    let words = Words {
        real: None,
        ..request.words()
    };
    let words = named_in(words)?;
    let program = Program::named(words.first()?);
    Some(request.for_inner(program, words))
}

/// Whether the words alone say that the program is another one under this name, or runs one in its
/// place.
pub(in crate::evaluate) fn runs_another(words: Words<'_>) -> bool {
    named_in(words).is_some_and(|words| !words.is_empty())
}

/// The words of what a command of these runs without another exec, and nothing within that.
pub(super) fn named_in(words: Words<'_>) -> Option<Vec<OsString>> {
    let mut names = std::iter::once(words.asked)
        .chain(words.argv.first().map(OsString::as_os_str))
        .chain(
            [words.path, words.real]
                .into_iter()
                .flatten()
                .map(Path::as_os_str),
        )
        .map(|name| last_component(name).as_bytes());
    names.find_map(|name| {
        let arguments = words.arguments();
        match name {
            b"busybox" | b"toybox" => Some(arguments.to_vec()),
            b"coreutils" => Some(applet(arguments)),
            _ if loads(name) => Some(loaded(arguments).0.to_vec()),
            _ => dashed(name, arguments),
        }
    })
}

/// The same of a loader or an emulator by the name that it has the program called, where it is told one.
pub(super) fn called_in(words: Words<'_>) -> Option<Vec<OsString>> {
    let program = last_component(words.asked).as_bytes();
    let (words, name) = Some(words.arguments())
        .filter(|_| loads(program))
        .map(loaded)?;
    let name = name?.to_owned();
    Some([&[name], words.get(1..)?].concat())
}

/// Whether the program of this name runs another one that it is given, in its own process.
pub(in crate::evaluate) fn loads(name: &[u8]) -> bool {
    is_loader(name) || name == b"valgrind" || is_emulator(name)
}

/// `ld.so`, `ld-linux-x86-64.so.2`, `ld-musl-aarch64.so.1`, `ld64.so.2` and the like.
fn is_loader(name: &[u8]) -> bool {
    let begins = |start: &&[u8]| name.starts_with(start);
    [&b"ld.so"[..], b"ld-", b"ld64.so"].iter().any(begins)
        && name.windows(3).any(|part| part == b".so")
}

/// `qemu-x86_64`, `qemu-aarch64-static`, `box64` and the like, which run a program of another machine.
fn is_emulator(name: &[u8]) -> bool {
    let known = [&b"box64"[..], b"box86", b"FEXInterpreter", b"FEXLoader"];
    let is_system = name.starts_with(b"qemu-system-") || name.starts_with(b"qemu-img");
    known.contains(&name) || name.starts_with(b"qemu-") && !is_system
}

/// The words of the program that is run, and what it is called if that is said.
fn loaded(mut words: &[OsString]) -> (&[OsString], Option<&OsStr>) {
    let mut name = None;
    while let [word, rest @ ..] = words {
        let word = word.as_bytes();
        if !word.starts_with(b"-") {
            break;
        }
        let value = WITH_VALUE.iter().any(|option| option.as_bytes() == word);
        name = match word {
            b"--argv0" | b"-0" => rest.first().map(OsString::as_os_str),
            _ => word
                .strip_prefix(b"--argv0=")
                .map(OsStr::from_bytes)
                .or(name),
        };
        words = rest.get(usize::from(value)..).unwrap_or_default();
    }
    (words, name)
}

/// `coreutils rm` and `coreutils --coreutils-prog=rm`.
fn applet(arguments: &[OsString]) -> Vec<OsString> {
    let mut words = arguments.to_vec();
    if let Some(first) = words.first_mut()
        && let Some(name) = first.as_bytes().strip_prefix(b"--coreutils-prog=")
    {
        *first = OsStr::from_bytes(name).to_owned();
    }
    words
}

/// `git-push` as `git push`.
fn dashed(name: &[u8], arguments: &[OsString]) -> Option<Vec<OsString>> {
    let subcommand = name.strip_prefix(b"git-").filter(|name| !name.is_empty())?;
    let words = ["git".into(), OsStr::from_bytes(subcommand).to_owned()];
    Some(words.into_iter().chain(arguments.iter().cloned()).collect())
}
