//! What the words of a command name: what it reads there may decide what it does, as an image's
//! recipe, a manifest or a statement `source FILE` does, whatever it is called.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::FileType;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::super::files::{FileReach, Files};
use super::super::input::{changes_by_itself, descriptor_at, too_much};
use super::super::stamp::Stamp;
use super::super::text::Uncovered;
use super::super::tree::{Budget, Tree};
use super::shown;
use crate::models::Reading;
use crate::models::model::Effect;
use crate::models::reading::{Doubt, Flag, Kind, Known};
use crate::request::program::normalised;
use crate::request::trace;
use crate::sys::read_capped::read_capped;

/// As many paths are looked at for one question, of those in words and of those in files.
const LOOKS: usize = 10_000;
/// As many entries are looked at on their ways.
const STEPS: usize = 200_000;
/// The longest file in which they are looked for, in bytes.
const TEXT: usize = 256 << 10;

/// What a word names, as it is at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::approve) enum Named {
    /// A file.
    File(PathBuf, Stamp),
    /// A directory, and all that is in it.
    Folder(PathBuf, Tree),
}

/// What is made of what lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// It is data, and what is asked about does no more than to show it.
    Shown,
    /// Nobody knows.
    Unknown,
    /// It says what runs.
    Obeyed,
}

/// The paths that words name.
#[derive(Debug, Default)]
pub(super) struct NamedPaths {
    seen: BTreeSet<(PathBuf, Use)>,
    /// Directories of those in which the command runs.
    around: BTreeSet<PathBuf>,
    /// Where there is nothing.
    missing: BTreeSet<PathBuf>,
    /// What the text of a script may name.
    mentioned: BTreeSet<PathBuf>,
    /// Descriptors that are named by a path.
    pub(super) descriptors: BTreeSet<i32>,
    /// Whatever could be one.
    possible: BTreeSet<PathBuf>,
    looks: usize,
}

impl NamedPaths {
    /// Notes what could be a path in a `word` of a command in the directory `cwd`.
    pub(super) fn add(&mut self, cwd: &Path, word: &OsStr, used: Use) {
        for part in parts(word.as_bytes()) {
            self.looks += 1;
            if self.looks > LOOKS {
                return;
            }
            if is_too_long(part) {
                continue;
            }
            let path = cwd.join(OsStr::from_bytes(part));
            self.possible.insert(path.clone());
            if let Some(number) = descriptor_at(cwd, &path) {
                self.descriptors.insert(number);
                continue;
            }
            let counts =
                |it: FileType| it.is_file() || it.is_dir() || it.is_fifo() || it.is_socket();
            match path.metadata() {
                Err(_) if used != Use::Shown => {
                    self.missing.insert(path);
                }
                Ok(found) if counts(found.file_type()) => {
                    // By a name, it could come to be elsewhere.
                    if is_nameless(part) || cwd.starts_with(&path) {
                        self.around.insert(path.clone());
                    }
                    self.seen.insert((path, used));
                }
                _ => {}
            }
        }
    }

    /// Notes what the `text` of a script that runs in `cwd` may name, where its words don't say what they stand for.
    pub(super) fn add_text(&mut self, cwd: &Path, text: &[u8]) {
        for part in between(text).flat_map(and_behind) {
            let part = part.strip_suffix(b"/*").unwrap_or(part);
            if part.is_empty() || is_nameless(part) || is_too_long(part) {
                continue;
            }
            self.looks += 1;
            if self.looks > LOOKS {
                return;
            }
            let path = cwd.join(OsStr::from_bytes(part));
            match descriptor_at(cwd, &path) {
                Some(number) if number > 2 => {
                    self.descriptors.insert(number);
                }
                Some(_) => {}
                None if cwd.starts_with(&path) => {}
                None => {
                    self.mentioned.insert(path);
                }
            }
        }
    }

    /// All of them that the command can change, as its `reach` says, which runs in `cwd`; or why a yes for the
    /// session can't be for what they are now, which matters where one `is_covered`. What one for once is for is
    /// put into `files`.
    pub(super) fn noted(
        self,
        files: &mut Files,
        is_covered: bool,
        cwd: &Path,
        reach: &FileReach,
    ) -> Result<Vec<Named>, Uncovered> {
        let mut why = (self.looks > LOOKS).then(|| super::TOO_MANY.to_owned());
        if is_covered {
            let mut steps = STEPS;
            let mut possible = self.possible.iter();
            let lost =
                possible.find(|path| trace(path, &mut steps).is_none_or(|it| it.real.is_none()));
            let lost =
                lost.map(|path| format!("it is not known where {} leads", shown(path.as_os_str())));
            why = why.or(lost);
        }
        let mut budget = Budget::default();
        let mut all = Vec::new();
        let is_open = |path: &Path| reach.includes_some_of(path);
        for (path, used) in self.seen.into_iter().filter(|(path, _)| is_open(path)) {
            if path.is_dir() {
                if used != Use::Shown {
                    if self.around.contains(&path) {
                        files.note_tree(&reach.around(&path, cwd));
                    } else {
                        files.note_tree(&path);
                    }
                }
                if is_covered && why.is_none() {
                    match Tree::of(&path, &mut budget).filter(Tree::is_whole) {
                        Some(tree) => all.push(Named::Folder(path, tree)),
                        None => why = Some(too_much(&path)),
                    }
                }
                continue;
            }
            // What comes by a pipe or a socket is something else each time.
            if !path.is_file() {
                why = why.or_else(|| Some(format!("{} is not a file", shown(path.as_os_str()))));
                continue;
            }
            if changes_by_itself(&path) {
                why =
                    why.or_else(|| Some(format!("{} changes by itself", shown(path.as_os_str()))));
                continue;
            }
            let stamp = match used {
                Use::Shown => Files::default().note_data(&path),
                Use::Unknown | Use::Obeyed => files.note_data(&path),
            };
            match stamp.filter(Stamp::has_content) {
                Some(stamp) => all.push(Named::File(path, stamp)),
                None => why = why.or_else(|| Some(too_much(&path))),
            }
        }
        for path in &self.missing {
            files.note_missing(path);
        }
        for path in &self.mentioned {
            note_one_mentioned(files, path, reach);
        }
        why.map_or(Ok(all), Err)
    }
}

/// Notes what is at a path that a text names, if the command can change it, or that there is nothing; whether it
/// is a file that is noted.
fn note_one_mentioned(files: &mut Files, path: &Path, reach: &FileReach) -> bool {
    match path.metadata() {
        Ok(found) if found.is_dir() && reach.includes(path) => files.note_tree(path),
        Ok(found) if found.is_file() && reach.includes(path) && !changes_by_itself(path) => {
            return files.note_data(path).is_some();
        }
        Ok(_) => {}
        Err(_) => files.note_missing(path),
    }
    false
}

/// Notes the files that those of which what runs is known say, as a Makefile says what it includes; as far as
/// they are written out, and as the `reach` says that the command can change them; and that others aren't there.
/// The descriptors that they say.
pub(super) fn note_mentioned(files: &mut Files, cwd: &Path, reach: &FileReach) -> BTreeSet<i32> {
    let mut descriptors = BTreeSet::new();
    let mut found = files.open();
    let mut seen: BTreeSet<PathBuf> = found.iter().cloned().collect();
    let mut looks = 0;
    while let Some(file) = found.pop() {
        let text = read_capped(&file, TEXT, Duration::ZERO).unwrap_or_default();
        let words = between(&text).flat_map(and_behind);
        let words: BTreeSet<&[u8]> = words.filter(|word| word.len() > 1).collect();
        let beside = file.parent().filter(|beside| *beside != cwd);
        for folder in std::iter::once(cwd).chain(beside) {
            for word in &words {
                looks += 1;
                if looks > LOOKS {
                    return descriptors;
                }
                let path = normalised(&folder.join(OsStr::from_bytes(word)));
                if is_too_long(word) || !seen.insert(path.clone()) {
                    continue;
                }
                if let Some(number) = descriptor_at(cwd, &path) {
                    descriptors.extend((number > 2).then_some(number));
                } else if !path.is_dir() {
                    let is_noted = note_one_mentioned(files, &path, reach);
                    found.extend(is_noted.then_some(path));
                }
            }
        }
    }
    descriptors
}

/// What is made of what a command's words name, by their places; `None` where nothing is read there. Where
/// nobody knows a word, it is `other`.
pub(super) fn uses(readings: &[Reading<'_>], words: usize, other: Use) -> Vec<Option<Use>> {
    let mut all = vec![None; words];
    for reading in readings {
        let used = uses_in(reading, words, other);
        for (one, used) in all.iter_mut().zip(used) {
            *one = (*one).max(used);
        }
    }
    if readings.is_empty() {
        all.fill(Some(other));
    }
    all
}

fn uses_in(reading: &Reading<'_>, words: usize, other: Use) -> Vec<Option<Use>> {
    let mut uses = vec![Some(other); words];
    let mut say = |index: usize, used: Option<Use>| {
        if let Some(it) = uses.get_mut(index) {
            *it = used;
        }
    };
    let flags = reading.parts.iter().enumerate().filter_map(|(nth, part)| {
        let Kind::Flag(flag) = &part.kind else {
            return None;
        };
        let next = reading.parts.get(nth + 1);
        let next = next.filter(|next| matches!(next.kind, Kind::Value(_)));
        Some((flag, next.map_or(part.index, |next| next.index)))
    });
    // What is a command itself is looked at as such.
    for inner in &reading.inner {
        inner.words.clone().for_each(|index| say(index, None));
    }
    let loads = |flag: &Flag<'_>| {
        let loads = flag.has_effect(Effect::Runs) || flag.known == Known::Unknown;
        loads && !flag.has_effect(Effect::Directory)
    };
    for (_, index) in flags.filter(|(flag, _)| loads(flag)) {
        say(index, Some(Use::Obeyed));
    }
    for doubt in &reading.doubts {
        if let Doubt::File(file) = doubt {
            say(file.index, Some(Use::Obeyed));
        }
    }
    uses
}

/// Whether a word says that something is read from standard input: `-`, `-f-`, `--file=-`, `@-`.
pub(super) fn is_input(word: &OsStr) -> bool {
    let word = word.as_bytes();
    let is_attached = word.len() == 3 && word.starts_with(b"-") && word != b"---";
    match word.strip_suffix(b"-") {
        Some(before) => {
            before.is_empty() || before.ends_with(b"=") || before.ends_with(b"@") || is_attached
        }
        None => false,
    }
}

/// Whatever could be a path in a word: itself, what is behind an option's letter or a mark, and what stands
/// between the marks of some language.
fn parts(word: &[u8]) -> impl Iterator<Item = &[u8]> {
    let attached = word.strip_prefix(b"-").and_then(|rest| rest.get(1..));
    let marks = word.iter().enumerate().filter(|(_, byte)| is_mark(**byte));
    let behind = marks.filter_map(|(at, _)| word.get(at + 1..));
    let all = std::iter::once(word).chain(attached).chain(behind);
    let all = all.chain(between(word));
    // `file://NAME` may be one from here, and `DIRECTORY/*` stands for all that is in it.
    let all = all.flat_map(|part| {
        [
            Some(part),
            part.strip_prefix(b"//"),
            part.strip_suffix(b"/*"),
        ]
    });
    all.flatten().filter(|part| !part.is_empty())
}

/// What stands between the marks of some language.
fn between(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| is_mark(*byte) || is_bracket(*byte))
}

/// A part, and what of it is behind what could stand for a directory, as in `$PWD/NAME`.
fn and_behind(part: &[u8]) -> impl Iterator<Item = &[u8]> {
    let behind = part.iter().position(|&byte| byte == b'/');
    let behind = behind.and_then(|at| part.get(at + 1..));
    std::iter::once(part).chain(behind)
}

/// Whether it leads up, or nowhere.
fn is_nameless(part: &[u8]) -> bool {
    let mut steps = Path::new(OsStr::from_bytes(part)).components();
    steps.all(|it| matches!(it, Component::CurDir | Component::ParentDir))
}

fn is_too_long(part: &[u8]) -> bool {
    let mut names = part.split(|&byte| byte == b'/');
    names.any(|name| name.len() > super::NAME)
}

/// What a value may stand behind.
fn is_mark(byte: u8) -> bool {
    matches!(byte, b'=' | b':' | b',' | b'@' | b'+' | b' ')
}

/// What words of a language stand between.
fn is_bracket(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"'\"`(){}[]<>;|&!$\\".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the directories in which a command runs, what it can change around it counts.
    #[test]
    fn where_a_command_runs_counts_as_far_as_it_can_be_changed() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let base = folder.path().canonicalize().unwrap();
        let cwd = base.join("a/b");
        std::fs::create_dir_all(cwd.join("below")).unwrap();
        let absolute = base.to_str().unwrap();
        let reach = FileReach::of(Some(&[base.join("a")]));
        for (word, wanted) in [
            (".", "a/b"),
            ("./", "a/b"),
            ("..", "a"),
            ("../.", "a"),
            ("./../..", "a"),
            (absolute, "a"),
            ("below", "a/b/below"),
            ("below/..", "a/b"),
        ] {
            let mut paths = NamedPaths::default();
            paths.add(&cwd, OsStr::new(word), Use::Unknown);
            let mut files = Files::default();
            paths.noted(&mut files, false, &cwd, &reach).unwrap();
            assert_eq!(files.changed(), None, "{word}");
            let new = base.join(wanted).join("new");
            std::fs::write(&new, "").unwrap();
            assert!(files.changed().is_some(), "{word}");
            std::fs::remove_file(new).unwrap();
        }
    }

    #[test]
    fn paths_stand_anywhere_in_a_word() {
        for word in [
            "d/f",
            "-fd/f",
            "--file=d/f",
            "@d/f",
            "x=@d/f",
            "+so d/f",
            ".read d/f",
            ".read 'd/f'",
            "source(\"d/f\")",
            "\\i d/f",
            "id=x,src=d/f",
            "file://d/f",
            "a:d/f",
            "(load \"d/f\")",
            "-Wl,-T,d/f",
            "system(\"sh d/f\")",
            "d/f/*",
            "!d/f",
            "id=x,src=d/f,ro",
        ] {
            assert!(parts(word.as_bytes()).any(|part| part == b"d/f"), "{word}");
        }
        let spaced = "x=my file, yours";
        assert!(parts(spaced.as_bytes()).any(|part| part == b"my file, yours"));
    }
}
