//! What is dangerous when no rule says anything: each family has a stable code and its own file.
//!
//! Heuristics look at the program under every name it goes by, and through what starts other
//! programs: `sudo`, `env`, `xargs` and the like, and shells given a script. They may see danger
//! where there is none; a person is asked then. They are no boundary: the sandbox is.

mod chmod;
mod command;
mod define;
mod disk;
mod files;
mod git;
mod network;
mod packages;
mod rm;
pub(super) mod script;
mod shell;
mod system;
mod walk;
mod wrapper;

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use crate::request::{Request, Words};

use command::Command;

pub use define::Heuristic;

/// Every heuristic, in order of its code.
pub static ALL: [&Heuristic; 16] = [
    &rm::FORCED_RM,
    &git::DESTRUCTIVE_GIT,
    &disk::DEVICE_WRITE,
    &disk::MAKE_FILE_SYSTEM,
    &disk::WIPE,
    &chmod::RECURSIVE_ON_ROOT,
    &network::NETWORK_TO_SHELL,
    &walk::TOO_DEEP,
    &rm::FOUND_REMOVAL,
    &chmod::LASTING_PRIVILEGE,
    &files::TRUNCATION,
    &files::CRONTAB_REMOVAL,
    &system::KILL_EVERYTHING,
    &system::FIREWALL_OFF,
    &packages::ESSENTIAL_REMOVAL,
    &system::POWER_OFF,
];

/// The heuristic of this code or name.
pub fn find(code: &str) -> Option<&'static Heuristic> {
    ALL.into_iter()
        .find(|known| known.code.eq_ignore_ascii_case(code) || known.name == code)
}

/// What looks dangerous about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    /// The code of the heuristic.
    pub code: &'static str,
    /// What is dangerous, in one sentence.
    pub reason: String,
}

/// What becomes of the programs that a command starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descendants {
    /// Nobody judges them: what can be seen of them counts for the command.
    Unjudged,
    /// Each is judged when it starts: here counts what does not show then, as what flows from one
    /// into another, and what a shell does itself.
    Judged,
}

/// The first heuristic, if any, that calls a command of these words dangerous.
pub fn dangerous(words: Words<'_>, descendants: Descendants) -> Option<Danger> {
    walk::examine(&command_of(words), descendants).map(|heuristic| Danger {
        code: heuristic.code,
        reason: heuristic.reason.to_owned(),
    })
}

fn command_of(words: Words<'_>) -> Command<'_> {
    let mut command = Command::default();
    command.add_name(words.asked.as_bytes());
    for path in [words.path, words.real].into_iter().flatten() {
        command.add_name(path.as_os_str().as_bytes());
    }
    if let Some(argv0) = words.argv.first() {
        command.add_name(argv0.as_bytes());
    }
    command.arguments = words
        .arguments()
        .iter()
        .map(|word| word.as_bytes())
        .collect();
    command
}

/// The commands that `request` starts by what its arguments say, each the words of one: in
/// scripts, behind wrappers, to any depth that is looked at.
pub(super) fn inner(request: &Request) -> Vec<Vec<OsString>> {
    walk::inner(&command_of(request.words()))
}

/// What a command starts, one step down.
#[derive(Debug, Default)]
pub(super) struct Started {
    /// The words of each command that its arguments spell.
    pub(super) commands: Vec<Vec<OsString>>,
    /// The scripts that a shell reads.
    pub(super) scripts: Vec<Vec<u8>>,
}

/// What `request` starts by what its arguments say; `input` is what a here-document gives it.
pub(super) fn started(request: &Request, input: Option<&[u8]>) -> Started {
    let command = command_of(request.words());
    let inner = wrapper::inner(&command);
    let mut scripts = wrapper::scripts(&command);
    scripts.extend(shell::script(&command).map(<[u8]>::to_vec));
    if network::interprets(&command) {
        scripts.extend(input.map(<[u8]>::to_vec));
    }
    Started {
        commands: inner.iter().map(Command::words).collect(),
        scripts,
    }
}

/// The commands of a script for a shell; `None` if there are more than are looked at.
pub(super) fn commands_of(script: &[u8]) -> Option<Vec<Vec<OsString>>> {
    let script = script::commands(script);
    let words = |simple: script::Simple| simple.words.into_iter().map(OsString::from_vec);
    let commands = script.commands.into_iter();
    (!script.limited).then(|| commands.map(|simple| words(simple).collect()).collect())
}

/// The short name of the heuristic with this code; empty when there is none.
pub fn name_of(code: &str) -> &'static str {
    ALL.iter()
        .find(|heuristic| heuristic.code == code)
        .map_or("", |heuristic| heuristic.name)
}

#[cfg(test)]
mod tests;
