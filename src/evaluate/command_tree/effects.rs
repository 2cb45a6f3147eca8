//! What one command does to the shell that runs it, as far as its words say.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use crate::script::{Enclosure, ScriptCommand, Unknown, Word, WordPart};

use super::surroundings::VariableChange;

/// So much that a command shows is kept in mind, in bytes.
const SHOWN: usize = 4096;

/// Whether the command stands in a function, or in a branch or a loop of its own process.
pub(super) fn is_vague(command: &ScriptCommand) -> bool {
    let own = command.inside.iter().rev();
    let mut own = own.take_while(|it| !matches!(it, Enclosure::Subshell | Enclosure::Substitution));
    own.any(|it| matches!(it, Enclosure::Group | Enclosure::Function))
}

/// Whether it stands in anything that may run more than once, or not at all.
pub(super) fn is_loose(command: &ScriptCommand) -> bool {
    let mut inside = command.inside.iter();
    inside.any(|it| matches!(it, Enclosure::Group | Enclosure::Function))
}

/// The words, without the builtins that only say where the next is looked for.
pub(super) fn own_words(command: &ScriptCommand) -> &[Word] {
    let mut words = command.words.as_slice();
    while let [first, rest @ ..] = words
        && matches!(first.known().as_deref(), Some(b"builtin" | b"command"))
        && !rest.is_empty()
    {
        words = rest;
    }
    words
}

pub(super) fn name(command: &ScriptCommand) -> Vec<u8> {
    own_words(command)
        .first()
        .map(Word::recognised)
        .unwrap_or_default()
}

/// Whether the shell itself runs something that isn't looked at here.
pub(super) fn runs_anything(command: &ScriptCommand) -> bool {
    let sets = |options: &[&[u8]]| {
        let mut words = own_words(command).iter().skip(1).map(Word::recognised);
        words.any(|word| options.contains(&word.as_slice()))
    };
    match name(command).as_slice() {
        b"eval" | b"." | b"source" | b"trap" => true,
        b"set" => sets(&[b"-a", b"allexport", b"-k", b"keyword"]),
        _ => false,
    }
}

pub(super) fn moves(command: &ScriptCommand) -> bool {
    matches!(
        name(command).as_slice(),
        b"cd" | b"chdir" | b"pushd" | b"popd"
    ) || runs_anything(command)
}

/// Whether what stands behind the command in its list or loop does not run after it.
pub(super) fn leaves(command: &ScriptCommand) -> bool {
    match name(command).as_slice() {
        b"exit" | b"return" | b"break" | b"continue" => true,
        b"exec" => own_words(command).len() > 1,
        _ => false,
    }
}

/// Where the command goes, if the words say that; where it is looked for elsewhere, too, as by `CDPATH`, it may
/// be another directory of the name.
pub(super) fn destination(command: &ScriptCommand, is_searched: bool) -> Option<Vec<u8>> {
    if name(command) == b"popd" {
        return None;
    }
    let mut words = own_words(command).iter().skip(1).map(Word::known);
    let mut word = words.next()??;
    while matches!(word.as_slice(), b"-L" | b"-P" | b"-e" | b"--") {
        word = words.next()??;
    }
    let means_another = word.is_empty() || word.starts_with(b"-") || word.starts_with(b"+");
    let is_searched = is_searched
        && name(command) != b"pushd"
        && !matches!(
            word.split(|byte| *byte == b'/').next(),
            Some(b"" | b"." | b"..")
        );
    (!means_another && !is_searched && words.next().is_none()).then_some(word)
}

/// Whether the command goes to the home directory.
pub(super) fn goes_home(command: &ScriptCommand) -> bool {
    let is_change = matches!(name(command).as_slice(), b"cd" | b"chdir");
    is_change && own_words(command).len() == 1 && command.assignments.is_empty()
}

/// What the command writes, if it does no more than that and it is short; what is unknown as the script has it.
pub(super) fn shows(command: &ScriptCommand, input: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut words = own_words(command)
        .iter()
        .skip(1)
        .map(Word::recognised)
        .peekable();
    match name(command).as_slice() {
        b"echo" => {
            while words
                .next_if(|word| matches!(word.as_slice(), b"-n" | b"-e" | b"-E"))
                .is_some()
            {}
        }
        b"printf" => while words.next_if(|word| word == b"--").is_some() {},
        b"cat" if words.peek().is_none() => return input.map(<[u8]>::to_vec),
        _ => return None,
    }
    let words: Vec<Vec<u8>> = words.collect();
    let mut text = words.join(&b' ');
    // The format and what it shows are separate lines, so that a command in either is found.
    if name(command) == b"printf" {
        text = String::from_utf8_lossy(&words.join(&b'\n'))
            .replace("\\n", "\n")
            .into_bytes();
    }
    text.push(b'\n');
    (text.len() <= SHOWN).then_some(text)
}

/// The names that the command makes stand for something else: aliases, where they count, builtins from files,
/// paths that are remembered.
pub(super) fn renamed(command: &ScriptCommand, aliases: bool) -> Vec<Vec<u8>> {
    let words: Vec<Vec<u8>> = own_words(command).iter().map(Word::recognised).collect();
    let has = |option: &[u8]| words.iter().any(|word| word == option);
    let (skipped, counts) = match words.first().map(Vec::as_slice) {
        Some(b"alias") => (1, aliases),
        Some(b"hash") => (3, has(b"-p")),
        Some(b"enable") => (3, has(b"-f")),
        _ => return Vec::new(),
    };
    let named = words.iter().skip(skipped).filter(|_| counts);
    let name = |word: &Vec<u8>| word.split(|&byte| byte == b'=').next().map(<[u8]>::to_vec);
    named.filter_map(name).collect()
}

/// What process substitutions of `command` show, whose commands come next `behind` it: `sh <(echo ls)`.
pub(super) fn substituted(command: &ScriptCommand, behind: &[ScriptCommand]) -> Option<Vec<u8>> {
    let files = command.redirections.iter().filter(|it| !it.writes);
    let words = command.words.iter().skip(1);
    let mut words = words.chain(files.map(|it| &it.target));
    let is_one = |word: &Word| {
        let read = matches!(word.parts.first(), Some(WordPart::Unknown { source, .. }) if source.starts_with(b"<("));
        read && word.unknown() == Some(Unknown::ProcessSubstitution)
    };
    if !words.any(is_one) {
        return None;
    }
    let level = command.inside.len();
    let within = behind
        .iter()
        .take_while(|it| it.inside.get(level) == Some(&Enclosure::ProcessSubstitution));
    let shown = within.filter_map(|it| shows(it, it.input.as_deref()));
    let all = shown.collect::<Vec<_>>().concat();
    (!all.is_empty()).then_some(all)
}

/// The variables that the command changes for what comes later, and how; `None`: it is exported as it is.
pub(super) fn changes(command: &ScriptCommand) -> Vec<(Vec<u8>, Option<VariableChange>)> {
    let words = own_words(command);
    if words.is_empty() {
        let set = command.assignments.iter().map(|set| {
            let change =
                known(&set.value).map_or(VariableChange::Unknown, VariableChange::Replaced);
            (set.name.clone(), Some(change))
        });
        return set.collect();
    }
    let name = name(command);
    let exports = name == b"export";
    let declares = matches!(
        name.as_slice(),
        b"declare" | b"typeset" | b"local" | b"readonly"
    );
    let reads = matches!(
        name.as_slice(),
        b"read" | b"mapfile" | b"readarray" | b"getopts" | b"printf"
    );
    if !exports && !declares && !reads && name != b"unset" {
        return Vec::new();
    }
    let arguments = || words.iter().skip(1);
    let mut options = arguments()
        .map(Word::recognised)
        .filter(|word| word.starts_with(b"-"));
    let is_plain = options.all(|option| option == b"--");
    if name == b"printf" && is_plain {
        return Vec::new();
    }
    let named = arguments().filter(|word| !word.recognised().starts_with(b"-"));
    let named = named.map(|word| {
        let text = word.recognised();
        let mut parts = text.splitn(2, |&byte| byte == b'=');
        let name = parts.next().unwrap_or_default();
        let value = parts.next().filter(|_| word.unknown().is_none());
        let value = value.map(|value| OsString::from_vec(value.to_vec()));
        let change = match (name.strip_suffix(b"+"), value) {
            (None, Some(value)) if exports && is_plain => Some(VariableChange::Set(value)),
            (None, Some(value)) if declares && is_plain => Some(VariableChange::Replaced(value)),
            (None, None) if exports && is_plain && !text.contains(&b'=') => None,
            (None, None) if !exports && !declares && !reads && is_plain => {
                Some(VariableChange::Unset)
            }
            _ => Some(VariableChange::Unknown),
        };
        (name.strip_suffix(b"+").unwrap_or(name).to_vec(), change)
    });
    named.collect()
}

pub(super) fn known(word: &Word) -> Option<OsString> {
    word.known().map(OsString::from_vec)
}
