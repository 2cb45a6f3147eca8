//! From a command to the commands within it. H008.

use std::ffi::OsString;

use super::command::Command;
use super::define::heuristic;
use super::network::{self, Pipelines};
use super::script::{self, Simple};
use super::{ALL, Descendants, Heuristic, shell, wrapper};
use crate::script::is_builtin;

heuristic! {
    /// More than eight programs that start programs, or scripts, one inside the other, or more
    /// text than is worth reading.
    ///
    /// ## Why it is dangerous
    ///
    /// Nothing honest looks like that, and what is inside isn't looked at any further.
    ///
    /// ## Example
    ///
    /// ```sh
    /// env env env env env env env env env ls
    /// ```
    ///
    /// ## Instead
    ///
    /// Say it directly, or put it in a file of its own:
    ///
    /// ```sh
    /// env ls
    /// ```
    TOO_DEEP, "H008", "too-deep",
    "commands are nested too deep here to see what would run",
    None
}

/// How many wrappers or shells are seen through.
const DEPTH: usize = 8;

/// How many commands within one are told.
const INNER: usize = 1024;

/// How many bytes of script and arguments are read in all, some of them more than once.
const BUDGET: usize = 16 << 20;

/// The first heuristic that applies to `command` or to one within it.
pub(super) fn examine(
    command: &Command<'_>,
    descendants: Descendants,
) -> Option<&'static Heuristic> {
    Walk::new(Some(descendants)).command(command, 0).danger
}

/// The words of each command within `command`.
pub(super) fn inner(command: &Command<'_>) -> Vec<Vec<OsString>> {
    let mut walk = Walk::new(None);
    let _ = walk.command(command, 0);
    walk.seen
}

struct Walk {
    left: usize,
    /// What becomes of the commands within; `None` where they are wanted, rather than the first
    /// danger.
    descendants: Option<Descendants>,
    seen: Vec<Vec<OsString>>,
}

/// What a command comes down to.
#[derive(Default)]
struct Found {
    danger: Option<&'static Heuristic>,
    downloads: bool,
    interprets: bool,
}

impl Found {
    fn danger(heuristic: &'static Heuristic) -> Self {
        Self {
            danger: Some(heuristic),
            ..Self::default()
        }
    }

    fn add(&mut self, other: &Self) {
        self.danger = self.danger.or(other.danger);
        self.downloads |= other.downloads;
        self.interprets |= other.interprets;
    }
}

impl Walk {
    fn new(descendants: Option<Descendants>) -> Self {
        Self {
            left: BUDGET,
            descendants,
            seen: Vec::new(),
        }
    }

    fn command(&mut self, command: &Command<'_>, depth: usize) -> Found {
        let size = command.arguments.iter().map(|word| word.len() + 1).sum();
        if depth > DEPTH || !self.spend(size) {
            return Found::danger(&TOO_DEEP);
        }
        if self.gathers() && depth > 0 && self.seen.len() < INNER {
            self.seen.push(command.words());
        }
        if let Some(heuristic) = self.danger(command, depth) {
            return Found::danger(heuristic);
        }
        let mut found = Found {
            danger: None,
            downloads: network::downloads(command),
            interprets: network::interprets(command),
        };
        for inner in wrapper::inner(command) {
            found.add(&self.command(&inner, depth + 1));
        }
        for script in wrapper::scripts(command) {
            found.add(&self.script(command, &script, depth + 1));
        }
        if let Some(script) = shell::script(command) {
            found.add(&self.script(command, script, depth + 1));
        }
        found
    }

    /// What is in a `script` for `shell`, or for one that `shell` starts.
    fn script(&mut self, shell: &Command<'_>, script: &[u8], depth: usize) -> Found {
        if depth > DEPTH || !self.spend(script.len()) {
            return Found::danger(&TOO_DEEP);
        }
        let script = script::commands(script);
        // A shell within is judged by its own names when it starts.
        let starts_all = !shell.is_request() || shell::starts_all(shell, &script.commands);
        let mut found = self.if_judged(starts_all, |walk| walk.commands(&script.commands, depth));
        if script.limited {
            found.add(&Found::danger(&TOO_DEEP));
        }
        found
    }

    fn commands(&mut self, commands: &[Simple], depth: usize) -> Found {
        let mut all = Found::default();
        let mut pipeline = Pipelines::default();
        for simple in commands {
            let words: Vec<&[u8]> = simple.words.iter().map(Vec::as_slice).collect();
            let Some(command) = Command::of(&words) else {
                continue;
            };
            // By what the shell makes of a word, the program may not look dangerous any more.
            let found = self.if_judged(simple.is_literal, |walk| {
                let mut found = walk.command(&command, depth);
                if let Some(input) = &simple.input
                    && network::interprets(&command)
                {
                    found.add(&walk.script(&command, input, depth + 1));
                }
                found
            });
            if self.gathers() {
                continue;
            }
            if network::is_download(words.first().copied())
                || pipeline.flows_into(simple, found.downloads, found.interprets)
            {
                return Found::danger(&network::NETWORK_TO_SHELL);
            }
            all.add(&found);
            if all.danger.is_some() {
                break;
            }
        }
        all
    }

    /// Looks at something; unless `judged`, as if nobody judged what it starts.
    fn if_judged(&mut self, judged: bool, look: impl FnOnce(&mut Self) -> Found) -> Found {
        let before = self.descendants;
        if !judged {
            self.descendants = before.map(|_| Descendants::Unjudged);
        }
        let found = look(self);
        self.descendants = before;
        found
    }

    fn gathers(&self) -> bool {
        self.descendants.is_none()
    }

    /// The first heuristic that applies to `command` itself, and counts at this `depth`.
    fn danger(&self, command: &Command<'_>, depth: usize) -> Option<&'static Heuristic> {
        let descendants = self.descendants?;
        let is_unseen =
            depth == 0 || descendants == Descendants::Unjudged || is_builtin(command.written());
        ALL.into_iter().find(|known| {
            let applies = known.applies.is_some_and(|applies| applies(command));
            // Of a download, a program's arguments show nothing once it runs.
            applies && (is_unseen || known.code == network::NETWORK_TO_SHELL.code)
        })
    }

    /// Takes `bytes` from the budget; whether it had them.
    fn spend(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => return false,
        }
        true
    }
}
