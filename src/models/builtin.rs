//! The models in the binary.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::{LazyLock, OnceLock};

use super::CommandModel;

macro_rules! sources {
    ($($name:literal),+ $(,)?) => {
        /// Each file's name and text.
        pub const SOURCES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("builtin/", $name)))),+
        ];
    };
}

sources![
    "administration.star",
    "archives.star",
    "build.star",
    "builtins.star",
    "bun_deno.star",
    "changing.star",
    "cloud.star",
    "containers.star",
    "databases.star",
    "editors.star",
    "escapes.star",
    "files.star",
    "formatters.star",
    "git.star",
    "github.star",
    "go.star",
    "infrastructure.star",
    "interpreters.star",
    "javascript.star",
    "kubernetes.star",
    "network.star",
    "packages.star",
    "python.star",
    "python_modules.star",
    "python_tools.star",
    "readers.star",
    "remote.star",
    "runners.star",
    "rust.star",
    "secrets.star",
    "services.star",
    "shells.star",
    "streams.star",
    "system_packages.star",
    "testing.star",
    "text.star",
    "tracers.star",
    "users.star",
    "uv.star",
    "version_control.star",
    "wrappers.star",
];

/// `NAME[ NAME...]<TAB>FILE<TAB>MODEL` on each line.
const DATA: &str = include_str!("builtin.jsonl");

/// A model, and its text until it is asked for.
struct BuiltinEntry {
    names: &'static str,
    file: &'static str,
    text: &'static str,
    model: OnceLock<Option<CommandModel>>,
}

impl BuiltinEntry {
    fn model(&self) -> Option<&CommandModel> {
        let read = || serde_json::from_str(self.text).ok();
        self.model.get_or_init(read).as_ref()
    }
}

/// The entries, and which of them each name is for.
struct Table {
    entries: Vec<BuiltinEntry>,
    by_name: HashMap<&'static str, usize>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        entries: Vec::new(),
        by_name: HashMap::new(),
    };
    for line in DATA.lines() {
        let mut parts = line.splitn(3, '\t');
        let (Some(names), Some(file), Some(text)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        for name in names.split(' ') {
            table.by_name.insert(name, table.entries.len());
        }
        table.entries.push(BuiltinEntry {
            names,
            file,
            text,
            model: OnceLock::new(),
        });
    }
    table
});

/// The number of the entry for `name`: one of its own, or the one of the program that it is a release of.
pub(super) fn known_as(name: &str) -> Option<usize> {
    let number = |name: &str| TABLE.by_name.get(name).copied();
    number(name).or_else(|| number(unversioned(name)?))
}

/// The program that `name` is a release of: perl of `perl5.36.0`, clang of `clang-15`.
pub(super) fn unversioned(name: &str) -> Option<&str> {
    /// A longer number is no release.
    const DIGITS: usize = 3;
    let number = name.find(|letter: char| letter.is_ascii_digit())?;
    let (program, version) = name.split_at_checked(number)?;
    // What follows says what it was built for.
    let version = version.split('-').next().unwrap_or_default();
    let is_number = |part: &str| {
        (1..=DIGITS).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let program = program.strip_suffix('-').unwrap_or(program);
    (program.len() > 1 && version.split('.').all(is_number)).then_some(program)
}

/// The names with a model that `name`, a last component, is a release of: `pip3` and `pip` of `pip3.12`.
pub fn released(name: &OsStr) -> impl Iterator<Item = &OsStr> {
    let has_digit = name.as_bytes().iter().any(u8::is_ascii_digit);
    let name = name.to_str().filter(|_| has_digit).unwrap_or_default();
    let program = unversioned(name);
    let major = program.and_then(|_| name.split_once('.'));
    let shorter = [major.map(|(major, _)| major), program];
    let known = |name: &&str| TABLE.by_name.contains_key(name);
    shorter.into_iter().flatten().filter(known).map(OsStr::new)
}

/// The model of the program called `name`, a last component; a release of a program has that one's.
pub fn builtin(name: &str) -> Option<&'static CommandModel> {
    TABLE.entries.get(known_as(name)?)?.model()
}

/// Whether there is a model of the program called `name`.
pub fn knows(name: &str) -> bool {
    known_as(name).is_some()
}

/// The text that says so, with all that its file says.
pub fn source(name: &str) -> Option<&'static str> {
    let entry = TABLE.entries.get(known_as(name)?)?;
    let mut sources = SOURCES.iter();
    let (_, text) = sources.find(|(file, _)| *file == entry.file)?;
    Some(text)
}

/// Whether any program acts by the variable `name`: that says which repository, cluster, account or settings.
pub fn says_what_is_acted_on(name: &OsStr) -> bool {
    let mut models = TABLE.entries.iter().filter_map(BuiltinEntry::model);
    models.any(|model| model.acts_by(name))
}

/// Each program's names, as the model has them, and the file that says so; sorted.
pub fn programs() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.entries.iter().map(|entry| (entry.names, entry.file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_has_the_model_of_its_program() {
        for (name, program) in [
            ("perl5.36.0", Some("perl")),
            ("perl5.36-x86_64-linux-gnu", Some("perl")),
            ("python3.99", Some("python")),
            ("ruby3.1", Some("ruby")),
            ("tclsh8.6", Some("tclsh")),
            ("gpg2", Some("gpg")),
            ("clang-15", Some("clang")),
            ("perl", None),
            ("ed25519", None),
            ("perl5x", None),
            ("perl5.", None),
            ("5.36", None),
        ] {
            assert_eq!(unversioned(name), program, "{name}");
        }
        let all = |name: &'static str| released(OsStr::new(name)).collect::<Vec<_>>();
        assert_eq!(all("pip3.12"), ["pip3", "pip"]);
        assert_eq!(all("gcc-12"), ["gcc"]);
        for name in ["pip", "frob3", "md5sum", "7z"] {
            assert!(all(name).is_empty(), "{name}");
        }
        for name in ["perl5.36.0", "ruby3.1", "tclsh8.6", "gpg2", "python3.99"] {
            assert!(builtin(name).is_some() && knows(name), "{name}");
        }
        assert!(builtin("ed25519").is_none());
    }
}
