//! Words as a shell has them when it starts a command: with the values of variables that are known by then, and
//! the home directory.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use crate::request::program::normalised;
use crate::script::{Script, ScriptCommand, Unknown, Word, WordPart};

use super::effects::{moves, name, own_words};
use super::resolver::Resolver;
use super::spelling::filled;
use super::surroundings::Surroundings;

/// Variables that shells set by themselves, whatever they are given.
const SHELLS: [&str; 27] = [
    "COLUMNS",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "HOSTNAME",
    "HOSTTYPE",
    "IFS",
    "LINENO",
    "LINES",
    "MACHTYPE",
    "MAPFILE",
    "OPTARG",
    "OPTERR",
    "OPTIND",
    "OSTYPE",
    "PIPESTATUS",
    "PPID",
    "RANDOM",
    "REPLY",
    "SECONDS",
    "SHELLOPTS",
    "SRANDOM",
    "UID",
];
/// How the names of others of them begin.
const BEGINNINGS: [&str; 5] = ["BASH", "COMP_", "COPROC", "HIST", "PS"];

/// So many bytes of values are put into the words of a script, and so many more for each of its commands; beyond,
/// nobody knows them.
const VALUES: usize = 1 << 20;
const PER_COMMAND: usize = 256;

/// What is known of the variables of a shell that runs one script.
pub(super) struct Expansion<'a> {
    /// What the first shell has; `None` where nobody asks, or knows.
    given: Option<&'a Resolver<'a>>,
    /// The script has loops, which set them one after another.
    script: &'a Script,
    /// A change of directory in it may lead by another way than its words say.
    is_physical: bool,
    /// It says where words end.
    has_separators: bool,
    /// So many bytes of values may still be put into words: a value of several others grows with each step.
    left: Cell<usize>,
}

impl<'a> Expansion<'a> {
    /// Of the variables in `script`, with these `commands`.
    pub(super) fn of(
        script: &'a Script,
        commands: &[ScriptCommand],
        given: Option<&'a Resolver<'a>>,
    ) -> Self {
        let given = given.filter(|_| !script.sets_variables && !commands.iter().any(sets_unseen));
        let mut moved = commands.iter().filter(|command| moves(command));
        let is_option = |word: &Word| word.recognised().starts_with(b"-P");
        Self {
            given,
            script,
            is_physical: moved.any(|command| command.words.iter().any(is_option)),
            has_separators: commands.iter().any(sets_separators),
            left: Cell::new(VALUES + commands.len().saturating_mul(PER_COMMAND)),
        }
    }

    /// Puts what is known by then into the words of `command`, before which these are `around` it.
    pub(super) fn fill(&self, command: &mut ScriptCommand, around: &Surroundings) {
        if self.given.is_none() || command.words.is_empty() && command.assignments.is_empty() {
            return;
        }
        let words = std::mem::take(&mut command.words).into_iter();
        command.words = words.flat_map(|word| self.words(word, around)).collect();
        let values = command.assignments.iter_mut().map(|set| &mut set.value);
        let targets = command.redirections.iter_mut().map(|it| &mut it.target);
        for word in values.chain(targets) {
            // It is one word in any case.
            if let [only] = self.words(std::mem::take(word), around).as_mut_slice() {
                *word = std::mem::take(only);
            }
        }
    }

    fn words(&self, mut word: Word, around: &Surroundings) -> Vec<Word> {
        if word.unknown().is_none() {
            return vec![word];
        }
        if let Some(home) = self.value(b"HOME", around) {
            at_home(&mut word, &home);
        }
        filled(&word, &|name| {
            let value = self.value(name, around)?;
            self.left.set(self.left.get().checked_sub(value.len())?);
            let is_one = !value.iter().any(|byte| b" \t\n".contains(byte));
            let parts = vec![WordPart::Known(value)];
            (is_one || !self.has_separators).then_some(Word { parts })
        })
    }

    /// What the variable of this `name` holds.
    pub(super) fn value(&self, name: &[u8], around: &Surroundings) -> Option<Vec<u8>> {
        let given = self.given?;
        if name == b"PWD" {
            return self.directory(given.directory?, around);
        }
        let text = std::str::from_utf8(name).ok()?;
        let mut beginnings = BEGINNINGS.iter();
        let is_looped = self.script.lists.iter().any(|list| list.name == name);
        if is_looped || SHELLS.contains(&text) || beginnings.any(|it| text.starts_with(it)) {
            return None;
        }
        let own = given.variables?;
        let value = around.variables.value(OsStr::from_bytes(name), own);
        value.map(OsString::into_vec)
    }

    /// The name that the shell has for its directory, where the first has `first`.
    fn directory(&self, first: &Path, around: &Surroundings) -> Option<Vec<u8>> {
        let [way] = around.directories.as_deref()? else {
            return None;
        };
        if way.as_os_str().is_empty() {
            return Some(first.as_os_str().as_bytes().to_vec());
        }
        let there = normalised(&first.join(way)).into_os_string().into_vec();
        (!self.is_physical).then_some(there)
    }
}

/// Whether the command sets a variable that nobody sees here.
fn sets_unseen(command: &ScriptCommand) -> bool {
    let has = |option: &[u8]| {
        own_words(command)
            .iter()
            .any(|it| it.recognised() == option)
    };
    match name(command).as_slice() {
        b"let" | b"vared" | b"zparseopts" => true,
        b"wait" => has(b"-p"),
        _ => false,
    }
}

fn sets_separators(command: &ScriptCommand) -> bool {
    let mut words = own_words(command).iter().skip(1).map(Word::recognised);
    command.assignments.iter().any(|set| set.name == b"IFS")
        || words.any(|word| word.starts_with(b"IFS"))
}

/// Puts the directory in the place of a `~` that stands for it.
fn at_home(word: &mut Word, home: &[u8]) {
    let is_whole = word.parts.len() == 1;
    let Some(WordPart::Unknown {
        why: Unknown::Tilde,
        source,
        ..
    }) = word.parts.first()
    else {
        return;
    };
    let behind = source.strip_prefix(b"~").filter(|behind| {
        let is_end = behind.is_empty() && is_whole;
        let leads_on = behind.starts_with(b"/") && !home.ends_with(b"/");
        let more = behind.contains(&b'~');
        (is_end || leads_on) && !more
    });
    let Some(behind) = behind.map(<[u8]>::to_vec) else {
        return;
    };
    let is_pattern = behind.iter().any(|byte| b"*?[]".contains(byte));
    let rest = if is_pattern {
        WordPart::Unknown {
            why: Unknown::Glob,
            source: behind,
            splits: true,
        }
    } else {
        WordPart::Known(behind)
    };
    word.parts
        .splice(..1, [WordPart::Known(home.to_vec()), rest]);
}
