//! Files that a command writes under names that its words don't say in full: a link that stands there leads it
//! somewhere else.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use super::starters::names;
use crate::models::Reading;
use crate::models::model::Effect;
use crate::request::Request;
use crate::request::program::last_component;

/// ProgramNames of programs.
type ProgramNames = &'static [&'static [u8]];
type OptionNames = &'static [&'static str];

/// As many words are put behind a directory.
const WORDS: usize = 1000;
/// Programs that cut a file into others, each with the option that says how these begin, or that as the last of
/// two operands, and how they begin otherwise.
const CUTTING: [(ProgramNames, Option<&str>, &[u8]); 2] = [
    (&[b"split", b"gsplit"], None, b"x"),
    (&[b"csplit", b"gcsplit"], Some("--prefix"), b"xx"),
];
/// Programs that name files as what they unpack, or get, does; with one of these options, or always where there
/// is none; and not with one of those.
const NAMING: [(ProgramNames, OptionNames, OptionNames); 4] = [
    (&[b"curl"], &["-O", "-J", "--remote-name-all"], &[]),
    (&[b"wget", b"wget2"], &[], &["-O", "--spider"]),
    (
        &[
            b"7z",
            b"7za",
            b"7zr",
            b"aria2c",
            b"cpio",
            b"jar",
            b"unar",
            b"unrar",
            b"unzip",
            b"uudecode",
        ],
        &[],
        &[],
    ),
    (&[b"ar"], &["-x"], &[]),
];

/// What a command writes beside what its words name.
#[derive(Debug, Default)]
pub(super) struct Unsaid {
    /// Where files land by names that are among the words.
    pub(super) paths: Vec<PathBuf>,
    /// A directory, and the form of the names of files in it.
    pub(super) form: Option<(PathBuf, String)>,
    /// There can be others than these.
    pub(super) is_open: bool,
}

impl Unsaid {
    /// That of `request`, which is `read` so.
    pub(super) fn of(request: &Request, read: &Reading<'_>) -> Self {
        let mut unsaid = Self::default();
        let is_named =
            |named: &[&[u8]]| names(&request.program).any(|name| named.contains(&name.as_bytes()));
        for (_, option, usual) in CUTTING.iter().filter(|(named, ..)| is_named(named)) {
            let begin = beginning(read, *option).unwrap_or_else(|| OsStr::from_bytes(usual));
            unsaid.is_open = true;
            unsaid.form = form(&request.cwd.join(begin));
        }
        let mut folders = Vec::new();
        for (_, when, unless) in NAMING.iter().filter(|(named, ..)| is_named(named)) {
            let holds_mark =
                |value: Option<&OsStr>| value.is_some_and(|value| value.as_bytes().contains(&b'#'));
            let has = |options: &[&str]| options.iter().any(|option| read.has(option));
            let is_marked = read.values_with(Effect::Writes).any(holds_mark);
            if is_marked || (when.is_empty() || has(when)) && !has(unless) {
                unsaid.is_open = true;
                folders.push(request.cwd.to_path_buf());
            }
        }
        // What is put into a directory keeps its name.
        let values = read.values_with(Effect::Writes).flatten();
        let written = read.writes.iter().map(|operand| operand.word).chain(values);
        let written = written.map(|word| request.cwd.join(word));
        folders.extend(written.filter(|path| path.is_dir()).last());
        unsaid.is_open |= !folders.is_empty() && request.arguments().len() > WORDS;
        for folder in &folders {
            let words = request.arguments().iter().take(WORDS);
            unsaid
                .paths
                .extend(words.filter_map(|word| landing(folder, word)));
        }
        if is_named(&[b"nohup"]) {
            unsaid.paths.push(request.cwd.join("nohup.out"));
        }
        unsaid
    }
}

/// What a command that cuts files says of how the others begin.
fn beginning<'a>(read: &Reading<'a>, option: Option<&str>) -> Option<&'a OsStr> {
    let Some(option) = option else {
        return read.plain().skip(1).last().map(|(word, _)| word);
    };
    let values = read.flags().filter(|flag| flag.could_be(option));
    values.last().and_then(|flag| flag.value)
}

/// The names that begin as `path` does.
fn form(path: &Path) -> Option<(PathBuf, String)> {
    let bytes = path.as_os_str().as_bytes();
    let at = bytes.iter().rposition(|&byte| byte == b'/')?;
    let (folder, name) = bytes.split_at_checked(at + 1)?;
    let name = OsString::from_vec(name.to_vec()).into_string().ok()?;
    Some((PathBuf::from(OsStr::from_bytes(folder)), format!("{name}*")))
}

/// Where what a word names lands in `folder`.
fn landing(folder: &Path, word: &OsStr) -> Option<PathBuf> {
    let word = word.as_bytes();
    let end = word.iter().rposition(|&byte| byte != b'/')?;
    let name = last_component(OsStr::from_bytes(word.get(..=end)?));
    let is_name = !name.is_empty() && name != "." && name != "..";
    is_name.then(|| folder.join(name))
}
