//! The models in the binary.

use std::collections::BTreeMap;
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
    "text.star",
    "tracers.star",
    "users.star",
    "uv.star",
    "wrappers.star",
];

/// `NAME[ NAME...]<TAB>FILE<TAB>MODEL` on each line.
const DATA: &str = include_str!("builtin.jsonl");

/// A model, and its text until it is asked for.
struct Entry {
    names: &'static str,
    file: &'static str,
    text: &'static str,
    model: OnceLock<Option<CommandModel>>,
}

/// The entries, and which of them each name is for.
struct Table {
    entries: Vec<Entry>,
    by_name: BTreeMap<&'static str, usize>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        entries: Vec::new(),
        by_name: BTreeMap::new(),
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
        table.entries.push(Entry {
            names,
            file,
            text,
            model: OnceLock::new(),
        });
    }
    table
});

/// The model of the program called `name`, a last component.
pub fn builtin(name: &str) -> Option<&'static CommandModel> {
    let entry = TABLE.entries.get(*TABLE.by_name.get(name)?)?;
    let read = || serde_json::from_str(entry.text).ok();
    entry.model.get_or_init(read).as_ref()
}

/// Whether there is a model of the program called `name`.
pub fn knows(name: &str) -> bool {
    TABLE.by_name.contains_key(name)
}

/// The text that says so, with all that its file says.
pub fn source(name: &str) -> Option<&'static str> {
    let entry = TABLE.entries.get(*TABLE.by_name.get(name)?)?;
    let mut sources = SOURCES.iter();
    let (_, text) = sources.find(|(file, _)| *file == entry.file)?;
    Some(text)
}

/// Each program's names, as the model has them, and the file that says so; sorted.
pub fn programs() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.entries.iter().map(|entry| (entry.names, entry.file))
}
