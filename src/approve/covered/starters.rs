//! Programs that start others, of which it is known that they do it as they were started themselves; and what
//! programs make of what is named to them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::named::Use;
use crate::models;
use crate::models::reading::Inner;
use crate::request::program::last_component;
use crate::request::{Program, Request};

/// Programs whose files of commands are read as shell scripts here.
const SHELLS: [&[u8]; 6] = [b"ash", b"bash", b"dash", b"ksh", b"mksh", b"sh"];
/// Programs that start another one just as they were started themselves, whatever their options.
const WRAPPERS: [&[u8]; 8] = [
    b"chrt", b"ionice", b"nice", b"nohup", b"setsid", b"taskset", b"time", b"timeout",
];
/// The same as long as they have no options, and no variables are set.
const BARE_WRAPPERS: [&[u8]; 3] = [b"command", b"env", b"exec"];
/// Options of shells that change nothing about which files they read.
const SHELL_OPTIONS: [&[u8]; 9] = [
    b"-c",
    b"-e",
    b"-f",
    b"-o",
    b"-u",
    b"-v",
    b"-x",
    b"--norc",
    b"--noprofile",
];
/// Programs that read nothing of what is named to them: they make it, or remove it.
const READING_NOTHING: [&[u8]; 5] = [b"mkdir", b"rm", b"rmdir", b"touch", b"unlink"];

/// What a program makes of what its words name, where no model says it; `None`: it reads nothing of that.
pub(super) fn use_of_words(request: &Request) -> Option<Use> {
    let first = request.arguments().first().map(|word| word.as_bytes());
    let takes_data = |name: &OsStr| {
        let name = name.to_str().unwrap_or_default();
        models::takes_data(name, first).is_some()
    };
    let reads_nothing = |name: &OsStr| READING_NOTHING.contains(&name.as_bytes());
    if names(&request.program).all(reads_nothing) {
        None
    } else if names(&request.program).all(takes_data) {
        Some(Use::Shown)
    } else {
        Some(Use::Unknown)
    }
}

/// Whether files that `program` is given are read as shell scripts here.
pub(super) fn is_shell(program: &Program) -> bool {
    names(program).any(|name| SHELLS.contains(&name.as_bytes()))
}

/// Whether the `option` of a shell changes nothing about which files it reads.
pub(super) fn is_plain_option(option: &[u8]) -> bool {
    SHELL_OPTIONS.contains(&option)
}

/// Whether `program` starts this just as it was started itself: in its directory, with its variables.
pub(super) fn starts_it_as_it_is(program: &Program, inner: &Inner<'_>) -> bool {
    let is_bare = inner.words.start == 0;
    let mut names = names(program).map(OsStrExt::as_bytes);
    names.all(|name| WRAPPERS.contains(&name) || (is_bare && BARE_WRAPPERS.contains(&name)))
}

/// The names that say what a program is: those of the file, or what was asked for where there is none.
pub(super) fn names(program: &Program) -> impl Iterator<Item = &OsStr> {
    let files = [&program.path, &program.real].into_iter().flatten();
    let asked = program.path.is_none().then_some(program.asked.as_os_str());
    let names = files.map(|path| path.as_os_str()).chain(asked);
    names.map(last_component)
}
